"""How runs of digits are cut into the pieces that numbers are made of: one by one, or in groups from either end.

    size 3, left to right:   1234567 -> 123|456|7
    size 3, right to left:   1234567 -> 1|234|567

Grouped from the right, the digits of two numbers line up by place value, which is what addition needs. Single digits
are the safest choice for a new model.

Singh, Strouse, "Tokenization counts: the impact of tokenization on arithmetic in frontier LLMs", arXiv 2402.14903.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any, Literal, get_args

import regex

from tokencraft.errors import UsageError

if TYPE_CHECKING:
    from tokencraft.vocabulary.vocabulary import Vocabulary

Direction = Literal["l2r", "r2l"]
POLICIES = ("single", "l2r3", "r2l3", "any")

LONGEST_RUN = 510
"""Digits of a run that are grouped from the right; of a longer run, those before are grouped from the left.

A regular expression counts the digits that are left before it can cut, again at every cut: without a limit, a long run
costs the square of its length.
"""
_FRACTION_GROUPS = 6


@dataclass(frozen=True)
class DigitGroups:
    r"""Cuts runs of digits into groups (arXiv 2402.14903), and nothing else.

    Args:
        size: most digits of a group, 1 to 9.
        direction: ``"r2l"``: groups are counted from the right end of a run, so that the first may be shorter;
            ``"l2r"``: from the left.
        fraction: how the digits behind a decimal point (a full stop that stands behind a digit) are grouped where
            ``direction`` is ``"r2l"``: ``"l2r"`` from the point on, up to six groups; ``"plain"`` as any other run,
            which suits dates and versions (2024.05.12).
        digits: what a digit is: ``"Nd"``, the decimal digits of every script; ``"N"``, also ½, ² and Ⅷ.

    Raises:
        UsageError: a value is outside its range.

    Example:
        >>> DigitGroups().split("x = 1234567 + 12.3456")
        ['x = ', '1', '234', '567', ' + ', '12', '.', '345', '6']
    """

    size: int = 3
    direction: Direction = "r2l"
    fraction: Literal["l2r", "plain"] = "l2r"
    digits: Literal["Nd", "N"] = "Nd"

    def __post_init__(self) -> None:
        """Check the arguments; where ``fraction`` makes no difference, it is ``"plain"``."""
        if not 1 <= self.size <= 9:
            raise UsageError(f"a group has 1 to 9 digits, not {self.size}")
        for name, known in (("direction", ("l2r", "r2l")), ("fraction", ("l2r", "plain")), ("digits", ("Nd", "N"))):
            if getattr(self, name) not in known:
                raise UsageError(f"{name} is {' or '.join(map(repr, known))}, not {getattr(self, name)!r}")
        if self.size == 1:
            object.__setattr__(self, "direction", "l2r")
        if self.direction == "l2r":
            object.__setattr__(self, "fraction", "plain")

    @classmethod
    def parse(cls, policy: str) -> DigitGroups | None:
        """The groups that a name stands for: ``single``, ``l2r3``, ``r2l3`` (or another size); None for ``any``.

        Raises:
            UsageError: there is no such policy.

        Example:
            >>> DigitGroups.parse("single")
            DigitGroups(size=1, direction='l2r', fraction='plain', digits='Nd')
        """
        if policy == "any":
            return None
        if policy == "single":
            return cls(1)
        if found := re.fullmatch(r"(l2r|r2l)([1-9])", policy):
            return cls(int(found[2]), "r2l" if found[1] == "r2l" else "l2r")
        raise UsageError(f"digits are cut by one of {', '.join(POLICIES)}, not {policy!r}")

    @property
    def policy(self) -> str | None:
        """The name that :meth:`parse` takes; None where no name says it all."""
        name = "single" if self.size == 1 else f"{self.direction}{self.size}"
        return name if self.parse(name) == self else None

    @cached_property
    def digit(self) -> str:
        """The class of the digits as a regular expression."""
        return rf"\p{{{self.digits}}}"

    @property
    def whole(self) -> str:
        """Stands before another regular expression so that it leaves groups whole: between groups it never matches."""
        return rf"{self.digit}+|"

    @cached_property
    def pattern(self) -> str:
        r"""The regular expression whose matches are the groups, for ``tokenizers``, ``tiktoken`` and ``regex`` alike.

        Example:
            >>> DigitGroups(3, "l2r").pattern
            '\\p{Nd}{1,3}'
        """
        some = self.digit if self.size == 1 else rf"{self.digit}{{1,{self.size}}}"
        if self.direction == "l2r":
            return some
        full = rf"{self.digit}{{{self.size}}}"
        # Not \b before the end of a run: there is none between a digit and a letter.
        aligned = rf"{some}(?=(?:{full}){{0,{LONGEST_RUN // self.size - 1}}}(?!{self.digit}))|{full}"
        if self.fraction == "plain":
            return aligned
        before = "|".join(rf"{self.digit}\.{full * groups}" for groups in range(_FRACTION_GROUPS))
        return rf"(?<={before}){some}|{aligned}"

    def split(self, text: str) -> list[str]:
        """The groups and what lies between them."""
        data = text.encode("utf-8")
        ends = [end for end, _ in self.parts(data)]
        return [data[start:end].decode("utf-8") for start, end in zip([0, *ends], ends, strict=False)]

    def parts(self, data: bytes) -> list[tuple[int, bool]]:
        """The END offset in bytes of every group and of what lies between groups, and whether it is a group."""
        # One character stands for one stray byte, so that offsets stay exact.
        text = data.decode("utf-8", errors="surrogateescape")
        found: list[tuple[int, bool]] = []
        at = size = 0
        for match in self._compiled.finditer(text):
            if match.start() > at:
                size += _bytes(text[at : match.start()])
                found.append((size, False))
            size += _bytes(match.group())
            found.append((size, True))
            at = match.end()
        if at < len(text):
            found.append((len(data), False))
        return found

    @property
    def code(self) -> int:
        """What is added to the number of a C++ pattern, see src/native/digit_groups.hpp."""
        flags = (self.direction == "r2l") | (self.fraction == "l2r") << 1 | (self.digits == "N") << 2
        return self.size << 8 | flags << 12

    @cached_property
    def _compiled(self) -> regex.Pattern[str]:
        return regex.compile(self.pattern)

    def to_pre_tokenizer(self) -> dict[str, Any]:
        """The ``tokenizers`` JSON of the split."""
        return {"type": "Split", "pattern": {"Regex": self.pattern}, "behavior": "Isolated", "invert": False}


@cache
def _by_pattern() -> dict[str, DigitGroups]:
    """Every choice by its regular expression."""
    choices = product(range(1, 10), get_args(Direction), ("plain", "l2r"), ("Nd", "N"))
    return {groups.pattern: groups for groups in (DigitGroups(*choice) for choice in choices)}  # type: ignore[arg-type]


def groups_of(pattern: str) -> DigitGroups | None:
    r"""The groups that a regular expression of :attr:`DigitGroups.pattern` cuts; None for any other.

    Example:
        >>> groups_of(r"\p{Nd}")
        DigitGroups(size=1, direction='l2r', fraction='plain', digits='Nd')
    """
    return _by_pattern().get(pattern)


def group(number: str, size: int = 3, direction: Direction = "r2l") -> list[str]:
    """The groups of a string of digits.

    Example:
        >>> group("1234567"), group("1234567", direction="l2r"), ",".join(group("1234567"))
        (['1', '234', '567'], ['123', '456', '7'], '1,234,567')
    """
    if size < 1:
        raise UsageError(f"a group has at least 1 digit, not {size}")
    first = len(number) % size if direction == "r2l" else 0
    starts = ([0] if first else []) + list(range(first, len(number), size))
    return [number[start:end] for start, end in pairwise([*starts, len(number)])]


def number_strings(size: int = 3) -> list[str]:
    """Every string of 1 to ``size`` digits: 10 + 100 + 1,000 = 1,110 for 3."""
    return [f"{value:0{length}}" for length in range(1, size + 1) for value in range(10**length)]


def number_coverage(vocabulary: Vocabulary, size: int = 3) -> int:
    """How many of the strings of 1 to ``size`` digits are tokens; groups need all of them.

    Example:
        >>> from tokencraft.vocabulary import Vocabulary, split
        >>> number_coverage(Vocabulary.from_merges([], splitter=split.GPT2))
        10
    """
    return sum(vocabulary.id_of(number.encode("ascii")) is not None for number in number_strings(size))


def number_merges(size: int = 3) -> list[tuple[bytes, bytes]]:
    """Merges that make every string of 2 to ``size`` digits one token, (left, right) bytes in rank order.

    BPE joins the pair of the lowest rank first, so a longer string is made of the parts that the shorter ones' merges
    leave of it.

    Raises:
        UsageError: ``size`` is larger than 4, for which there would be more than 11,110 tokens.

    Example:
        >>> merges = number_merges(3)
        >>> len(merges), merges[12], merges[100 + 123], merges[100 + 910]
        (1100, (b'1', b'2'), (b'12', b'3'), (b'9', b'10'))
    """
    if not 1 <= size <= 4:
        raise UsageError(
            f"all numbers of up to {size} digits are too many to be tokens: take groups of 1 to 4, or "
            "number_tokens=False"
        )
    merges: list[tuple[bytes, bytes]] = []
    ranks: dict[tuple[bytes, bytes], int] = {}
    for text in number_strings(size)[10:]:
        parts = [digit.encode("ascii") for digit in text]
        while len(parts) > 1:
            at = min(range(len(parts) - 1), key=lambda i: ranks.get((parts[i], parts[i + 1]), len(ranks)))
            pair = (parts[at], parts[at + 1])
            if pair not in ranks:
                ranks[pair] = len(ranks)
                merges.append(pair)
            parts[at : at + 2] = [pair[0] + pair[1]]
    return merges


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", errors="surrogateescape"))
