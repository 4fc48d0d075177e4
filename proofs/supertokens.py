"""Proof of supertokens (arXiv 2505.09738, algorithm B): BPE on random chunks of text shortens held-out text.

The Brown corpus in blocks of about 4 KB, 5% of them held out; at each size a vocabulary is learned as plain BPE, as
supertokens with the published chunk lengths and with longer ones, as SuperBPE, and as SuperBPE on runs of whole words.
The last column is what chunks cost: tokens that hold a space but begin inside a word, `s of the `. Manuals in four
languages follow, at one size, which no verdict depends on. About two minutes.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import random
from collections.abc import Iterable
from statistics import mean
from typing import Any

from harness import Proof, Verdict, data_folder

from tokencraft.corpus import Corpus
from tokencraft.learn import BPE, SuperBPE, Supertokens
from tokencraft.vocabulary import Vocabulary

PROOF = Proof(
    slug="supertokens",
    claim="At the same vocabulary size supertokens need fewer tokens than BPE for held-out text, the more so the "
    "larger the vocabulary; chunks of 20 to 60 characters do better than the published 4 to 23.",
    falsified_if="for any seed supertokens of 20-60 do not need fewer tokens than BPE at 16,384, or the mean gain of "
    "either lengths over BPE does not grow from each size to the next, or the published lengths do as well as 20-60 at "
    "16,384.",
)
SIZES = (4096, 8192, 16_384, 32_768)
BASE, LONG, PUBLISHED = "BPE", "supertokens 20-60", "supertokens, published lengths"
METHODS: dict[str, Any] = {
    BASE: lambda size, seed: BPE(size),
    PUBLISHED: lambda size, seed: Supertokens(size, "supertokenizer", seed),
    "supertokens 10-30": lambda size, seed: Supertokens(size, "10-30", seed),
    LONG: lambda size, seed: Supertokens(size, "20-60", seed),
    "supertokens 40-120": lambda size, seed: Supertokens(size, "40-120", seed),
    "supertokens 80-240": lambda size, seed: Supertokens(size, "80-240", seed),
    "supertokens 20-60, any length": lambda size, seed: Supertokens(size, "20-60", seed, max_token_length=None),
    "SuperBPE t = 0.5T": lambda size, seed: SuperBPE(size, transition=0.5),
    "SuperBPE t = 0.8T, pretoken-runs": lambda size, seed: SuperBPE(size, transition=0.8, stage2="pretoken-runs"),
}


Measured = dict[tuple[int, str], list[tuple[float, float]]]
LANGUAGES = ("de", "ja", "ru", "zh")
"""Rows beside the claim: manuals, two of them in scripts without spaces, at one size."""
ELSEWHERE = (BASE, "SuperBPE t = 0.5T", LONG, "supertokens 20-60, any length")


def main() -> None:
    """Learn, encode, compare, conclude."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    folder = data_folder() / "text"
    runs = [("Brown", folder / "en" / "brown.txt.gz", SIZES, tuple(METHODS))]
    runs += [(code, folder / "manuals" / f"{code}.txt.gz", (16_384,), ELSEWHERE) for code in LANGUAGES]
    rows: list[dict[str, Any]] = []
    brown: Measured = {}
    for corpus, path, sizes, names in runs:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            blocks = blocks_of(list(file))
        measured = measure(blocks, sizes, names, arguments.seeds, arguments.threads)
        brown = brown or measured
        rows += [
            {
                "corpus": corpus,
                "vocabulary": size,
                "method": name,
                "held-out bytes/token": round(mean(value for value, _ in values), 4),
                "tokens against BPE [%]": round(100 * (1 / gain(measured, size, name) - 1), 2),
                "least gain of a seed [%]": round(100 * (min(gains(measured, size, name)) - 1), 2),
                "tokens with a space, not at their start [%]": round(100 * mean(share for _, share in values), 1),
            }
            for (size, name), values in measured.items()
        ]
    PROOF.conclude(judge(brown), rows, seeds=arguments.seeds, command="python proofs/supertokens.py")


def measure(blocks: list[str], sizes: Iterable[int], names: Iterable[str], seeds: list[int], threads: int) -> Measured:
    """Held-out bytes per token and the share of tokens that begin inside, by size and method, one pair a seed."""
    measured: Measured = {}
    for seed in seeds:
        shuffled = random.Random(seed).sample(blocks, len(blocks))
        edge = len(blocks) // 20
        held_out, train = shuffled[:edge], Corpus.from_iterable(shuffled[edge:])
        for size, name in itertools.product(sizes, names):
            vocabulary = METHODS[name](size, seed).train(train, threads=threads)
            ids = vocabulary.encode_batch(held_out, threads=threads).ids
            per_token = sum(len(text.encode("utf-8")) for text in held_out) / len(ids)
            measured.setdefault((size, name), []).append((per_token, begins_inside(vocabulary)))
    return measured


def blocks_of(lines: list[str], size: int = 4096) -> list[str]:
    """Consecutive lines together, about ``size`` characters a block."""
    blocks = [""]
    for line in lines:
        if len(blocks[-1]) >= size:
            blocks.append("")
        blocks[-1] += line
    return blocks


def begins_inside(vocabulary: Vocabulary) -> float:
    """The share of tokens that hold a space but do not start with one."""
    return mean(b" " in token and not token.startswith(b" ") for token in vocabulary.tokens)


def gains(measured: Measured, size: int, name: str) -> list[float]:
    """Bytes per token against BPE's, by seed."""
    pairs = zip(measured[size, name], measured[size, BASE], strict=True)
    return [value / base for (value, _), (base, _) in pairs]


def gain(measured: Measured, size: int, name: str) -> float:
    """Bytes per token against BPE's, on average."""
    return mean(gains(measured, size, name))


def judge(measured: Measured) -> Verdict:
    """The verdict by the words of ``falsified_if``; inconclusive without runs."""
    if not measured:
        return "inconclusive"
    if min(gains(measured, 16_384, LONG)) <= 1.0:
        return "failed"
    for name in (LONG, PUBLISHED):
        by_size = [gain(measured, size, name) for size in SIZES]
        if any(later <= earlier for earlier, later in itertools.pairwise(by_size)):
            return "failed"
    return "failed" if gain(measured, 16_384, PUBLISHED) >= gain(measured, 16_384, LONG) else "held"


if __name__ == "__main__":
    main()
