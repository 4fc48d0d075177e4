"""How much of a vocabulary's pieces are words and morphemes, and the columns that show it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from tokencraft.measure.boundaries import Boundaries
from tokencraft.report import Column, Table

GUARD = 2
"""Characters from which a unit counts in the guarded view: single letters are in most lexicons."""


class Unit(NamedTuple):
    """What was found about one surface unit.

    Args:
        is_word: whether the language has it.
        is_atom: whether it is one morpheme.
        tokens: how many tokens of the text hold it.
    """

    is_word: bool
    is_atom: bool
    tokens: int


@dataclass(frozen=True)
class IntegrityRow:
    """One vocabulary on one part of the data.

    Args:
        vocabulary, data: names.
        vocab_size: ids of the vocabulary.
        documents, bytes, characters, words, tokens: counts; bytes are UTF-8, words are what white space separates.
        units: the strings between white space in the distinct tokens of the text, and what they are.
        occurrences: tokens of the text by the units they hold; tokens of white space alone are left out.
        min_length: characters from which a unit counts as a word or an atom; shorter ones stay in the denominator.
        seconds: of encoding on one thread, the median of several runs.
        official_seconds: of encoding once and decoding every id by itself; None unless asked for.
        boundaries: cuts against gold segmentations; None without any.
    """

    vocabulary: str
    data: str
    vocab_size: int
    documents: int
    bytes: int
    characters: int
    words: int
    tokens: int
    units: Mapping[str, Unit] = field(repr=False)
    occurrences: Mapping[tuple[str, ...], int] = field(repr=False)
    min_length: int
    seconds: float
    official_seconds: float | None = None
    boundaries: Boundaries | None = None

    def percent(self, what: Literal["word", "atom"], *, weighted: bool = False, min_length: int | None = None) -> float:
        """Units that are words, or atoms.

        Args:
            what: ``"word"`` for %TR, ``"atom"`` for %Pure.
            weighted: of the tokens of the text, in place of the distinct units; a token of several units counts where
                all of them do.
            min_length: see the class; the row's own where left out.

        Returns:
            0 to 100; NaN where there are no units.
        """
        least = self.min_length if min_length is None else min_length
        good = {
            text
            for text, unit in self.units.items()
            if len(text) >= least and (unit.is_word if what == "word" else unit.is_atom)
        }
        if weighted:
            hits = sum(count for units, count in self.occurrences.items() if good.issuperset(units))
            return _percent(hits, sum(self.occurrences.values()))
        return _percent(len(good), len(self.units))

    @property
    def unique_units(self) -> int:
        """|U|: a vocabulary with few has the easier denominator."""
        return len(self.units)

    @property
    def word_percent(self) -> float:
        """%TR: units that are words."""
        return self.percent("word")

    @property
    def atom_percent(self) -> float:
        """%Pure: units that are one morpheme."""
        return self.percent("atom")

    @property
    def word_token_percent(self) -> float:
        """Tokens that are words."""
        return self.percent("word", weighted=True)

    @property
    def atom_token_percent(self) -> float:
        """Tokens that are one morpheme."""
        return self.percent("atom", weighted=True)

    @property
    def guarded_word_token_percent(self) -> float:
        """Tokens that are words of two characters or more."""
        return self.percent("word", weighted=True, min_length=max(GUARD, self.min_length))

    @property
    def guarded_atom_token_percent(self) -> float:
        """Tokens that are one morpheme of two characters or more."""
        return self.percent("atom", weighted=True, min_length=max(GUARD, self.min_length))

    @property
    def undecodable(self) -> int:
        """Units with bytes that are no whole character."""
        return sum("\ufffd" in text for text in self.units)

    @property
    def fertility(self) -> float:
        """Tokens a word."""
        return self.tokens / self.words if self.words else math.nan

    @property
    def bytes_per_token(self) -> float:
        """Compression."""
        return self.bytes / self.tokens if self.tokens else math.nan

    @property
    def megabytes_per_second(self) -> float:
        """Speed of encoding on one thread, 10^6 bytes a second."""
        return self.bytes / 1e6 / max(self.seconds, 1e-9)

    @property
    def boundary_precision(self) -> float:
        """Share of the cuts inside words that separate morphemes; NaN without gold segmentations."""
        return self.boundaries.precision if self.boundaries else math.nan

    @property
    def boundary_recall(self) -> float:
        """Share of the places where morphemes meet that are cut."""
        return self.boundaries.recall if self.boundaries else math.nan

    @property
    def boundary_f1(self) -> float:
        """Harmonic mean of both."""
        return self.boundaries.f1 if self.boundaries else math.nan

    @property
    def morph_score(self) -> float:
        """Recall over the words that are cut at all."""
        return self.boundaries.morph_score if self.boundaries else math.nan

    def units_table(self, failed: bool = False) -> Table:
        """Every unit with its verdict, the most frequent first.

        Args:
            failed: only units that are no words.
        """
        shown = sorted(self.units.items(), key=lambda item: (-item[1].tokens, item[0]))
        rows = [
            [text, unit.tokens, unit.is_word, unit.is_atom] for text, unit in shown if not (failed and unit.is_word)
        ]
        return Table(f"Units of {self.vocabulary}", ["unit", Column("tokens"), "word", "atom"], rows)

    def to_official_row(self) -> dict[str, Any]:
        """The columns of the published tables by their names: counts, seconds, and shares rounded to four digits."""
        seconds = self.seconds if self.official_seconds is None else self.official_seconds
        words = sum(unit.is_word for unit in self.units.values())
        atoms = sum(unit.is_atom for unit in self.units.values())
        size = len(self.units)
        return {
            "vocab_size": self.vocab_size,
            "tokens_count": self.tokens,
            "time": seconds,
            "unique_token_count": size,
            "turkish_token_count": words,
            "turkish_token_percent": round(words / size, 4) if size else math.nan,
            "pure_token_count": atoms,
            "pure_token_percent": round(atoms / size, 4) if size else math.nan,
        }


COLUMNS = (
    ("data", Column("data")),
    ("vocabulary", Column("vocabulary")),
    ("vocab_size", Column("size", "entries")),
    ("bytes", Column("bytes")),
    ("tokens", Column("tokens")),
    ("fertility", Column("fertility", "tokens/word")),
    ("unique_units", Column("units")),
    ("word_percent", Column("words", "% of units")),
    ("atom_percent", Column("pure", "% of units")),
    ("word_token_percent", Column("word tokens", "% of tokens")),
    ("atom_token_percent", Column("pure tokens", "% of tokens")),
    ("guarded_word_token_percent", Column("word tokens 2+", "% of tokens")),
    ("guarded_atom_token_percent", Column("pure tokens 2+", "% of tokens")),
    ("boundary_precision", Column("boundary precision")),
    ("boundary_recall", Column("boundary recall")),
    ("boundary_f1", Column("boundary F1")),
    ("morph_score", Column("recall if cut")),
    ("undecodable", Column("undecodable", "units")),
    ("megabytes_per_second", Column("speed", "MB/s")),
)


def _percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else math.nan
