"""The longest match as stock ``tokenizers`` can do it in linear time: a pattern of all tokens that cuts text first.

The pattern is the tree of the tokens, ``(?:a(?:b(?:c)?)?|b)`` for a, ab, abc, b. It tries the longest way through the
tree first, so what it cuts out is the longest token that begins there; characters without a token are what is left
between. A BPE model without merges then looks every piece up as a whole (``ignore_merges``), and spells in bytes what
it does not find. ``tokenizers``' WordPiece model would match alike, but in a time that grows with the cube of the text:
it is made for single words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tokencraft.vocabulary import byte_level
from tokencraft.vocabulary.kinds import TokenKind
from tokencraft.vocabulary.split import WHOLE

_ESCAPED = frozenset(r"\^$.|?*+()[]{}")


def pattern_of(tokens: Iterable[str]) -> str:
    """The regular expression that matches the longest of some strings; one that never matches where there are none.

    Args:
        tokens: strings that are not empty.

    Example:
        >>> pattern_of(["a", "ab", "abc", "b", "xyz"])
        '(?:a(?:b(?:c)?)?|b|xyz)'
    """
    ordered = sorted(set(tokens))
    if not ordered:
        return "(?!)"
    written: list[str] = []
    # What is still to be written, last first: text, or the tokens [begin, end) from their character `depth` on. A stack
    # of our own, because tokens may be longer than Python's.
    waiting: list[str | tuple[int, int, int]] = [")", (0, len(ordered), 0), "(?:"]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            written.append(item)
            continue
        begin, end, depth = item
        parts: list[str | tuple[int, int, int]] = []
        while begin < end:
            first = ordered[begin]
            last = begin + 1
            while last < end and ordered[last][depth] == first[depth]:
                last += 1
            if parts:
                parts.append("|")
            shared = _shared(first, ordered[last - 1])
            parts.append(
                "".join("\\" + character if character in _ESCAPED else character for character in first[depth:shared])
            )
            if last - begin > 1:  # sorted: what the first and the last share, all between them share
                is_token = len(first) == shared
                parts += ["(?:", (begin + is_token, last, shared), ")?" if is_token else ")"]
            begin = last
        waiting += reversed(parts)
    return "".join(written)


def pre_tokenizer(tokens: Sequence[bytes], kinds: Sequence[TokenKind]) -> dict[str, Any]:
    """The pre-tokenizer that cuts text into the longest of the ordinary tokens, and what lies between them."""
    text = (token.decode("utf-8") for token, kind in zip(tokens, kinds, strict=True) if kind == TokenKind.NORMAL)
    split = {"type": "Split", "pattern": {"Regex": pattern_of(text)}, "behavior": "Isolated", "invert": False}
    return {"type": "Sequence", "pretokenizers": [split, byte_level.pre_tokenizer(WHOLE)]}


def is_candidate(model: Mapping[str, Any], pre_tokenizer: Mapping[str, Any] | None) -> bool:
    """Whether the parts of a ``tokenizer.json`` may be those of a longest match; tells it at a glance."""
    if model.get("type") != "BPE" or model.get("merges") or not model.get("ignore_merges"):
        return False
    steps = pre_tokenizer.get("pretokenizers") if pre_tokenizer is not None else None
    return isinstance(steps, list) and len(steps) == 2 and steps[1] == byte_level.pre_tokenizer(WHOLE)


def _shared(first: str, second: str) -> int:
    """How many characters two strings begin with alike."""
    for index, (left, right) in enumerate(zip(first, second, strict=False)):
        if left != right:
            return index
    return min(len(first), len(second))
