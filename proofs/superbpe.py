"""Proof of SuperBPE (arXiv 2503.13423): superwords shorten held-out text, the more the larger the vocabulary.

English of several kinds; a vocabulary of each size is learned as plain BPE and as SuperBPE with several transition
points, t = 0 (no word boundaries at all) among them; 5% of the lines are held out and encoded. About a minute.
"""

from __future__ import annotations

import argparse
import itertools
import random
from typing import Any

from harness import Proof, Verdict, data_folder

from tokencraft.corpus import Corpus
from tokencraft.learn import BPE, SuperBPE

PROOF = Proof(
    slug="superbpe",
    claim="At the same vocabulary size SuperBPE needs fewer tokens than BPE for held-out text, the gain grows with "
    "the size, and a transition point inside beats both ends (t = 0 and t = T).",
    falsified_if="for any seed SuperBPE (best t) does not beat BPE at some T >= 2k, or its gain at a T is not above "
    "that at the T before, or no t between 0 and T gives more bytes per token than t = 0 and t = T.",
)
SIZES = (2048, 4096, 8192, 16384)
TRANSITIONS = (0.0, 0.25, 0.5, 0.8, 1.0)
FILES = ("brown.txt.gz", "webtext.txt.gz", "shakespeare.txt", "wikitext2.valid.txt", "wikitext2.test.txt")


def main() -> None:
    """Learn, encode, compare, conclude."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--max-bytes", type=int, default=6_000_000, help="how much English to use")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    folder = data_folder() / "text" / "en"
    everything = Corpus.from_files([folder / name for name in FILES], documents="line")
    rows: list[dict[str, Any]] = []
    gains: dict[tuple[int, int], dict[float, float]] = {}
    for seed in arguments.seeds:
        train, held_out = split_lines(list(everything.sample(arguments.max_bytes, seed)), seed)
        for size in SIZES:
            per_token = {t: bytes_per_token(train, held_out, size, t, arguments.threads) for t in TRANSITIONS}
            gains[seed, size] = per_token
            for transition, value in per_token.items():
                rows.append(
                    {
                        "seed": seed,
                        "T": size,
                        "t / T": "BPE" if transition == 1.0 else transition,
                        "held-out bytes/token": round(value, 4),
                        "tokens against BPE [%]": round(100 * (per_token[1.0] / value - 1), 2),
                    }
                )
    command = "python proofs/superbpe.py"
    PROOF.conclude(judge(gains, arguments.seeds), rows, seeds=arguments.seeds, command=command)


def split_lines(lines: list[str], seed: int) -> tuple[list[str], list[str]]:
    """95% to learn from, 5% held out."""
    random.Random(seed).shuffle(lines)
    edge = len(lines) // 20
    return [line + "\n" for line in lines[edge:]], [line + "\n" for line in lines[:edge]]


def bytes_per_token(train: list[str], held_out: list[str], size: int, transition: float, threads: int) -> float:
    """Bytes per token of the held-out lines under a vocabulary learned from the others; t = T is plain BPE."""
    learner = (
        BPE(vocab_size=size, unit="line") if transition == 1.0 else SuperBPE(vocab_size=size, transition=transition)
    )
    vocabulary = learner.train(Corpus.from_iterable(train), threads=threads)
    ids = vocabulary.encode_batch(held_out, threads=threads).ids
    return sum(len(line.encode("utf-8")) for line in held_out) / len(ids)


def judge(measured: dict[tuple[int, int], dict[float, float]], seeds: list[int]) -> Verdict:
    """The verdict by the words of ``falsified_if``; inconclusive without runs."""
    if not measured:
        return "inconclusive"
    for seed in seeds:
        gains = []
        for size in SIZES:
            values = measured[seed, size]
            inside = max(value for transition, value in values.items() if 0.0 < transition < 1.0)
            if inside <= max(values[0.0], values[1.0]):
                return "failed"
            gains.append(inside / values[1.0])
        if gains[0] <= 1.0 or any(later <= earlier for earlier, later in itertools.pairwise(gains)):
            return "failed"
    return "held"


if __name__ == "__main__":
    main()
