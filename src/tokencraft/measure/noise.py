"""Text as a scanner and a tired typist would spoil it, with the way back to the clean text.

Every character is picked with probability r. What happens to it is drawn once more: it is taken for another that looks
alike, a space slips in behind it, it is lost, it changes places with the next one, or nothing happens after all.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

import numpy as np
import numpy.typing as npt

from tokencraft.errors import UsageError

#: Pairs of characters that look alike on a page, each taken for the other.
_ALIKE = "ce o0 l1 il s5 nh uv rn ao ft bh gq g9 vy mn B8 S5 O0 I1 Il Z2 z2 DO EF CG UV PR MN ,. :;"


@dataclass(frozen=True, eq=False)
class Noisy:
    """A spoilt text, and where the characters of the clean one went.

    Args:
        clean: the clean text.
        text: the spoilt text.
        edits: how many edits lie between them.
        begins: where each character of the clean text begins in the spoilt one, int64 ``[characters]``. Two that
            changed places are matched by place, not by what they are.
        ends: where it ends there; where it begins, for a character that was lost, int64 ``[characters]``.
    """

    clean: str
    text: str
    edits: int
    begins: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]


class NoiseModel(Protocol):
    """Anything that spoils text and knows what it did."""

    def apply(self, text: str) -> Noisy:
        """The spoilt text; the same for the same text."""


@dataclass(frozen=True)
class OCRNoise:
    """Seeded noise as of optical character recognition.

    Args:
        rate: r, the probability that something is done to a character.
        confusion: share of the picked characters that are taken for one that looks alike, such as ``c`` for ``e`` and
            ``0`` for ``o``; those that look like nothing else stay, so there are fewer edits than characters picked.
        insertion: share behind which a space is put.
        deletion: share that are lost.
        transposition: share that change places with the next character. What is left of 1 stays as it is.
        seed: of all choices; the same text is always spoilt the same, whatever stands around it.

    Raises:
        UsageError: the rate or a share is no probability, or the shares add up to more than 1.

    Example:
        >>> noisy = OCRNoise(rate=0.2, seed=81).apply("The United States Senate")
        >>> noisy.text, noisy.edits
        ('Thc Unifed S tates  Senate', 4)
    """

    rate: float = 0.05
    confusion: float = 0.55
    insertion: float = 0.15
    deletion: float = 0.10
    transposition: float = 0.10
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the arguments."""
        shares = {name: getattr(self, name) for name in ("confusion", "insertion", "deletion", "transposition")}
        for name, value in {"rate": self.rate, **shares}.items():
            if not 0.0 <= value <= 1.0:
                raise UsageError(f"{name} is a probability between 0 and 1, not {value}")
        if sum(shares.values()) > 1.0 + 1e-9:
            raise UsageError(
                f"the shares of the kinds of noise add up to {sum(shares.values()):g}, which is more than 1"
            )

    def apply(self, text: str) -> Noisy:
        """Spoil a text.

        Args:
            text: the clean text.

        Returns:
            The spoilt text with the number of edits and the place of every clean character.
        """
        draw = random.Random(self.seed.to_bytes(8, "little", signed=True) + text.encode("utf-8", "surrogatepass"))
        bounds = list(accumulate((self.confusion, self.insertion, self.deletion, self.transposition)))
        parts: list[str] = []  # what stands for each clean character, or for two that changed places
        begins, ends = np.zeros(len(text), np.int64), np.zeros(len(text), np.int64)
        at = index = edits = 0
        while index < len(text):
            char = text[index]
            begins[index], ends[index] = at, at + 1
            part = char
            if draw.random() < self.rate:
                kind = draw.random()
                if kind < bounds[0]:
                    part = draw.choice(_CONFUSED[char]) if char in _CONFUSED else char
                    edits += part != char
                elif kind < bounds[1]:
                    part, edits = char + " ", edits + 1
                elif kind < bounds[2]:
                    part, ends[index], edits = "", at, edits + 1
                elif kind < bounds[3] and index + 1 < len(text):
                    part = text[index + 1] + char
                    index += 1
                    begins[index], ends[index] = at + 1, at + 2
                    edits += part[0] != part[1]
            parts.append(part)
            at += len(part)
            index += 1
        return Noisy(text, "".join(parts), edits, begins, ends)


def _confusions() -> dict[str, tuple[str, ...]]:
    """What each character may be taken for."""
    found: dict[str, tuple[str, ...]] = {}
    for pair in _ALIKE.split():
        first, second = pair[0], pair[1]
        found[first] = (*found.get(first, ()), second)
        found[second] = (*found.get(second, ()), first)
    return found


_CONFUSED = _confusions()
