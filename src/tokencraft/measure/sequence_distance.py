"""Longest common subsequences and edit distances of many short pairs at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt

Lengths = npt.NDArray[np.int64]
Step = Callable[[Lengths, Lengths, Lengths, npt.NDArray[np.bool_]], Lengths]
"""The cell on the diagonal, above and before, and whether the elements are equal, to the cell."""
_TOGETHER = 1 << 14  # pairs that are worked on at once, so that tables of them stay in the cache
_PAD_LEFT, _PAD_RIGHT = -1, -2  # never equal to each other, nor to what stands for an element


def common_lengths(left: Sequence[Sequence[str]], right: Sequence[Sequence[str]]) -> Lengths:
    """Length of the longest common subsequence of each pair of sequences, int64 ``[pairs]``.

    Example:
        >>> common_lengths([["a", "b", "c"]], [["a", "c"]]).tolist()
        [2]
    """

    def step(diagonal: Lengths, above: Lengths, before: Lengths, equal: npt.NDArray[np.bool_]) -> Lengths:
        cell: Lengths = np.maximum(np.maximum(above, before), diagonal + equal)
        return cell

    return _table(left, right, step, border=0)


def edit_distances(left: Sequence[Sequence[str]], right: Sequence[Sequence[str]]) -> Lengths:
    """Levenshtein distance of each pair of sequences, for example of strings, int64 ``[pairs]``.

    Example:
        >>> edit_distances(["a|b|c"], ["a|c"]).tolist()
        [2]
    """

    def step(diagonal: Lengths, above: Lengths, before: Lengths, equal: npt.NDArray[np.bool_]) -> Lengths:
        cell: Lengths = np.minimum(np.minimum(above, before) + 1, diagonal + ~equal)
        return cell

    return _table(left, right, step, border=1)


def _table(left: Sequence[Sequence[str]], right: Sequence[Sequence[str]], step: Step, border: int) -> Lengths:
    """The last cell of the dynamic programme of each pair.

    Args:
        left, right: the sequences.
        step: what fills a cell.
        border: what cells along the border grow by.
    """
    ids = {element: number for number, element in enumerate(dict.fromkeys(chain(*left, *right)))}
    result = np.zeros(len(left), np.int64)
    order = np.argsort([len(a) + len(b) for a, b in zip(left, right, strict=True)], kind="stable")  # little padding
    for start in range(0, len(order), _TOGETHER):
        chosen = order[start : start + _TOGETHER]
        a, a_sizes = _padded([left[k] for k in chosen], ids, _PAD_LEFT)
        b, b_sizes = _padded([right[k] for k in chosen], ids, _PAD_RIGHT)
        row = np.repeat(border * np.arange(b.shape[0] + 1)[:, None], len(chosen), 1)  # [right + 1, pairs]
        found = row[b_sizes, np.arange(len(chosen))]
        for i in range(a.shape[0]):
            below = np.empty_like(row)
            below[0] = border * (i + 1)
            for j in range(b.shape[0]):
                below[j + 1] = step(row[j], row[j + 1], below[j], a[i] == b[j])
            row = below
            ended = a_sizes == i + 1
            found[ended] = row[b_sizes[ended], np.flatnonzero(ended)]
        result[chosen] = found
    return result


def _padded(sequences: Sequence[Sequence[str]], ids: dict[str, int], pad: int) -> tuple[Lengths, Lengths]:
    """Elements as numbers, int64 ``[longest, sequences]``, and the lengths."""
    sizes = np.array([len(each) for each in sequences], np.int64)
    padded = np.full((int(sizes.max(initial=0)), len(sequences)), pad, np.int64)
    for column, each in enumerate(sequences):
        padded[: len(each), column] = [ids[element] for element in each]
    return padded, sizes
