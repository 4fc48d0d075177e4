r"""Morpheme segmentation: how well a vocabulary, or a segmenter, cuts words into their morphemes.

The metric of the SIGMORPHON 2022 shared task, as "Biomedical Language Models are Robust to Sub-optimal Tokenization",
arXiv 2306.17649, takes it: pieces g against gold morphemes m in canonical form (``congruent|ity``),

.. math:: P = 100\,\frac{\sum \mathrm{LCS}(g, m)}{\sum |g|}, \qquad R = 100\,\frac{\sum \mathrm{LCS}(g, m)}{\sum |m|}

and beside it precision and recall of the cuts in the word as it is written (``congru|ity``), since no vocabulary can
write what a word does not hold. The paper's own finding: better morphemes did not make its models better.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from tokencraft.errors import CorpusError, UsageError
from tokencraft.measure.boundaries import Boundaries, Cuts, pieces_of, token_cuts
from tokencraft.measure.measurement import Measurement, named_vocabularies
from tokencraft.measure.sequence_distance import common_lengths, edit_distances
from tokencraft.paper import Paper
from tokencraft.report import Column, OnProgress, run_context
from tokencraft.vocabulary import Vocabulary

if TYPE_CHECKING:
    from tokencraft.morphology import Segmented

Pieces = Sequence[str]

CEILING = "perfect cuts"
"""The row of the gold cuts themselves: the highest that cutting alone can reach."""


class Segmenter(Protocol):
    """Anything that cuts words, such as a ``MorphemeSegmenter``; it may change their letters."""

    def segment(self, words: Sequence[str]) -> Sequence[Pieces]:
        """The pieces of every word."""
        ...


@dataclass(frozen=True)
class SegmentationRow:
    """One vocabulary or segmenter on one part of the gold words.

    Args:
        vocabulary, data: names.
        words: how many.
        gold, pieces, overlap: canonical morphemes, pieces, and their longest common subsequences, over all words.
        distance: mean edit distance between ``congru|ity`` and ``congruent|ity``.
        exact: share of the words whose pieces are the gold morphemes.
        cuts: of the words as they are written; None for pieces that do not add up to their words.
    """

    vocabulary: str
    data: str
    words: int
    gold: int
    pieces: int
    overlap: int
    distance: float
    exact: float
    cuts: Boundaries | None = None

    @property
    def precision(self) -> float:
        """Percent of the pieces that are gold morphemes."""
        return 100 * self.overlap / self.pieces if self.pieces else 0.0

    @property
    def recall(self) -> float:
        """Percent of the gold morphemes that are pieces."""
        return 100 * self.overlap / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        """Their harmonic mean, percent; 0 where both are."""
        return 200 * self.overlap / (self.pieces + self.gold) if self.overlap else 0.0

    @property
    def pieces_per_word(self) -> float:
        """Pieces a word."""
        return self.pieces / self.words

    @property
    def gold_per_word(self) -> float:
        """Gold morphemes a word."""
        return self.gold / self.words

    @property
    def boundary_precision(self) -> float:
        """Share of the cuts that separate morphemes."""
        return self.cuts.precision if self.cuts else math.nan

    @property
    def boundary_recall(self) -> float:
        """Share of the places where morphemes meet that are cut."""
        return self.cuts.recall if self.cuts else math.nan

    @property
    def boundary_f1(self) -> float:
        """Harmonic mean of both."""
        return self.cuts.f1 if self.cuts else math.nan


_COLUMNS = (
    ("data", Column("data")),
    ("vocabulary", Column("vocabulary")),
    ("words", Column("words")),
    ("precision", Column("precision", "%")),
    ("recall", Column("recall", "%")),
    ("f1", Column("F1", "%")),
    ("distance", Column("distance", "edits")),
    ("exact", Column("exact", "share of words")),
    ("pieces_per_word", Column("pieces", "pieces/word")),
    ("gold_per_word", Column("gold", "morphemes/word")),
    ("boundary_precision", Column("boundary precision")),
    ("boundary_recall", Column("boundary recall")),
    ("boundary_f1", Column("boundary F1")),
)


@dataclass(frozen=True)
class MorphemeSegmentation:
    """Precision, recall and F1 of pieces against gold morphemes, and of cuts against the places where morphemes meet.

    Args:
        after_space: take words as inside a sentence, with a space before them.
        lowercase: compare in lower case, for vocabularies and segmenters that write nothing else.
        ceiling: add a row for the gold cuts themselves, since canonical morphemes are not what a word holds: it says
            what cutting could reach.

    Example:
        >>> from tokencraft.morphology import Segmented
        >>> from tokencraft.vocabulary import split
        >>> vocabulary = Vocabulary.from_merges([(64, 65)], splitter=split.GPT2)
        >>> gold = [Segmented("abab", "ab @@ab"), Segmented("ba", "ba")]
        >>> MorphemeSegmentation(ceiling=False).measure(vocabulary, gold).rows[0].f1
        57.142857142857146
    """

    paper: ClassVar[Paper] = Paper(
        "biomedical-segmentation",
        "Biomedical Language Models are Robust to Sub-optimal Tokenization",
        "2306.17649",
        2023,
    )

    after_space: bool = True
    lowercase: bool = False
    ceiling: bool = True

    def measure(
        self,
        vocabularies: Vocabulary | Segmenter | Mapping[str, Vocabulary | Segmenter],
        data: Sequence[Segmented] | Mapping[str, Sequence[Segmented]],
        *,
        threads: int | None = None,
        progress: OnProgress | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> Measurement[SegmentationRow]:
        """Cut the gold words with every vocabulary and segmenter, and compare.

        Args:
            vocabularies: one, or several by name; also anything with ``segment(words)``.
            data: gold words, as :func:`~tokencraft.morphology.read_segmentations` gives them, or several lists by
                name, for example those of :func:`by_category`.
            threads: for encoding; None takes every core.
            progress: called with the vocabularies done.
            context: seed, versions, hardware and command; found out where left out.

        Returns:
            One row for each vocabulary on each part of the data.

        Raises:
            CorpusError: there are no gold words.
        """
        from tokencraft.morphology import bio_to_segments, segments_to_bio

        named = _named(vocabularies)
        rows: list[SegmentationRow] = []
        parts = data if isinstance(data, Mapping) else {"all": data}
        for done, (name, gold) in enumerate(parts.items()):
            if not gold:
                raise CorpusError(f"{name}: there are no gold words to measure on")
            words = [row.word for row in gold]
            canonical = [self._forms(row.segments.replace("@@", "").split()) for row in gold]
            surface = [bio_to_segments(row.word, _tags(row, segments_to_bio)) for row in gold]
            expected = _cuts(words, surface)
            guesses = {key: self._pieces(each, words, threads) for key, each in named.items()}
            if self.ceiling:
                guesses[CEILING] = surface, expected
            for key, (pieces, cuts) in guesses.items():
                boundaries = None if cuts is None or expected is None else Boundaries.of(expected, cuts)
                guess = [self._forms(each) for each in pieces]
                rows.append(score_segmentation(canonical, guess, vocabulary=key, data=name, cuts=boundaries))
            if progress is not None:
                progress("segmenting", done + 1, len(parts))
        several = len(parts) > 1
        columns = tuple(pair for pair in _COLUMNS if several or pair[0] != "data")
        return Measurement("Morpheme segmentation", tuple(rows), columns, context or run_context())

    def _forms(self, pieces: Pieces) -> list[str]:
        return [piece.lower() for piece in pieces] if self.lowercase else list(pieces)

    def _pieces(
        self, vocabulary: Vocabulary | Segmenter, words: list[str], threads: int | None
    ) -> tuple[Sequence[Pieces], list[Cuts] | None]:
        """The pieces of words, and where they meet if that can be told."""
        if not isinstance(vocabulary, Vocabulary):
            pieces = vocabulary.segment(words)
            return pieces, _cuts(words, pieces)
        cuts = token_cuts(vocabulary, words, after_space=self.after_space, threads=threads)
        return [pieces_of(word, own) for word, own in zip(words, cuts, strict=True)], cuts


def score_segmentation(
    gold: Sequence[Pieces],
    guess: Sequence[Pieces],
    *,
    vocabulary: str = "",
    data: str = "all",
    cuts: Boundaries | None = None,
) -> SegmentationRow:
    """The scores of the shared task for pieces from anywhere.

    Args:
        gold: canonical morphemes of every word.
        guess: pieces of every word.
        vocabulary, data: names for the row.
        cuts: of the words as written, for the row.

    Raises:
        UsageError: there are no words, or not as many of both.

    Example:
        >>> row = score_segmentation([["a", "b", "c"]], [["a", "c"]])
        >>> row.precision, round(row.recall, 2), round(row.f1, 2), row.distance
        (100.0, 66.67, 80.0, 2.0)
    """
    if not gold or len(gold) != len(guess):
        raise UsageError(f"{len(gold)} gold words and {len(guess)} guesses; there must be as many, and at least one")
    distances = edit_distances(["|".join(each) for each in gold], ["|".join(each) for each in guess])
    return SegmentationRow(
        vocabulary=vocabulary,
        data=data,
        words=len(gold),
        gold=sum(map(len, gold)),
        pieces=sum(map(len, guess)),
        overlap=int(common_lengths(gold, guess).sum()),
        distance=float(distances.mean()),
        exact=float((distances == 0).mean()),
        cuts=cuts,
    )


def by_category(gold: Sequence[Segmented]) -> dict[str, list[Segmented]]:
    """All gold words, then those of each category (inflection, derivation, compounding as digits), sorted.

    Example:
        >>> from tokencraft.morphology import Segmented
        >>> list(by_category([Segmented("cats", "cat @@s", "100"), Segmented("of", "of", "000")]))
        ['all', '000', '100']
    """
    found: dict[str, list[Segmented]] = {"all": list(gold)}
    for category in sorted({row.category for row in gold} - {""}):
        found[category] = [row for row in gold if row.category == category]
    return found


def _named(vocabularies: Vocabulary | Segmenter | Mapping[str, Any]) -> dict[str, Vocabulary | Segmenter]:
    if isinstance(vocabularies, (Vocabulary, Mapping)):
        return dict(named_vocabularies(vocabularies))
    return {"segmenter": vocabularies}


def _tags(row: Segmented, segments_to_bio: Any) -> str:
    """Tags of the word as written; words whose length changes in lower case stay whole, since tags are of that."""
    tags: str = segments_to_bio(row.word, row.segments)
    return tags if len(tags) == len(row.word) else "B" + "I" * (len(row.word) - 1)


def _cuts(words: Sequence[str], pieces: Sequence[Pieces]) -> list[Cuts] | None:
    """Where pieces meet; None where those of some word are not as long as the word."""
    found: list[Cuts] = []
    for word, own in zip(words, pieces, strict=True):
        ends = list(accumulate(map(len, own)))
        if (ends[-1] if ends else 0) != len(word):
            return None
        found.append(tuple(len(word[:end].encode("utf-8")) for end in ends[:-1]))
    return found
