from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from tokencraft.corpus import Corpus
from tokencraft.errors import CorpusError, UsageError
from tokencraft.measure import MixtureProgram, PairHistory, SampleSize, Words, mixture_program, replay
from tokencraft.vocabulary import merges, split

A, B, C, D, E, F = range(6)
AB, CD, EF = (A, B, 6), (C, D, 7), (E, F, 8)
CARD = {"A": Words.of({(A, B): 3, (C, D): 2}), "B": Words.of({(E, F): 5})}


def program(words: dict[str, Words], steps: list[tuple[int, int, int]], **options: int) -> MixtureProgram:
    table = np.array(steps, np.int32)
    return MixtureProgram(replay(words, table), table, **options)


def dense(histories: dict[str, PairHistory], steps: list[tuple[int, int, int]]) -> float:
    """The objective of the program with all its rows, by scipy."""
    counts = [[history.counts_at(step) for history in histories.values()] for step in range(len(steps))]
    totals = [sum(each.values()) for each in counts[0]]
    names = sorted({pair for row in counts for each in row for pair in each})
    n, width = len(histories), len(histories) + len(steps) + len(names)
    rows = []
    for step, (left, right, _) in enumerate(steps):
        own = [each.get((left, right), 0) for each in counts[step]]
        if not any(own):
            continue
        for pair in {pair for each in counts[step] for pair in each} - {(left, right)}:
            row = np.zeros(width)
            row[:n] = [
                (each.get(pair, 0) - o) / total for each, o, total in zip(counts[step], own, totals, strict=True)
            ]
            row[n + step] = row[n + len(steps) + names.index(pair)] = -1
            rows.append(row)
    cost = np.concatenate([np.zeros(n), np.ones(width - n)])
    sums = np.concatenate([np.ones(n), np.zeros(width - n)])[None]
    upper = np.array(rows).reshape(-1, width)
    found = linprog(cost, upper, np.zeros(len(upper)), sums, [1.0], method="highs")
    assert found.status == 0
    return float(found.fun)


def random_words(random: np.random.Generator, symbols: int, words: int) -> Words:
    return Words.of(
        {
            tuple(random.integers(0, symbols, random.integers(2, 8)).tolist()): int(random.integers(1, 20))
            for _ in range(words)
        }
    )


def learned(tables: dict[str, Words], symbols: int, count: int) -> list[tuple[int, int, int]]:
    """Merges of BPE on all samples together, by recounting everything."""
    words: list[tuple[list[int], int]] = []
    for table in tables.values():
        begin = 0
        for end, weight in zip(table.ends.tolist(), table.weights.tolist(), strict=True):
            cells = table.cells[begin:end].tolist()
            for separate, run in itertools.groupby(cells, lambda cell: cell < 0):
                if not separate:
                    words.append((list(run), weight))
            begin = end
    steps = []
    for result in range(symbols, symbols + count):
        windows: dict[tuple[int, int], int] = {}
        for word, weight in words:
            for pair in itertools.pairwise(word):
                windows[pair] = windows.get(pair, 0) + weight
        if not windows:
            break
        left, right = min(windows, key=lambda pair: (-windows[pair], pair))
        steps.append((left, right, result))
        for word, _ in words:
            at = 0
            while at + 1 < len(word):
                if word[at : at + 2] == [left, right]:
                    word[at : at + 2] = [result]
                at += 1
    return steps


def test_consistent_merges_of_the_card() -> None:
    found = program(CARD, [AB, EF, CD])
    solution = found.solve()
    assert solution.objective == pytest.approx(0, abs=1e-9)
    ranges = found.ranges(solution)
    assert ranges[0, :, 0] == pytest.approx([0.625, 5 / 7], abs=1e-6)
    assert ranges[1, :, 1] == pytest.approx([2 / 7, 0.375], abs=1e-6)
    assert 0.625 - 1e-9 <= solution.shares[0] <= 5 / 7 + 1e-9


