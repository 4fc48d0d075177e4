r"""Arithmetic tokenization: how a vocabulary cuts numbers, and what the direction of the cuts does to addition.

Singh, Strouse, "Tokenization counts: the impact of tokenization on arithmetic in frontier LLMs", arXiv 2402.14903. With
the share :math:`s_p` of the numbers of one length that are cut into partition p, two random numbers are cut alike with

.. math:: P(\text{match}) = \sum_p s_p^2

which is 1 for groups counted from an end, 0.505 for the four-digit numbers of GPT-2. Models are asked by
:class:`tokencraft.measure.AdditionBench`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from tokencraft.errors import UsageError
from tokencraft.measure.measurement import Measurement, named_vocabularies
from tokencraft.measure.number_row import COLUMNS, NumberRow, Partition
from tokencraft.paper import Paper
from tokencraft.report import OnProgress, run_context
from tokencraft.vocabulary import Vocabulary
from tokencraft.vocabulary.numbers import number_coverage

PAPER = Paper(
    "tokenization-counts",
    "Tokenization counts: the impact of tokenization on arithmetic in frontier LLMs",
    "2402.14903",
    2024,
)


@dataclass(frozen=True)
class ArithmeticTokenization:
    """Audit of how vocabularies cut numbers: coverage, partitions, match probability.

    Args:
        max_digits: numbers of 1 to this many digits, at most 18, all zero-padded strings of each length.
        sample: strings of a length beyond five digits, drawn at random with replacement.
        seed: of the sample.

    Raises:
        UsageError: a value is outside its range.

    Example:
        >>> from tokencraft.vocabulary import split
        >>> vocabulary = Vocabulary.from_merges([], splitter=split.GPT2)
        >>> row = ArithmeticTokenization(max_digits=2).measure(vocabulary).row(digits=2, after_space=False)
        >>> row.commonest, row.match_probability, row.policies
        ('[1][2]', 1.0, ('single',))
    """

    paper: ClassVar[Paper] = PAPER

    max_digits: int = 4
    sample: int = 100_000
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the arguments."""
        if not 1 <= self.max_digits <= 18:
            raise UsageError(f"max_digits is 1 to 18, not {self.max_digits}")
        if self.sample < 1:
            raise UsageError(f"sample is 1 or more, not {self.sample}")

    def measure(
        self,
        vocabularies: Vocabulary | Mapping[str, Vocabulary],
        *,
        threads: int | None = None,
        progress: OnProgress | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> Measurement[NumberRow]:
        """Cut numbers of every length, alone and behind a space.

        Args:
            vocabularies: one, or several by name.
            threads: for encoding; None takes every core.
            progress: called with the numbers that were cut so far.
            context: seed, versions, hardware and command; found out where left out.

        Returns:
            Two rows for each vocabulary and length.
        """
        named = named_vocabularies(vocabularies)
        strings = {length: self._strings(length) for length in range(1, self.max_digits + 1)}
        total = 2 * len(named) * sum(map(len, strings.values()))
        done = 0
        rows = []
        for name, vocabulary in named.items():
            coverage = number_coverage(vocabulary)
            held = _digits_held(vocabulary)
            for length, numbers in strings.items():
                for space in ("", " "):
                    batch = vocabulary.encode_batch([space + number for number in numbers], threads=threads)
                    partitions = _partitions(held[batch.ids], batch.offsets, length)
                    rows.append(
                        NumberRow(
                            vocabulary=name,
                            digits=length,
                            after_space=bool(space),
                            numbers=len(numbers),
                            exhaustive=length <= _EXHAUSTIVE,
                            tokens=len(batch.ids),
                            partitions=partitions,
                            coverage=coverage,
                        )
                    )
                    done += len(numbers)
                    if progress is not None:
                        progress("numbers", done, total)
        context = context or run_context(seed=self.seed)
        return Measurement("How numbers are cut", tuple(rows), COLUMNS, context)

    def _strings(self, length: int) -> list[str]:
        """All strings of a length, or a sample of them, the same for every vocabulary."""
        if length <= _EXHAUSTIVE:
            return [f"{value:0{length}}" for value in range(10**length)]
        generator = np.random.default_rng(np.random.SeedSequence([self.seed, length]))
        return [f"{value:0{length}}" for value in generator.integers(10**length, size=self.sample).tolist()]


_EXHAUSTIVE = 5


def _digits_held(vocabulary: Vocabulary) -> npt.NDArray[np.int64]:
    """Digits of each token by id, 0 for white space, int64 ``[n]``; -1 for anything else."""
    held = np.full(len(vocabulary), -1, np.int64)
    for identifier, token in enumerate(vocabulary.tokens):
        stripped = token.lstrip(b" ")
        if token and (not stripped or (stripped.isdigit() and stripped.isascii())):
            held[identifier] = len(stripped)
    return held


def _partitions(held: npt.NDArray[np.int64], offsets: npt.NDArray[np.int64], length: int) -> dict[Partition, int]:
    """How often numbers were cut into groups of which lengths, the most frequent first."""
    counts: Counter[Partition] = Counter()
    for start, end in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
        counts[tuple(held[start:end].tolist())] += 1
    # A number has few ways to be cut, so the tokens of spaces are taken out of those and not of every number.
    merged: Counter[Partition] = Counter()
    for found, count in counts.items():
        whole = min(found, default=-1) >= 0 and sum(found) == length
        merged[tuple(size for size in found if size) if whole else ()] += count
    return dict(sorted(merged.items(), key=lambda item: (-item[1], item[0])))
