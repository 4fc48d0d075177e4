"""Encoding documents of about 8 KB: ours, ``tokenizers``, ``tiktoken`` and ``gigatoken``, on code and on text.

Three vocabularies of the same size are learnt on the first half of each corpus and encode documents of the second half:
a SuperBPE one, one of supertokens (text is not cut at all), and an ordinary one (BPE, the Llama-3 pattern, which all
four know). Every library is made and has encoded one word when the clock starts; the cold pass is the first over the
documents, warm is the median of the later ones. What is not equal: ``tokenizers`` and ``tiktoken`` give lists of Python
objects, the others arrays; ``gigatoken`` cannot take every vocabulary, the note says so.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from harness import CACHE, corpora_of, in_turn, median, parser_of, ratio, store

DOCUMENT_BYTES = 8192
CONTESTANTS = {
    "tokencraft": "tokencraft",
    "tokencraft native": "native",
    "tokenizers": "tokenizers",
    "tiktoken": "tiktoken",
    "gigatoken": "gigatoken",
}
VOCABULARIES = ("superbpe", "supertokens", "ordinary")


def main() -> None:
    """Measure, print and store."""
    parser = parser_of(
        __doc__, CONTESTANTS.values(), size=16_000_000, size_help="size of the documents that are encoded"
    )
    parser.add_argument("--passes", type=int, default=3, help="warm passes in each process")
    arguments = parser.parse_args()
    if arguments.worker:
        work(json.loads(arguments.worker))
        return
    report(corpora_of(arguments, 2 * arguments.bytes), arguments)


def report(corpora: dict[str, Path], arguments: argparse.Namespace) -> None:
    """Run all contestants on all corpora and vocabularies and store one table."""
    from tokencraft.report import Column, Table, run_context

    rows = []
    for corpus, path in corpora.items():
        for kind in VOCABULARIES:
            vocabulary = learnt(path, kind, arguments.vocab_size)
            tasks = {
                name: {
                    "contestant": contestant,
                    "vocabulary": str(vocabulary),
                    "path": str(path),
                    "passes": arguments.passes,
                }
                for name, contestant in CONTESTANTS.items()
                if not arguments.only or contestant in arguments.only
            }
            samples = in_turn(__file__, tasks, repeats=arguments.repeats, threads=arguments.threads)
            stock, giga = samples.get("tokenizers", []), samples.get("gigatoken", [])
            for name, runs in samples.items():
                cold, warm = median(runs, "cold"), median(runs, "warm")
                rows.append(
                    [
                        corpus,
                        kind,
                        name,
                        runs[0].get("encoder", ""),
                        median(runs, "setup_seconds"),
                        cold,
                        warm,
                        ratio(cold, median(stock, "cold")),
                        ratio(warm, median(stock, "warm")),
                        ratio(cold, median(giga, "cold")),
                        ratio(warm, median(giga, "warm")),
                        runs[0].get("bytes_per_token"),
                        agreement(runs[0], stock),
                        runs[0].get("error", ""),
                    ]
                )
    columns = [
        Column("corpus"),
        Column("vocabulary"),
        Column("library"),
        Column("encoder used"),
        Column("set-up", "s"),
        Column("cold", "MB/s"),
        Column("warm", "MB/s"),
        Column("cold to tokenizers", "ratio"),
        Column("warm to tokenizers", "ratio"),
        Column("cold to gigatoken", "ratio"),
        Column("warm to gigatoken", "ratio"),
        Column("compression", "bytes per token"),
        Column("ids as tokenizers"),
        Column("note"),
    ]
    title = (
        f"Encoding {arguments.bytes / 1e6:.0f} MB in documents of {DOCUMENT_BYTES:,} bytes with "
        f"{arguments.vocab_size:,} tokens; {arguments.threads} threads, median of {arguments.repeats} processes, "
        f"warm: of {arguments.passes} passes each."
    )
    command = "python benchmarks/encode.py " + " ".join(sys.argv[1:])
    store("encode", Table(title, columns, rows, run_context(command=command.strip())))


def agreement(run: dict[str, Any], stock: Sequence[dict[str, Any]]) -> str:
    """Whether the ids are those of ``tokenizers``."""
    if "ids" not in run or not stock or "ids" not in stock[0]:
        return ""
    return "yes" if run["ids"] == stock[0]["ids"] else "no"


def learnt(path: Path, kind: str, size: int) -> Path:
    """A ``tokenizer.json`` learnt on the first half of a corpus."""
    from tokencraft.corpus import Corpus
    from tokencraft.learn import BPE, SuperBPE, Supertokens
    from tokencraft.vocabulary import split

    target = CACHE / f"{path.stem}-{kind}-{size}.json"
    if not target.is_file():
        half = documents(path, 0)
        lines = [line for text in half for line in text.splitlines(keepends=True)]
        learners: dict[str, Any] = {
            "superbpe": SuperBPE(vocab_size=size, transition=size * 3 // 4),
            "supertokens": Supertokens(vocab_size=size),
            "ordinary": BPE(vocab_size=size, splitter=split.LLAMA3, unit="line"),
        }
        corpus = Corpus.from_iterable(half if kind == "supertokens" else lines)
        learners[kind].train(corpus).save(target)
    return target


# One measurement ----------------------------------------------------------------------------------------------------


def work(task: dict[str, Any]) -> None:
    """Encode the documents several times and print what it took."""
    texts = documents(Path(task["path"]))
    size = sum(len(text.encode("utf-8")) for text in texts) / 1e6
    make = {
        "tokencraft": tokencraft_encoder,
        "native": native_encoder,
        "tokenizers": tokenizers_encoder,
        "tiktoken": tiktoken_encoder,
        "gigatoken": gigatoken_encoder,
    }[task["contestant"]]
    start = time.perf_counter()
    encode, ids_of = make(task["vocabulary"], int(task["threads"]))
    encode(["word"])
    setup_seconds = time.perf_counter() - start
    speeds = []
    for _ in range(1 + int(task["passes"])):
        start = time.perf_counter()
        encoded = encode(texts)
        speeds.append(size / (time.perf_counter() - start))
    ids = ids_of(encoded)
    sample = {
        "setup_seconds": setup_seconds,
        "cold": speeds[0],
        "warm": statistics.median(speeds[1:]),
        "bytes_per_token": size * 1e6 / len(ids),
        "ids": hashlib.blake2b(ids.tobytes(), digest_size=16).hexdigest(),
        "encoder": getattr(encoded, "encoder", ""),
    }
    print(json.dumps(sample))


def documents(path: Path, first: int = 1) -> list[str]:
    """Every other piece of about 8 KB of a corpus; they begin and end where they may."""
    data = path.read_bytes()
    starts = range(first * DOCUMENT_BYTES, len(data), 2 * DOCUMENT_BYTES)
    return [data[start : start + DOCUMENT_BYTES].decode("utf-8", "ignore") for start in starts]


Made = tuple[Callable[[list[str]], Any], Callable[[Any], "np.ndarray[Any, np.dtype[np.uint32]]"]]


def _joined(lists: Sequence[Sequence[int]]) -> np.ndarray[Any, np.dtype[np.uint32]]:
    return np.concatenate([np.asarray(ids, np.uint32) for ids in lists])


def tokencraft_encoder(path: str, threads: int) -> Made:
    from tokencraft.vocabulary import Vocabulary

    vocabulary = Vocabulary.load(path)
    return lambda texts: vocabulary.encode_batch(texts, threads=threads), lambda batch: batch.ids


def native_encoder(path: str, threads: int) -> Made:
    from tokencraft.vocabulary import Vocabulary
    from tokencraft.vocabulary.encoding import EncoderSpec, NativeEncoder

    vocabulary = Vocabulary.load(path)
    merges = np.column_stack([vocabulary.merges, vocabulary.merged]).astype(np.int32)
    encoder = NativeEncoder(
        EncoderSpec({}, vocabulary.splitter, vocabulary.tokens, merges, vocabulary.flags.ignore_merges)
    )
    return lambda texts: encoder.encode_batch(texts, threads), lambda batch: batch.ids


def tokenizers_encoder(path: str, threads: int) -> Made:
    import tokenizers

    tokenizer = tokenizers.Tokenizer.from_file(path)  # its threads: RAYON_NUM_THREADS
    return (
        lambda texts: tokenizer.encode_batch_fast(texts, add_special_tokens=False),
        lambda encodings: _joined([encoding.ids for encoding in encodings]),
    )


def tiktoken_encoder(path: str, threads: int) -> Made:
    from tokencraft.vocabulary import Vocabulary

    encoding = Vocabulary.load(path).to_tiktoken()
    return lambda texts: encoding.encode_ordinary_batch(texts, num_threads=threads), _joined


def gigatoken_encoder(path: str, threads: int) -> Made:
    import gigatoken

    assert os.environ["RAYON_NUM_THREADS"] == str(threads)
    tokenizer = gigatoken.Tokenizer(path)
    return tokenizer.encode_batch, lambda array: np.asarray(array.layout.content.data)


if __name__ == "__main__":
    main()
