"""A byte-level BPE vocabulary as tiktoken's ranks, where ranks can say all that it does."""

from __future__ import annotations

import base64
import gzip
import re
from pathlib import Path
from typing import Any

import numpy as np
import tiktoken

from tokencraft.errors import VocabularyError
from tokencraft.report import atomic_path, write_json
from tokencraft.vocabulary import merges, split
from tokencraft.vocabulary.bytes import components
from tokencraft.vocabulary.kinds import TokenKind
from tokencraft.vocabulary.numbers import DigitGroups
from tokencraft.vocabulary.split_patterns import PATTERNS
from tokencraft.vocabulary.tiktoken_ranks import meta_beside
from tokencraft.vocabulary.vocabulary import Vocabulary

# Scripts, digits, white space and contractions: where two engines' readings of one pattern would part.
_SAMPLE = (
    "It's 3,141,592 o'clock: we'LL   see\n\n  what\tcomes \r\n next...  ÄPFEL, naïve cafés; Ελλάδα Москва हिन्दी "
    "ภาษาไทย 中文字符 日本語 한국어 עברית العربية "
    "\U0001f600\U0001f680 ½²³ ١٢٣ x=y+1; // {'a': [1, 2]}\u00a0\u2003\u3000 end \n "
    "1234567  12.3456789\n\n2024-05  12345 \n 678"
)


def to_encoding(vocabulary: Vocabulary) -> tiktoken.Encoding:
    """See :meth:`Vocabulary.to_tiktoken`.

    Tokens around the text (a post-processor's template) are no part of it: with tiktoken the caller adds them.
    """
    _check_kind(vocabulary)
    special_tokens = _special_tokens(vocabulary)
    pattern = _pattern(vocabulary)
    ranks = _ranks(vocabulary)
    name = vocabulary.origin.method or "tokencraft"
    try:
        encoding = tiktoken.Encoding(name, pat_str=pattern, mergeable_ranks=ranks, special_tokens=special_tokens)
        theirs = encoding.encode_ordinary(_SAMPLE)
    except Exception as error:  # The extension raises whatever its regex engine raises, ValueError among them.
        raise VocabularyError(f"tiktoken refuses this vocabulary: {error}") from None
    if theirs != vocabulary.encode(_SAMPLE).tolist():
        raise VocabularyError(
            f"tiktoken reads the split pattern {pattern!r} in another way; it would encode differently"
        )
    return encoding


def write(vocabulary: Vocabulary, path: Path) -> None:
    """Write the rank file and its ``.meta.json``.

    Raises:
        VocabularyError: where ranks cannot hold the vocabulary.
    """
    encoding = to_encoding(vocabulary)
    lines = b"".join(
        base64.b64encode(token) + b" %d\n" % rank
        for token, rank in sorted(encoding._mergeable_ranks.items(), key=lambda item: item[1])
    )
    meta: dict[str, Any] = {"pattern": encoding._pat_str, "special_tokens": encoding._special_tokens}
    names = {identifier: content for content, identifier in encoding._special_tokens.items()}
    meta["roles"] = {role: names[identifier] for role, identifier in vocabulary.special_tokens.items()}
    if vocabulary.chat_template is not None:
        meta["chat_template"] = vocabulary.chat_template
    if vocabulary.origin:
        meta["origin"] = vocabulary.origin.to_json()
    write_json(meta_beside(path), meta)
    with atomic_path(path) as temporary:
        temporary.write_bytes(gzip.compress(lines, mtime=0) if path.suffix == ".gz" else lines)


def _check_kind(vocabulary: Vocabulary) -> None:
    if vocabulary.algorithm not in ("bpe-merges", "bpe-ranks") or vocabulary.family != "byte-level":
        raise _refused(f"it is a {vocabulary.family} {vocabulary.algorithm} vocabulary, not a byte-level BPE")
    if vocabulary.normalizer is not None:
        raise _refused(f"it normalizes text ({vocabulary.normalizer.get('type')}), tiktoken does not")
    flags = vocabulary.flags
    if flags.dropout or flags.end_of_word_suffix or flags.continuing_subword_prefix:
        raise _refused("it uses dropout, or marks on the parts of words")


