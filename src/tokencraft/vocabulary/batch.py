"""Many encoded texts in one array."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class EncodedBatch:
    """Encoded texts, one after another; iterates over one array a text.

    Args:
        ids: token ids of all texts, uint32 ``[total]``.
        offsets: where each text starts, and the end of the last, int64 ``[texts + 1]``.
        encoder: what encoded them: ``"gigatoken"``, ``"native"`` or ``"tokenizers"``.
    """

    ids: npt.NDArray[np.uint32]
    offsets: npt.NDArray[np.int64]
    encoder: str

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> npt.NDArray[np.uint32]:
        index = range(len(self))[index]
        return self.ids[self.offsets[index] : self.offsets[index + 1]]

    def __iter__(self) -> Iterator[npt.NDArray[np.uint32]]:
        return (self[index] for index in range(len(self)))

    @classmethod
    def from_lists(cls, lists: Sequence[Sequence[int] | npt.NDArray[np.uint32]], encoder: str) -> EncodedBatch:
        """The batch of texts that were encoded one by one."""
        arrays = [np.asarray(ids, np.uint32) for ids in lists]
        offsets = np.zeros(len(arrays) + 1, np.int64)
        np.cumsum([len(ids) for ids in arrays], out=offsets[1:])
        return cls(np.concatenate(arrays) if arrays else np.zeros(0, np.uint32), offsets, encoder)