def test_contradictory_merges_of_the_card() -> None:
    found = program(CARD, [CD, AB, EF])
    solution = found.solve()
    assert solution.shares == pytest.approx([0.625, 0.375])
    assert solution.objective == pytest.approx(0.125)
    assert solution.step_slack == pytest.approx([0.125, 0, 0])
    assert solution.pair_slack == {}
    ranges = found.ranges(solution)
    assert ranges[0, :, 0] == pytest.approx([0.625, 0.625], abs=1e-5)


def test_a_pair_that_is_wrong_everywhere_is_forgiven_once() -> None:
    # xy is the most frequent pair at every step, as if the real pre-tokenizer had cut between them
    x, y = 9, 10
    words = {"A": Words.of({(x, y): 9, (A, B): 6, (C, D): 1}), "B": Words.of({(x, y): 9, (E, F): 6, (C, D): 1})}
    solution = program(words, [AB, EF, CD]).solve()
    # its slack must make up for 9/16 - 1/16 at the last step, and that is enough for the others
    assert solution.pair_slack == pytest.approx({(x, y): 0.5})
    assert solution.objective == pytest.approx(0.5)
    assert 0.5 - 1e-9 <= solution.shares[0] <= 5 / 6 + 1e-9


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 1 << 32), st.booleans(), st.integers(1, 4), st.integers(1, 30))
def test_lazy_rows_are_enough(seed: int, shuffled: bool, batch: int, rows_per_pass: int) -> None:
    random = np.random.default_rng(seed)
    words = {name: random_words(random, 5, 12) for name in "ABC"}
    steps = learned({name: words[name] for name in "AB"} if shuffled else words, 5, 12)
    if shuffled:  # merges that no mixture explains
        random.shuffle(steps)
    histories = replay(words, steps)
    found = MixtureProgram(histories, np.array(steps, np.int32), batch=batch, rows_per_pass=rows_per_pass)
    assert found.solve().objective == pytest.approx(dense(histories, steps), abs=1e-9, rel=1e-6)


def test_inequalities_that_were_dropped_are_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(11)
    words = {name: random_words(random, 6, 40) for name in "ABCD"}
    steps = learned(words, 6, 40)
    random.shuffle(steps)
    plain = program(words, steps, batch=3)
    kept = plain.solve()
    monkeypatch.setattr(mixture_program, "_ROWS_A_STEP", 0)
    monkeypatch.setattr(mixture_program, "_LEAST_ROWS", 0)
    small = program(words, steps, batch=3)
    dropped = small.solve()
    assert dropped.objective == pytest.approx(kept.objective, abs=1e-9)
    assert len(small.rows[0]) < len(plain.rows[0])


def test_the_training_data_itself_fits_and_its_shares_are_allowed() -> None:
    texts = {
        "A": ["the cat sat on the mat, the cat\n"] * 7 + ["a hat and a bat\n"] * 3,
        "B": ["der Hut und die Katze und der Hund\n"] * 5,
        "C": ["la maison et la mer et le chat de la mer\n"] * 4,
    }
    everything = Corpus.from_iterable([text for each in texts.values() for text in each])
    tokens = merges.byte_tokens()
    steps = merges.learn(merges.count(everything, split.GPT2), 40, tokens=tokens).merges
    ids = {token: at for at, token in enumerate(tokens)}
    words = {}
    for name, parts in texts.items():
        counted = merges.count(Corpus.from_iterable(parts), split.GPT2).items()
        words[name] = Words.of({tuple(ids[bytes([b])] for b in word): count for word, count in counted.items()})
    histories = replay(words, steps)
    found = MixtureProgram(histories, steps)
    solution = found.solve()
    assert solution.objective == pytest.approx(0, abs=1e-9)
    totals = np.array([history.initial_pairs for history in histories.values()])
    true = totals / totals.sum()
    for step, (left, right, _) in enumerate(steps.tolist()):
        counts = [history.counts_at(step) for history in histories.values()]
        heights = {
            pair: sum(
                share * each.get(pair, 0) / total for share, each, total in zip(true, counts, totals, strict=True)
            )
            for pair in set().union(*counts)
        }
        assert max(heights.values()) <= heights[left, right] + 1e-12
    ranges = found.ranges(solution)
    for category, share in enumerate(true):
        assert ranges[category, 0, category] - 1e-6 <= share <= ranges[category, 1, category] + 1e-6


