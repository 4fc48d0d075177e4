"""Learning a vocabulary: ours and its peers, from files on disk, in three families.

words: ours, ``tokenizers``, ``gigatoken``, ``rustbpe`` and ``bpeasy``. All split by the GPT-2 pattern and learn the
same number of tokens; SuperBPE has its own patterns and is compared with the plain BPE of the others, KL3M has custom
tokens besides. What is not equal: ``gigatoken`` and ours stream the file themselves, ``tokenizers`` reads it line by
line, ``rustbpe`` and ``bpeasy`` get its lines from Python, because they read no files.

chunks: supertokens with the published lengths, beside what the published SuperTokenizer does (Python draws the lengths
and puts a separator between chunks, ``tokenizers`` cuts there and learns), on a tenth of the corpus in documents of 8
KB.

lexicon: Less-is-Better, beside the published code in Python where ``--lib`` names a checkout of
``ray306/The-Less-is-Better-Model``, on the corpus of child-directed speech and 501 articles of 200 sentences.

Peak memory is over what the process held before training, so the libraries themselves do not count.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness import CACHE, corpora_of, data_folder, in_turn, measured, median, parser_of, ratio, store, warm

PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
FAMILIES: dict[str, dict[str, str]] = {
    "words": {
        "tokenizers BpeTrainer": "tokenizers",
        "tokencraft BPE": "bpe",
        "tokencraft SuperBPE": "superbpe",
        "tokencraft SuperBPE, pretoken-runs": "superbpe_runs",
        "tokencraft KL3M": "kl3m",
        "tokencraft KL3MCharacters": "kl3m_characters",
        "gigatoken train_bpe": "gigatoken",
        "rustbpe": "rustbpe",
        "bpeasy": "bpeasy",
    },
    "chunks": {
        "SuperTokenizer, as published": "supertokenizer",
        "tokencraft Supertokens": "supertokens",
    },
    "lexicon": {
        "LiB, as published": "lib_published",
        "tokencraft LessIsBetter": "lib",
    },
}
"""Contestants by family; the first of each is what the others are compared with."""

DOCUMENT_CHARACTERS = 8192
SEPARATOR = "#$separator@&"
LIB_ARTICLES, LIB_SENTENCES = 501, 200


def main() -> None:
    """Measure, print and store."""
    everybody = [contestant for family in FAMILIES.values() for contestant in family.values()]
    parser = parser_of(__doc__, everybody, size=60_000_000, size_help="size of the corpora of the family words")
    parser.add_argument("--families", nargs="+", choices=list(FAMILIES), default=list(FAMILIES))
    parser.add_argument("--lib", type=Path, help="a checkout of ray306/The-Less-is-Better-Model")
    arguments = parser.parse_args()
    if arguments.worker:
        work(json.loads(arguments.worker))
        return
    report(arguments)


def report(arguments: argparse.Namespace) -> None:
    """Run all contestants of the families on their corpora and store one table."""
    from tokencraft.report import Column, Table, run_context

    rows: list[list[Any]] = []
    sizes = []
    for family in arguments.families:
        for corpus, path in corpora_for(family, arguments).items():
            tasks = {
                name: {
                    "contestant": contestant,
                    "path": str(path),
                    "vocab_size": arguments.vocab_size,
                    "lib": str(arguments.lib or ""),
                }
                for name, contestant in FAMILIES[family].items()
                if not arguments.only or contestant in arguments.only
            }
            samples = in_turn(__file__, tasks, repeats=arguments.repeats, threads=arguments.threads)
            rows += rows_of(family, corpus, path.stat().st_size, samples)
            sizes.append(f"{path.stat().st_size / 1e6:.1f} MB of {corpus} ({family})")
    columns = [
        Column("family"),
        Column("corpus"),
        Column("trainer"),
        Column("time", "s"),
        Column("to the first", "ratio"),
        Column("to gigatoken", "ratio"),
        Column("speed", "MB/s"),
        Column("peak memory", "bytes per corpus byte"),
        Column("first merges as the first", "number"),
        Column("note"),
    ]
    title = (
        f"Learning {arguments.vocab_size:,} tokens (a lexicon finds its own size) from {', '.join(sizes)}; "
        f"{arguments.threads} threads, median of {arguments.repeats} runs, each in a fresh process, files warm in the "
        "page cache."
    )
    given = ["CHECKOUT" if Path(argument) == arguments.lib else argument for argument in sys.argv[1:]]
    command = "python benchmarks/train.py " + " ".join(given)
    store("train", Table(title, columns, rows, run_context(command=command.strip())))


def rows_of(family: str, corpus: str, size: int, samples: dict[str, list[dict[str, Any]]]) -> list[list[Any]]:
    """The rows of one family on one corpus."""
    first = samples.get(next(iter(FAMILIES[family])), [{}])
    base = median(first, "seconds")
    giga = median(samples.get("gigatoken train_bpe", []), "seconds")
    rows = []
    for name, runs in samples.items():
        seconds = median(runs, "seconds")
        rows.append(
            [
                family,
                corpus,
                name,
                seconds,
                ratio(seconds, base),
                ratio(seconds, giga),
                ratio(size / 1e6, seconds),
                ratio(median(runs, "memory_bytes"), size),
                agreement(runs[0].get("merges"), first[0].get("merges")),
                runs[0].get("error", runs[0].get("note", "")),
            ]
        )
    return rows


def corpora_for(family: str, arguments: argparse.Namespace) -> dict[str, Path]:
    """The corpora of a family, by name."""
    if family == "words":
        return corpora_of(arguments, arguments.bytes)
    if family == "chunks":
        return corpora_of(arguments, arguments.bytes // 10)
    speech = data_folder() / "text" / "child_speech.txt"
    if not speech.is_file():
        print("no corpus of speech: the real data is absent (TOKENCRAFT_DATA)", file=sys.stderr)
        return {}
    # Both read the same: every word with one space behind it, a sentence a line.
    path = CACHE / "speech.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [" ".join(line.split()) for line in speech.read_text("utf-8").splitlines()]
    path.write_text("\n".join(filter(None, lines)), "utf-8")
    return {"speech": path}


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
    path, size, threads, contestant = Path(task["path"]), task["vocab_size"], task["threads"], task["contestant"]
    warm(path)
    if contestant in ("bpe", "superbpe", "superbpe_runs", "kl3m", "kl3m_characters"):
        sample = train_ours(contestant, path, size, threads)
    elif contestant == "lib_published":
        sample = train_lib_published(path, task["lib"])
    else:
        train = {
            "tokenizers": train_tokenizers,
            "gigatoken": train_gigatoken,
            "rustbpe": train_rustbpe,
            "bpeasy": train_bpeasy,
            "supertokens": train_supertokens,
            "supertokenizer": train_supertokenizer,
            "lib": train_lib,
        }[contestant]
        sample = train(path, size, threads)
    print(json.dumps(sample))


def train_ours(contestant: str, path: Path, size: int, threads: int) -> dict[str, Any]:
    from tokencraft.corpus import Corpus
    from tokencraft.learn import BPE, KL3M, KL3MCharacters, SuperBPE
    from tokencraft.vocabulary import split

    learners: dict[str, Any] = {
        "bpe": BPE(vocab_size=size, splitter=split.GPT2, unit="line"),
        "superbpe": SuperBPE(vocab_size=size, transition=size * 3 // 4),
        "superbpe_runs": SuperBPE(vocab_size=size, transition=size * 3 // 4, stage2="pretoken-runs"),
        "kl3m": KL3M(vocab_size=size, unit="line"),
        "kl3m_characters": KL3MCharacters(vocab_size=size, unit="line"),
    }
    done = measured(lambda: learners[contestant].train(Corpus.from_files(path), threads=threads))
    return _sample(done, _strings(done.value) if contestant == "bpe" else None)


def train_supertokens(path: Path, size: int, threads: int) -> dict[str, Any]:
    from tokencraft.corpus import Corpus
    from tokencraft.learn import Supertokens

    learner, texts = Supertokens(size, "supertokenizer", normalizer="nfc"), _documents(path)
    done = measured(lambda: learner.train(Corpus.from_iterable(texts), threads=threads))
    return _sample(done, None)


def train_supertokenizer(path: Path, size: int, threads: int) -> dict[str, Any]:
    """What the published script does with its ``train.yaml``, whose probabilities ``random.choices`` normalises."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

    from tokencraft.vocabulary.chunk_lengths import SUPERTOKENIZER

    ranges = [tuple(map(int, text.split("-"))) for text in SUPERTOKENIZER]
    weights = list(SUPERTOKENIZER.values())

    def with_separators(text: str) -> str:
        chunks = []
        while text:
            shortest, longest = random.choices(ranges, weights)[0]
            length = random.randint(min(shortest, len(text)), min(longest, len(text)))
            chunks.append(text[:length])
            text = text[length:]
        return SEPARATOR.join(chunks)

    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    cut: Any = pre_tokenizers.Split(Regex(SEPARATOR.replace("$", r"\$")), behavior="removed")
    mapped: Any = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([cut, mapped])
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        min_frequency=2,
        max_token_length=30,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = _documents(path)
    random.seed(0)
    done = measured(lambda: tokenizer.train_from_iterator(list(map(with_separators, texts)), trainer))
    return _sample(done, None)


