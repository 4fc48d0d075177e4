"""Types of the C++ kernels (src/native)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

UNICODE_VERSION: str

def split(pattern: int, data: str | bytes) -> npt.NDArray[np.uint32]:
    """End offsets in bytes of the pieces of ``data`` by the pattern with this number.

    Args:
        pattern: see ``vocabulary/split_patterns.py``; with the ``code`` of digit groups added, digits are cut first.
        data: UTF-8; a str with half a surrogate pair raises UnicodeEncodeError.
    """

def random_chunks(
    texts: list[bytes] | list[str], ranges: Sequence[tuple[int, int, float]], seed: int = 0, threads: int = 0
) -> list[npt.NDArray[np.uint32]]:
    """Ends of the chunks of every text; ranges of lengths are (shortest, longest, cumulative probability)."""

def random_whitespace(
    texts: list[bytes] | list[str], probability: float, seed: int = 0, threads: int = 0
) -> list[npt.NDArray[np.uint32]]:
    """Ends of the pieces of every text, cut before a random share of the runs of white space."""

class WholeTokens:
    """Keeps strings whole where a split pattern would cut them."""

    def __init__(self, tokens: list[bytes], pattern: int) -> None: ...
    def split_batch(self, texts: list[bytes] | list[str], threads: int = 0) -> list[npt.NDArray[np.uint32]]:
        """Ends of the pieces of every text."""

class PretokenRuns:
    """Cuts texts into runs of two or more of the given pretokens, and single bytes outside of runs."""

    def __init__(self, pretokens: list[bytes]) -> None: ...
    def cut(
        self, texts: list[bytes] | list[str], ends: Sequence[npt.NDArray[np.uint32]], threads: int = 0
    ) -> list[npt.NDArray[np.uint32]]:
        """Ends of the runs and bytes of every text; ``ends`` are those of its pretokens."""

class PieceCounter:
    """Counts the distinct pieces of a stream of documents; the counts do not depend on ``threads`` (0: all cores)."""

    def __init__(self, pattern: int, lines: bool, threads: int) -> None:
        """``lines``: documents are cut into lines before the pattern cuts them into pieces."""

    def keep_runs(self, runs: PretokenRuns) -> None:
        """Count runs of the pieces that the pattern cuts from now on, and nothing else."""

    def add(
        self,
        texts: list[str] | list[bytes] | list[str | bytes],
        ends: Sequence[npt.NDArray[np.uint32]] | None = None,
        weights: Sequence[int] | None = None,
        progress: Callable[[int], object] | None = None,
    ) -> None:
        """Count the pieces of texts, each ``weights`` times; ``ends`` (one array a text) overrides the pattern."""

    SHARDS: int
    """A counter can be written down in this many parts; a piece lies in the same one everywhere."""

    def add_pieces_of(
        self,
        units: PieceCounter,
        first_shard: int = 0,
        last_shard: int = ...,
        progress: Callable[[int], object] | None = None,
    ) -> None:
        """Count the pieces of another counter's pieces, each as often as it was counted there; of some shards only."""

    def write(self, shard: int) -> bytes:
        """The pieces of a shard with their counts; a piece may come several times, its count is the sum."""

    def read(
        self, written: Sequence[bytes], cut: bool = False, progress: Callable[[int], object] | None = None
    ) -> None:
        """Add what :meth:`write` gave, on whatever machine; ``cut`` by the pattern, as :meth:`add_pieces_of` does.

        ValueError: it is damaged.
        """

    def merge(self) -> None:
        """Make one table of those of the threads, which saves memory; counting may go on."""

    def clear(self) -> None:
        """Forget the pieces, not :attr:`total_bytes`."""

    def add_total_bytes(self, bytes: int) -> None:
        """Take into :attr:`total_bytes` what was added where the pieces that are read were counted."""

    @property
    def memory_bytes(self) -> int:
        """Memory that the pieces take."""

    def items(self) -> list[tuple[bytes, int]]:
        """(piece, count) in no particular order."""

    @property
    def total_bytes(self) -> int:
        """Bytes that were added."""

