"""Candidate pieces of the words of a semantic type, and which of them make its vocabulary (arXiv 2406.14312).

A word's own n-grams, weighted by how often the type has them, are merged like a corpus of its own: a few merges tell
which strings inside the word belong together. The word is cut greedily by those, and its first piece into syllables.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Mapping

from tokencraft.errors import UsageError
from tokencraft.vocabulary.ngrams import ngrams

END = "</w>"
_SYLLABLE = re.compile(r"[aeiouy]+[^aeiouy]+|[aeiouy]+|[^aeiouy]+[aeiouy]+|[^aeiouy]")
SYLLABLES_FROM = 4
"""A first piece at least as long is cut into syllables."""


def merged_strings(word: str, counts: Mapping[str, int], merges: int = 20, *, tails_again: bool = False) -> set[str]:
    """M_w: what the most frequent pairs inside the n-grams of a word make.

    Args:
        word: in lower case.
        counts: G_S by n-gram; 1 for one that is not there.
        merges: how many to make at most.
        tails_again: as in :func:`~tokencraft.vocabulary.ngrams.ngrams`; it decides which of equal pairs comes first.

    Example:
        >>> sorted(merged_strings("aba", {"ab": 5}, merges=1))
        ['ab']
    """
    table = dict.fromkeys(ngrams(word, tails_again=tails_again))
    entries = [([*ngram[:-1], ngram[-1] + END], counts.get(ngram, 1)) for ngram in table]
    made: set[str] = set()
    for _ in range(merges):
        pairs: dict[tuple[str, str], int] = {}
        for symbols, weight in entries:
            for pair in itertools.pairwise(symbols):
                pairs[pair] = pairs.get(pair, 0) + weight
        if not pairs:
            break
        best = max(pairs, key=pairs.__getitem__)  # of equal ones the first that was met
        if pairs[best] < 2:
            break
        made.add("".join(best).replace(END, ""))
        entries = [(_merged(symbols, best), weight) for symbols, weight in entries]
    return made


def _merged(symbols: list[str], pair: tuple[str, str]) -> list[str]:
    result: list[str] = []
    at = 0
    while at < len(symbols):
        if symbols[at] == pair[0] and at + 1 < len(symbols) and symbols[at + 1] == pair[1]:
            result.append(symbols[at] + symbols[at + 1])
            at += 2
        else:
            result.append(symbols[at])
            at += 1
    return result


def pieces_of(word: str, known: set[str], *, longest: int = 5, syllables: bool = True) -> list[str]:
    """A word cut into pieces: from the left the longest known string, else a character.

    Args:
        word: in lower case.
        known: the strings.
        longest: most characters of a piece.
        syllables: cut the first piece, if it has 4 characters or more, into pseudo-syllables.

    Example:
        >>> pieces_of("aspirin", {"aspi", "rin"}), pieces_of("aspirin", {"aspi", "rin"}, syllables=False)
        (['asp', 'i', 'rin'], ['aspi', 'rin'])
    """
    pieces: list[str] = []
    at = 0
    while at < len(word):
        size = next((n for n in range(min(longest, len(word) - at), 1, -1) if word[at : at + n] in known), 1)
        pieces.append(word[at : at + size])
        at += size
    if syllables and pieces and len(pieces[0]) >= SYLLABLES_FROM:
        pieces[:1] = syllables_of(pieces[0])
    return pieces


def syllables_of(text: str) -> list[str]:
    """Pseudo-syllables: vowels and what follows, vowels, what stands before vowels with them, or one consonant.

    Example:
        >>> syllables_of("albumin"), syllables_of("peni"), syllables_of("strength")
        (['alb', 'um', 'in'], ['pe', 'ni'], ['stre', 'n', 'g', 't', 'h'])
    """
    return _SYLLABLE.findall(text)


def candidates(
    words: Mapping[str, int],
    counts: Mapping[str, int],
    *,
    merges: int = 20,
    longest: int = 5,
    syllables: bool = True,
    official: bool = False,
) -> dict[tuple[bool, str], int]:
    """Value by piece, where a piece is (whether it begins a word, its text) and its value is G_S of its text.

    Args:
        words: the words of a type.
        counts: G_S.
        merges, longest, syllables: as above.
        official: as the published code does: a piece that starts with the letter of its word counts as one that begins
            a word, and a string that begins words is no other piece.
    """
    found: dict[tuple[bool, str], int] = {}
    for word in words:
        known = merged_strings(word, counts, merges, tails_again=official)
        for position, piece in enumerate(pieces_of(word, known, longest=longest, syllables=syllables)):
            begins = position == 0 or (official and piece[0] == word[0])
            if official and not begins and (True, piece) in found:
                continue
            found[begins, piece] = counts.get(piece, 0)
    return found


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