def train_lib(path: Path, size: int, threads: int) -> dict[str, Any]:
    from tokencraft.corpus import Corpus
    from tokencraft.learn import LessIsBetter

    learner = LessIsBetter(
        steps=LIB_ARTICLES, article=LIB_SENTENCES, in_rate=0.25, out_rate=0.01, update_rate=0.1, life=3
    )
    lines = [line + " " for line in path.read_text("utf-8").splitlines()]
    done = measured(lambda: learner.train(Corpus.from_iterable(lines)))
    chunks = sum(len(token) > 1 for token in done.value.tokens)
    return {**_sample(done, None), "note": f"{chunks:,} chunks of several bytes"}


def train_lib_published(path: Path, checkout: str) -> dict[str, Any]:
    if not checkout:
        return {"error": "--lib names no checkout"}
    sys.path.insert(0, checkout)
    sys.modules.setdefault("chardet", types.ModuleType("chardet"))  # it asks for it where it is given files
    import LiB

    corpus = LiB.Corpus(path.read_text("utf-8"), sentence_divider="\n", token_divider=" ")
    model = LiB.Model(corpus, in_rate=0.25, out_rate=0.01, update_rate=0.1, life=3)

    def learn() -> None:
        for article in range(LIB_ARTICLES):
            model.learn(article, article_length_max=LIB_SENTENCES, report_interval=LIB_ARTICLES)
        model.clean_lexicon()

    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        done = measured(learn)
    chunks = sum(len(chunk) > 1 for chunk in model.lexicon)
    return {**_sample(done, None), "note": f"{chunks:,} chunks of several bytes"}


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


def _documents(path: Path) -> list[str]:
    text = path.read_bytes().decode("utf-8")
    return [text[at : at + DOCUMENT_CHARACTERS] for at in range(0, len(text), DOCUMENT_CHARACTERS)]


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
