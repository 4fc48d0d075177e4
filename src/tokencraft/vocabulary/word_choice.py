"""The localised choice: for every word the segmentation of the semantic type that fits it (arXiv 2406.14312).

    F(x) = sum of G[piece] over the pieces of x;  p = (F + 1) / TF;  E(x) = -p log2 p;  the candidate of least E wins

Candidates are the longest-match segmentations with the base's pieces and those of one type, and the base's own.
Evidence below a threshold, abbreviations and words without letters keep the base's; so does a sequence that would
become longer, or much shorter where a limit is set.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tokencraft.errors import UsageError, VocabularyError

BASE = "base"
"""The source of a word that keeps the segmentation of the base."""
_CACHED_WORDS = 1 << 17
_CACHED_LENGTH = 64
"""Longer words hardly come again, and would fill the memory."""
_LARGEST_P = 0.36
"""-p log2 p falls again beyond 1/e, where counts are tiny; there more evidence must not look like less."""


@dataclass(frozen=True, eq=False)
class WordChoice:
    """What the choice between segmentations goes by.

    Args:
        types: ids of the pieces that each semantic type adds to the base, by the type's name; the order breaks ties.
        base_size: ids below belong to the base vocabulary.
        counts: G of the text of each token, without its mark, by id, int64 ``[n]``; 0 where no concept holds it.
        total: TF, the sum of G over all n-grams.
        threshold: tau, in counts: a word for which no type's segmentation reaches it keeps the base's. 0 for none.
        strip_prefix: count the evidence of all pieces; by default that of the first alone, every further one as 1,
            which is what the published results did and what tells types apart better.
        lower_case: look for the pieces of types in the word in lower case.
        fertility_limit: f: a sequence that would need fewer pieces by this share or more keeps the base's segmentation;
            0 always keeps it, 1 never.
        guard: a sequence that would need more pieces keeps the base's segmentation.
    """

    types: Mapping[str, tuple[int, ...]]
    base_size: int
    counts: npt.NDArray[np.int64] = field(repr=False)
    total: int
    threshold: float = 0.0
    strip_prefix: bool = False
    lower_case: bool = True
    fertility_limit: float = 1.0
    guard: bool = True

    def __post_init__(self) -> None:
        if BASE in self.types:
            raise UsageError(f"a semantic type cannot be called {BASE!r}, which is the name of the base vocabulary")
        if self.threshold < 0:
            raise UsageError(f"the threshold is a count, 0 or more, not {self.threshold}")

    def evidence(self, count: float) -> float:
        """E of F = ``count - 1``: -p log2 p of p = count / TF.

        Example:
            >>> round(WordChoice({}, 0, np.zeros(0, np.int64), 1000).evidence(11), 5)  # two pieces: 9 and unseen
            0.07157
        """
        if self.total <= 0 or count <= 0:
            return 0.0
        p = min(count / self.total, _LARGEST_P)
        return -p * math.log2(p)

    def score(self, ids: Sequence[int]) -> float:
        """E of a segmentation; the lower, the fewer, rarer and more specific its pieces."""
        known = len(self.counts)
        total = 0
        for position, identifier in enumerate(ids):
            counted = position == 0 or self.strip_prefix
            total += max(1, int(self.counts[identifier])) if counted and identifier < known else 1
        return self.evidence(total + 1)

    def keeps_base(self, base: int, mixed: int) -> bool:
        """Whether a sequence of ``base`` pieces, ``mixed`` with the choice, keeps the base's segmentation."""
        fewer = (base - mixed) / base if base else 0.0
        if self.fertility_limit <= 0 or (self.guard and fewer < 0):
            return True
        return self.fertility_limit < 1 and (fewer >= self.fertility_limit or fewer < 0)


class Segmentation(NamedTuple):
    """A word in pieces.

    Args:
        source: the semantic type, or ``"base"``.
        ids: of the pieces, or the unknown token alone.
        lengths: UTF-8 bytes of the word that each piece stands for.
        score: E; 0 where no choice was made.
    """

    source: str
    ids: tuple[int, ...]
    lengths: tuple[int, ...]
    score: float = 0.0


class Chosen(NamedTuple):
    """The choice for a word: what was taken, what the base would do, and all candidates."""

    taken: Segmentation
    base: Segmentation
    candidates: tuple[Segmentation, ...] = ()


