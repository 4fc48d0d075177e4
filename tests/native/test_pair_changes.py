from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naive_bpe import replaced
from tokencraft import _native
from tokencraft.measure import Words, replay

Merges = list[tuple[int, int, int]]


def recount(words: dict[tuple[int, ...], int], merges: Merges) -> list[Counter[tuple[int, int]]]:
    """All windows of all words afresh before every merge."""
    sequences = [(list(word), count) for word, count in words.items()]
    found = []
    for left, right, result in merges:
        windows: Counter[tuple[int, int]] = Counter()
        for sequence, count in sequences:
            for pair in itertools.pairwise(sequence):
                windows[pair] += count
        found.append(windows)
        sequences = [(replaced(sequence, left, right, result), count) for sequence, count in sequences]
    return found


WORDS = st.dictionaries(st.lists(st.integers(0, 2), max_size=12).map(tuple), st.integers(1, 9), max_size=8)


@st.composite
def samples(draw: st.DrawFn) -> tuple[list[dict[tuple[int, ...], int]], Merges]:
    tables = draw(st.lists(WORDS, min_size=1, max_size=3))
    merges: Merges = []
    for result in range(3, 3 + draw(st.integers(1, 8))):
        merges.append((draw(st.integers(0, result - 1)), draw(st.integers(0, result - 1)), result))
    return tables, merges


@settings(deadline=None, max_examples=200)
@given(samples())
def test_incremental_counts_are_those_of_a_recount(case: tuple[list[dict[tuple[int, ...], int]], Merges]) -> None:
    tables, merges = case
    histories = replay({str(at): Words.of(table) for at, table in enumerate(tables)}, merges, threads=2)
    for at, table in enumerate(tables):
        history = histories[str(at)]
        expected = recount(table, merges)
        assert [history.counts_at(step) for step in range(len(history))] == expected
        sequences = [(list(word), count) for word, count in table.items()]
        for step, (left, right, result) in enumerate(merges):
            neighbours = sum(count * max(0, len(sequence) - 1) for sequence, count in sequences)
            assert sum(history.counts_at(step).values()) == neighbours
            sequences = [(replaced(sequence, left, right, result), count) for sequence, count in sequences]
        changed = [set(history.ids[a:b].tolist()) for a, b in itertools.pairwise(history.offsets.tolist())]
        for step in range(1, len(merges)):  # only what changed is there, and once
            assert len(changed[step]) == history.offsets[step + 1] - history.offsets[step]
            differ = {p for p in expected[step] | expected[step - 1] if expected[step][p] != expected[step - 1][p]}
            assert {tuple(history.pairs[each].tolist()) for each in changed[step]} == differ


def test_repeated_symbols_and_the_merge_itself() -> None:
    history = replay({"A": Words.of({(0, 0, 0, 0, 0): 2})}, [(0, 0, 1), (1, 1, 2)])["A"]
    assert history.counts_at(0) == {(0, 0): 8}
    assert history.counts_at(1) == {(1, 1): 2, (1, 0): 2}


def test_a_merge_that_is_nowhere_changes_nothing() -> None:
    history = replay({"A": Words.of({(0, 1): 1})}, [(5, 6, 7), (7, 0, 8), (0, 1, 9)])["A"]
    assert history.offsets.tolist() == [0, 1, 1, 1]


def test_threads_change_nothing() -> None:
    random = np.random.default_rng(0)
    tables = {
        name: Words.of({tuple(random.integers(0, 4, 9).tolist()): int(random.integers(1, 5)) for _ in range(50)})
        for name in "ABC"
    }
    merges = [(at % 4, (at + 1) % 4, 4 + at) for at in range(6)]
    one, three = (replay(tables, merges, threads=threads) for threads in (1, 3))
    for name in tables:
        for field in ("pairs", "offsets", "ids", "counts"):
            assert np.array_equal(getattr(one[name], field), getattr(three[name], field))


def sample(cells: list[int], ends: list[int], weights: list[int]) -> list[tuple[np.ndarray, ...]]:
    return [(np.array(cells, np.int32), np.array(ends, np.int64), np.array(weights, np.int64))]


@pytest.mark.parametrize(
    ("cells", "ends", "weights"),
    [
        ([0, 1, -1], [3], [1]),
        ([-1, 0, 1], [3], [1]),
        ([-1, -2, -1], [3], [1]),
        ([-1, 0, -1], [2], [1]),
        ([-1, 0, -1], [3], [0]),
        ([-1, 0, -1], [3, 3], [1, 1]),
        ([-1, 0, -1], [3], []),
        ([], [], []),
    ],
)
def test_damaged_words_are_refused(cells: list[int], ends: list[int], weights: list[int]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - which check speaks first does not matter
        _native.replay_pairs(sample(cells, ends, weights), np.array([[0, 1, 2]], np.int32))


def test_damaged_merges_and_changes_are_refused() -> None:
    with pytest.raises(ValueError, match="symbols of 0 or more"):
        _native.replay_pairs(sample([-1, 0, -1], [3], [1]), np.array([[0, -1, 2]], np.int32))
    one, two = np.zeros(1, np.int32), np.array([0, 1], np.int64)
    with pytest.raises(ValueError, match="does not exist"):
        _native.MixtureSteps(1, 1, two, one + 1, one, two[1:], one)
    with pytest.raises(ValueError, match="offsets ascend"):
        _native.MixtureSteps(1, 1, two[1:], one, one, two[1:], one)
    steps = _native.MixtureSteps(1, 1, two, one, one, two[1:], one)
    with pytest.raises(ValueError, match="one weight per category"):
        steps.violated(np.ones(2), np.ones(1), np.ones(1), 1, 1)


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 1 << 32))
def test_violations_are_those_of_a_full_look(seed: int) -> None:
    random = np.random.default_rng(seed)
    steps, pairs, categories = (int(random.integers(1, top)) for top in (8, 6, 4))
    table = random.integers(0, 10, (steps, pairs, categories)) * random.integers(0, 2, (steps, pairs, categories))
    change = np.diff(table, axis=0, prepend=0)
    where = np.nonzero(change)
    offsets = np.searchsorted(where[0], np.arange(steps + 1)).astype(np.int64)
    merged = random.integers(0, pairs, steps).astype(np.int32)
    finder = _native.MixtureSteps(
        pairs,
        categories,
        offsets,
        where[1].astype(np.int32),
        where[2].astype(np.int32),
        change[where].astype(np.int64),
        merged,
    )
    returned: set[tuple[int, int]] = set()
    for _ in range(3):
        weights, slack = random.integers(0, 4, categories) / 4, random.integers(0, 8, pairs) / 4
        thresholds = np.where(random.random(steps) < 0.2, np.inf, random.integers(0, 24, steps) / 4)
        batch, limit = int(random.integers(1, 4)), int(random.integers(1, 9))
        found = list(
            zip(*(each.tolist() for each in finder.violated(weights, slack, thresholds, batch, limit)), strict=True)
        )
        heights = table @ weights - slack
        expected: list[tuple[int, int]] = []
        for step in range(steps):
            if len(expected) >= limit:
                break
            above = [
                (-heights[step, pair], pair)
                for pair in range(pairs)
                if heights[step, pair] > thresholds[step] and pair != merged[step]
            ]
            expected += [(step, pair) for _, pair in sorted(above) if (step, pair) not in returned][:batch]
        assert found == expected
        returned |= set(found)
