"""Learning merges: count the pieces of a corpus, go on from merges that are there, veto, replay, recover from ranks.

Everything that makes or examines BPE merges goes through here, on one native core (``src/native/merge_learner.hpp``):
train from nothing (no merges given), resume (merges given), forbid (:class:`Rules`), and replay (no new tokens asked
for; :attr:`Learned.fired` tells which of the given merges the corpus has a use for).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from tokencraft import _native
from tokencraft.corpus import Corpus, Fingerprint
from tokencraft.errors import CorpusError, TrainingError, UsageError
from tokencraft.vocabulary.bytes import BYTE_ORDER, from_printable
from tokencraft.vocabulary.split import Lines, Splitter

Unit = Literal["document", "line"]
Progress = Callable[[str, int, int | None], object]
"""Called now and then with what is being done, how much of it is done, and how much there is (None where unknown)."""

_CHUNK = 1 << 16


@dataclass(frozen=True)
class Rules:
    """Which merges may be learned.

    Args:
        min_frequency: least weighted count of a pair; 0 and 1 both mean that it occurs.
        max_token_bytes: most bytes of a token; None for any number.
        max_words: most words of a token, runs of bytes that are not spaces; None for any number.
        forbid: byte strings that no new token may contain.
        reserved: byte strings that no new token may be, because a special token is spelled so.
        veto: called with the bytes of both sides of a candidate when its turn comes; True discards it for good. It must
            depend on nothing else, for candidates may come up again.
    """

    min_frequency: int = 0
    max_token_bytes: int | None = None
    max_words: int | None = None
    forbid: tuple[bytes, ...] = ()
    reserved: tuple[bytes, ...] = ()
    veto: Callable[[bytes, bytes], bool] | None = None

    def __post_init__(self) -> None:
        if self.min_frequency < 0:
            raise UsageError(f"min_frequency must be 0 or more, not {self.min_frequency}")
        if self.max_token_bytes is not None and self.max_token_bytes < 1:
            raise UsageError(f"a token has at least 1 byte, so the longest cannot have {self.max_token_bytes}")
        if self.max_words is not None and self.max_words < 1:
            raise UsageError(f"max_words must be at least 1, not {self.max_words}; None allows any number")
        if b"" in self.forbid:
            raise UsageError("every token contains the empty string; forbid something longer")


@dataclass(frozen=True, eq=False)
class Learned:
    """What was learned.

    Args:
        merges: (left id, right id, id of what they make) of the new merges in the order learned, int32 ``[n, 3]``. A
            merge may make bytes that are a token already; then it has that token's id.
        counts: weighted count of each merge's pair when it was merged, int64 ``[n]``.
        fired: which of the merges given at the start were applied at least once, bool ``[m]``.
    """

    merges: npt.NDArray[np.int32]
    counts: npt.NDArray[np.int64]
    fired: npt.NDArray[np.bool_]

    @property
    def pairs(self) -> npt.NDArray[np.int32]:
        """(left id, right id) of the new merges, int32 ``[n, 2]``."""
        return np.ascontiguousarray(self.merges[:, :2])


class Pieces:
    """The distinct pieces of a corpus with their counts; made by :func:`count` or :meth:`recut`."""

    def __init__(self, counter: _native.PieceCounter, threads: int | None, fingerprint: str) -> None:
        """Wrap a native counter; see :func:`count`."""
        self._counter = counter
        self._threads = threads
        self.fingerprint = fingerprint
        """Fingerprint of the corpus, as :meth:`tokencraft.corpus.Corpus.fingerprint` gives it."""

    @property
    def total_bytes(self) -> int:
        """Bytes of the corpus that were read."""
        return self._counter.total_bytes

    @property
    def counter(self) -> _native.PieceCounter:
        """The native table."""
        return self._counter

    def items(self) -> dict[bytes, int]:
        """Count by piece: a copy of it all, for small corpora and tests."""
        return dict(self._counter.items())

    def characters(self) -> list[str]:
        """The distinct characters, in order."""
        text = b"".join(piece for piece, _ in self._counter.items()).decode("utf-8", "replace")
        return sorted(set(text))

    def recut(self, splitter: Splitter) -> Pieces:
        """The pieces of these pieces, each weighing as much as what it was cut from."""
        if splitter.native is not None:
            finer = _native.PieceCounter(splitter.native, False, self._threads or 0)
            finer.add_pieces_of(self._counter)
            return Pieces(finer, self._threads, self.fingerprint)
        finer = _native.PieceCounter(0, False, self._threads or 0)
        items = self._counter.items()
        for begin in range(0, len(items), _CHUNK):
            texts = [piece for piece, _ in items[begin : begin + _CHUNK]]
            ends = [splitter.spans(piece) for piece in texts]
            finer.add(texts, ends=ends, weights=[count for _, count in items[begin : begin + _CHUNK]])
        return Pieces(finer, self._threads, self.fingerprint)


def count(
    corpus: Corpus,
    splitter: Splitter,
    *,
    unit: Unit = "document",
    max_doc_bytes: int | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Pieces:
    """Count the distinct pieces of a corpus, which is streamed once.

    Args:
        corpus: the documents.
        splitter: how units are cut into pieces; the well-known patterns run natively on all threads.
        unit: what is cut: ``"document"``, or ``"line"``: each line with its line end, so that no piece crosses lines.
        max_doc_bytes: documents are cut off after this many bytes of UTF-8, between characters.
        threads: how many to use; all cores where left out. The result does not depend on it.
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
    native = 0 if isinstance(splitter, Lines) else splitter.native
    lines = unit == "line" or isinstance(splitter, Lines)
    counter = _native.PieceCounter(0 if native is None else native, lines and native is not None, threads or 0)
    fingerprint = Fingerprint()
    for batch in corpus.batches():
        for text in batch:
            fingerprint.add(text)
        texts = batch
        if max_doc_bytes is not None:
            texts = [_truncated(text, max_doc_bytes) for text in batch]
        if native is not None:
            counter.add(texts)
        else:
            units = [part for text in texts for part in _units(text.encode("utf-8"), lines)]
            counter.add(units, ends=[splitter.spans(part) for part in units])
        if progress is not None:
            progress("counting", counter.total_bytes, corpus.size_bytes)
    if counter.total_bytes == 0:
        corpus.require_documents()
        raise CorpusError("the corpus is empty: none of its documents has any text")
    return Pieces(counter, threads, fingerprint.hexdigest())


