"""Types of the C++ kernels (src/native)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

UNICODE_VERSION: str

def split(pattern: int, data: str | bytes) -> npt.NDArray[np.uint32]:
    """End offsets in bytes of the pieces of ``data`` by the pattern with this number (see ``vocabulary/split.py``)."""

class PieceCounter:
    """Counts the distinct pieces of a stream of documents; the counts do not depend on ``threads`` (0: all cores)."""

    def __init__(self, pattern: int, lines: bool, threads: int) -> None:
        """``lines``: documents are cut into lines before the pattern cuts them into pieces."""

    def add(
        self,
        texts: list[str] | list[bytes] | list[str | bytes],
        ends: Sequence[npt.NDArray[np.uint32]] | None = None,
        weights: Sequence[int] | None = None,
        progress: Callable[[int], object] | None = None,
    ) -> None:
        """Count the pieces of texts, each ``weights`` times; ``ends`` (one array a text) overrides the pattern."""

    def add_pieces_of(self, units: PieceCounter, progress: Callable[[int], object] | None = None) -> None:
        """Count the pieces of another counter's pieces, each as often as it was counted there."""

    def items(self) -> list[tuple[bytes, int]]:
        """(piece, count) in no particular order."""

    @property
    def total_bytes(self) -> int:
        """Bytes that were added."""

class MergeLearner:
    """Learns merges on counted pieces, after replaying those given ((left, right, result) ids, int32 ``[m, 3]``)."""

    def __init__(
        self,
        pieces: PieceCounter,
        tokens: list[bytes],
        merges: npt.NDArray[np.int32],
        progress: Callable[[int], object] | None = None,
    ) -> None: ...
    def learn(
        self,
        new_tokens: int,
        min_count: int = 1,
        max_token_bytes: int = 0,
        forbid: list[bytes] = ...,
        max_words: int = 0,
        reserved: list[bytes] = ...,
        veto: Callable[[bytes, bytes], bool] | None = None,
        progress: Callable[[int], object] | None = None,
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """New merges, (left, right, result) int32 ``[n, 3]``, and the count of each when merged, int64 ``[n]``."""

    @property
    def fired(self) -> npt.NDArray[np.uint8]:
        """1 for each given merge that was applied at least once."""

def recover_merges(tokens: list[bytes], threads: int = 0) -> npt.NDArray[np.int32]:
    """The two parents of each token in rank order, int32 ``[n, 2]``; -1 where BPE did not make the token."""