def _ranks(vocabulary: Vocabulary) -> dict[bytes, int]:
    """Ids by bytes of all tokens that text can produce, checked to merge as the vocabulary does."""
    ranks: dict[bytes, int] = {}
    for identifier, (token, kind) in enumerate(zip(vocabulary.tokens, vocabulary.kinds, strict=True)):
        if kind in (TokenKind.NORMAL, TokenKind.BYTE):
            if token in ranks:
                raise _refused(f"the tokens {ranks[token]} and {identifier} are the same bytes {token!r}")
            ranks[token] = identifier
    if missing := [value for value in range(256) if bytes([value]) not in ranks]:
        raise _refused(f"it has no token for the byte 0x{missing[0]:02X}")
    _check_merges(vocabulary, ranks)
    return ranks


def _check_merges(vocabulary: Vocabulary, ranks: dict[bytes, int]) -> None:
    """Ranks must give back the merges: in this order, and the same two parts for every token."""
    made = vocabulary.merged
    if (falls := np.flatnonzero(np.diff(made) < 0)).size:
        at = int(falls[0])
        raise _refused(
            f"merge {at + 1} makes id {made[at + 1]} after merge {at} made {made[at]}, but a rank is id and priority"
        )
    pairs = set(map(tuple, vocabulary.merges.tolist()))
    recovered = merges.recover(ranks)
    for token, identifier in ranks.items():
        pair = recovered.get(identifier)
        if pair is None and len(token) > 1 and not vocabulary.flags.ignore_merges:
            raise _refused(f"no merge reaches the token {token!r} (id {identifier}), but tiktoken would find it whole")
        if pair is not None and pair not in pairs:
            left, right = (vocabulary.tokens[part] for part in pair)
            raise _refused(f"tiktoken would merge {left!r} and {right!r} into id {identifier}; the vocabulary does not")


def _special_tokens(vocabulary: Vocabulary) -> dict[str, int]:
    for entry in vocabulary.added_tokens:
        if not entry.get("special"):
            raise _refused(
                f"the added token {entry['content']!r} is always cut out of text, tiktoken does that on demand"
            )
        if entry.get("lstrip") or entry.get("rstrip") or entry.get("single_word"):
            raise _refused(f"the special token {entry['content']!r} takes white space with it or stands alone only")
    return {entry["content"]: entry["id"] for entry in vocabulary.added_tokens}


def _pattern(vocabulary: Vocabulary) -> str:
    """One regular expression whose matches are the pieces; tiktoken drops what lies between matches."""
    splitter = vocabulary.splitter
    if splitter is None or any(part.get("add_prefix_space") for part in components(vocabulary.pre_tokenizer)):
        raise _refused("its pre-tokenizer does more than cut text")
    steps = list(components(splitter.to_pre_tokenizer()))
    if not steps:
        return r"[\s\S]+"
    known = splitter.known if isinstance(splitter, split.Regex) else None
    if known is not None and known.groups is not None and len(PATTERNS[known.number]) < 2:
        return _with_digits(known.groups, known.number)
    if len(steps) > 1:
        raise _refused(f"it cuts text by {len(steps)} patterns one after another, tiktoken by one")
    pattern = str(steps[0]["pattern"]["Regex"])
    return pattern if splitter.native in _COVERING else _covering(pattern)


def _with_digits(groups: DigitGroups, number: int) -> str:
    """Digit groups and a pattern in one: wherever the pattern asks for the end of the text, a digit will do.

    The pattern sees each stretch between digits as a text of its own; its branches for numbers must leave digits alone.
    """
    base = "".join(PATTERNS[number])
    others = rf"[^\P{{N}}{groups.digit}]"
    body = re.sub(r"(?:(?<=\| \?)|(?<=\|)|^)\\p\{N\}", lambda _: others, base)
    body = body.replace(r"(?!\S)", rf"(?![^\s{groups.digit}])").replace("$", rf"(?!\P{{{groups.digits}}})")
    pattern = f"{groups.pattern}|{body}" if body else groups.pattern
    return pattern if number in _COVERING else _covering(pattern)


def _covering(pattern: str) -> str:
    """The pattern, and what lies between its matches."""
    return rf"{pattern}|(?>(?:(?!{pattern})[\s\S])+)"


_COVERING = {
    each.native
    for each in (
        split.GPT2,
        split.CL100K,
        split.CL100K_TIKTOKEN,
        split.LLAMA3,
        split.QWEN2,
        split.O200K,
        split.O200K_LISTED,
        split.SUPERBPE_V2_STAGE1,
    )
}


def _refused(reason: str) -> VocabularyError:
    return VocabularyError(f"tiktoken cannot hold this vocabulary: {reason}; save it as tokenizer.json instead")
