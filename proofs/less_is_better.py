"""Proof of Less-is-Better (arXiv 2403.00417): few tokens against BPE bounded by words, and a size of its own.

Child-directed speech, where the published demo runs: every word followed by a space, settings of the demo, a tenth of
the lines held out. Beside it, at the same number of entries: characters, words, BPE within words, and BPE without any
pre-tokenization, which is the fair rival: it may span words too. Then English of several kinds with variant 2020+ and a
cap: the share omega of the lexicon's end that goes on probation decides how many entries there are. Some minutes.
"""

from __future__ import annotations

import argparse
import gzip
import random
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness import Proof, Verdict, data_folder

from tokencraft.corpus import Corpus
from tokencraft.learn import BPE, LessIsBetter
from tokencraft.measure import DescriptionLength
from tokencraft.measure.description_length import DescriptionRow
from tokencraft.vocabulary import Vocabulary, split
from tokencraft.vocabulary.lexicon import from_lexicon

PROOF = Proof(
    slug="less-is-better",
    claim="On child-directed speech LiB needs at least 20% fewer tokens than BPE within words of the same size, and "
    "fewer on held-out lines; on larger text omega lets the vocabulary find its size below a cap, with fewer entries "
    "that never occur. (BPE without word boundaries is in the rows: no claim is made against it.)",
    falsified_if="for any seed LiB does not need at least 20% fewer tokens than BPE within words on the text learned "
    "from, or not fewer on the held-out lines; or the vocabulary with omega = 2e-2 is not smaller than with 1e-4, or "
    "not below the cap, or not a smaller share of it never occurs.",
)
OMEGAS = (1e-4, 1e-3, 5e-3, 2e-2)
CAP = 20_000
FILES = ("brown.txt.gz", "webtext.txt.gz", "wikitext2.valid.txt", "wikitext2.test.txt", "shakespeare.txt")
WORDS = split.Regex((r"[^ ]* ",))


def main() -> None:
    """Learn, encode, compare, conclude."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--documents", type=int, default=2_000, help="of 100 sentences, for 2020+")
    arguments = parser.parse_args()
    folder = data_folder() / "text"
    rows: list[dict[str, Any]] = []
    for seed in arguments.seeds:
        train, held_out = child_speech(folder, seed)
        found = vocabularies(train, seed)
        measured = DescriptionLength().measure(
            found, {"learned from": Corpus.from_iterable(train), "held out": Corpus.from_iterable(held_out)}
        )
        for row in measured.rows:
            base = measured.row(vocabulary="BPE within words", data=row.data)
            rows.append(line(seed, "child speech, " + row.data, row, base))
        text = sentences(folder / "en", seed)
        sweep = {omega: learn_large(text, omega, seed, arguments.documents) for omega in OMEGAS}
        named = {f"LiB 2020+, omega {omega:g}": vocabulary for omega, vocabulary in sweep.items()}
        large = DescriptionLength().measure(named, Corpus.from_iterable(text))
        rows += [line(seed, "English", row, large.rows[0]) for row in large.rows]
    command = "python proofs/less_is_better.py"
    PROOF.conclude(judge(rows, arguments.seeds), rows, seeds=arguments.seeds, command=command)


def child_speech(folder: Path, seed: int) -> tuple[list[str], list[str]]:
    """Nine tenths of the lines, in their order, and the others."""
    lines = [text + " " for text in (folder / "child_speech.txt").read_text("utf-8").splitlines()]
    draw = random.Random(seed)
    held_out = [draw.random() < 0.1 for _ in lines]
    return (
        [text for text, held in zip(lines, held_out, strict=True) if not held],
        [text for text, held in zip(lines, held_out, strict=True) if held],
    )


def vocabularies(train: list[str], seed: int) -> Mapping[str, Vocabulary]:
    """LiB with the settings of the demo, and its rivals; the BPE ones have as many entries."""
    corpus = Corpus.from_iterable(train)
    lib = LessIsBetter(steps=501, article=200, life=3, out_rate=0.01, unit="document", seed=seed).train(corpus)
    assert lib.flags.two_paths is not None
    characters = set("".join(train))
    size = 256 + lib.flags.two_paths.lexicon - len(characters)
    return {
        "characters": from_lexicon(sorted(characters)),
        "words": from_lexicon(dict.fromkeys(word + " " for text in train for word in text.split())),
        "BPE within words": BPE(vocab_size=size, splitter=WORDS).train(corpus),
        "BPE without boundaries": BPE(vocab_size=size, splitter=split.WHOLE).train(corpus),
        "LiB": lib,
    }


def sentences(folder: Path, seed: int) -> list[str]:
    """English of several kinds, cut into sentences and lines, in a random order of paragraphs."""
    paragraphs = [text for name in FILES for text in read(folder / name).splitlines(keepends=True)]
    random.Random(seed).shuffle(paragraphs)
    return [part for text in paragraphs for part in re.split(r"(?<=[.?!])(?= )", text) if part.strip()]


def read(path: Path) -> str:
    """A text file, decompressed where it is compressed."""
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")


def learn_large(text: list[str], omega: float, seed: int, documents: int) -> Vocabulary:
    """Variant 2020+ with a cap."""
    learner = LessIsBetter(variant="2020+", vocab_size=CAP, out_rate=omega, steps=documents, unit="document", seed=seed)
    return learner.train(Corpus.from_iterable(text))


def line(seed: int, data: str, row: DescriptionRow, base: DescriptionRow) -> dict[str, Any]:
    """A row of the result."""
    return {
        "seed": seed,
        "text": data,
        "vocabulary": row.vocabulary,
        "entries": row.entries,
        "tokens": row.tokens,
        "tokens against the base [%]": round(100 * (row.tokens / base.tokens - 1), 2),
        "characters/token": round(row.mean_length, 3),
        "entries that span words [%]": round(100 * row.superword_share, 1),
        "entries that never occur [%]": round(100 * row.unused_share, 2),
        "description [kbit]": round(row.kilobits, 1),
    }


def judge(rows: list[dict[str, Any]], seeds: list[int]) -> Verdict:
    """The verdict by the words of ``falsified_if``; inconclusive without runs."""
    if not rows:
        return "inconclusive"
    for seed in seeds:
        found = {(row["text"], row["vocabulary"]): row for row in rows if row["seed"] == seed}
        if found["child speech, learned from", "LiB"]["tokens against the base [%]"] > -20:
            return "failed"
        if found["child speech, held out", "LiB"]["tokens against the base [%]"] >= 0:
            return "failed"
        least, most = (found["English", f"LiB 2020+, omega {omega:g}"] for omega in (OMEGAS[0], OMEGAS[-1]))
        if not most["entries"] < min(least["entries"], CAP - 256):
            return "failed"
        if not most["entries that never occur [%]"] < least["entries that never occur [%]"]:
            return "failed"
    return "held"


if __name__ == "__main__":
    main()