class SequenceBuilder:
    """Turns counted pieces into what a learner begins with, one counter after the other; they share no piece.

    Args:
        tokens: bytes by id, as for :class:`MergeLearner`.
        merges: (left, right, result) ids of the merges to replay, int32 ``[m, 3]``.
        tables: how many counters will be added, to make room for.
        most_cells: tokens of the distinct pieces, and one a piece, that there may be.
        threads: 0 takes every core.
    """

    def __init__(
        self,
        tokens: list[bytes],
        merges: npt.NDArray[np.int32],
        tables: int = 1,
        most_cells: int = ...,
        threads: int = 0,
    ) -> None: ...
    def add(
        self,
        pieces: PieceCounter,
        threshold: int = 1,
        seed: int = 0,
        progress: Callable[[int], object] | None = None,
    ) -> bool:
        """Add pieces; False once there are more than ``most_cells``.

        A piece counted w times is kept with probability min(1, w / threshold) and weighs max(w, threshold).
        """

    def weigh(self, pieces: PieceCounter, seed: int = 0, progress: Callable[[int], object] | None = None) -> None:
        """Look how many cells each threshold would leave, adding nothing."""

    @property
    def weights(self) -> list[tuple[int, int, int]]:
        """(threshold, cells, pieces) that the threshold keeps and the next one does not, ascending."""

    @property
    def cells(self) -> int:
        """Cells so far."""

    @property
    def pieces(self) -> int:
        """Pieces added so far."""

    def learner(self) -> MergeLearner:
        """The learner; the builder is empty afterwards."""

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

def characters(pieces: PieceCounter) -> npt.NDArray[np.uint32]:
    """Code points, increasing, of the characters in counted pieces."""

def recover_merges(tokens: list[bytes], threads: int = 0) -> npt.NDArray[np.int32]:
    """The two parents of each token in rank order, int32 ``[n, 2]``; -1 where BPE did not make the token."""

def unassigned(documents: list[str] | list[bytes], threads: int = 0) -> npt.NDArray[np.uint8]:
    """1 for every document with a code point that :data:`UNICODE_VERSION` does not know."""

class BPEEncoder:
    """Encodes with a BPE vocabulary; ids do not depend on ``threads``, nor on what was encoded before.

    Args:
        tokens: bytes by id, empty for ids that no text becomes.
        merges: (left, right, result) int32 ``[m, 3]`` in rank order; None: the ids are the ranks, as in tiktoken.
        pattern: how text is cut, see ``vocabulary/split.py``.
        whole_pieces: a piece that is a token as a whole is that token.
    """

    def __init__(
        self,
        tokens: list[bytes],
        merges: npt.NDArray[np.int32] | None,
        pattern: int,
        whole_pieces: bool = False,
    ) -> None: ...
    def encode_batch(
        self,
        documents: list[str] | list[bytes] | list[str | bytes],
        threads: int = 0,
        ends: Sequence[npt.NDArray[np.uint32]] | None = None,
        dropout: float = 0.0,
        superword_dropout: float = 0.0,
        seed: int = 0,
        first_document: int = 0,
        progress: Callable[[int], object] | None = None,
    ) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
        """Ids of all documents, and where each starts, and the end.

        Args:
            documents: a str with half a surrogate pair raises UnicodeEncodeError.
            threads: 0 takes every core.
            ends: end offsets in bytes of the pieces of each document, in place of the pattern.
            dropout: probability that a merge is put off until after another one (BPE-dropout).
            superword_dropout: probability that a merge whose right operand starts with a space is dropped for good.
            seed: of the dropout; a document's draws depend on it and on the document's number alone.
            first_document: number of the first document.
            progress: called with the bytes done so far.
        """

    @property
    def threshold(self) -> int | None:
        """The rank from which merges are applied in the second level; None with one level."""

class TokenBytes:
    """The bytes of tokens by id, for decoding."""

    def __init__(self, tokens: list[bytes]) -> None: ...
    def decode(self, ids: npt.NDArray[np.uint32]) -> bytes:
        """The bytes of all tokens, one after another; IndexError names the first id outside the vocabulary."""

    def decode_batch(self, ids: npt.NDArray[np.uint32], offsets: npt.NDArray[np.int64]) -> list[bytes]:
        """The bytes of every document."""

LibEntry = tuple[str, int, tuple[str, str] | None]
"""A chunk, how many articles of probation are left (0: none), and the chunks beside it when it was memorised."""

class LibLearner:
    """Learns a ranked lexicon by simulated reading (Less-is-Better), with the random numbers of Python's ``random``.

    Args:
        seed: as of ``random.Random(seed)``, 0 and more.
        in_rate: probability that two neighbouring chunks are looked at as one.
        out_rate: share of the lexicon's end that is put on probation after an article.
        update_rate: share of its rank by which a chunk moves, one place more.
        life: articles of probation.
        second_sighting: the rules of 2020.
        max_length: most characters of a chunk, 0 for any number.
        max_long_chunks: most chunks of more than one byte, 0 for any number.
        inspect_context: a chunk leaves probation where its neighbours have changed, else where it comes again.
        keep_characters: single characters are never deleted.
        no_space_at_end: no chunk of several characters ends with a space.
    """

    def __init__(
        self,
        seed: int,
        *,
        in_rate: float,
        out_rate: float,
        update_rate: float,
        life: int,
        second_sighting: bool = False,
        max_length: int = 0,
        max_long_chunks: int = 0,
        inspect_context: bool = True,
        keep_characters: bool = False,
        no_space_at_end: bool = False,
    ) -> None: ...
    def admit(self, text: str) -> None:
        """Put every character of a text that is no entry at the end of the lexicon, on probation."""

    def learn(self, sentences: list[str]) -> tuple[int, int]:
        """Read an article; then forget, move, put on probation. Returns the chunks and characters read."""

    def clean(self) -> None:
        """Delete every entry that is on probation."""

    def entries(self) -> list[LibEntry]:
        """The lexicon by rank."""

    @property
    def random_state(self) -> list[int]:
        """As the second item of ``random.getstate()``."""

    def restore(self, entries: list[LibEntry], random_state: list[int]) -> None:
        """Take the entries and the random state of another learner; this one must have no entries."""

    def __len__(self) -> int: ...

