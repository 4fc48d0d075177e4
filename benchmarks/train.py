"""Learning a vocabulary: ours, ``tokenizers``, ``gigatoken``, ``rustbpe`` and ``bpeasy``, from files on disk.

All split by the GPT-2 pattern and learn the same number of tokens; SuperBPE has its own patterns and is compared with
the plain BPE of the others. What is not equal: ``gigatoken`` and ours stream the file themselves, ``tokenizers`` reads
it line by line, ``rustbpe`` and ``bpeasy`` get its lines from Python, because they read no files. Peak memory is over
what the process held before training, so the libraries themselves do not count.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness import code_corpus, in_turn, measured, median, ratio, store, text_corpus, warm

PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
CONTESTANTS = {
    "tokencraft BPE": "bpe",
    "tokencraft SuperBPE": "superbpe",
    "tokenizers BpeTrainer": "tokenizers",
    "gigatoken train_bpe": "gigatoken",
    "rustbpe": "rustbpe",
    "bpeasy": "bpeasy",
}


def main() -> None:
    """Measure, print and store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", choices=["code", "text", "both"], default="both")
    parser.add_argument("--bytes", type=int, default=60_000_000, help="size of the corpus of code")
    parser.add_argument("--vocab-size", type=int, default=32_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", nargs="*", choices=list(CONTESTANTS.values()), help="leave the others out")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work(json.loads(arguments.worker))
        return
    corpora = {"code": code_corpus(arguments.bytes)} if arguments.corpus != "text" else {}
    if arguments.corpus != "code":
        text = text_corpus(arguments.bytes)
        if text is None:
            print("no corpus of text: the real data is absent (TOKENCRAFT_DATA)", file=sys.stderr)
        else:
            corpora["text"] = text
    report(corpora, arguments)


def report(corpora: dict[str, Path], arguments: argparse.Namespace) -> None:
    """Run all contestants on all corpora and store one table."""
    from tokencraft.report import Column, Table, run_context

    rows = []
    for corpus, path in corpora.items():
        tasks = {
            name: {"contestant": contestant, "path": str(path), "vocab_size": arguments.vocab_size}
            for name, contestant in CONTESTANTS.items()
            if not arguments.only or contestant in arguments.only
        }
        samples = in_turn(__file__, tasks, repeats=arguments.repeats, threads=arguments.threads)
        size = path.stat().st_size
        stock = median(samples.get("tokenizers BpeTrainer", []), "seconds")
        giga = median(samples.get("gigatoken train_bpe", []), "seconds")
        expected = samples.get("tokenizers BpeTrainer", [{}])[0].get("merges")
        for name, runs in samples.items():
            seconds = median(runs, "seconds")
            memory = median(runs, "memory_bytes")
            rows.append(
                [
                    corpus,
                    name,
                    seconds,
                    ratio(seconds, stock),
                    ratio(seconds, giga),
                    ratio(size / 1e6, seconds),
                    ratio(memory, size),
                    agreement(runs[0].get("merges"), expected),
                    runs[0].get("error", ""),
                ]
            )
    columns = [
        Column("corpus"),
        Column("trainer"),
        Column("time", "s"),
        Column("to tokenizers", "ratio"),
        Column("to gigatoken", "ratio"),
        Column("speed", "MB/s"),
        Column("peak memory", "bytes per corpus byte"),
        Column("first merges as tokenizers", "number"),
        Column("note"),
    ]
    sizes = ", ".join(f"{path.stat().st_size / 1e6:.1f} MB of {corpus}" for corpus, path in corpora.items())
    title = (
        f"Learning {arguments.vocab_size:,} tokens from {sizes}; {arguments.threads} threads, "
        f"median of {arguments.repeats} runs, each in a fresh process, files warm in the page cache."
    )
    command = "python benchmarks/train.py " + " ".join(sys.argv[1:])
    store("train", Table(title, columns, rows, run_context(command=command.strip())))


def agreement(merges: list[list[str]] | None, expected: list[list[str]] | None) -> int | None:
    """How many merges are the same before the first that is not."""
    if merges is None or expected is None:
        return None
    same = 0
    while same < min(len(merges), len(expected)) and merges[same] == expected[same]:
        same += 1
    return same


# One measurement ----------------------------------------------------------------------------------------------------


def work(task: dict[str, Any]) -> None:
    """Train once and print what it took."""
    path, size, threads = Path(task["path"]), int(task["vocab_size"]), int(task["threads"])
    warm(path)
    train = {
        "bpe": train_bpe,
        "superbpe": train_superbpe,
        "tokenizers": train_tokenizers,
        "gigatoken": train_gigatoken,
        "rustbpe": train_rustbpe,
        "bpeasy": train_bpeasy,
    }[task["contestant"]]
    print(json.dumps(train(path, size, threads)))


def train_bpe(path: Path, size: int, threads: int) -> dict[str, Any]:
    from tokencraft.corpus import Corpus
    from tokencraft.learn import BPE
    from tokencraft.vocabulary import split

    learner = BPE(vocab_size=size, splitter=split.GPT2, unit="line")
    done = measured(lambda: learner.train(Corpus.from_files(path), threads=threads))
    return _sample(done, _strings(done.value))


def train_superbpe(path: Path, size: int, threads: int) -> dict[str, Any]:
    from tokencraft.corpus import Corpus
    from tokencraft.learn import SuperBPE

    learner = SuperBPE(vocab_size=size, transition=size * 3 // 4)
    done = measured(lambda: learner.train(Corpus.from_files(path), threads=threads))
    return _sample(done, None)


def train_tokenizers(path: Path, size: int, threads: int) -> dict[str, Any]:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False)
    done = measured(lambda: tokenizer.train([str(path)], trainer))
    return _sample(done, json.loads(tokenizer.to_str())["model"]["merges"])


def train_gigatoken(path: Path, size: int, threads: int) -> dict[str, Any]:
    import gigatoken

    done = measured(lambda: gigatoken.train_bpe(gigatoken.TextFileSource([str(path)]), size, []))
    return _sample(done, None)


def train_rustbpe(path: Path, size: int, threads: int) -> dict[str, Any]:
    import rustbpe

    tokenizer = rustbpe.Tokenizer()
    done = measured(lambda: tokenizer.train_from_iterator(_lines(path), size, pattern=PATTERN))
    return _sample(done, None)


def train_bpeasy(path: Path, size: int, threads: int) -> dict[str, Any]:
    import bpeasy

    done = measured(lambda: bpeasy.train_bpe(_lines(path), PATTERN, 1 << 30, size))
    return _sample(done, None)


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", newline="\n") as file:
        yield from file


def _sample(done: Any, merges: list[list[str]] | None) -> dict[str, Any]:
    return {
        "seconds": done.seconds,
        "cpu_seconds": done.cpu_seconds,
        "memory_bytes": done.memory_bytes,
        **({} if merges is None else {"merges": merges}),
    }


def _strings(vocabulary: Any) -> list[list[str]]:
    pieces = vocabulary.pieces
    return [[pieces[left], pieces[right]] for left, right in vocabulary.merges.tolist()]


if __name__ == "__main__":
    main()
