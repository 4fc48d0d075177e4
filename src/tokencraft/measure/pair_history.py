"""How often every pair of neighbouring tokens occurs in a sample, at every step of a list of merges."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tokencraft import _native
from tokencraft.errors import CorpusError, UsageError
from tokencraft.measure.merge_list import MergeList
from tokencraft.report import OnProgress, atomic_path

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SampleSize:
    """How large a sample is.

    Args:
        documents, bytes, characters, words: counts; bytes are UTF-8, words are what white space separates.
    """

    documents: int = 0
    bytes: int = 0
    characters: int = 0
    words: int = 0

    def __add__(self, other: SampleSize) -> SampleSize:
        return SampleSize(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


@dataclass(frozen=True, eq=False)
class Words:
    """The distinct words of a sample as symbols.

    Args:
        cells: the symbols one word after another, -1 before, between and after them, int32.
        ends: where the cells end that belong to each weight, int64.
        weights: how often the words occur that lie there, int64.
        size: of the sample.
    """

    cells: npt.NDArray[np.int32]
    ends: Ints
    weights: Ints
    size: SampleSize = SampleSize()

    @classmethod
    def of(cls, counts: Mapping[Sequence[int], int], size: SampleSize | None = None) -> Words:
        """From a table of words, each a sequence of symbols, and their counts.

        Example:
            >>> Words.of({(0, 1): 3, (2, 3): 2}).cells.tolist()
            [-1, 0, 1, -1, 2, 3, -1]
        """
        rows = sorted(counts.items(), key=lambda item: -item[1])
        lengths = np.array([len(word) for word, _ in rows], np.int64)
        symbols = np.array([symbol for word, _ in rows for symbol in word], np.int32)
        return cls.joined(symbols, lengths, np.array([count for _, count in rows], np.int64), size or SampleSize())

    @classmethod
    def joined(cls, symbols: npt.NDArray[np.int32], lengths: Ints, counts: Ints, size: SampleSize) -> Words:
        """From the symbols of all words one after another, and the lengths and counts of these, counts descending."""
        cells = np.full(len(symbols) + len(lengths) + 1, -1, np.int32)
        cells[np.arange(len(symbols)) + np.repeat(np.arange(1, len(lengths) + 1), lengths)] = symbols
        last = np.flatnonzero(np.append(np.diff(counts), -1))  # the last word of every count
        ends = np.cumsum(lengths + 1)[last] + 1 if len(lengths) else np.array([1], np.int64)
        weights = counts[last] if len(lengths) else np.array([1], np.int64)
        return cls(cells, np.asarray(ends, np.int64), np.asarray(weights, np.int64), size)


@dataclass(frozen=True, eq=False)
class PairHistory:
    """The counts of all pairs of a sample, step by step, as changes.

    Args:
        pairs: (left, right) symbols of every pair that ever occurs, int32 ``[p, 2]``.
        offsets: where the changes of each step begin, and the end of the last, int64 ``[steps + 1]``. Step 0 holds the
            counts before any merge, step t what m of t - 1 changed.
        ids: the pair of each change, int32 ``[changes]``.
        counts: its new count, int64 ``[changes]``.
        size: of the sample.
    """

    pairs: npt.NDArray[np.int32]
    offsets: Ints
    ids: npt.NDArray[np.int32]
    counts: Ints
    size: SampleSize = SampleSize()

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def initial_pairs(self) -> int:
        """N: how many pairs there are before any merge."""
        return int(self.counts[: self.offsets[1]].sum()) if len(self) else 0

    def counts_at(self, step: int) -> dict[tuple[int, int], int]:
        """All pairs that occur before the merge of a step, with their counts: for tests and looking around."""
        found: dict[int, int] = {}
        end = int(self.offsets[step + 1])
        found.update(zip(self.ids[:end].tolist(), self.counts[:end].tolist(), strict=True))
        table = self.pairs.tolist()
        return {(table[pair][0], table[pair][1]): count for pair, count in found.items() if count}

    def save(self, path: str | Path) -> None:
        """Write it as safetensors, to be loaded by :meth:`load`."""
        from safetensors.numpy import save_file

        tensors = {name: np.ascontiguousarray(getattr(self, name)) for name in ("pairs", "offsets", "ids", "counts")}
        with atomic_path(Path(path)) as temporary:
            save_file(tensors, temporary, metadata={"size": json.dumps(self.size.__dict__)})

    @classmethod
    def load(cls, path: str | Path) -> PairHistory:
        """Read what :meth:`save` wrote.

        Raises:
            CorpusError: the file is none, or damaged.
        """
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, "numpy") as file:
                pairs, offsets, ids, counts = (file.get_tensor(name) for name in ("pairs", "offsets", "ids", "counts"))
                return cls(pairs, offsets, ids, counts, SampleSize(**json.loads(file.metadata()["size"])))
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            raise CorpusError(f"{path}: no pair history, or a damaged one: {error}") from None


def replay(
    words: Mapping[str, Words],
    merges: npt.NDArray[np.int32] | Sequence[tuple[int, int, int]],
    *,
    threads: int | None = None,
    progress: OnProgress | None = None,
) -> dict[str, PairHistory]:
    """Apply merges to the words of several samples one by one, and record which counts of pairs each step changes.

    Args:
        words: by sample.
        merges: (left, right, result) symbols in order.
        threads: how many samples to work on at once; all cores where left out.
        progress: called with the merges applied, all samples together.

    Returns:
        One history a sample with as many steps as there are merges. The counts at step t are those after the merges
        0 .. t - 1, so the last merge is counted and not applied.

    Example:
        >>> history = replay({"A": Words.of({(0, 1, 0, 1): 2})}, [(0, 1, 2), (2, 2, 3)])["A"]
        >>> history.counts_at(0), history.counts_at(1)
        ({(0, 1): 4, (1, 0): 2}, {(2, 2): 2})
    """
    table = np.ascontiguousarray(merges, np.int32).reshape(-1, 3)
    total = len(words) * max(0, len(table) - 1)
    listener = None if progress is None else lambda done: progress("replaying", done, total)
    samples = [(each.cells, each.ends, each.weights) for each in words.values()]
    changes = _native.replay_pairs(samples, table, threads or 0, listener)
    return {
        name: PairHistory(*arrays, size=each.size) for (name, each), arrays in zip(words.items(), changes, strict=True)
    }


def read_published(root: str | Path) -> tuple[MergeList, dict[str, PairHistory]]:
    """Histories in the layout of the method's published code.

    ``ROOT/merges.txt``, and for each category ``ROOT/CATEGORY/all_pair_counts.json`` (a list of ``{"left right":
    count}``: all counts first, then what each merge changes) and ``meta.json`` with ``byte_count``. Lists that end
    early stand for steps without changes.

    Raises:
        CorpusError: a file is missing or holds something else.
    """
    folder = Path(root)
    numbers: dict[str, int] = {}

    def number(symbol: str) -> int:
        return numbers.setdefault(symbol, len(numbers))

    try:
        lines = (folder / "merges.txt").read_text(encoding="utf-8").split("\n")
        merges = []
        for line in lines[1 if lines[0].startswith("#version") else 0 :]:
            if line:
                left, right = line.split(" ")
                merges.append((number(left), number(right), number(left + right)))
        histories = {}
        for path in sorted(folder.glob("*/all_pair_counts.json")):
            size = SampleSize(bytes=int(_json(path.with_name("meta.json"))["byte_count"]))
            histories[path.parent.name] = _published(_json(path), len(merges), number, size)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorpusError(f"{root}: not the published layout of pair counts: {error}") from None
    if not histories:
        raise CorpusError(f"{root}: holds no CATEGORY/all_pair_counts.json")
    return MergeList(np.asarray(merges, np.int32).reshape(-1, 3), tuple(numbers)), histories


def _published(entries: list[dict[str, int]], steps: int, number: Any, size: SampleSize) -> PairHistory:
    """One category; ``number`` gives the number of a symbol."""
    pairs: dict[str, int] = {}
    offsets, ids, counts = [0], [], []
    for changes in [*entries[:steps], *([{}] * (steps - len(entries)))]:
        for pair, count in changes.items():
            ids.append(pairs.setdefault(pair, len(pairs)))
            counts.append(count)
        offsets.append(len(ids))
    sides = [[number(side) for side in pair.split(" ")] for pair in pairs]
    return PairHistory(
        np.asarray(sides, np.int32).reshape(-1, 2),
        np.asarray(offsets, np.int64),
        np.asarray(ids, np.int32),
        np.asarray(counts, np.int64),
        size,
    )


def _json(path: Path) -> Any:
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def require_pairs(histories: Mapping[str, PairHistory]) -> None:
    """Refuse categories that say nothing.

    Raises:
        UsageError: there is no category, or the histories are of different lists of merges.
        CorpusError: a category has no pair of neighbouring symbols.
    """
    if not histories:
        raise UsageError("there is no category to infer a mixture of")
    if len({len(history) for history in histories.values()}) > 1:
        raise UsageError("the histories of the categories are of lists of merges of different lengths")
    for name, history in histories.items():
        if history.initial_pairs == 0:
            raise CorpusError(f"{name}: the sample has no two neighbouring symbols, so it says nothing")
