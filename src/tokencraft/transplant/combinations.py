"""New rows as weighted sums of old rows, kept as weights so that one estimate serves every matrix of a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import scipy.sparse
import torch
from torch import Tensor

from tokencraft.transplant.matching import Ids

Weights = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Combinations:
    """One weighted sum of old rows for each of ``n`` new tokens; the weights of one sum to 1, an empty one is no
    estimate.

    Args:
        starts: int64 ``[n + 1]``, where the sources of each begin.
        ids: int64 ``[starts[-1]]``, old ids.
        weights: float64 ``[starts[-1]]``.

    Example:
        >>> half = Combinations.of([(np.array([0, 2]), np.array([0.5, 0.5]))])
        >>> half.apply(torch.tensor([[1.0, 0.0], [9.0, 9.0], [0.0, 1.0]])).tolist()
        [[0.5, 0.5]]
    """

    starts: Ids
    ids: Ids
    weights: Weights

    @classmethod
    def of(cls, rows: Sequence[tuple[Ids, Weights]]) -> Combinations:
        """From the old ids and the weights of each."""
        starts = np.concatenate([[0], np.cumsum([len(ids) for ids, _ in rows])]).astype(np.int64)
        ids = np.concatenate([np.zeros(0, np.int64), *(ids for ids, _ in rows)])
        weights = np.concatenate([np.zeros(0), *(weights for _, weights in rows)])
        return cls(starts, ids.astype(np.int64), weights)

    @classmethod
    def none(cls, n: int) -> Combinations:
        """No estimate for any of ``n``."""
        return cls(np.zeros(n + 1, np.int64), np.zeros(0, np.int64), np.zeros(0))

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, index: int) -> tuple[Ids, Weights]:
        part = slice(self.starts[index], self.starts[index + 1])
        return self.ids[part], self.weights[part]

    @cached_property
    def empty(self) -> npt.NDArray[np.bool_]:
        """bool ``[n]``, true where there is no estimate."""
        return np.asarray(np.diff(self.starts) == 0)

    def mix(self, other: Combinations, weight: float) -> Combinations:
        """``(1 - weight) * self + weight * other``; where one has no estimate, the other's alone."""
        if weight <= 0.0:
            return self
        if weight >= 1.0:
            return other
        rows = []
        for index in range(len(self)):
            (mine, my_weights), (theirs, their_weights) = self[index], other[index]
            if not len(mine) or not len(theirs):
                rows.append((mine, my_weights) if len(mine) else (theirs, their_weights))
                continue
            summed: dict[int, float] = {}  # an old token may be a piece and a neighbour
            for ids, weights, share in ((mine, my_weights, 1 - weight), (theirs, their_weights, weight)):
                for identifier, part in zip(ids.tolist(), weights.tolist(), strict=True):
                    summed[identifier] = summed.get(identifier, 0.0) + share * part
            rows.append((np.array(list(summed), np.int64), np.array(list(summed.values()))))
        return Combinations.of(rows)

    def first(self) -> Combinations:
        """Only the first source of each, with weight 1."""
        kept = self.starts[:-1][~self.empty]
        return Combinations(np.concatenate([[0], np.cumsum(~self.empty)]), self.ids[kept], np.ones(len(kept)))

    def part(self, start: int, stop: int) -> Combinations:
        """Those from ``start`` to ``stop``."""
        begin, end = self.starts[start], self.starts[stop]
        return Combinations(self.starts[start : stop + 1] - begin, self.ids[begin:end], self.weights[begin:end])

    def apply(self, matrix: Tensor, *, match_norm: bool = False) -> Tensor:
        """The sums over the rows of a matrix.

        Args:
            matrix: ``[old rows, dimension]``, or a vector ``[old rows]``.
            match_norm: rescale every sum to the weighted mean of its sources' norms, which a sum alone falls short of.

        Returns:
            float32 ``[n, dimension]`` (or ``[n]``); zeros where there is no estimate.
        """
        needed, places = np.unique(self.ids, return_inverse=True)
        flat = matrix if matrix.ndim == 2 else matrix[:, None]
        rows = flat[torch.from_numpy(needed).to(flat.device)].detach().float().cpu().numpy()
        table = scipy.sparse.csr_matrix((self.weights, places, self.starts), shape=(len(self), len(needed)))
        sums = (table @ rows.astype(np.float64)) if len(needed) else np.zeros((len(self), flat.shape[1]))
        if match_norm:
            wanted = table @ np.linalg.norm(rows.astype(np.float64), axis=1) if len(needed) else np.zeros(len(self))
            norms = np.linalg.norm(sums, axis=1)
            sums *= np.divide(wanted, norms, out=np.ones_like(norms), where=norms > 0)[:, None]
        result = torch.from_numpy(sums.astype(np.float32))
        return result if matrix.ndim == 2 else result[:, 0]
