"""A corpus as token ids on disk: shards of bounded size that another program can map into memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tokencraft.corpus import Corpus, utf8_length
from tokencraft.errors import StageError, UsageError
from tokencraft.report import OnProgress, atomic_path, read_json, require_empty_folder, write_json
from tokencraft.vocabulary.dropout import DropoutEncoder
from tokencraft.vocabulary.kinds import TokenKind
from tokencraft.vocabulary.vocabulary import Vocabulary

Format = Literal["npy", "parquet"]

MANIFEST = "manifest.json"
_PROGRESS = "progress.json"
_BATCH_BYTES = 8 << 20


@dataclass(frozen=True)
class Shard:
    """One shard.

    Args:
        ids: the file with the ids; in Parquet with everything.
        offsets: for ``npy``, the file with the start of every document, and the end of the last; else empty.
        documents, tokens, bytes: what it holds; bytes are those of the text.
    """

    ids: str
    offsets: str
    documents: int
    tokens: int
    bytes: int


@dataclass(frozen=True)
class TokenShards:
    """A folder of shards, and how to read it.

    Args:
        folder: where it lies.
        manifest: the content of its ``manifest.json``.
    """

    folder: Path
    manifest: Mapping[str, Any]

    @classmethod
    def open(cls, folder: str | Path) -> TokenShards:
        """The shards in a folder that :func:`encode_to_shards` wrote.

        Raises:
            TokencraftError: it has no manifest, so the encoding was not finished.
        """
        return cls(Path(folder), read_json(Path(folder) / MANIFEST))

    @property
    def shards(self) -> tuple[Shard, ...]:
        """What the shards hold."""
        return tuple(Shard(**shard) for shard in self.manifest["shards"])

    def __iter__(self) -> Iterator[npt.NDArray[np.unsignedinteger[Any]]]:
        """The ids of every document, in the order of the corpus; ``npy`` shards are mapped, not read."""
        for shard in self.shards:
            path = self.folder / shard.ids
            if self.manifest["format"] == "npy":
                ids = np.load(path, mmap_mode="r") if shard.tokens else np.zeros(0, self.manifest["dtype"])
                offsets = np.load(self.folder / shard.offsets)
                yield from (ids[a:b] for a, b in pairwise(offsets))
            else:
                import pyarrow.parquet as pq

                with pq.ParquetFile(path) as file:
                    for batch in file.iter_batches(columns=["ids"]):
                        yield from (np.asarray(row.values) for row in batch.column(0))


def encode_to_shards(
    vocabulary: Vocabulary,
    corpus: Corpus,
    folder: str | Path,
    *,
    format: Format = "npy",
    shard_tokens: int = 1 << 25,
    append: str | None = None,
    dropout: float = 0.0,
    superword_dropout: float = 0.0,
    seed: int = 0,
    threads: int | None = None,
    progress: OnProgress | None = None,
) -> TokenShards:
    """Encode every document of a corpus into a folder. A killed run goes on where it was when it is called again.

    Each shard is written whole or not at all, and the manifest last, so what has a manifest is complete. Documents
    are not cut: a shard ends with the document that fills it.

    Args:
        vocabulary: encodes; special tokens in the text stay text.
        corpus: the documents.
        folder: new, empty, or left by an unfinished run with the same arguments.
        format: ``"npy"``: ``NNNNN.ids.npy`` (uint16 where the ids fit, else uint32, ``[tokens]``) and
            ``NNNNN.offsets.npy`` (int64 ``[documents + 1]``); ``"parquet"``: ``NNNNN.parquet`` with the columns ``id``,
            ``ids`` and ``bytes``.
        shard_tokens: tokens after which a shard ends.
        append: the role or the string of a special token to put behind every document, for example ``"eos"``.
        dropout, superword_dropout: probabilities with which merges are left out, see
            :class:`~tokencraft.vocabulary.dropout.DropoutEncoder`.
        seed: of what is left out.
        threads: for encoding; None takes every core.
        progress: called with the bytes of text that are done so far.

    Returns:
        The finished shards.

    Raises:
        CorpusError: the corpus has no documents, or cannot be read.
        StageError: the folder holds something else, or an unfinished run with other arguments.
        UsageError: an argument has a value that does not exist.
    """
    if format not in ("npy", "parquet"):
        raise UsageError(f"the format must be 'npy' or 'parquet', not {format!r}")
    if shard_tokens < 1:
        raise UsageError(f"a shard holds at least 1 token, not {shard_tokens}")
    end = None if append is None else _special(vocabulary, append)
    settings: dict[str, Any] = {
        "format": format,
        "dtype": "uint16" if len(vocabulary) <= 1 << 16 else "uint32",
        "shard_tokens": shard_tokens,
        "append": append,
        "vocabulary": {"size": len(vocabulary), "fingerprint": vocabulary.fingerprint()},
        "corpus": corpus.require_documents().signature(),
    }
    dropping = None
    if dropout or superword_dropout:
        settings |= {"dropout": dropout, "superword_dropout": superword_dropout, "seed": seed}
        dropping = DropoutEncoder(vocabulary, merges=dropout, superwords=superword_dropout, seed=seed)
    target = Path(folder)
    shards, encoder = _resume(target, settings)
    writer = _Writer(target, settings, shards, encoder, end)
    done = sum(shard.documents for shard in shards)
    size = sum(shard.bytes for shard in shards)
    for names, texts in _batches(corpus, done):
        if dropping is None:
            encoded = vocabulary.encode_batch(texts, threads=threads)
        else:
            encoded = dropping.encode_batch(texts, first=done, threads=threads)
        done += len(texts)
        writer.encoder = encoded.encoder
        sizes = list(map(utf8_length, texts))
        writer.add(names, encoded.ids, encoded.offsets, sizes)
        size += sum(sizes)
        if progress is not None:
            progress("encoding", size, corpus.size_bytes)
    writer.finish()
    totals = {key: sum(getattr(shard, key) for shard in shards) for key in ("documents", "tokens", "bytes")}
    manifest = {"schema": 1, **settings, **totals, "encoder": writer.encoder, "skipped": len(corpus.skipped)}
    write_json(target / MANIFEST, {**manifest, "shards": [asdict(shard) for shard in shards]})
    (target / _PROGRESS).unlink(missing_ok=True)
    return TokenShards.open(target)


def _special(vocabulary: Vocabulary, name: str) -> int:
    """The id of a special token by role or string."""
    number = vocabulary.special_tokens.get(name, vocabulary.id_of(name.encode("utf-8")))
    if number is None or vocabulary.kinds[number] != TokenKind.SPECIAL:
        known = [
            f"{role} ({vocabulary.tokens[n].decode('utf-8', 'replace')})"
            for role, n in vocabulary.special_tokens.items()
        ]
        raise UsageError(f"the vocabulary has no special token {name!r}; it has {', '.join(known) or 'none'}")
    return number


def _resume(folder: Path, settings: Mapping[str, Any]) -> tuple[list[Shard], str]:
    """The shards of an earlier run with the same settings, and what encoded them; the folder is ready afterwards."""
    if not (folder / _PROGRESS).is_file() or (folder / MANIFEST).exists():
        require_empty_folder(folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / _PROGRESS, {"settings": settings, "encoder": "", "shards": []})
        return [], ""
    progress = read_json(folder / _PROGRESS)
    changed = [key for key, value in settings.items() if progress["settings"].get(key) != value]
    if changed:
        raise StageError(
            f"{folder}: an unfinished encoding with another {' and '.join(changed)} lies here; "
            "repeat its arguments to finish it, or name another folder"
        )
    for leftover in folder.glob(".*.tmp"):  # half a shard of the run that was killed
        leftover.unlink()
    return [Shard(**shard) for shard in progress["shards"]], progress["encoder"]


def _batches(corpus: Corpus, skip: int) -> Iterator[tuple[list[str], list[str]]]:
    """Ids and texts of the documents behind the first ``skip``, a few megabytes at a time."""
    names: list[str] = []
    texts: list[str] = []
    size = 0
    for document in islice(corpus.documents(), skip, None):
        names.append(document.id)
        texts.append(document.text)
        size += utf8_length(document.text)
        if size >= _BATCH_BYTES:
            yield names, texts
            names, texts, size = [], [], 0
    if texts:
        yield names, texts


@dataclass
class _Writer:
    """Collects documents and writes a shard when it is full."""

    folder: Path
    settings: Mapping[str, Any]
    shards: list[Shard]
    encoder: str
    end: int | None
    names: list[str] = field(default_factory=list)
    ids: list[npt.NDArray[np.uint32]] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    tokens: int = 0

    def add(
        self, names: list[str], ids: npt.NDArray[np.uint32], offsets: npt.NDArray[np.int64], sizes: list[int]
    ) -> None:
        """Take the documents of a batch."""
        if self.end is not None:
            ids = np.insert(ids, offsets[1:], self.end)
            offsets = offsets + np.arange(len(offsets))
        start = 0
        while start < len(names):
            room = self.settings["shard_tokens"] - self.tokens
            stop = min(int(np.searchsorted(offsets, offsets[start] + room)), len(names))
            stop = max(stop, start + 1)
            self.names += names[start:stop]
            self.sizes += sizes[start:stop]
            self.lengths += np.diff(offsets[start : stop + 1]).tolist()
            self.ids.append(ids[offsets[start] : offsets[stop]])
            self.tokens += int(offsets[stop] - offsets[start])
            if self.tokens >= self.settings["shard_tokens"]:
                self._write()
            start = stop

    def finish(self) -> None:
        """Write what is left."""
        if self.names:
            self._write()

    def _write(self) -> None:
        ids = np.concatenate(self.ids).astype(self.settings["dtype"])
        offsets = np.concatenate(([0], np.cumsum(self.lengths, dtype=np.int64)))
        number = f"{len(self.shards):05d}"
        if self.settings["format"] == "npy":
            names = (f"{number}.ids.npy", f"{number}.offsets.npy")
            for name, array in zip(names, (ids, offsets), strict=True):
                with atomic_path(self.folder / name) as path:
                    _save(path, array)
        else:
            names = (f"{number}.parquet", "")
            self._write_parquet(self.folder / names[0], ids, offsets)
        self.shards.append(Shard(*names, len(self.names), len(ids), sum(self.sizes)))
        shards = [asdict(shard) for shard in self.shards]
        write_json(self.folder / _PROGRESS, {"settings": self.settings, "encoder": self.encoder, "shards": shards})
        self.names, self.ids, self.lengths, self.sizes, self.tokens = [], [], [], [], 0

    def _write_parquet(self, path: Path, ids: npt.NDArray[Any], offsets: npt.NDArray[np.int64]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        columns = {
            "id": pa.array(self.names, pa.string()),
            "ids": pa.LargeListArray.from_arrays(offsets, pa.array(ids)),
            "bytes": pa.array(self.sizes, pa.int64()),
        }
        with atomic_path(path) as temporary:
            pq.write_table(pa.table(columns), temporary, compression="zstd")


def _save(path: Path, array: npt.NDArray[Any]) -> None:
    """``np.save``, whose error on a full disk does not say that the disk is full."""
    with open(path, "wb") as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
        file.write(array.data)
