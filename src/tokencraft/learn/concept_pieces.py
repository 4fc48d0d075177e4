"""Candidate pieces of the words of a semantic type, and which of them make its vocabulary (arXiv 2406.14312).

A word's own n-grams, weighted by how often the type has them, are merged like a corpus of its own: a few merges tell
which strings inside the word belong together. The word is cut greedily by those, and its first piece into syllables.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping

from tokencraft.errors import UsageError
from tokencraft.vocabulary.ngrams import NgramCounts

_SYLLABLE = re.compile(r"[aeiouy]+[^aeiouy]+|[aeiouy]+|[^aeiouy]+[aeiouy]+|[^aeiouy]")
SYLLABLES_FROM = 4
"""A first piece of as many characters is cut into pseudo-syllables."""


def syllables_of(text: str) -> list[str]:
    """Pseudo-syllables: vowels and what follows, vowels, what stands before vowels with them, or one consonant.

    Example:
        >>> syllables_of("albumin"), syllables_of("peni"), syllables_of("strength")
        (['alb', 'um', 'in'], ['pe', 'ni'], ['stre', 'n', 'g', 't', 'h'])
    """
    return _SYLLABLE.findall(text)


def candidates(
    words: Mapping[str, int],
    counts: NgramCounts,
    *,
    merges: int = 20,
    longest: int = 5,
    syllables: bool = True,
    official: bool = False,
    threads: int | None = None,
    progress: Callable[[int], object] | None = None,
) -> dict[tuple[bool, str], int]:
    """Value by piece, where a piece is (whether it begins a word, its text) and its value is G_S of its text.

    Args:
        words: the words of a type.
        counts: G_S.
        merges, longest, threads, progress: as :meth:`~tokencraft.vocabulary.ngrams.NgramCounts.cut` has them.
        syllables: cut the first piece of a word, if it has 4 characters or more, into pseudo-syllables.
        official: as the published code does: a piece that starts with the letter of its word counts as one that begins
            a word, and a string that begins words is no other piece.
    """
    found: dict[tuple[bool, str], None] = {}
    cut = counts.cut(list(words), merges=merges, longest=longest, threads=threads, progress=progress)
    for word, pieces in zip(words, cut, strict=True):
        if syllables and len(pieces[0]) >= SYLLABLES_FROM:
            pieces[:1] = syllables_of(pieces[0])
        for position, piece in enumerate(pieces):
            begins = position == 0 or (official and piece[0] == word[0])
            if not (official and not begins and (True, piece) in found):
                found[begins, piece] = None
    values = counts.of([text for _, text in found]).tolist()
    return dict(zip(found, values, strict=True))


def select(
    values: Mapping[tuple[bool, str], int],
    number: int | None,
    *,
    min_value: int = 0,
    min_share: float = 0.0,
    alphabetical: bool = False,
) -> list[tuple[bool, str]]:
    """The pieces that make a vocabulary, the best first.

    Args:
        values: see :func:`candidates`.
        number: how many at most; None for all.
        min_value: least value of a piece.
        min_share: delta: the least share of all values that a piece must exceed.
        alphabetical: the first by spelling, ``##`` before letters, as the released vocabularies were cut.

    Returns:
        The pieces: by value, of equal ones the shorter first, then by the alphabet, the beginning of words first.
    """
    if number is not None and number < 0:
        raise UsageError(f"the number of pieces of a type must be 0 or more, not {number}")
    total = sum(values.values()) or 1
    kept = [piece for piece, value in values.items() if value >= min_value and value / total > min_share]
    if alphabetical:
        kept.sort(key=lambda piece: piece[1] if piece[0] else "##" + piece[1])
    else:
        kept.sort(key=lambda piece: (-values[piece], len(piece[1]), piece[1], not piece[0]))
    return kept[:number]


def entropy_of(values: Mapping[tuple[bool, str], int]) -> float:
    """Entropy of the shares of the values, in nats: what the paper looks at when it scans delta."""
    total = sum(values.values())
    shares = Counter(values.values())
    return -sum(times * value / total * math.log(value / total) for value, times in shares.items() if value)
