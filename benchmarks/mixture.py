"""Mixture inference: inequalities as they are violated, against all of them at once, on the same tokenizer.

Every contestant gets the same replayed samples (six languages, sentences, 200 kB each) of a vocabulary trained on other
sentences of them, solves the program with HiGHS and must reach the same objective. The published code adds rows as they
are violated too, but to a commercial solver and in a fixed order; beside "all at once" stand our rows without dropping
those that do not bind, in passes of 100 as published. The replay is measured too, against one in Python.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import json
import random
import re
import sys
from typing import Any

import numpy as np
from harness import data_folder, in_turn, measured, median, ratio, store

from tokencraft.corpus import Corpus
from tokencraft.measure import MergeList, MixtureProgram, PairHistory, Words, replay
from tokencraft.measure.merge_words import WordScheme
from tokencraft.report import Column, Table, run_context
from tokencraft.vocabulary import Vocabulary, merges, split

LANGUAGES = ("de", "es", "fr", "it", "pl", "tr")
CONTESTANTS = {
    "tokencraft": "as violated, loose ones dropped",
    "published manner": "as violated, 10 a step, passes of 100, none dropped",
    "all at once": "every step and pair, scipy's linprog",
    "replay": "native",
    "replay in Python": "dictionaries, changed words alone",
}
MOST_STEPS = {"all at once": 100, "replay in Python": 300}


def main() -> None:
    """Run the contestants in turn and store the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, nargs="+", default=[30, 100, 300, 1000])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        print(json.dumps(worker(**json.loads(arguments.worker))))
        return
    if not (data_folder() / "README.md").is_file():
        print("skipped: the real data is absent; set TOKENCRAFT_DATA", file=sys.stderr)
        return
    tasks = {
        f"{name} {steps}": {"name": name, "steps": steps}
        for steps in arguments.steps
        for name in CONTESTANTS
        if steps <= MOST_STEPS.get(name, steps)
    }
    samples = in_turn(__file__, tasks, repeats=arguments.repeats, threads=arguments.threads)
    rows = []
    for key, task in tasks.items():
        own = "replay" if task["name"].startswith("replay") else "tokencraft"
        seconds = median(samples[key], "seconds")
        rows.append(
            [
                task["steps"],
                task["name"],
                CONTESTANTS[task["name"]],
                seconds,
                ratio(seconds, median(samples[f"{own} {task['steps']}"], "seconds")),
                median(samples[key], "rows"),
                median(samples[key], "objective"),
                median(samples[key], "memory"),
            ]
        )
    columns = [
        Column("T", "merges"),
        "contestant",
        "how",
        Column("time", "s"),
        Column("against tokencraft", "times"),
        Column("inequalities"),
        Column("objective"),
        Column("memory", "MB"),
    ]
    table = Table("Mixture inference, six languages", columns, rows, run_context(0, "python benchmarks/mixture.py"))
    store("mixture", table, samples=samples)


def worker(name: str, steps: int, threads: int) -> dict[str, Any]:
    """One measurement."""
    merge_list, words = prepared(steps, threads)
    if name == "replay":
        done = measured(lambda: replay(words, merge_list.merges, threads=1))
        return {"seconds": done.seconds, "memory": done.memory_bytes / 1e6}
    if name == "replay in Python":
        done = measured(lambda: [python_replay(each, merge_list.merges.tolist()) for each in words.values()])
        return {"seconds": done.seconds, "memory": done.memory_bytes / 1e6}
    histories = replay(words, merge_list.merges, threads=threads)
    if name == "all at once":
        done = measured(lambda: all_at_once(histories, merge_list))
    elif name == "published manner":
        module = importlib.import_module("tokencraft.measure.mixture_program")
        module._LEAST_ROWS = sys.maxsize  # type: ignore[attr-defined]  # switched off for the comparison
        done = measured(lambda: lazily(histories, merge_list, batch=10, rows_per_pass=100))
    else:
        done = measured(lambda: lazily(histories, merge_list))
    objective, rows = done.value
    return {"seconds": done.seconds, "memory": done.memory_bytes / 1e6, "objective": objective, "rows": rows}


