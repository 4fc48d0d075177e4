"""What TokenAdapt is compared with: the same transplant with simpler estimates of a new row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from tokencraft.modeling.embedding import Embedder, HashedNGrams
from tokencraft.transplant.combinations import Combinations
from tokencraft.transplant.initializer import Initializer
from tokencraft.transplant.matching import Matching
from tokencraft.transplant.pieces import pieces_of
from tokencraft.transplant.rows import Fallback
from tokencraft.transplant.tokenadapt import global_estimate, local_estimate


@dataclass(frozen=True, kw_only=True)
class Random(Initializer):
    """Noise with the mean and the standard deviation of the old matrix."""

    name: ClassVar[str] = "random"

    def estimate(self, matching: Matching) -> Combinations:
        """No estimate for any token."""
        return Combinations.none(len(matching.unique))


@dataclass(frozen=True, kw_only=True)
class Mean(Initializer):
    """The mean of all old rows."""

    name: ClassVar[str] = "mean"
    fallback: ClassVar[Fallback] = "mean"

    def estimate(self, matching: Matching) -> Combinations:
        """No estimate for any token: all get the mean row."""
        return Combinations.none(len(matching.unique))


@dataclass(frozen=True, kw_only=True)
class ReTok(Initializer):
    """The plain mean of the token's pieces in the old vocabulary (ReTok, arXiv 2410.04335)."""

    name: ClassVar[str] = "retok"

    def estimate(self, matching: Matching) -> Combinations:
        """Every piece with the same weight."""
        return Combinations.of([(ids, np.full(len(ids), 1.0 / max(len(ids), 1))) for ids in pieces_of(matching)])


@dataclass(frozen=True, kw_only=True)
class Local(Initializer):
    """TokenAdapt's local estimate alone: pieces weighted by similarity and length.

    Args:
        temperature: of the outer softmax.
        embedder: text to vectors.
    """

    name: ClassVar[str] = "local"

    temperature: float = 0.3
    embedder: Embedder = field(default_factory=HashedNGrams)

    def estimate(self, matching: Matching) -> Combinations:
        """The pieces with their weights."""
        return local_estimate(matching, self.embedder, self.temperature)


@dataclass(frozen=True, kw_only=True)
class Global(Initializer):
    """TokenAdapt's global estimate alone: the nearest old tokens.

    Args:
        temperature: of the softmax.
        neighbours: old tokens in the estimate.
        threshold: cosine below which a neighbour does not count.
        embedder: text to vectors.
    """

    name: ClassVar[str] = "global"

    temperature: float = 0.3
    neighbours: int = 3
    threshold: float = 0.0
    embedder: Embedder = field(default_factory=HashedNGrams)

    def estimate(self, matching: Matching) -> Combinations:
        """The neighbours with their weights."""
        return global_estimate(matching, self.embedder, self.temperature, self.neighbours, self.threshold)
