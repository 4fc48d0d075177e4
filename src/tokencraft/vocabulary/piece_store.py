"""Distinct pieces with their counts: in memory as long as there is room, in a temporary file from then on."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Iterator
from typing import IO

from tokencraft import _native
from tokencraft.errors import TokencraftError

SHARDS = _native.PieceCounter.SHARDS
FIXED_BYTES = 160 << 20
"""What interpreter, text on its way and remembered chunks take, whatever the corpus."""
TABLE_SHARE = 0.2
"""The share of the rest that one table of pieces may take; there are at most two at a time."""

_READ_BYTES = 32 << 20
_STEP = SHARDS // 4


def usable_memory(memory: int) -> int:
    """Bytes of the memory allowed that pieces and learning may take; at least half of it."""
    return max(memory // 2, memory - FIXED_BYTES)


class PieceStore:
    """A native counter that moves what it has counted to a file whenever it has become too large.

    The file holds the counts of one emptying after the other, each shard by shard. What was counted is the sum of it
    all, so nothing is lost and nothing is estimated. The file has no name and goes with the process.

    Args:
        pattern: number of the native pattern that cuts what is added.
        lines: whether documents are cut into lines first.
        threads: how many to use; all cores where left out.
        memory: bytes that the whole training may take; None for any number.
    """

    def __init__(self, pattern: int, *, lines: bool = False, threads: int | None = None, memory: int | None = None):
        self.counter = _native.PieceCounter(pattern, lines, threads or 0)
        """The native table of what is in memory; call :meth:`settle` after adding to it."""
        self.threads = threads
        self.memory = memory
        self._most = None if memory is None else int(usable_memory(memory) * TABLE_SHARE)
        self._file: IO[bytes] | None = None
        self._segments: list[list[tuple[int, int]]] = [[] for _ in range(SHARDS)]  # (offset, size) by shard

    @property
    def spilled_bytes(self) -> int:
        """Bytes in the file."""
        return sum(size for segments in self._segments for _, size in segments)

    @property
    def tables_count(self) -> int:
        """How many tables :meth:`tables` gives."""
        return 1 if self._file is None else SHARDS

    def settle(self) -> None:
        """Move the pieces to the file where they take too much memory."""
        if self._most is None or self.counter.memory_bytes <= self._most:
            return
        self.counter.merge()
        if self.counter.memory_bytes > 0.7 * self._most:  # else there is room to go on
            self._spill()

    def finish(self) -> None:
        """Nothing will be added any more: where there is a file, the rest goes there too."""
        if self._file is not None:
            self._spill()

    def tables(self) -> Iterator[_native.PieceCounter]:
        """Tables that share no piece and hold all of them with their counts; each is valid until the next one."""
        if self._file is None:
            yield self.counter
            return
        for shard in range(SHARDS):
            table = _native.PieceCounter(0, False, self.threads or 0)
            for written in self._written([shard]):
                table.read(written)
            yield table

    def items(self) -> Iterator[tuple[bytes, int]]:
        """(piece, count) in no particular order."""
        for table in self.tables():
            yield from table.items()

    def cut_into(self, finer: PieceStore) -> None:
        """Add the pieces of these pieces, by the pattern of ``finer``."""
        if self._file is not None:
            for written in self._written(range(SHARDS)):
                finer.counter.read(written, cut=True)
                finer.settle()
            finer.counter.add_total_bytes(self.counter.total_bytes)
        elif finer.memory is None:
            finer.counter.add_pieces_of(self.counter)
        else:
            for first in range(0, SHARDS, _STEP):
                finer.counter.add_pieces_of(self.counter, first, first + _STEP)
                finer.settle()
        finer.finish()

    def _spill(self) -> None:
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="tokencraft-")  # noqa: SIM115 - lives as long as the store
                weakref.finalize(self, self._file.close)
            self._file.seek(0, 2)
            for shard, segments in enumerate(self._segments):
                written = self.counter.write(shard)
                if written:
                    segments.append((self._file.tell(), self._file.write(written)))
            self._file.flush()
        except OSError as error:
            raise TokencraftError(
                f"counted pieces do not fit into memory and cannot be written to {tempfile.gettempdir()}: "
                f"{error.strerror or error}; set TMPDIR to a folder with more room, or allow more memory"
            ) from None
        self.counter.clear()

    def _written(self, shards: Iterator[int] | range | list[int]) -> Iterator[list[bytes]]:
        """What the file holds of some shards, a few segments at a time."""
        assert self._file is not None
        batch: list[bytes] = []
        size = 0
        for shard in shards:
            for offset, length in self._segments[shard]:
                self._file.seek(offset)
                batch.append(self._file.read(length))
                size += length
                if size >= _READ_BYTES:
                    yield batch
                    batch, size = [], 0
        if batch:
            yield batch
