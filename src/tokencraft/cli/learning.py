"""What the commands that learn a vocabulary share: options, where it is written, and what is shown of it."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from tokencraft.cli import options
from tokencraft.cli.output import context, note_skipped, print_json, print_table, progress

Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the file at --output if there is one.")]
Target = Annotated[
    Path,
    typer.Option(
        "--output",
        "-o",
        metavar="PATH",
        help="NAME.json for a tokenizer.json, NAME.tiktoken for ranks, else a folder for transformers.",
    ),
]
Required = inspect.Parameter.empty

FIRST = {"corpus": (options.CorpusFiles, Required), "output": (Target, Required)}
LAST = {
    "text_field": (options.TextField, "text"),
    "documents": (options.Documents, "file"),
    "encoding_errors": (options.EncodingErrors, "strict"),
    "overwrite": (Overwrite, False),
    "json": (options.Json, False),
    "seed": (options.Seed, 0),
    "threads": (options.Threads, None),
    "engine": (options.EngineName, None),
    "memory": (options.Memory, None),
    "debug": (options.Debug, False),
}
FIXED = {*FIRST, *LAST}


def signature(own: Mapping[str, inspect.Parameter], *, corpus_needed: bool = True) -> dict[str, inspect.Parameter]:
    """The parameters of a command: the corpus and the output, its own, and those of all that learn."""
    first: Mapping[str, tuple[Any, Any]] = FIRST if corpus_needed else FIRST | {"corpus": (options.CorpusFiles, [])}
    return {**parameters(first), **own, **parameters(LAST)}


def parameters(fixed: Mapping[str, tuple[Any, Any]]) -> dict[str, inspect.Parameter]:
    """Parameters from their types and defaults."""
    kind = inspect.Parameter.KEYWORD_ONLY
    return {
        name: inspect.Parameter(name, kind, default=default, annotation=hint) for name, (hint, default) in fixed.items()
    }


def learn(name: str, train: Callable[..., Any], given: Mapping[str, Any]) -> None:
    """Learn a vocabulary with the shared options, write it, and show what came out.

    Args:
        name: of the method.
        train: makes the vocabulary of a corpus, None where none is given, and the resources of the run.
        given: the values of all options.
    """
    from tokencraft.learn import superword_report
    from tokencraft.report import Table

    output: Path = given["output"]
    threads = given["threads"]
    resources = {
        "threads": threads,
        "engine": options.open_engine(given["engine"], threads),
        "memory": options.bytes_of(given["memory"]),
    }
    corpus = None
    if given["corpus"]:
        corpus = options.open_corpus(
            given["corpus"], given["text_field"], given["documents"], given["encoding_errors"]
        ).require_documents()
    start = time.perf_counter()
    with progress("learning") as listener:
        vocabulary = train(corpus, **resources, progress=listener)
    seconds = time.perf_counter() - start
    save(vocabulary, output)
    skipped = () if corpus is None else corpus.skipped
    note_skipped(skipped)
    depends = context(given["seed"])
    if given["json"]:
        print_json(
            {
                "output": str(output),
                "origin": vocabulary.origin.to_json(),
                "vocab_size": len(vocabulary),
                "merges": len(vocabulary.merges),
                "lossless": vocabulary.lossless,
                "superwords": vocabulary.is_superword,
                "fingerprint": vocabulary.fingerprint(),
                "skipped": len(skipped),
                "seconds": seconds,
                "context": depends,
            }
        )
        return
    rows: list[list[Any]] = [
        ["method", name],
        ["tokens", len(vocabulary)],
        ["merges", len(vocabulary.merges)],
        ["seconds", seconds],
        ["written to", str(output)],
    ]
    print_table(Table("Vocabulary", ["", "value"], rows, depends))
    if vocabulary.is_superword:
        print_table(superword_report(vocabulary))


def _is_file(output: Path) -> bool:
    return output.name.endswith((".json", ".json.gz", ".tiktoken", ".tiktoken.gz"))


def check_target(output: Path, overwrite: bool) -> None:
    """Refuse before training what could not be written afterwards."""
    from tokencraft.errors import StageError
    from tokencraft.report import require_empty_folder

    if not _is_file(output):
        require_empty_folder(output)
    elif output.is_dir():
        raise StageError(f"{output}: cannot write a file here: there is a folder of this name")
    elif output.exists() and not overwrite:
        raise StageError(f"{output}: the file exists; pass --overwrite to replace it, or name another")


def save(vocabulary: Any, output: Path) -> None:
    """Write the vocabulary as the name of the output asks for; a folder appears whole or not at all."""
    from tokencraft.report import atomic_folder

    if _is_file(output):
        output.parent.mkdir(parents=True, exist_ok=True)
        vocabulary.save(output)
        return
    with atomic_folder(output) as folder:
        vocabulary.save(folder)
