"""Vocabularies of round sizes: what fills them up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from tokencraft.errors import UsageError
from tokencraft.vocabulary import TokenKind, Vocabulary, specials

PadWith = Literal["reserved", "merges", "whitespace"]


def padded_size(size: int, pad_to: int | str) -> int:
    """The size to fill a vocabulary up to.

    Args:
        size: entries that there are.
        pad_to: ``"none"``, ``"pow2"`` for the next power of two, or a number to have a multiple of.

    Raises:
        UsageError: it is something else.

    Example:
        >>> padded_size(5000, "pow2"), padded_size(8192, "pow2"), padded_size(5000, 64)
        (8192, 8192, 5056)
    """
    if pad_to == "none":
        return size
    if pad_to == "pow2":
        return 1 << (size - 1).bit_length()
    if isinstance(pad_to, str) or pad_to < 1:
        raise UsageError(f"pad_to is 'none', 'pow2' or a number to have a multiple of, not {pad_to!r}")
    return -(-size // pad_to) * pad_to


def check_padding(pad_to: int | str, pad_with: PadWith) -> None:
    """Refuse padding of another kind, before anything is learned.

    Raises:
        UsageError: see above.
    """
    padded_size(1, pad_to)
    if pad_with not in ("reserved", "merges", "whitespace"):
        raise UsageError(f"pad_with is 'reserved', 'merges' or 'whitespace', not {pad_with!r}")


def padded(vocabulary: Vocabulary, size: int, pad_with: PadWith) -> Vocabulary:
    """The vocabulary with ``size`` ids.

    Args:
        vocabulary: what to fill up.
        size: ids in the end.
        pad_with: ``"whitespace"``: runs of spaces and of line ends, as the released KL3M vocabularies have them; else
            tokens that no text produces.
    """
    if pad_with != "whitespace":
        return vocabulary.pad_to(size)
    return with_text_tokens(vocabulary, white_runs(vocabulary, size - len(vocabulary)))


def white_runs(vocabulary: Vocabulary, count: int, *, as_written: bool = False) -> list[str]:
    """The shortest runs of spaces and of line ends that the vocabulary lacks, both from 2 on.

    Args:
        vocabulary: what to compare with.
        count: how many.
        as_written: as the published script does, compare with the strings of ``tokenizer.json``, where a space is
            written ``Ġ``, so that every run is new.
    """
    written = set(vocabulary.pieces) if as_written else ()
    runs: list[str] = []
    length = 2
    while len(runs) < count:
        for run in (" " * length, "\n" * length):
            if run not in written if as_written else vocabulary.id_of(run.encode("utf-8")) is None:
                runs.append(run)
        length += 1
    return runs[:count]


def with_text_tokens(vocabulary: Vocabulary, contents: Iterable[str]) -> Vocabulary:
    """A copy with more added tokens that are found anywhere in text, before anything else cuts it."""
    new = list(contents)
    first = len(vocabulary)
    added = tuple(
        {**specials.added_token(first + index, content), "normalized": True, "special": False}
        for index, content in enumerate(new)
    )
    return vocabulary.replace(
        tokens=vocabulary.tokens + tuple(content.encode("utf-8") for content in new),
        kinds=vocabulary.kinds + (TokenKind.NORMAL,) * len(new),
        added_tokens=vocabulary.added_tokens + added,
        outside_model=vocabulary.outside_model | frozenset(range(first, first + len(new))),
    )