def test_order_weights_and_copies_of_categories_change_nothing() -> None:
    random = np.random.default_rng(5)
    words = {name: random_words(random, 6, 30) for name in "ABC"}
    steps = learned(words, 6, 25)
    plain = program(words, steps).solve()
    assert np.count_nonzero(plain.shares) == 3
    turned = program(dict(reversed(words.items())), steps).solve()
    assert turned.shares[::-1] == pytest.approx(plain.shares, abs=1e-6)
    b = words["B"]
    heavier = program(words | {"B": Words(b.cells, b.ends, b.weights * 7)}, steps).solve()
    assert heavier.shares == pytest.approx(plain.shares, abs=1e-6)
    assert heavier.objective == pytest.approx(plain.objective)
    twice = program(words | {"copy of B": b}, steps)
    copied = twice.solve()
    assert copied.objective == pytest.approx(plain.objective)
    assert copied.shares[1] + copied.shares[3] == pytest.approx(plain.shares[1], abs=1e-6)
    ranges = twice.ranges(copied)
    assert ranges[1, 0, 1] == pytest.approx(0, abs=1e-5)  # any part of their sum is as good
    assert ranges[1, 1, 1] == pytest.approx(plain.shares[1], abs=1e-4)


def test_start_only_applies_what_comes_before() -> None:
    # after ab and cd, only ef against gh says anything: B must outweigh A
    g, h = 20, 21
    words = {"A": Words.of({(A, B): 9, (C, D): 8, (g, h): 2}), "B": Words.of({(E, F): 4, (A, B): 1})}
    steps = [CD, AB, EF]
    assert program(words, steps).solve().objective > 0.05
    later = program(words, steps, start=2)
    solution = later.solve()
    assert solution.objective == pytest.approx(0, abs=1e-9)
    # 4/5 (1 - alpha) >= 2/19 alpha
    assert later.ranges(solution)[0, :, 0] == pytest.approx([0, 0.8 / (0.8 + 2 / 19)], abs=1e-6)


def test_the_first_pair_is_constrained_and_missing_merges_are_not() -> None:
    found = program(CARD, [(30, 31, 32), AB, EF])
    assert found.constrained.tolist() == [False, True, True]
    assert found.counts.merged.tolist() != [0, 0, 0]
    swapped = program({"A": Words.of({(A, B): 1}), "B": Words.of({(C, D): 1})}, [AB])  # ab has the number 0
    solution = swapped.solve()
    assert swapped.counts.merged.tolist() == [0]
    assert swapped.ranges(solution)[0, :, 0] == pytest.approx([0.5, 1.0], abs=1e-6)


def test_rows_of_another_solution_are_a_beginning() -> None:
    random = np.random.default_rng(6)
    words = {name: random_words(random, 6, 30) for name in "ABC"}
    steps = learned({"A": words["A"]}, 6, 25)
    found = program(words, steps, rows_per_pass=5)
    first = found.solve()
    again = found.solve(rows=found.rows)
    assert again.objective == pytest.approx(first.objective)
    assert again.passes < first.passes


def test_what_is_no_sample_is_refused() -> None:
    with pytest.raises(CorpusError, match=r"^B: "):
        program({"A": CARD["A"], "B": Words.of({(1,): 5})}, [AB])
    with pytest.raises(UsageError, match="no category"):
        program({}, [AB])
    histories = replay(CARD, [AB]) | {"B": replay(CARD, [AB, CD])["B"]}
    with pytest.raises(UsageError, match="different lengths"):
        MixtureProgram(histories, np.array([AB], np.int32))


def test_sizes_add_up() -> None:
    assert SampleSize(1, 2, 3, 4) + SampleSize(1, 1, 1, 1) == SampleSize(2, 3, 4, 5)
