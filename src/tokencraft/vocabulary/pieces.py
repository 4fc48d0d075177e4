"""Counting the distinct pieces of a corpus: here, over the shards of an engine, within an allowed memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, Literal

from tokencraft import _native
from tokencraft.corpus import Corpus, Fingerprint, document_hash
from tokencraft.engine import Engine, Local
from tokencraft.errors import CorpusError, UsageError
from tokencraft.vocabulary.piece_store import SHARDS, PieceStore
from tokencraft.vocabulary.pretoken_runs import PretokenRuns
from tokencraft.vocabulary.split import Lines, Splitter

Unit = Literal["document", "line"]
Progress = Callable[[str, int, int | None], object]
"""Called now and then with what is being done, how much of it is done, and how much there is (None where unknown)."""

LEAST_MEMORY = 1 << 20
SHARD_BYTES = 32 << 20
"""How much of a corpus a task of an engine counts; its distinct pieces come back in one message."""

_CHUNK = 1 << 16
_UNITS = 1 << 14


@dataclass(frozen=True)
class Sample:
    """What merges were learned from where all pieces would have taken more memory than was allowed.

    A piece counted w times was kept with probability min(1, w / threshold) and weighed max(w, threshold).

    Args:
        threshold: pieces counted as often are all kept.
        seed: of the choice, which depends on the bytes of the piece alone.
        pieces: how many were kept.
        of_pieces: how many there were.
        tokens: of the pieces that were kept, after the merges that there were, and one a piece.
        of_tokens: of all pieces.
    """

    threshold: int
    seed: int
    pieces: int
    of_pieces: int
    tokens: int
    of_tokens: int


class Pieces:
    """The distinct pieces of a corpus with their counts; made by :func:`count` or :meth:`recut`."""

    def __init__(
        self, store: PieceStore, fingerprint: str, *, seed: int = 0, samples: list[Sample] | None = None
    ) -> None:
        """Wrap a store; see :func:`count`."""
        self.store = store
        """Where they are."""
        self.fingerprint = fingerprint
        """Fingerprint of the corpus, as :meth:`tokencraft.corpus.Corpus.fingerprint` gives it."""
        self.seed = seed
        """Of the samples."""
        self.samples: list[Sample] = [] if samples is None else samples
        """Samples that were learned from so far, of these pieces and of those that they were cut from or into."""

    @property
    def total_bytes(self) -> int:
        """Bytes of the corpus that were read."""
        return self.store.counter.total_bytes

    @property
    def notes(self) -> dict[str, Any]:
        """What the origin of a vocabulary should say about memory: nothing where everything was used."""
        samples = [asdict(sample) for sample in dict.fromkeys(self.samples)]
        return {"memory": self.store.memory, "samples": samples} if samples else {}

    def items(self) -> dict[bytes, int]:
        """Count by piece: a copy of it all, for small corpora and tests."""
        return dict(self.store.items())

    def characters(self) -> list[str]:
        """The distinct characters, in order."""
        codes = {code for table in self.store.tables() for code in _native.characters(table).tolist()}
        return [chr(code) for code in sorted(codes)]

    def recut(self, splitter: Splitter) -> Pieces:
        """The pieces of these pieces, each weighing as much as what it was cut from."""
        old = self.store
        native = splitter.native
        finer = PieceStore(0 if native is None else native, threads=old.threads, memory=old.memory)
        if native is not None:
            old.cut_into(finer)
        else:
            for table in old.tables():
                items = table.items()
                for begin in range(0, len(items), _CHUNK):
                    texts = [piece for piece, _ in items[begin : begin + _CHUNK]]
                    ends = splitter.spans_batch(texts, threads=old.threads)
                    finer.counter.add(texts, ends=ends, weights=[count for _, count in items[begin : begin + _CHUNK]])
                    finer.settle()
            finer.finish()
        return Pieces(finer, self.fingerprint, seed=self.seed, samples=self.samples)


def count(
    corpus: Corpus,
    splitter: Splitter,
    *,
    unit: Unit = "document",
    max_doc_bytes: int | None = None,
    threads: int | None = None,
    engine: Engine | None = None,
    memory: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Pieces:
    """Count the distinct pieces of a corpus, which is streamed once.

    Args:
        corpus: the documents.
        splitter: how units are cut into pieces; the well-known patterns run natively on all threads.
        unit: what is cut: ``"document"``, or ``"line"``: each line with its line end, so that no piece crosses lines.
        max_doc_bytes: documents are cut off after this many bytes of UTF-8, between characters.
        threads: how many to use; all cores where left out. The result does not depend on it.
        engine: where the corpus is read and counted, shard by shard; by the threads of this process where left out.
            The result does not depend on it. A corpus that cannot be cut (a function, a single compressed file) is
            counted here.
        memory: bytes that counting and what is done with the pieces may take, the interpreter included; any number
            where left out. Counts that do not fit go to a temporary file (``TMPDIR``), which changes nothing but time.
            Where :func:`~tokencraft.vocabulary.merges.learn` cannot hold all pieces, it takes a weighted sample.
        seed: of that sample.
        progress: called with the bytes read.

    Raises:
        CorpusError: the corpus has no text.

    Example:
        >>> from tokencraft.vocabulary import split
        >>> sorted(count(Corpus.from_iterable(["a b a"]), split.GPT2).items().items())
        [(b' a', 1), (b' b', 1), (b'a', 1)]
    """
    if unit not in ("document", "line"):
        raise UsageError(f"the unit is 'document' or 'line', not {unit!r}")
    if max_doc_bytes is not None and max_doc_bytes < 1:
        raise UsageError(f"max_doc_bytes must be at least 1, not {max_doc_bytes}")
    if threads is not None and threads < 1:
        raise UsageError(f"threads must be at least 1, not {threads}")
    if memory is not None and memory < LEAST_MEMORY:
        raise UsageError(f"memory is given in bytes: {memory} are too few, {LEAST_MEMORY} the least")
    counting = _Counting(splitter, unit, max_doc_bytes)
    fingerprint = Fingerprint()
    store = PieceStore(counting.pattern, lines=counting.native_lines, threads=threads, memory=memory)
    counter = store.counter
    counting.prepare(counter)
    shards = _shards(corpus, engine)
    if engine is not None and len(shards) > 1:
        for written, hashes, read, skipped in engine.map(counting, shards):
            counter.read(written)
            counter.add_total_bytes(read)
            fingerprint.extend(hashes)
            for name in skipped:
                corpus.source.skipped.add(name)
            store.settle()
            if progress is not None:
                progress("counting", counter.total_bytes, corpus.size_bytes)
    else:
        for batch in corpus.batches():
            for text in batch:
                fingerprint.add(text)
            counting.add(counter, batch, threads)
            store.settle()
            if progress is not None:
                progress("counting", counter.total_bytes, corpus.size_bytes)
    if counter.total_bytes == 0:
        corpus.require_documents()
        raise CorpusError("the corpus is empty: none of its documents has any text")
    store.finish()
    return Pieces(store, fingerprint.hexdigest(), seed=seed)


_Counted = tuple[list[bytes], bytes, int, tuple[str, ...]]


@dataclass(frozen=True)
class _Counting:
    """How documents are cut and counted; applied to a shard of a corpus, it does that wherever it is."""

    splitter: Splitter
    unit: Unit
    max_doc_bytes: int | None

    @property
    def pattern(self) -> int:
        """The native pattern of the counter; what has none is cut in :meth:`add`."""
        if self._runs is not None:
            return self._runs.pretokens.native or 0
        return 0 if self.splitter.native is None or isinstance(self.splitter, Lines) else self.splitter.native

    @property
    def lines(self) -> bool:
        """Whether lines are cut one by one."""
        return self.unit == "line" or isinstance(self.splitter, Lines)

    @property
    def native_lines(self) -> bool:
        """Whether the counter cuts lines."""
        return self.lines and self.runs_natively

    @property
    def runs_natively(self) -> bool:
        """Whether the counter cuts pieces."""
        return self.splitter.native is not None or isinstance(self.splitter, Lines) or self._runs is not None

    @property
    def _runs(self) -> PretokenRuns | None:
        """The splitter, where it finds runs that the counter can find."""
        runs = self.splitter
        return runs if isinstance(runs, PretokenRuns) and runs.pretokens.native is not None else None

    def prepare(self, counter: _native.PieceCounter) -> None:
        """Tell a new counter what its pattern does not say."""
        if self._runs is not None:
            counter.keep_runs(self._runs.finder)

    def add(self, counter: _native.PieceCounter, batch: list[str], threads: int | None) -> None:
        """Count the pieces of some documents."""
        texts = batch
        if self.max_doc_bytes is not None:
            texts = [_truncated(text, self.max_doc_bytes) for text in batch]
        if self.runs_natively:
            counter.add(texts)
        else:
            units = (part for text in texts for part in _units(text.encode("utf-8"), self.lines))
            while some := list(islice(units, _UNITS)):
                counter.add(some, ends=self.splitter.spans_batch(some, threads=threads))

    def __call__(self, shard: Corpus) -> _Counted:
        """The counted pieces as bytes, the hashes of the documents, the bytes read, and what was left out."""
        counter = _native.PieceCounter(self.pattern, self.native_lines, 1)
        self.prepare(counter)
        hashes = bytearray()
        for batch in shard.batches():
            for text in batch:
                hashes += document_hash(text)
            self.add(counter, batch, 1)
        written = [counter.write(index) for index in range(SHARDS)]
        return written, bytes(hashes), counter.total_bytes, shard.skipped


def _shards(corpus: Corpus, engine: Engine | None) -> list[Corpus]:
    """The tasks of an engine; one where the corpus cannot be cut or there is nobody to share it with."""
    if engine is None or engine == Local(1):
        return [corpus]
    size = corpus.size_bytes
    return corpus.shards(64 if size is None else min(4096, max(8, -(-size // SHARD_BYTES))))


def _truncated(text: str, max_bytes: int) -> str:
    """At most ``max_bytes`` of UTF-8, between characters."""
    if len(text) * 4 <= max_bytes:
        return text
    return text[:max_bytes].encode("utf-8")[:max_bytes].decode("utf-8", "ignore")


def _units(data: bytes, lines: bool) -> Iterator[bytes]:
    """The document, or its lines with their line ends."""
    if not lines:
        yield data
        return
    begin = 0
    while begin < len(data):
        end = data.find(b"\n", begin) + 1 or len(data)
        yield data[begin:end]
        begin = end
