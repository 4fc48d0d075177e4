"""The rows of a new matrix: copies, combinations, what falls back, padding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from tokencraft.transplant.combinations import Combinations
from tokencraft.transplant.matching import Ids, Matching

Fallback = Literal["random", "mean"]
Padding = Literal["zero", "mean", "random"]

_ROWS_AT_ONCE = 4096


@dataclass(frozen=True)
class RowPlan:
    """How every matrix of a model gets its new rows.

    Args:
        matching: which rows are copied.
        combinations: the estimates for ``matching.unique``, in its order.
        size: rows of the new matrix; those from ``len(new)`` on are padding.
        fallback: what a token without an estimate gets: noise with the mean and spread of the old matrix, or its mean
            row.
        match_norm: whether sums are rescaled to the norm of their sources.
        whole: whether mean and spread are taken over padded rows of the old matrix too.
        seed: of the noise.
    """

    matching: Matching
    combinations: Combinations
    size: int
    fallback: Fallback = "random"
    match_norm: bool = False
    whole: bool = False
    seed: int = 0

    @property
    def padded(self) -> Ids:
        """New ids whose rows mean nothing: padding behind the vocabulary, and its own unused tokens."""
        behind = np.arange(len(self.matching.new), self.size)
        return np.concatenate([self.matching.unused, behind]).astype(np.int64)

    @property
    def left(self) -> Ids:
        """New ids that got the fallback."""
        return self.matching.unique[self.combinations.empty]

    def rows(self, old: Tensor, *, padding: Padding, stream: int) -> Iterator[Tensor]:
        """The new matrix in consecutive groups of rows.

        Args:
            old: the old matrix ``[old rows, dimension]``, or a bias ``[old rows]``.
            padding: what padded rows hold.
            stream: number of the matrix, so that each has its own noise.

        Yields:
            Groups of rows in the type of ``old``.
        """
        trained = old if self.whole else old[: len(self.matching.old)]
        mean, spread, mean_row = _statistics(trained)
        noise = np.random.default_rng([self.seed, stream])
        place = np.full(self.size, -1, np.int64)  # of a unique token in `combinations`
        place[self.matching.unique] = np.arange(len(self.matching.unique))
        source = np.full(self.size, -1, np.int64)
        source[: len(self.matching.new)] = self.matching.source
        padded = np.zeros(self.size, bool)
        padded[self.padded] = True
        for start in range(0, self.size, _ROWS_AT_ONCE):
            stop = min(start + _ROWS_AT_ONCE, self.size)
            shape = (stop - start, *old.shape[1:])
            # Noise is drawn for every row, so that a row's noise does not depend on what the others get.
            random = torch.from_numpy(noise.standard_normal(shape, dtype=np.float32)) * spread + mean
            group = random if self.fallback == "random" else mean_row.expand(shape).clone()
            unique = place[start:stop]
            made = np.flatnonzero(unique >= 0)
            if len(made):
                part = self.combinations.part(int(unique[made[0]]), int(unique[made[-1]]) + 1)
                values = part.apply(old, match_norm=self.match_norm and old.ndim == 2)
                kept = torch.from_numpy(made[~part.empty])
                group[kept] = values[torch.from_numpy(~part.empty)]
            holes = torch.from_numpy(padded[start:stop])
            if padding != "random":
                group[holes] = mean_row if padding == "mean" else 0.0
            else:
                group[holes] = random[holes]
            result = group.to(old.dtype)
            shared = np.flatnonzero(source[start:stop] >= 0)
            result[torch.from_numpy(shared)] = old[torch.from_numpy(source[start:stop][shared])].to(result.device)
            yield result


def _statistics(matrix: Tensor) -> tuple[float, float, Tensor]:
    """Mean and standard deviation over all entries, and the mean row, in float64 without a copy of the matrix."""
    total = matrix.new_zeros(matrix.shape[1:], dtype=torch.float64)
    squares = 0.0
    for group in matrix.detach().split(_ROWS_AT_ONCE):  # type: ignore[no-untyped-call]  # torch's split
        wide = group.double()
        total += wide.sum(0)
        squares += float((wide * wide).sum())
    count = max(matrix.numel(), 1)
    mean = float(total.sum()) / count
    spread = max(squares / count - mean * mean, 0.0) ** 0.5
    return mean, spread, (total / max(len(matrix), 1)).float().cpu()