class PathEncoder:
    """Encodes with a ranked lexicon, without cutting text first: longest match, or the better of two paths.

    Args:
        tokens: bytes by id; all 256 single bytes are there.
        ranks: int64 by id; a token with -1 is not looked for in text.
        two_paths: follow the two longest matches and take the better path.
        official: as published: a token without a shorter rival is not taken, its first character is.
        deeper: tokens fall apart where both parts have better ranks, and the parts once more.
    """

    def __init__(
        self,
        tokens: list[bytes],
        ranks: npt.NDArray[np.int64],
        *,
        two_paths: bool = False,
        official: bool = False,
        deeper: bool = False,
    ) -> None: ...
    def encode_batch(
        self, documents: list[str] | list[bytes] | list[str | bytes], threads: int = 0
    ) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
        """Ids of all documents, and where each starts, and the end; the ids do not depend on ``threads``."""

def replay_pairs(
    samples: list[tuple[npt.NDArray[np.int32], npt.NDArray[np.int64], npt.NDArray[np.int64]]],
    merges: npt.NDArray[np.int32],
    threads: int = 0,
    progress: Callable[[int], object] | None = None,
) -> list[tuple[npt.NDArray[np.int32], npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.int64]]]:
    """How often every pair of neighbours occurs in each sample before every merge, as changes.

    Args:
        samples: (cells, ends, weights): symbols of the words, int32, with -1 before, between and after them; where the
            cells of each weight end, and the weights, both int64.
        merges: (left, right, result), int32 ``[m, 3]``.
        threads: samples that are worked on at once; 0 takes every core. The result does not depend on it.
        progress: called with the merges applied so far, all samples together.

    Returns:
        Pairs (int32 ``[p, 2]``), where the changes of each step begin and the last ends (int64 ``[m + 1]``), the pair
        (int32) and the new count (int64) of each change.
    """

class MixtureSteps:
    """Finds the steps and pairs at which a mixture of samples would have merged something else.

    Args:
        pairs, categories: how many there are.
        offsets: where the changes of each step begin and the last ends, int64.
        pair, category, amount: of each change of a count.
        merged: the pair that each step merges.
    """

    def __init__(
        self,
        pairs: int,
        categories: int,
        offsets: npt.NDArray[np.int64],
        pair: npt.NDArray[np.int32],
        category: npt.NDArray[np.int32],
        amount: npt.NDArray[np.int64],
        merged: npt.NDArray[np.int32],
    ) -> None: ...
    def violated(
        self,
        weights: npt.NDArray[np.float64],
        slack: npt.NDArray[np.float64],
        thresholds: npt.NDArray[np.float64],
        batch: int,
        limit: int,
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """Steps and pairs whose weighted count less their slack is above the threshold of the step.

        Args:
            weights: of a count of each category.
            slack: by pair.
            thresholds: by step; infinity asks for nothing.
            batch: most of one step, the largest.
            limit: how many end the search.

        Returns:
            What was not returned before, steps ascending.
        """

    def mark(self, steps: npt.NDArray[np.int32], pairs: npt.NDArray[np.int32]) -> None:
        """As if these had been returned before."""

    def forget(self) -> None:
        """As if nothing had been returned before."""

class ConceptNgrams:
    """Counts of all n-grams of words (1 to 255 characters each), and the pieces that words fall into by them."""

    def __init__(self, words: list[str], weights: list[int], tails_again: bool = False) -> None:
        """``tails_again``: tails shorter than n are counted once more for every n."""

    def __len__(self) -> int: ...
    @property
    def total(self) -> int:
        """The sum of all counts."""

    def counts(self, ngrams: list[str]) -> npt.NDArray[np.int64]:
        """Count of each n-gram, 0 where it does not occur."""

    def cut(
        self,
        words: list[str],
        merges: int,
        longest: int,
        threads: int = 0,
        progress: Callable[[int], object] | None = None,
    ) -> list[list[int]]:
        """Ends in characters of the pieces of every word."""
