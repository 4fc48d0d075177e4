"""Learning merges: count the pieces of a corpus, go on from merges that are there, veto, replay, recover from ranks.

Everything that makes or examines BPE merges goes through here, on one native core (``src/native/merge_learner.hpp``):
train from nothing (no merges given), resume (merges given), forbid (:class:`Rules`), and replay (no new tokens asked
for; :attr:`Learned.fired` tells which of the given merges the corpus has a use for).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tokencraft import _native
from tokencraft.errors import TrainingError, UsageError
from tokencraft.vocabulary.bytes import BYTE_ORDER, from_printable
from tokencraft.vocabulary.piece_store import usable_memory
from tokencraft.vocabulary.pieces import Pieces, Progress, Sample, Unit, count

__all__ = [
    "Learned",
    "Pieces",
    "Progress",
    "Rules",
    "Sample",
    "Unit",
    "byte_tokens",
    "count",
    "learn",
    "recover",
    "reserved_spellings",
]

LEARNER_SHARE = 0.55
"""The share of the usable memory that learning may take; pieces have the rest."""
BYTES_A_CELL = 12
"""Most bytes that learning takes for a token of the distinct pieces: the token, its place in the list of its pair, and
as much again for the pairs that arise."""


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
        sample: what was learned from, where not all pieces fit into the memory allowed.
    """

    merges: npt.NDArray[np.int32]
    counts: npt.NDArray[np.int64]
    fired: npt.NDArray[np.bool_]
    sample: Sample | None = None

    @property
    def pairs(self) -> npt.NDArray[np.int32]:
        """(left id, right id) of the new merges, int32 ``[n, 2]``."""
        return np.ascontiguousarray(self.merges[:, :2])


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

    Where the pieces have an allowed memory and do not fit into it, a weighted sample of them is learned from, with a
    warning; see :class:`Sample`.

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
        >>> from tokencraft.corpus import Corpus
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
        learner, sample = _learner(pieces, list(tokens), table)
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
    return Learned(learned, counts, learner.fired.astype(bool), sample)


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


def _learner(
    pieces: Pieces, tokens: list[bytes], table: npt.NDArray[np.int32]
) -> tuple[_native.MergeLearner, Sample | None]:
    """A learner on all pieces, or on a sample of them where there are too many for the memory allowed."""
    store = pieces.store
    most = (1 << 32) - 2
    if store.memory is not None:
        most = min(most, int(usable_memory(store.memory) * LEARNER_SHARE) // BYTES_A_CELL)

    def builder() -> _native.SequenceBuilder:
        return _native.SequenceBuilder(tokens, table, store.tables_count, most, store.threads or 0)

    whole = builder()
    if all(whole.add(part) for part in store.tables()):
        return whole.learner(), None
    if store.memory is None:
        raise TrainingError(
            "the distinct pieces hold 2^32 tokens or more; allow a memory, and a weighted sample of them is taken"
        )
    del whole
    scale = builder()
    for part in store.tables():
        scale.weigh(part, pieces.seed)
    threshold, left = 0, 1
    for least, cells, _ in reversed(scale.weights):
        left += cells
        if left > most:
            break
        threshold = least
    if threshold == 0:
        raise TrainingError(f"not one piece can be learned from in {store.memory:,} bytes of memory; allow more")
    chosen = builder()
    for part in store.tables():
        chosen.add(part, threshold, pieces.seed)
    sample = Sample(
        threshold,
        pieces.seed,
        chosen.pieces,
        sum(number for _, _, number in scale.weights),
        chosen.cells - 1,
        sum(cells for _, cells, _ in scale.weights),
    )
    pieces.samples.append(sample)
    warnings.warn(
        f"the distinct pieces do not fit into {store.memory / 2**30:.3g} GiB: merges are learned from a weighted "
        f"sample of {sample.pieces:,} of {sample.of_pieces:,} pieces with {sample.tokens / sample.of_tokens:.1%} of "
        f"their tokens; pieces that occur {threshold:,} times or more are all there. Allow more memory to use all",
        stacklevel=4,
    )
    return chosen.learner(), sample
