"""A corpus: a stream of documents that can be read again and again, in the same order."""

from __future__ import annotations

import heapq
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, NamedTuple

from tokencraft.corpus.decoding import check_policy, utf8_length
from tokencraft.corpus.fingerprint import Fingerprint
from tokencraft.corpus.mapped import Mapped
from tokencraft.corpus.reading import ReadingOptions, Unit
from tokencraft.corpus.sources import Called, FromDataset, InMemory, Record, Source, find_files
from tokencraft.errors import CorpusError, UsageError

_HASH_RANGE = 1 << 64


class Document(NamedTuple):
    """One document.

    Args:
        id: stable from run to run: the relative path and the position in the file, or the index.
        text: its text, never empty.
    """

    id: str
    text: str


@dataclass(frozen=True)
class _HashBetween:
    """Keeps the texts whose hash under ``salt`` lies in ``[low, high)``."""

    low: int
    high: int
    salt: bytes

    def __call__(self, text: str) -> bool:
        return self.low <= _hash(text, self.salt) < self.high


@dataclass(frozen=True, eq=False)
class Corpus:
    """A re-iterable stream of documents.

    Made by :meth:`from_files`, :meth:`from_dataset` or :meth:`from_iterable`. Nothing is read before it is iterated
    over, documents are streamed, and no operation holds the corpus in memory. Every iteration gives the same
    documents in the same order. Documents are never empty.

    Example:
        >>> corpus = Corpus.from_iterable(["one document", "another"])
        >>> [document.id for document in corpus.documents()]
        ['0', '1']
    """

    source: Source
    keep: tuple[Callable[[str], bool], ...] = ()
    splits: int = 0

    @classmethod
    def from_files(
        cls,
        paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
        *,
        text_field: str = "text",
        documents: Unit = "file",
        encoding_errors: str = "strict",
        chunk_bytes: int = 1 << 20,
    ) -> Corpus:
        """Documents from files: text of any extension, JSON Lines, Parquet; ``.gz`` and ``.zst`` of the first two.

        Args:
            paths: files, and folders that are walked in sorted order. In folders, hidden files and files with a NUL
                byte near their beginning are left out; a file that is named itself is always read.
            text_field: the field of ``.jsonl``, ``.ndjson`` and ``.json`` lines, or the column of ``.parquet``; each
                record is a document.
            documents: ``"file"``: a plain-text file is a document; ``"line"``: each of its lines is, without its line
                end.
            encoding_errors: for bytes that are not UTF-8: ``"strict"`` raises, ``"replace"`` puts U+FFFD, ``"skip"``
                leaves the document out and notes it in :attr:`skipped`.
            chunk_bytes: a plain-text file larger than this many bytes is streamed as several documents, cut at line
                ends.

        Returns:
            The corpus; the files are opened when it is iterated over.

        Raises:
            CorpusError: a path is missing or a folder holds no files. Reading raises it too, for files that are
                truncated, damaged, not UTF-8, or without the field or column.
            UsageError: an option has a value that does not exist.
        """
        if documents not in ("file", "line"):
            raise UsageError(f"documents must be 'file' or 'line', not {documents!r}")
        if chunk_bytes < 16:
            raise UsageError(f"chunk_bytes must be at least 16, not {chunk_bytes}")
        options = ReadingOptions(text_field, documents, check_policy(encoding_errors), chunk_bytes)
        return cls(find_files([paths] if isinstance(paths, (str, os.PathLike)) else paths, options))

    @classmethod
    def from_dataset(cls, dataset: Any, text_field: str = "text") -> Corpus:
        """Documents from the column ``text_field`` of a ``datasets.Dataset`` or ``IterableDataset``.

        Raises:
            CorpusError: there is no such column, or ``dataset`` is a dictionary of splits.
        """
        names = getattr(dataset, "column_names", None)
        if isinstance(names, dict):
            raise CorpusError(f"this is a dictionary of splits ({', '.join(names)}); pass one of them")
        if names is not None and text_field not in names:
            raise CorpusError(
                f"the dataset has no column {text_field!r}; the columns are {', '.join(map(repr, names))}"
            )
        return cls(FromDataset(dataset.select_columns([text_field]) if names else dataset, text_field))

    @classmethod
    def from_iterable(cls, texts: Iterable[str] | Callable[[], Iterable[str]]) -> Corpus:
        """Documents from strings.

        Args:
            texts: a sequence or another re-iterable object; or a function that gives a fresh iterable at each call. An
                iterator that can be read only once is read into memory.

        Raises:
            CorpusError: ``texts`` is a single string. Reading raises it for items that are not strings.
        """
        if isinstance(texts, (str, bytes)):
            raise CorpusError("a corpus needs an iterable of strings, not one string: put it in a list")
        if callable(texts):
            return cls(Called(texts))
        if iter(texts) is texts:
            return cls(InMemory(list(texts)))
        if isinstance(texts, Sequence):
            return cls(InMemory(texts))
        return cls(Called(texts.__iter__))

    def __iter__(self) -> Iterator[str]:
        """The text of every document."""
        for _, _, text in self.records():
            yield text

    def documents(self) -> Iterator[Document]:
        """Every document with its id."""
        for name, position, text in self.records():
            yield Document(f"{name}#{position}" if name else str(position), text)

    def require_documents(self) -> Corpus:
        """This corpus, after a look that it has a document.

        Raises:
            CorpusError: it has none.
        """
        if next(iter(self), None) is None:
            left_out = f"; {len(self.skipped)} were left out as not text" if self.skipped else ""
            part = " in this part of the split or after the filter" if self.keep else ""
            raise CorpusError(f"the corpus is empty: there is no document with text{part}{left_out}")
        return self

    def split(self, held_out: float = 0.05) -> tuple[Corpus, Corpus]:
        """Two disjoint parts, by a hash of the content.

        Where a document goes depends on its text alone: not on order, file names or the other documents, and equal
        documents stay together. Splitting a part again uses a fresh hash.

        Args:
            held_out: expected share of documents in the second part, between 0 and 1.

        Returns:
            ``(train, held_out)``. Either may turn out empty where there are few documents: see
            :meth:`require_documents`.
        """
        if not 0.0 < held_out < 1.0:
            raise UsageError(f"held_out must lie between 0 and 1, not {held_out}")
        edge, salt = int(held_out * _HASH_RANGE), b"split %d" % self.splits
        train = replace(self, keep=(*self.keep, _HashBetween(edge, _HASH_RANGE, salt)), splits=self.splits + 1)
        return train, replace(self, keep=(*self.keep, _HashBetween(0, edge, salt)), splits=self.splits + 1)

    def filter(self, keep: Callable[[str], bool]) -> Corpus:
        """The documents for whose text ``keep`` is true."""
        return replace(self, keep=(*self.keep, keep))

    def map(self, function: Callable[[str], str]) -> Corpus:
        """The documents with ``function`` applied to the text of each; one that becomes empty is left out.

        Example:
            >>> list(Corpus.from_iterable(["One", "TWO"]).map(str.lower))
            ['one', 'two']
        """
        return Corpus(Mapped(self, function), splits=self.splits)

    def sample(self, max_bytes: int, seed: int = 0) -> Corpus:
        """Documents chosen by a seeded hash until ``max_bytes`` of UTF-8 are reached, in their original order.

        Reads the corpus once. At least one document is kept, however large; equal documents are kept or left together.
        """
        salt = b"sample %d" % seed
        heap: list[tuple[int, int]] = []  # (-hash, bytes): the largest hash leaves first
        total, edge, smallest = 0, _HASH_RANGE, _HASH_RANGE
        for text in self:
            value, size = _hash(text, salt), utf8_length(text)
            if value >= edge:
                continue
            heapq.heappush(heap, (-value, size))
            total, smallest = total + size, min(smallest, value)
            while total > max_bytes and -heap[0][0] > smallest:
                edge = -heap[0][0]
                while -heap[0][0] == edge:
                    total -= heapq.heappop(heap)[1]
        return self.filter(_HashBetween(0, edge, salt))

    def shards(self, n: int) -> list[Corpus]:
        """At most ``n`` corpora of about equal size that follow one another to make this one; they can be pickled.

        Files are cut where documents are; an iterable of unknown length stays whole.
        """
        if n < 1:
            raise UsageError(f"a corpus is cut into at least 1 shard, not {n}")
        return [replace(self, source=source) for source in self.source.shards(n)]

    def batches(self, max_bytes: int = 8 << 20) -> Iterator[list[str]]:
        """Documents in lists of at most ``max_bytes`` of UTF-8; a larger document has a list of its own."""
        batch: list[str] = []
        total = 0
        for text in self:
            size = utf8_length(text)
            if batch and total + size > max_bytes:
                yield batch
                batch, total = [], 0
            batch.append(text)
            total += size
        if batch:
            yield batch

    def fingerprint(self) -> str:
        """A hash (32 hexadecimal digits) of the documents' texts in order, whatever their files are called.

        Reads the corpus.
        """
        fingerprint = Fingerprint()
        for text in self:
            fingerprint.add(text)
        return fingerprint.hexdigest()

    def signature(self) -> str:
        """A hash (32 hexadecimal digits) that changes when the corpus does; cheaper than :meth:`fingerprint` for files.

        For files it is made of their names, sizes and times, nothing being read; otherwise it is the fingerprint.
        """
        known = None if self.keep else self.source.signature()
        return self.fingerprint() if known is None else blake2b(known.encode("utf-8"), digest_size=16).hexdigest()

    @property
    def skipped(self) -> tuple[str, ...]:
        """Ids of documents and names of files left out by iterations so far: not UTF-8, or binary files in a folder."""
        return tuple(self.source.skipped.names)

    @property
    def size_bytes(self) -> int | None:
        """Bytes of text, for progress bars; None where they are not known without reading (compressed, filtered)."""
        return None if self.keep else self.source.size_bytes

    def records(self) -> Iterator[Record]:
        """``(name, position, text)`` of every document, as its source numbers them."""
        records = self.source.records()
        for keep in self.keep:
            records = _kept(records, keep)
        return records


def _kept(records: Iterator[Record], keep: Callable[[str], bool]) -> Iterator[Record]:
    """The records whose text ``keep`` likes. A function of its own: a generator expression would bind ``keep`` late."""
    return (record for record in records if keep(record[2]))


def _hash(text: str, salt: bytes) -> int:
    """A uniform 64-bit number from the text."""
    return int.from_bytes(blake2b(text.encode("utf-8"), digest_size=8, key=salt).digest(), "little")
