"""Read one file as documents: plain text in bounded pieces or lines, JSON Lines, Parquet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal

from tokencraft.corpus.compression import COMPRESSED_SUFFIXES, clear_errors, open_bytes
from tokencraft.corpus.decoding import BYTE_ORDER_MARK, EncodingErrors, decode, without_surrogates
from tokencraft.errors import CorpusError

Unit = Literal["file", "line"]

JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")
PARQUET_SUFFIXES = (".parquet", ".pq")
_CUT_WINDOW = 1 << 20
_LONGEST_RECORD = 1 << 28
_BINARY_PROBE = 1 << 13


@dataclass(frozen=True)
class ReadingOptions:
    """How files become documents.

    Args:
        text_field: the field of JSON Lines and the column of Parquet that hold the text.
        documents: whether a plain-text file or each of its lines is a document.
        encoding_errors: what to do with bytes that are not UTF-8.
        chunk_bytes: plain-text files larger than this become several documents of about this size.
    """

    text_field: str = "text"
    documents: Unit = "file"
    encoding_errors: EncodingErrors = "strict"
    chunk_bytes: int = 1 << 20


@dataclass(frozen=True)
class FileSlice:
    """A file of a corpus, or a run of the chunks of a large plain-text one.

    Args:
        path: where it is.
        name: the name under which its documents go, relative and with ``/``.
        named: the user named this very file; otherwise it was found in a folder, where binary files are left out.
        size: bytes on disk.
        first: the first chunk to read.
        stop: the chunk to stop before; None reads to the end.
    """

    path: Path
    name: str
    named: bool
    size: int
    first: int = 0
    stop: int | None = None

    @property
    def kind(self) -> Literal["text", "json", "parquet"]:
        """What the name says it is, whatever it is compressed with."""
        inner = Path(self.path.stem) if self.compressed else self.path
        suffix = inner.suffix.lower()
        return "json" if suffix in JSON_SUFFIXES else "parquet" if suffix in PARQUET_SUFFIXES else "text"

    @property
    def compressed(self) -> bool:
        """Whether it is read through a decompressor."""
        return self.path.suffix.lower() in COMPRESSED_SUFFIXES


@dataclass
class Skipped:
    """What a reading left out, by name, so that a second reading does not count twice."""

    names: dict[str, None] = field(default_factory=dict)

    def add(self, name: str) -> None:
        """Note ``name``."""
        self.names[name] = None


def read_records(file: FileSlice, options: ReadingOptions, skipped: Skipped) -> Iterator[tuple[int, str]]:
    """The documents of one file, each with a position that names it.

    Yields:
        ``(position, text)``: the byte offset for plain text, the number of the record for JSON Lines and Parquet.

    Raises:
        CorpusError: the file cannot be read, is damaged, or does not hold what its name says.
    """
    readers = {"text": _read_text, "json": _read_json_lines, "parquet": _read_parquet}
    with clear_errors(file.path):
        yield from readers[file.kind](file, options, skipped)


def iterate_chunks(stream: BinaryIO, chunk_bytes: int, first: int = 0) -> Iterator[tuple[int, int, bytes]]:
    """Cut a stream into pieces of about ``chunk_bytes`` whose ends depend on nothing but the stream's own bytes.

    Piece k ends behind the first line end at or after byte ``(k + 1) * chunk_bytes``; where there is none within a
    mebibyte (or ``chunk_bytes``, if that is less), before the first space, which splitters keep with the word behind
    it; where there is none either, between two characters. So piece k is found by seeking, without reading what lies
    before it, and memory stays bounded whatever the file holds.

    Yields:
        ``(k, byte offset, bytes)``; pieces are not empty and join to the whole stream.
    """
    window = min(_CUT_WINDOW, chunk_bytes)
    offset = first * chunk_bytes
    pending = b""
    if first:
        stream.seek(offset)
        pending = stream.read(window)
        cut = _cut(pending, window)
        pending, offset = pending[cut:], offset + cut
    index = first
    while True:
        boundary = (index + 1) * chunk_bytes - offset
        pending += stream.read(boundary + window - len(pending))
        if len(pending) <= boundary:
            if pending:
                yield index, offset, pending
            return
        cut = boundary + _cut(pending[boundary : boundary + window], window)
        if cut:
            yield index, offset, pending[:cut]
        pending, offset, index = pending[cut:], offset + cut, index + 1


def _cut(ahead: bytes, window: int) -> int:
    """Where to cut within ``ahead``, the next ``window`` bytes or what is left of the stream."""
    for mark in (b"\n", b" "):
        found = ahead.find(mark)
        if found >= 0:
            return found + (mark == b"\n")
        if len(ahead) < window:  # the last line is short: it ends with the stream
            return len(ahead)
    continuation = 0
    while continuation < min(3, len(ahead)) and ahead[continuation] & 0xC0 == 0x80:
        continuation += 1
    return continuation


def _read_text(file: FileSlice, options: ReadingOptions, skipped: Skipped) -> Iterator[tuple[int, str]]:
    where, policy = str(file.path), options.encoding_errors
    with open_bytes(file.path) as stream:
        for index, chunk_offset, chunk in iterate_chunks(stream, options.chunk_bytes, file.first):
            if file.stop is not None and index >= file.stop:
                return
            offset, data = chunk_offset, chunk
            if offset == 0:
                if not file.named and b"\0" in data[:_BINARY_PROBE]:
                    skipped.add(file.name)
                    return
                if data.startswith(BYTE_ORDER_MARK):
                    offset, data = len(BYTE_ORDER_MARK), data[len(BYTE_ORDER_MARK) :]
            for piece in data.split(b"\n") if options.documents == "line" else (data,):
                length = len(piece)
                if options.documents == "line" and piece.endswith(b"\r"):
                    piece = piece[:-1]
                if piece:
                    text = decode(piece, policy, where, offset)
                    if text is None:
                        skipped.add(f"{file.name}#{offset}")
                    else:
                        yield offset, text
                offset += length + 1


def _read_json_lines(file: FileSlice, options: ReadingOptions, skipped: Skipped) -> Iterator[tuple[int, str]]:
    policy, name = options.encoding_errors, options.text_field
    offset = 0
    with open_bytes(file.path) as stream:
        for index, line in enumerate(iter(lambda: stream.readline(_LONGEST_RECORD), b"")):
            where = f"{file.path}, line {index + 1}"
            if len(line) == _LONGEST_RECORD:
                raise CorpusError(f"{where}: longer than {_LONGEST_RECORD >> 20} MiB; is this JSON Lines?")
            start, offset = offset, offset + len(line)
            if start == 0 and line.startswith(BYTE_ORDER_MARK):
                start, line = len(BYTE_ORDER_MARK), line[len(BYTE_ORDER_MARK) :]
            if not line.strip():
                continue
            decoded = decode(line, policy, where, start)
            text = None if decoded is None else without_surrogates(_json_text(decoded, name, where), policy, where)
            if text is None:
                skipped.add(f"{file.name}#{index}")
            elif text:
                yield index, text


def _json_text(line: str, name: str, where: str) -> str:
    """The text of one JSON record."""
    try:
        record = json.loads(line.rstrip())  # a line end inside would spoil the column of an error
    except json.JSONDecodeError as error:
        hint = " (a JSON array or a pretty-printed file is not JSON Lines)" if line.strip() in ("[", "{") else ""
        raise CorpusError(f"{where}, column {error.colno}: not a JSON record: {error.msg}{hint}") from None
    if not isinstance(record, dict):
        raise CorpusError(f"{where}: expected an object with the field {name!r}, found {_json_type(record)}")
    if name not in record:
        present = ", ".join(repr(key) for key in list(record)[:8]) or "none"
        raise CorpusError(f"{where}: no field {name!r}; the fields are {present}; choose one with text_field")
    text = record[name]
    if not isinstance(text, str):
        raise CorpusError(f"{where}: the field {name!r} is {_json_type(text)}, not a string")
    return text


def _json_type(value: object) -> str:
    """What JSON calls the type of ``value``, with its article."""
    names = {
        dict: "an object",
        list: "an array",
        str: "a string",
        bool: "a boolean",
        int: "a number",
        float: "a number",
    }
    return names.get(type(value), "null")


def _read_parquet(file: FileSlice, options: ReadingOptions, skipped: Skipped) -> Iterator[tuple[int, str]]:
    import pyarrow as pa  # slow to import, and most corpora are text
    import pyarrow.parquet as pq

    if file.compressed:
        raise CorpusError(
            f"{file.path}: a Parquet file inside {file.path.suffix} cannot be streamed; decompress it first"
        )
    name = options.text_field
    try:
        with pq.ParquetFile(file.path, pre_buffer=False) as parquet:
            schema = parquet.schema_arrow
            if name not in schema.names:
                present = ", ".join(map(repr, schema.names))
                raise CorpusError(
                    f"{file.path}: no column {name!r}; the columns are {present}; choose one with text_field"
                )
            kind = schema.field(name).type
            kind = kind.value_type if pa.types.is_dictionary(kind) else kind
            if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)):
                raise CorpusError(f"{file.path}: the column {name!r} holds {kind}, not strings")
            index = 0
            for batch in parquet.iter_batches(batch_size=256, columns=[name]):
                # As bytes: Arrow does not check that what a file calls a string is UTF-8.
                for value in batch.column(0).cast(pa.large_string()).cast(pa.large_binary()).to_pylist():
                    where = f"{file.path}, row {index}"
                    if value is None:
                        raise CorpusError(f"{where}: the column {name!r} is null, not a string")
                    text = decode(value, options.encoding_errors, where, 0)
                    if text is None:
                        skipped.add(f"{file.name}#{index}")
                    elif text:
                        yield index, text
                    index += 1
    except (pa.ArrowInvalid, pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        reason = str(error).splitlines()[0]
        raise CorpusError(f"{file.path}: the Parquet file is truncated or damaged ({reason}); copy it again") from None
