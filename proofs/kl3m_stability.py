"""Proof of KL3M's character-level vocabularies (arXiv 2503.17247): noise breaks less of their tokenization.

Vocabularies are learned from 5 MB of the Brown corpus; 1,500 sentences held out are spoilt as OCR does, at two rates.
The paper shows one sentence; the measure is ours. A minute.
"""

from __future__ import annotations

import argparse
import random
import re
import warnings
from typing import Any

from harness import Proof, Verdict, data_folder

from tokencraft.corpus import Corpus
from tokencraft.learn import BPE, KL3MCharacters
from tokencraft.measure import BoundaryStability, OCRNoise
from tokencraft.vocabulary import split

PROOF = Proof(
    slug="kl3m-stability",
    claim="Of a character-level vocabulary (tokens of at most 3 bytes) and a plain BPE of the same size, 4k, on the "
    "same text, noise adds fewer tokens to the former's, moves fewer of its boundaries and disturbs fewer characters "
    "an edit.",
    falsified_if="for any seed and rate of noise the character-level vocabulary's inflation beyond 1 is not below "
    "half of the BPE's, or its boundary F1 is not higher, or it has no fewer disturbed characters an edit.",
)
CHARACTERS, PLAIN = "characters, at most 3 (4k)", "BPE 4k"
RATES = (0.02, 0.05)
LEARNERS: dict[str, BPE | KL3MCharacters] = {
    CHARACTERS: KL3MCharacters(4096),
    "characters, at most 3 (8k)": KL3MCharacters(8192),
    "characters, at most 4 (16k)": KL3MCharacters(16_384, max_token_symbols=4),
    PLAIN: BPE(4096, split.GPT2, min_frequency=2),
    "BPE 8k": BPE(8192, split.GPT2, min_frequency=2),
    "BPE 16k": BPE(16_384, split.GPT2, min_frequency=2),
    "BPE 32k": BPE(32_768, split.GPT2, min_frequency=2),
}


def main() -> None:
    """Learn, spoil, compare, conclude."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", message="the vocabulary has")
    essays = Corpus.from_files([data_folder() / "text" / "en" / "brown.txt.gz"], documents="line")
    everything = [sentence for essay in essays for sentence in re.findall(r".+? [.?!] ", essay)]
    rows = []
    for seed in arguments.seeds:
        random.Random(seed).shuffle(everything)
        held_out = Corpus.from_iterable(everything[:1500])
        train = Corpus.from_iterable(everything[1500:]).sample(5_000_000, seed)
        vocabularies = {name: learner.train(train, threads=arguments.threads) for name, learner in LEARNERS.items()}
        for rate in RATES:
            measured = BoundaryStability(OCRNoise(rate, seed=seed)).measure(
                vocabularies, held_out, threads=arguments.threads
            )
            rows += [
                {
                    "seed": seed,
                    "noise": rate,
                    "vocabulary": row.vocabulary,
                    "entries": row.vocab_size,
                    "characters/token": round(row.characters_per_token, 3),
                    "boundary F1": round(row.boundary_f1, 4),
                    "inflation": round(row.inflation, 4),
                    "disturbed characters/edit": round(row.disturbed_characters_per_edit, 3),
                    "disturbed tokens/edit": round(row.disturbed_tokens_per_edit, 3),
                    "edits": row.edits,
                }
                for row in measured.rows
            ]
    PROOF.conclude(judge(rows), rows, seeds=arguments.seeds, command="python proofs/kl3m_stability.py")


def judge(rows: list[dict[str, Any]]) -> Verdict:
    """The verdict by the words of ``falsified_if``."""
    by_key = {(row["seed"], row["noise"], row["vocabulary"]): row for row in rows}
    for seed, rate, name in by_key:
        if name == CHARACTERS:
            short, plain = by_key[seed, rate, name], by_key[seed, rate, PLAIN]
            calm = short["inflation"] - 1 < 0.5 * (plain["inflation"] - 1)
            fewer = short["disturbed characters/edit"] < plain["disturbed characters/edit"]
            if not calm or not fewer or short["boundary F1"] <= plain["boundary F1"]:
                return "failed"
    return "held" if by_key else "inconclusive"


if __name__ == "__main__":
    main()