def learn(
    pieces: Pieces,
    new_tokens: int,
    *,
    tokens: Sequence[bytes],
    merges: npt.NDArray[np.int32] | Sequence[tuple[int, int, int]] = (),
    rules: Rules | None = None,
    progress: Progress | None = None,
) -> Learned:
    """Learn merges on counted pieces: join the most frequent adjacent pair, again and again.

    Ties go to the smaller (left id, right id). Equal to counting all pairs afresh before every merge, and to
    ``tokenizers``' ``BpeTrainer`` except that counts never overflow.

    Args:
        pieces: what to learn on.
        new_tokens: how many tokens to add; fewer come back where the pieces hold no more pairs that the rules allow.
        tokens: bytes of the vocabulary by id, empty for ids that no text produces. All 256 single bytes must be there.
            New tokens get the ids from ``len(tokens)`` on.
        merges: (left, right, result) ids of the merges that the pieces have undergone already, in rank order.
        rules: which merges may be learned.
        progress: called with the tokens learned.

    Raises:
        TrainingError: the tokens lack a byte, or the merges do not fit them.

    Example:
        >>> from tokencraft.vocabulary import split
        >>> pieces = count(Corpus.from_iterable(["abab abc"]), split.GPT2)
        >>> tokens = byte_tokens()
        >>> learned = learn(pieces, 2, tokens=tokens)
        >>> [(tokens[left], tokens[right]) for left, right in learned.pairs[:1].tolist()], learned.counts.tolist()
        ([(b'a', b'b')], [3, 1])
    """
    rules = rules or Rules()
    table = np.ascontiguousarray(merges, np.int32).reshape(-1, 3)
    listener = None if progress is None else lambda done: progress("learning", done, new_tokens)
    try:
        learner = _native.MergeLearner(pieces.counter, list(tokens), table)
        learned, counts = learner.learn(
            max(0, new_tokens),
            min_count=max(1, rules.min_frequency),
            max_token_bytes=rules.max_token_bytes or 0,
            forbid=list(rules.forbid),
            max_words=rules.max_words or 0,
            reserved=list(rules.reserved),
            veto=rules.veto,
            progress=listener,
        )
    except ValueError as error:
        raise TrainingError(f"cannot learn merges: {error}") from error
    return Learned(learned, counts, learner.fired.astype(bool))


def byte_tokens(special_tokens: Sequence[str] = ()) -> list[bytes]:
    """The tokens that training begins with: no bytes for each special token, then the 256 bytes in order of their ids.

    Raises:
        TrainingError: a special token is spelled like a byte.
    """
    for special in special_tokens:
        if len(special) == 1 and reserved_spellings([special]):
            raise TrainingError(f"the special token {special!r} is spelled like the token of a byte; use a longer name")
    return [b""] * len(special_tokens) + [bytes([value]) for value in BYTE_ORDER]


def reserved_spellings(special_tokens: Iterable[str]) -> tuple[bytes, ...]:
    """Bytes whose token would be spelled like one of these strings in a ``tokenizer.json``."""
    reserved = []
    for special in special_tokens:
        try:
            reserved.append(from_printable(special))
        except ValueError:  # not in the byte alphabet: no token is spelled so
            continue
    return tuple(reserved)


def recover(ranks: Mapping[bytes, int], *, threads: int | None = None) -> dict[int, tuple[int, int]]:
    """The two tokens that merge into each token of a tiktoken vocabulary, by its rank.

    A token's bytes are encoded; the two parts that are joined last are what it is made of. In a vocabulary that BPE
    made, they have smaller ranks than the token. Single bytes, and tokens that their own bytes never become, are left
    out.

    Example:
        >>> recover({b"a": 0, b"b": 1, b"c": 2, b"bc": 3, b"abc": 4, b"cab": 5})
        {3: (1, 2), 4: (0, 3)}
    """
    ordered = sorted(ranks.items(), key=lambda item: item[1])
    rank_of = [rank for _, rank in ordered]
    parents = _native.recover_merges([token for token, _ in ordered], threads or 0)
    return {
        rank_of[position]: (rank_of[left], rank_of[right])
        for position, (left, right) in enumerate(parents.tolist())
        if left >= 0
    }


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