class WordSegmenter:
    """Segments words by a :class:`WordChoice`; words that come again are remembered.

    Args:
        pieces: strings by id that words may become; empty for special tokens and holes.
        choice: what to go by.
        mark: what a piece inside a word begins with: ``"##"``, or nothing.
        unknown: id of the unknown token; None where there is none.
        longest_word: characters beyond which a word is unknown.
    """

    def __init__(
        self, pieces: Sequence[str], choice: WordChoice, *, mark: str, unknown: int | None, longest_word: int
    ) -> None:
        self.choice = choice
        self.pieces = pieces
        self._mark = mark
        self._unknown = unknown
        self._longest_word = longest_word
        self._base = {piece: number for number, piece in enumerate(pieces[: choice.base_size]) if piece}
        self._types = {
            name: self._base | {pieces[number]: number for number in ids} for name, ids in choice.types.items()
        }
        self._longest_piece = max(map(len, pieces), default=1)
        self._remembered = lru_cache(_CACHED_WORDS)(self._choose)

    def choose(self, word: str, original: str) -> Chosen:
        """The choice for a word, given as normalised and as it stands in the text."""
        return (self._remembered if len(word) <= _CACHED_LENGTH else self._choose)(word, original)

    def cut(self, source: str, word: str) -> Segmentation:
        """The segmentation of a word by one type, or by the base."""
        return self._match(word, source, self._base if source == BASE else self._types[source])

    def sequence(self, words: Sequence[tuple[str, str]]) -> list[Segmentation]:
        """Segment the words of a sequence, each given as normalised and as it stands in the text."""
        chosen = [self.choose(word, original) for word, original in words]
        if self.keeps_base(chosen):
            return [each.base for each in chosen]
        return [each.taken for each in chosen]

    def keeps_base(self, chosen: Sequence[Chosen]) -> bool:
        """Whether the words of a sequence, taken together, keep the base's segmentation.

        A word that only a type can spell counts alike on both sides: unknown is short, and no better for it.
        """
        base = mixed = 0
        for each in chosen:
            mixed += len(each.taken.ids)
            spelled = not self.choice.guard or each.base.ids != (self._unknown,)
            base += len((each.base if spelled else each.taken).ids)
        return self.choice.keeps_base(base, mixed)

    def _choose(self, word: str, original: str) -> Chosen:
        base = self._match(word, BASE, self._base)
        shown = original.strip()
        if not self._types or shown.isupper() or not any(map(str.isalpha, shown)):
            return Chosen(base, base)
        folded = _lower(word) if self.choice.lower_case else word
        typed = [self._match(folded, name, known) for name, known in self._types.items()]
        candidates = (*typed, base)
        if all(each.score < self.choice.evidence(self.choice.threshold) for each in typed):
            return Chosen(base, base, candidates)
        spelled = [each for each in candidates if each.ids != (self._unknown,)] or [base]
        return Chosen(min(spelled, key=lambda each: each.score), base, candidates)

    def _match(self, word: str, source: str, known: Mapping[str, int]) -> Segmentation:
        """The longest pieces from the left; unknown where a part of the word has none."""
        ids: list[int] = []
        lengths: list[int] = []
        at, mark = 0, ""
        if len(word) <= self._longest_word:
            while at < len(word):
                for end in range(min(len(word), at + self._longest_piece), at, -1):
                    identifier = known.get(mark + word[at:end])
                    if identifier is not None:
                        break
                else:
                    break
                ids.append(identifier)
                lengths.append(len(word[at:end].encode("utf-8")))
                at, mark = end, self._mark
        if at == len(word):
            return Segmentation(source, tuple(ids), tuple(lengths), self.choice.score(ids))
        if self._unknown is None:
            raise VocabularyError(f"the vocabulary has neither pieces for {word!r:.60} nor an unknown token")
        return Segmentation(source, (self._unknown,), (len(word.encode("utf-8")),), self.choice.score([self._unknown]))


def _lower(word: str) -> str:
    """The word in lower case, its length in bytes kept, so that offsets stay those of the text (``İ`` stays)."""
    lowered = word.lower()
    if word.isascii() or lowered == word:
        return lowered
    return "".join(
        small if len(small.encode("utf-8")) == len(letter.encode("utf-8")) else letter
        for letter, small in ((letter, letter.lower()) for letter in word)
    )
