"""Options that commands share, so that they are called and explained alike everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from tokencraft.corpus import Corpus

Unit = Literal["file", "line"]
Policy = Literal["strict", "replace", "skip"]

CorpusFiles = Annotated[
    list[str],
    typer.Option(
        "--corpus",
        metavar="FILES...",
        help="Files and folders of text, JSON Lines or Parquet; .gz and .zst of the first two.",
    ),
]
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
Debug = Annotated[bool, typer.Option("--debug", help="Show the stack trace of an error.")]
Output = Annotated[Path, typer.Option("--output", "-o", metavar="PATH", help="Where to write.")]


def open_corpus(files: list[str], text_field: str, documents: Unit, encoding_errors: Policy) -> Corpus:
    """The corpus that the options name."""
    from tokencraft.corpus import Corpus

    return Corpus.from_files(files, text_field=text_field, documents=documents, encoding_errors=encoding_errors)
