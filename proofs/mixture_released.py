"""Proof of mixture inference (arXiv 2407.16607) on released tokenizers: whose training text held more code?

GPT-2, Llama, Mistral and Claude at T = 3,000 against samples of English of four kinds, Python code, and the manuals of
14 languages: small samples, and not those of the paper, so the ranking of the shares of code is compared, not the
shares. About five minutes.
"""

from __future__ import annotations

import argparse
import sysconfig
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from harness import Proof, Verdict, data_folder

from tokencraft.corpus import Corpus
from tokencraft.measure import MixtureInference
from tokencraft.vocabulary import Vocabulary

PROOF = Proof(
    slug="mixture-inference-released",
    claim="At T = 3,000 the shares of code of four released tokenizers rank as in the paper (Claude, Mistral, Llama, "
    "GPT-2), each in less than 5 minutes on 2 cores.",
    falsified_if="the ranking of the shares of code is another, or a tokenizer takes 5 minutes or more.",
)
PAPER = {"claude": 57.5, "mistral": 25.8, "llama": 19.2, "gpt-2": 0.7}  # percent of bytes that are code
ENGLISH = ("web", "wiki", "books", "academic")
CODE_BYTES = 4_000_000


def main() -> None:
    """Infer, compare, conclude."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--merges", type=int, default=3000)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    folder = data_folder()
    data = samples(folder)
    method = MixtureInference(max_merges=arguments.merges)
    rows: list[dict[str, Any]] = []
    for name in PAPER:
        vocabulary = Vocabulary.load(folder / f"tokenizers/{name}.json.gz")
        start = time.perf_counter()
        report = method.measure({name: vocabulary}, data, threads=arguments.threads).reports[name]
        seconds = time.perf_counter() - start
        english = sum(report.shares[kind] for kind in ENGLISH)
        kinds = {f"{kind} [% of bytes]": percent(report.shares[kind]) for kind in ENGLISH}
        left, right = next(iter(report.pair_slack), ("", ""))
        rows.append(
            {
                "tokenizer": name,
                "T": report.merges,
                "code [% of bytes]": percent(report.shares["code"]),
                "code in the paper": PAPER[name],
                **kinds,
                "14 languages [% of bytes]": percent(1 - english - report.shares["code"]),
                "worst pair": f"{left} {right}",
                "sum of slack": round(report.objective, 4),
                "seconds": round(seconds, 1),
                "sample of code [bytes]": report.sizes["code"].bytes,
                "samples, least and most [bytes]": f"{min(s.bytes for s in report.sizes.values()):,} "
                f"to {max(s.bytes for s in report.sizes.values()):,}",
            }
        )
    PROOF.conclude(judge(rows), rows, seeds=[], command="python proofs/mixture_released.py")


def samples(folder: Path) -> dict[str, Corpus]:
    """English of four kinds, code, and 14 languages."""
    files = {
        "web": ["en/webtext.txt.gz"],
        "wiki": ["en/wikitext2.valid.txt", "en/wikitext2.test.txt"],
        "books": ["en/brown.txt.gz", "en/shakespeare.txt"],
        "academic": ["../bio/ncbi_disease_abstracts.train.txt.gz"],
    }
    text = {
        kind: Corpus.from_files([folder / "text" / name for name in names], documents="line")
        for kind, names in files.items()
    }
    code = Corpus.from_files(sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))).sample(CODE_BYTES, 0)
    languages = {
        path.name.removesuffix(".txt.gz"): Corpus.from_files(path, documents="line")
        for path in sorted((folder / "text/manuals").glob("*.txt.gz"))
    }
    return {**text, "code": code, **languages}


def percent(share: float) -> float:
    """For the table."""
    return round(100 * share, 1)


def judge(rows: list[dict[str, Any]]) -> Verdict:
    """The verdict by the words of ``falsified_if``; the rows are in the order of the paper's shares of code."""
    ranked = all(first["code [% of bytes]"] > second["code [% of bytes]"] for first, second in pairwise(rows))
    return "held" if ranked and all(row["seconds"] < 300 for row in rows) else "failed"


if __name__ == "__main__":
    main()
