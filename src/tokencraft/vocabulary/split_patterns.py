"""The well-known split patterns, spelled out: what src/native/split.cpp cuts by without a regex engine."""

from __future__ import annotations

from dataclasses import dataclass

from tokencraft import _native
from tokencraft.vocabulary.numbers import DigitGroups, groups_of

_CASED = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
_LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_FOLDED = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_LISTED = "('s|'S|'t|'T|'re|'rE|'Re|'RE|'ve|'vE|'Ve|'VE|'m|'M|'ll|'lL|'Ll|'LL|'d|'D)"
_WHITE = r"\s*[\r\n]+|\s+(?!\S)|\s+"
_THREES = r"(?=(\d{3})+(?!\d))"
_TIKTOKEN_CL100K = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"
    r"|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
)
_TIKTOKEN_CL100K_2023 = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*"
    r"|\s*[\r\n]|\s+(?!\S)|\s+"
)


def _cl100k(contractions: str, digits: str) -> str:
    return rf"{contractions}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|{digits}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{_WHITE}"


def _o200k(contraction: str) -> str:
    return (
        rf"[^\r\n\p{{L}}\p{{N}}]?{_CASED}*{_LOWER}+{contraction}|[^\r\n\p{{L}}\p{{N}}]?{_CASED}+{_LOWER}*{contraction}"
        rf"|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{_WHITE}"
    )


# The canonical spelling of each native pattern, by its number in src/native/split.hpp; every engine agrees on these.
PATTERNS: dict[int, tuple[str, ...]] = {
    0: (),
    1: (r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",),
    2: (_cl100k(_LISTED, r"\p{N}{1,3}"),),
    3: (_cl100k(_FOLDED, r"\p{N}{1,3}"),),
    4: (_cl100k(_FOLDED, r"\p{N}"),),
    5: (_o200k(_FOLDED + "?"),),
    6: (_o200k(""),),
    7: (r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]{2,}[\r\n/]*| +(?!\S)",),
    8: (r"\p{N}+", _THREES + r"| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"),
    9: (r"\p{N}+", _THREES),
    10: (_o200k(_LISTED + "?"),),
    11: (_TIKTOKEN_CL100K.replace("{1,3}+", "{1,3}"),),
}

# Other spellings in circulation that cut the same.
SPELLINGS: dict[tuple[str, ...], int] = {pattern: number for number, pattern in PATTERNS.items()} | {
    (r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",): 1,
    (r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s",): 1,
    (_cl100k(_LISTED[1:-1], r"\p{N}{1,3}"),): 2,
    (_cl100k(_LISTED.replace("(", "(?:"), r"\p{N}{1,3}"),): 2,
    (_cl100k(r"'(?i:[sdmt]|ll|ve|re)", r"\p{N}{1,3}"),): 3,
    (_TIKTOKEN_CL100K_2023,): 3,
    (_TIKTOKEN_CL100K,): 11,
    (_o200k(_LISTED.replace("(", "(?:") + "?"),): 10,
}


@dataclass(frozen=True)
class Known:
    """What runs in C++.

    Args:
        number: of the pattern.
        groups: how digits are cut before it, if at all.
        kept: whether the spelling keeps the pattern from cutting the groups again.
    """

    number: int
    groups: DigitGroups | None = None
    kept: bool = False

    @property
    def code(self) -> int:
        """The number that the C++ side takes."""
        return self.number if self.groups is None else self.number | self.groups.code

    @property
    def spelling(self) -> tuple[str, ...]:
        """Patterns that cut the same one after the other, on which all engines agree."""
        if self.groups is None:
            return PATTERNS[self.number]
        return behind(self.groups, PATTERNS[self.number], keep=self.kept)


def recognise(patterns: tuple[str, ...]) -> Known | None:
    """The well-known pattern, with or without digit groups before it, that cuts as these patterns do; None for others.

    Example:
        >>> recognise((r"\\p{N}", *PATTERNS[1]))
        Known(number=1, groups=DigitGroups(size=1, direction='l2r', fraction='plain', digits='N'), kept=False)
    """
    if patterns in SPELLINGS:
        return Known(SPELLINGS[patterns])
    groups = groups_of(patterns[0]) if patterns else None
    if groups is None:
        return None
    rest = patterns[1:]
    kept = bool(rest) and all(pattern.startswith(groups.whole) for pattern in rest)
    number = SPELLINGS.get(tuple(pattern.removeprefix(groups.whole) for pattern in rest) if kept else rest)
    if number is None or (not kept and cuts_groups(number, groups)):
        return None
    return Known(number, groups, kept)


def behind(groups: DigitGroups, patterns: tuple[str, ...], *, keep: bool) -> tuple[str, ...]:
    """Digit groups, then these patterns; ``keep``: a group is taken whole by each of them."""
    return (groups.pattern, *((groups.whole if keep else "") + pattern for pattern in patterns))


def cuts_groups(number: int, groups: DigitGroups) -> bool:
    """Whether a pattern cuts a group of digits once more."""
    return any(len(_native.split(number, "1" * size)) > 1 for size in range(1, groups.size + 1))
