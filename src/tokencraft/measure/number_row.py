"""How the numbers of one length are cut by one vocabulary, and the columns that show it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from tokencraft.report import Column, Table
from tokencraft.vocabulary.numbers import DigitGroups, group

Partition = tuple[int, ...]


@dataclass(frozen=True)
class NumberRow:
    """One vocabulary on the strings of one number of digits.

    Args:
        vocabulary: its name.
        digits: digits of a number, zeros in front included.
        after_space: whether a space stood before the number.
        numbers: strings that were cut: all of them, or a sample.
        exhaustive: whether it was all of them.
        tokens: of all numbers together, a token for the space included.
        partitions: how many numbers were cut into groups of these lengths, the most frequent first; ``()`` counts those
            whose tokens do not spell the digits back.
        coverage: strings of 1 to 3 digits that are tokens, of 1,110.
    """

    vocabulary: str
    digits: int
    after_space: bool
    numbers: int
    exhaustive: bool
    tokens: int
    partitions: Mapping[Partition, int] = field(repr=False)
    coverage: int = 0

    @property
    def single_token_share(self) -> float:
        """Share of the numbers whose digits are one token."""
        return self.partitions.get((self.digits,), 0) / self.numbers

    @property
    def match_probability(self) -> float:
        """Chance that two random numbers of this length are cut alike: the sum of the squared shares."""
        return math.fsum((count / self.numbers) ** 2 for count in self.partitions.values())

    @property
    def commonest(self) -> str:
        """The most frequent partition, as in ``[12][34]``."""
        return spelled(next(iter(self.partitions)))

    @property
    def commonest_share(self) -> float:
        """Its share of the numbers."""
        return next(iter(self.partitions.values())) / self.numbers

    @property
    def tokens_per_number(self) -> float:
        """Tokens a number."""
        return self.tokens / self.numbers

    @property
    def policies(self) -> tuple[str, ...]:
        """Ways to cut runs of digits that give every number of this length these groups: ``single``, ``l2r3``, ...

        Short numbers do not tell the ways apart: 123 is one group from either end.
        """
        if len(self.partitions) != 1:
            return ()
        (found,) = self.partitions
        ways = [DigitGroups(1), *(DigitGroups(k, way) for k in range(2, 10) for way in ("l2r", "r2l"))]
        run = "0" * self.digits
        return tuple(w.policy or "" for w in ways if tuple(map(len, group(run, w.size, w.direction))) == found)

    def partition_table(self) -> Table:
        """Every partition with its share, the most frequent first."""
        rows = [[spelled(key), count, count / self.numbers] for key, count in self.partitions.items()]
        title = f"{self.digits} digits by {self.vocabulary}"
        return Table(title, ["partition", Column("numbers"), Column("share")], rows)


def spelled(partition: Partition) -> str:
    """A partition in the digits 1, 2, 3, ...

    Example:
        >>> spelled((2, 2)), spelled((1, 3))
        ('[12][34]', '[1][234]')
    """
    digits = iter("1234567890" * (sum(partition) // 10 + 1))
    return "".join("[" + "".join(next(digits) for _ in range(size)) + "]" for size in partition) or "unreadable"


COLUMNS = (
    ("vocabulary", Column("vocabulary")),
    ("digits", Column("digits")),
    ("after_space", Column("after space")),
    ("numbers", Column("numbers")),
    ("coverage", Column("numbers 0-999", "tokens of 1,110")),
    ("single_token_share", Column("one token", "share")),
    ("tokens_per_number", Column("tokens", "tokens/number")),
    ("commonest", Column("commonest cut")),
    ("commonest_share", Column("its share")),
    ("match_probability", Column("match probability")),
)
