"""Options that commands share, so that they are called and explained alike everywhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from tokencraft.corpus import Corpus
    from tokencraft.engine import Engine

Unit = Literal["file", "line"]
Policy = Literal["strict", "replace", "skip"]

_CORPUS = typer.Option(
    "--corpus",
    metavar="FILES...",
    help="Files and folders of text, JSON Lines or Parquet; .gz and .zst of the first two.",
)
CorpusFiles = Annotated[list[str], _CORPUS]
OptionalCorpusFiles = Annotated[list[str] | None, _CORPUS]
TextField = Annotated[
    str, typer.Option("--text-field", metavar="NAME", help="Field of JSON Lines or column of Parquet with the text.")
]
Documents = Annotated[Unit, typer.Option("--documents", help="What a document is in plain text files.")]
EncodingErrors = Annotated[
    Policy,
    typer.Option(
        "--encoding-errors",
        help="For bytes that are not UTF-8: stop and say where, put U+FFFD, or leave the document out.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")]
Seed = Annotated[int, typer.Option("--seed", metavar="INTEGER", help="Seed of everything random; noted in results.")]
Threads = Annotated[
    int | None,
    typer.Option("--threads", metavar="INTEGER", min=1, help="Threads to use.", show_default="every core"),
]
EngineName = Annotated[
    Literal["local", "ray"] | None,
    typer.Option(
        "--engine",
        help="Where the corpus is counted: in processes of this machine, or on a Ray cluster.",
        show_default="threads of this process",
    ),
]
Memory = Annotated[
    str | None,
    typer.Option(
        "--memory",
        metavar="SIZE",
        help="Memory that training may take, such as 8GiB or 500MB; what does not fit goes to a file or is sampled.",
        show_default="as much as it needs",
    ),
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the stack trace of an error.")]
Output = Annotated[Path, typer.Option("--output", "-o", metavar="PATH", help="Where to write.")]


def open_engine(name: str | None, threads: int | None) -> Engine | None:
    """The engine of this name; None where the threads of this process do it."""
    from tokencraft import engine

    return None if name is None else engine.get(name, processes=threads)


_UNITS = {"": 1, "b": 1, **{unit: 1000**power for power, unit in enumerate(("kb", "mb", "gb", "tb"), 1)}} | {
    unit: 1024**power for power, unit in enumerate(("kib", "mib", "gib", "tib"), 1)
}


def bytes_of(size: str | None) -> int | None:
    """Bytes of a size such as ``8GiB``, ``500 MB`` or ``1000000``.

    Raises:
        UsageError: it is no size.

    Example:
        >>> bytes_of("8GiB"), bytes_of("1.5 MB"), bytes_of(None)
        (8589934592, 1500000, None)
    """
    if size is None:
        return None
    found = re.fullmatch(r"\s*([0-9][0-9_]*\.?[0-9]*)\s*([a-z]*)\s*", size.lower())
    if found is None or found[2] not in _UNITS:
        from tokencraft.errors import UsageError

        raise UsageError(f"--memory must be a size such as 8GiB or 500MB, not {size!r}")
    return int(float(found[1].replace("_", "")) * _UNITS[found[2]])


def open_corpus(files: list[str], text_field: str, documents: Unit, encoding_errors: Policy) -> Corpus:
    """The corpus that the options name."""
    from tokencraft.corpus import Corpus

    return Corpus.from_files(files, text_field=text_field, documents=documents, encoding_errors=encoding_errors)
