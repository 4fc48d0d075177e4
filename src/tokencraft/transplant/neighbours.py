"""Nearest vectors by cosine, exactly, in bounded memory."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

_SCORES_AT_ONCE = 32 << 20  # 128 MiB of float32


def unit_vectors(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Vectors of length 1; a zero vector stays zero, so that its cosines are 0."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0))


def nearest(
    queries: npt.NDArray[np.float32], vectors: npt.NDArray[np.float32], k: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """The ``k`` vectors with the highest cosine to each query.

    Args:
        queries: ``[n, d]``.
        vectors: ``[m, d]``.
        k: how many; fewer where ``m`` is smaller.

    Returns:
        Places ``[n, k]`` in ``vectors`` and their cosines, highest first; equal cosines in the order of ``vectors``.

    Example:
        >>> places, cosines = nearest(np.eye(2, dtype="f4")[:1], np.array([[0, 1], [3, 0]], "f4"), k=1)
        >>> places.tolist(), cosines.tolist()
        ([[1]], [[1.0]])
    """
    k = min(k, len(vectors))
    asked = torch.from_numpy(unit_vectors(queries))
    table = torch.from_numpy(unit_vectors(vectors)).T.contiguous()
    places, cosines = [], []
    step = max(1, _SCORES_AT_ONCE // max(len(vectors), 1))
    for start in range(0, len(asked), step):
        scores = asked[start : start + step] @ table
        values, found = scores.topk(k, dim=1)
        # topk leaves equal scores in any order: sort by place first, then stably by score
        order = found.argsort(dim=1)
        values, found = values.gather(1, order), found.gather(1, order)
        order = values.argsort(dim=1, descending=True, stable=True)
        places.append(found.gather(1, order).numpy())
        cosines.append(values.gather(1, order).double().numpy())
    if not places:
        return np.zeros((0, k), np.int64), np.zeros((0, k))
    return np.concatenate(places), np.concatenate(cosines)
