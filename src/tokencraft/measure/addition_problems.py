"""Addition problems of chosen lengths: problem ``i`` of a seed is the same however many are drawn.

The length of the answer matters: where it is longer than both operands, groups counted from the left do not line up
with those of the operands (arXiv 2402.14903, section 4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from tokencraft.errors import UsageError

Triple = tuple[int, int, int]

TRIPLES: tuple[Triple, ...] = (
    (7, 7, 7),
    (7, 7, 8),
    (8, 7, 8),
    (7, 8, 8),
    (8, 7, 9),
    (7, 8, 9),
    (8, 8, 8),
    (8, 8, 9),
    (9, 7, 9),
    (7, 9, 9),
    (9, 8, 9),
    (8, 9, 9),
    (9, 9, 9),
)
"""The paper's digits of both operands and of the answer; in four of the thirteen the answer is longer than both."""


@dataclass(frozen=True)
class Addition:
    """One problem, a + b.

    Args:
        first, second: the operands, 0 or more.
    """

    first: int
    second: int

    def __post_init__(self) -> None:
        """Check the arguments."""
        if self.first < 0 or self.second < 0:
            raise UsageError(f"operands are 0 or more, not {self.first} and {self.second}")

    @property
    def answer(self) -> int:
        """The sum."""
        return self.first + self.second

    @property
    def lengths(self) -> Triple:
        """Digits of the operands and of the answer.

        Example:
            >>> Addition(8_899_989, 1_654_321).lengths
            (7, 7, 8)
        """
        return len(str(self.first)), len(str(self.second)), len(str(self.answer))

    @property
    def len_match(self) -> bool:
        """Whether the answer has as many digits as an operand."""
        return self.lengths[2] in self.lengths[:2]


def by_operand_lengths(
    lengths: Sequence[int] = (7, 8, 9), count: int = 90, *, seed: int = 0, draw: int = 0
) -> list[Addition]:
    """Problems that cycle through all pairs of lengths, each operand uniform among the numbers of its length.

    Args:
        lengths: digits of an operand.
        count: problems.
        seed: of all of them.
        draw: of other problems of the same lengths, for examples; 0 is the problems themselves.

    Raises:
        UsageError: a length is less than 1.

    Example:
        >>> [problem.lengths[:2] for problem in by_operand_lengths((1, 3), 5)]
        [(1, 1), (1, 3), (3, 1), (3, 3), (1, 1)]
    """
    if not lengths or min(lengths) < 1:
        raise UsageError(f"numbers have 1 digit or more, not {list(lengths)}")
    pairs = list(product(lengths, repeat=2))
    problems = []
    for index in range(count):
        generator = _generator(seed, index, draw)
        problems.append(Addition(*(_uniform(generator, 10 ** (n - 1), 10**n) for n in pairs[index % len(pairs)])))
    return problems


def by_triples(triples: Sequence[Triple] = TRIPLES, each: int = 100, *, seed: int = 0, draw: int = 0) -> list[Addition]:
    """Problems whose operands and answer have exact lengths, in the order of the triples.

    Args:
        triples: digits of both operands and of the answer.
        each: problems of a triple.
        seed, draw: as in :func:`by_operand_lengths`.

    Raises:
        UsageError: no sum of such operands has so many digits.

    Example:
        >>> {problem.lengths for problem in by_triples([(2, 3, 4)], 9)}
        {(2, 3, 4)}
    """
    for triple in triples:
        longest = max(triple[:2])
        if min(triple) < 1 or not longest <= triple[2] <= longest + 1:
            raise UsageError(
                f"no sum of {triple[0]} and {triple[1]} digits has {triple[2]}: it has {longest} or one more"
            )
    repeated = [triple for triple in triples for _ in range(each)]
    return [_of_triple(_generator(seed, index, draw), triple) for index, triple in enumerate(repeated)]


def _of_triple(generator: np.random.Generator, triple: Triple) -> Addition:
    """Short operand, then answer, then long operand, so that no draw is thrown away."""
    first, second, total = triple
    fewer, more = min(first, second), max(first, second)
    short = _uniform(generator, 10 ** (fewer - 1), min(10**fewer, 10**total - 10 ** (more - 1)))
    low = max(10 ** (total - 1), short + 10 ** (more - 1))
    long = _uniform(generator, low, min(10**more + short, 10**total)) - short
    return Addition(short, long) if first < second else Addition(long, short)


def _generator(seed: int, index: int, draw: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence([seed, index, draw] if draw else [seed, index]))


def _uniform(generator: np.random.Generator, low: int, high: int) -> int:
    """An integer in ``[low, high)``, of any size."""
    span = high - low
    if span < 2**63:
        return low + int(generator.integers(span))
    bits = span.bit_length()
    while True:  # at least every second draw fits
        drawn = int.from_bytes(generator.bytes((bits + 7) // 8), "little") >> (-bits % 8)
        if drawn < span:
            return low + drawn
