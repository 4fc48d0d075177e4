"""How long random chunks of text are: ranges of lengths in characters, each with its probability."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from tokencraft.errors import UsageError

SUPERTOKENIZER: Mapping[str, float] = {
    "4-5": 0.044,
    "6-7": 0.091,
    "8-9": 0.146,
    "10-11": 0.171,
    "12-13": 0.185,
    "14-15": 0.171,
    "16-17": 0.146,
    "18-19": 0.091,
    "20-21": 0.044,
    "22-23": 0.011,
}
"""What the published SuperTokenizer is configured with. It sums to 1.1, which its own check refuses; here it is
normalised."""

_LONGEST = 1 << 31


@dataclass(frozen=True)
class ChunkLengths:
    """A distribution of lengths: a range is drawn by its weight, then a length in it, all alike.

    Args:
        ranges: (shortest, longest, weight), lengths in characters; weights need not sum to 1.

    Raises:
        UsageError: there is no range, a range is empty, or a weight is negative.

    Example:
        >>> ChunkLengths.parse("20-60").ranges
        ((20, 60, 1.0),)
    """

    ranges: tuple[tuple[int, int, float], ...]

    def __post_init__(self) -> None:
        """Check the ranges."""
        for shortest, longest, weight in self.ranges:
            if not 1 <= shortest <= longest < _LONGEST:
                raise UsageError(f"random chunks need 1 <= shortest <= longest, not {shortest} and {longest}")
            if not 0.0 <= weight < math.inf:
                raise UsageError(f"the weight of chunk lengths is 0 or more, not {weight}")
        if not sum(weight for _, _, weight in self.ranges) > 0.0:
            raise UsageError("chunk lengths need at least one range with a weight above 0")

    @classmethod
    def parse(cls, lengths: str | Mapping[str, float]) -> ChunkLengths:
        """The distribution that a text or a mapping from range to weight describes.

        Args:
            lengths: ``"20-60"`` (all lengths alike), ``"12"``, several ranges with weights (``"4-9:0.3,10-20:0.7"``),
                ``"supertokenizer"`` (:data:`SUPERTOKENIZER`), or ``{"4-9": 0.3, "10-20": 0.7}``.

        Raises:
            UsageError: it is none of these.
        """
        if isinstance(lengths, str):
            lengths = SUPERTOKENIZER if lengths == "supertokenizer" else _weights(lengths)
        return cls(tuple((*_range(text), float(weight)) for text, weight in lengths.items()))

    @property
    def total(self) -> float:
        """The sum of the weights."""
        return math.fsum(weight for _, _, weight in self.ranges)

    @property
    def cumulative(self) -> list[tuple[int, int, float]]:
        """(shortest, longest, probability of this range or one before it)."""
        sums = itertools.accumulate(weight for _, _, weight in self.ranges)
        return [
            (shortest, longest, upto / self.total)
            for (shortest, longest, _), upto in zip(self.ranges, sums, strict=True)
        ]

    @property
    def shortest(self) -> int:
        """The least length."""
        return min(shortest for shortest, _, weight in self.ranges if weight > 0.0)

    @property
    def longest(self) -> int:
        """The largest length."""
        return max(longest for _, longest, weight in self.ranges if weight > 0.0)

    def probabilities(self) -> dict[int, float]:
        """The probability of every length, by length; lengths that never come are left out.

        Example:
            >>> ChunkLengths.parse({"1-2": 0.5, "2": 0.5}).probabilities()
            {1: 0.25, 2: 0.75}
        """
        found: dict[int, float] = {}
        for shortest, longest, weight in self.ranges:
            for length in range(shortest, longest + 1) if weight > 0.0 else ():
                found[length] = found.get(length, 0.0) + weight / self.total / (longest - shortest + 1)
        return dict(sorted(found.items()))


def _weights(text: str) -> dict[str, float]:
    """Weight by range, from ``RANGE:WEIGHT,RANGE:WEIGHT`` or ``RANGE``."""
    parts = text.split(",")
    weights: dict[str, float] = {}
    for part in parts:
        name, colon, weight = part.strip().partition(":")
        if not colon and len(parts) > 1:
            raise UsageError(f"chunk lengths {text!r}: {part!r} has no weight; write several as 4-9:0.3,10-20:0.7")
        try:
            weights[name] = float(weight) if colon else 1.0
        except ValueError:
            raise UsageError(f"chunk lengths {text!r}: the weight {weight!r} is no number") from None
    return weights


def _range(text: str) -> tuple[int, int]:
    """``"20-60"`` as (20, 60), ``"7"`` as (7, 7)."""
    found = re.fullmatch(r"\s*([0-9]+)\s*(?:-\s*([0-9]+)\s*)?", text)
    if not found:
        raise UsageError(
            f"chunk lengths are written 20-60, 4-9:0.3,10-20:0.7, or supertokenizer; {text!r} is no range of lengths"
        )
    return int(found[1]), int(found[2] or found[1])