def prepared(steps: int, threads: int) -> tuple[MergeList, dict[str, Words]]:
    """The merges of a vocabulary and the words of the samples."""
    training: list[str] = []
    samples = {}
    shares = np.random.default_rng(0).dirichlet(np.ones(len(LANGUAGES)))
    for name, share in zip(LANGUAGES, shares.tolist(), strict=True):
        pages = Corpus.from_files(data_folder() / f"text/manuals/{name}.txt.gz", documents="line")
        sentences = sorted({each for page in pages for each in re.split(r"(?<=[.!?:]) ", page)})
        random.Random(0).shuffle(sentences)
        ends = np.cumsum([len(each.encode()) for each in sentences])
        first, second = np.searchsorted(ends, [200_000, 400_000]).tolist()
        training += sentences[: int(np.searchsorted(ends, share * 200_000))]
        samples[name] = [each + "\n" for each in sentences[first:second]]
    pieces = merges.count(Corpus.from_iterable([each + "\n" for each in training]), split.GPT2, threads=threads)
    learned = merges.learn(pieces, steps, tokens=merges.byte_tokens())
    vocabulary = Vocabulary.from_merges(learned.pairs, splitter=split.GPT2)
    scheme = WordScheme.of(vocabulary)
    return MergeList.of(vocabulary), {name: scheme.words(Corpus.from_iterable(each)) for name, each in samples.items()}


def lazily(histories: dict[str, PairHistory], merge_list: MergeList, **options: int) -> tuple[float, int]:
    """Objective and inequalities of our program."""
    program = MixtureProgram(histories, merge_list.merges, **options)
    solution = program.solve()
    return solution.objective, solution.rows


def all_at_once(histories: dict[str, PairHistory], merge_list: MergeList) -> tuple[float, int]:
    """The same with a row for every step and every pair that occurs then."""
    from scipy.optimize import linprog
    from scipy.sparse import csr_matrix, hstack

    counts = MixtureProgram(histories, merge_list.merges).counts
    steps, pairs = [], []
    for step in range(counts.steps):
        there = np.arange(counts.size)
        present = counts.at(np.full(counts.size, step), there).any(axis=1)
        present[counts.merged[step]] = False
        pairs.append(there[present])
        steps.append(np.full(len(pairs[-1]), step))
    step, pair = np.concatenate(steps), np.concatenate(pairs)
    gains = counts.at(step, counts.merged[step]) - counts.at(step, pair)
    scale = np.maximum(counts.at(step, counts.merged[step]).mean(axis=1), 1e-12)[:, None]
    number, ones = np.arange(len(step)), 1 / scale[:, 0]
    v = csr_matrix((ones, (number, step)), (len(step), counts.steps))
    u = csr_matrix((ones, (number, pair)), (len(step), counts.size))
    matrix = -hstack([csr_matrix(gains / scale), v, u], format="csr")
    cost = np.ones(matrix.shape[1])
    cost[: counts.categories] = 0
    sums = csr_matrix((cost == 0).astype(float))
    found = linprog(cost, matrix, np.zeros(len(step)), sums, [1.0], method="highs")
    return float(found.fun), len(step)


def python_replay(words: Words, steps: list[list[int]]) -> list[dict[tuple[int, int], int]]:
    """Change sets, by dictionaries of pairs and of the words that hold them."""
    spelled: list[tuple[list[int], int]] = []
    begin = 0
    for end, weight in zip(words.ends.tolist(), words.weights.tolist(), strict=True):
        word: list[int] = []
        for cell in words.cells[begin:end].tolist():
            if cell >= 0:
                word.append(cell)
            elif word:
                spelled.append((word, weight))
                word = []
        begin = end
    counts: dict[tuple[int, int], int] = {}
    where: dict[tuple[int, int], set[int]] = {}
    for number, (word, weight) in enumerate(spelled):
        for pair in itertools.pairwise(word):
            counts[pair] = counts.get(pair, 0) + weight
            where.setdefault(pair, set()).add(number)
    changes = [dict(counts)]
    for left, right, result in steps[:-1]:
        changed: dict[tuple[int, int], int] = {}
        for number in where.pop((left, right), set()):
            word, weight = spelled[number]
            for pair in itertools.pairwise(word):
                changed[pair] = changed.get(pair, 0) - weight
            at = 0
            while at + 1 < len(word):
                if word[at] == left and word[at + 1] == right:
                    word[at : at + 2] = [result]
                at += 1
            for pair in itertools.pairwise(word):
                changed[pair] = changed.get(pair, 0) + weight
                where.setdefault(pair, set()).add(number)
        changes.append({})
        for pair, amount in changed.items():
            if amount:
                counts[pair] = changes[-1][pair] = counts.get(pair, 0) + amount
    return changes


if __name__ == "__main__":
    main()
