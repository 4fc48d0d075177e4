"""Open a file for reading, decompressed on the fly; truncation and damage become errors that name the file."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import zstandard

from tokencraft.errors import CorpusError

COMPRESSED_SUFFIXES = (".gz", ".zst")
_BUFFER = 1 << 20
_ZSTD_BLOCK = 1 << 15  # of compressed bytes: bounds what one step can expand to


class _ZstdStream(io.RawIOBase):
    """Decompressed bytes of a Zstandard file of any number of frames.

    ``zstandard``'s own reader ends silently where a file is cut off; this one raises :class:`EOFError`.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decompressor = zstandard.ZstdDecompressor()
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._input = b""
        self._output = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, target: object) -> int:
        view = memoryview(target).cast("B")  # type: ignore[arg-type]  # io's stub calls it a buffer
        while not self._output:
            if not self._input:
                self._input = self._file.read(_ZSTD_BLOCK)
                if not self._input:
                    if self._frame is not None:
                        raise EOFError
                    return 0
            if self._frame is None:
                self._frame = self._decompressor.decompressobj()
            self._output = memoryview(self._frame.decompress(self._input))
            self._input = b""
            if self._frame.eof:
                self._input, self._frame = self._frame.unused_data, None
        count = min(len(view), len(self._output))
        view[:count] = self._output[:count]
        self._output = self._output[count:]
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


@contextmanager
def clear_errors(path: Path) -> Iterator[None]:
    """Turn what goes wrong while ``path`` is read into a :class:`CorpusError` that names it and says what to do."""
    again = "copy or download the file again"
    kind = {".gz": "gzip", ".zst": "Zstandard"}.get(path.suffix.lower(), "")
    try:
        yield
    except EOFError:
        raise CorpusError(f"{path}: the {kind} file is truncated: it ends in the middle of the data; {again}") from None
    except (gzip.BadGzipFile, zlib.error, zstandard.ZstdError) as error:
        raise CorpusError(f"{path}: the {kind} file is damaged ({error}); {again}") from None
    except IsADirectoryError:
        raise CorpusError(f"{path}: this is a folder where a file is needed") from None
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read: {error.strerror or error}") from None


@contextmanager
def open_bytes(path: Path) -> Iterator[BinaryIO]:
    """The decompressed bytes of ``path`` (``.gz``, ``.zst``, anything else as it is), buffered.

    Raises:
        CorpusError: the file cannot be opened; what goes wrong later is the business of :func:`clear_errors`.
    """
    suffix = path.suffix.lower()
    with open(path, "rb") as file:
        if suffix not in COMPRESSED_SUFFIXES:
            yield file
            return
        if path.stat().st_size == 0:  # gzip reads an empty file as empty text, yet no compressor writes one
            raise EOFError
        raw = _ZstdStream(file) if suffix == ".zst" else gzip.GzipFile(fileobj=file)
        with io.BufferedReader(cast(io.RawIOBase, raw), _BUFFER) as stream:
            yield cast(BinaryIO, stream)
