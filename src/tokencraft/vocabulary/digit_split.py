"""A splitter that cuts runs of digits into groups first, and then cuts what lies between them as another one does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tokencraft.vocabulary import split
from tokencraft.vocabulary.numbers import DigitGroups, groups_of
from tokencraft.vocabulary.split import Ends, Regex, Splitter, Whole
from tokencraft.vocabulary.split_patterns import behind, cuts_groups


def digits_first(groups: DigitGroups, splitter: Splitter) -> Splitter:
    r"""Cuts digits into groups, then what lies between them by ``splitter``, which sees each part alone.

    A group stays whole, whatever the splitter would do with digits.

    Example:
        >>> digits_first(DigitGroups(), split.GPT2).split("in 1995 or 12345")
        ['in', ' ', '1', '995', ' or', ' ', '12', '345']
    """
    if isinstance(splitter, Whole):
        return Regex((groups.pattern,))
    if isinstance(splitter, Regex):
        keep = splitter.native is None or cuts_groups(splitter.native, groups)
        return Regex(behind(groups, splitter.patterns, keep=keep))
    return DigitsFirst(groups, splitter)


def leading_groups(splitter: Splitter | None) -> DigitGroups | None:
    """How a splitter of :func:`digits_first` cuts digits; None for any other."""
    if isinstance(splitter, DigitsFirst):
        return splitter.groups
    return groups_of(splitter.patterns[0]) if isinstance(splitter, Regex) and splitter.patterns else None


@dataclass(frozen=True)
class DigitsFirst(split.ByBytes):
    """Digits first, then a splitter that is no regular expression; see :func:`digits_first`.

    Args:
        groups: how digits are cut.
        splitter: cuts what lies between them.
    """

    groups: DigitGroups
    splitter: Splitter

    @property
    def native(self) -> int | None:
        """None: runs in Python."""
        return None

    def spans(self, data: bytes) -> Ends:
        """The END offset in bytes (uint32) of every piece of ``data``."""
        ends: list[int] = []
        start = 0
        for end, is_group in self.groups.parts(data):
            inner = [end - start] if is_group else self.splitter.spans(data[start:end]).tolist()
            ends += [start + offset for offset in inner]
            start = end
        return np.array(ends, dtype=np.uint32)

    def to_pre_tokenizer(self) -> dict[str, Any] | None:
        """The ``tokenizers`` JSON of both splits."""
        inner = self.splitter.to_pre_tokenizer()
        steps = [] if inner is None else inner["pretokenizers"] if inner.get("type") == "Sequence" else [inner]
        return split.sequence([self.groups.to_pre_tokenizer(), *steps])
