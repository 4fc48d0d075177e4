"""Where the documents of a corpus come from: files, a dataset, or Python objects; each can be read again."""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from tokencraft.corpus.decoding import without_surrogates
from tokencraft.corpus.fingerprint import file_signature
from tokencraft.corpus.reading import FileSlice, ReadingOptions, Skipped, read_records
from tokencraft.errors import CorpusError

Record = tuple[str, int, str]


class Source(Protocol):
    """A stream of texts that can be read again."""

    @property
    def skipped(self) -> Skipped:
        """What was left out while reading."""
        ...

    def records(self) -> Iterator[Record]:
        """``(name, position, text)`` of every document, in order; name and position are unique together."""
        ...

    def shards(self, n: int) -> Sequence[Source]:
        """At most ``n`` sources that follow one another to make this one."""
        ...

    @property
    def size_bytes(self) -> int | None:
        """Bytes of text, where that is known without reading."""
        ...

    def signature(self) -> str | None:
        """What changes when the source does, where that is known without reading."""
        ...


@dataclass(frozen=True)
class Files:
    """Documents from files."""

    files: tuple[FileSlice, ...]
    options: ReadingOptions
    skipped: Skipped = field(default_factory=Skipped, compare=False)

    def records(self) -> Iterator[Record]:
        """See :class:`Source`."""
        for file in self.files:
            for position, text in read_records(file, self.options, self.skipped):
                yield file.name, position, text

    def shards(self, n: int) -> Sequence[Files]:
        """See :class:`Source`."""
        pieces = [piece for file in self.files for piece in self._pieces(file)]
        total = sum(size for _, size in pieces)
        groups: list[list[FileSlice]] = [[] for _ in range(n)]
        before = 0
        for piece, size in pieces:
            groups[min(n - 1, (before + size // 2) * n // max(total, 1))].append(piece)
            before += size
        return [replace(self, files=_join(group), skipped=Skipped()) for group in groups if group]

    @property
    def size_bytes(self) -> int | None:
        """See :class:`Source`."""
        if any(file.compressed or file.kind != "text" or file.first or file.stop is not None for file in self.files):
            return None
        return sum(file.size for file in self.files)

    def signature(self) -> str | None:
        """Names, sizes and times of the files, and how they are read."""
        parts = [(file.first, file.stop) for file in self.files]
        return repr((file_signature((file.name, file.path) for file in self.files), parts, self.options))

    def _pieces(self, file: FileSlice) -> Iterator[tuple[FileSlice, int]]:
        """A large plain-text file chunk by chunk, any other as a whole, with its size in bytes."""
        chunk = self.options.chunk_bytes
        if file.compressed or file.kind != "text" or file.size <= chunk:
            yield file, file.size
            return
        stop = -(-file.size // chunk) if file.stop is None else file.stop
        for index in range(file.first, stop):
            # The last piece stays open: the file may have grown, and what it holds belongs to somebody.
            end = None if index + 1 == stop and file.stop is None else index + 1
            yield replace(file, first=index, stop=end), chunk


@dataclass(frozen=True)
class InMemory:
    """Documents from a sequence of strings."""

    texts: Sequence[str]
    first: int = 0
    skipped: Skipped = field(default_factory=Skipped, compare=False)

    def records(self) -> Iterator[Record]:
        """See :class:`Source`."""
        return _checked(self.texts, self.first)

    def shards(self, n: int) -> Sequence[InMemory]:
        """See :class:`Source`."""
        count = len(self.texts)
        bounds = [count * k // n for k in range(n + 1)]
        pairs = itertools.pairwise(bounds)
        return [InMemory(self.texts[a:b], self.first + a) for a, b in pairs if a < b]

    @property
    def size_bytes(self) -> int | None:
        """See :class:`Source`."""
        return None

    def signature(self) -> str | None:
        """See :class:`Source`."""
        return None


@dataclass(frozen=True)
class Called:
    """Documents from a function that gives a fresh iterable each time it is called, or from a re-iterable object."""

    open: Callable[[], Iterable[str]]
    skipped: Skipped = field(default_factory=Skipped, compare=False)

    def records(self) -> Iterator[Record]:
        """See :class:`Source`."""
        return _checked(self.open())

    def shards(self, n: int) -> Sequence[Called]:
        """See :class:`Source`."""
        return [self]  # its length is unknown and its middle cannot be reached

    @property
    def size_bytes(self) -> int | None:
        """See :class:`Source`."""
        return None

    def signature(self) -> str | None:
        """See :class:`Source`."""
        return None


@dataclass(frozen=True)
class FromDataset:
    """Documents from a column of a Hugging Face dataset."""

    dataset: Any
    text_field: str
    skipped: Skipped = field(default_factory=Skipped, compare=False)

    def records(self) -> Iterator[Record]:
        """See :class:`Source`."""
        for index, row in enumerate(self.dataset):
            if self.text_field not in row:
                raise CorpusError(f"dataset, row {index}: no column {self.text_field!r}; choose one with text_field")
            yield from _checked([row[self.text_field]], index)

    def shards(self, n: int) -> Sequence[Source]:
        """See :class:`Source`."""
        if not hasattr(self.dataset, "__len__"):
            return [self]
        count = min(n, len(self.dataset))
        parts = [self.dataset.shard(num_shards=count, index=k, contiguous=True) for k in range(count)]
        return [FromDataset(part, self.text_field) for part in parts]

    @property
    def size_bytes(self) -> int | None:
        """See :class:`Source`."""
        return None

    def signature(self) -> str | None:
        """See :class:`Source`."""
        return None


def find_files(paths: Iterable[str | os.PathLike[str]], options: ReadingOptions) -> Files:
    """The files that ``paths`` name: each file itself, each folder walked in sorted order without hidden entries.

    Raises:
        CorpusError: a path is missing, is neither file nor folder, or a folder holds no file.
    """
    given = [Path(os.path.abspath(path)) for path in paths]
    if not given:
        raise CorpusError("no files were given: a corpus needs at least one file or folder")
    root = Path(os.path.commonpath([path.parent for path in given]))
    files: list[FileSlice] = []
    for path in given:
        try:
            mode = path.stat().st_mode
        except OSError as error:
            raise CorpusError(f"{path}: {error.strerror or error}; check the path") from None
        if stat.S_ISDIR(mode):
            found = list(_walk(path))
            if not found:
                raise CorpusError(f"{path}: the folder holds no readable files (hidden ones are left out)")
            files.extend(FileSlice(f, f.relative_to(root).as_posix(), False, f.stat().st_size) for f in found)
        elif stat.S_ISREG(mode):
            files.append(FileSlice(path, path.relative_to(root).as_posix(), True, path.stat().st_size))
        else:
            raise CorpusError(
                f"{path}: neither a file nor a folder; a corpus is read several times, so save a pipe to a file first"
            )
    return Files(tuple(files), options)


def _walk(folder: Path) -> Iterator[Path]:
    """Regular files below ``folder`` in sorted order, without hidden entries, bytecode and linked folders."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise CorpusError(f"{folder}: cannot be read: {error.strerror or error}") from None
    for entry in entries:
        if entry.name.startswith(".") or entry.name == "__pycache__":
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path))
        elif entry.is_file():
            yield Path(entry.path)


def _join(pieces: Sequence[FileSlice]) -> tuple[FileSlice, ...]:
    """Neighbouring pieces of one file as one piece."""
    joined: list[FileSlice] = []
    for piece in pieces:
        if joined and joined[-1].path == piece.path and joined[-1].stop is not None and joined[-1].stop == piece.first:
            joined[-1] = replace(joined[-1], stop=piece.stop)
        else:
            joined.append(piece)
    return tuple(joined)


def _checked(texts: Iterable[str], first: int = 0) -> Iterator[Record]:
    """Records of Python strings; empty ones are left out, and what is not text is refused."""
    for index, text in enumerate(texts, first):
        if not isinstance(text, str):
            raise CorpusError(f"document {index}: expected a str, found {type(text).__name__}")
        if text:
            without_surrogates(text, "strict", f"document {index}")
            yield "", index, text
