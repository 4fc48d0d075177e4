"""``tokencraft measure``: several vocabularies side by side on the same text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from tokencraft.cli import options
from tokencraft.cli.output import context, note, note_skipped, print_json, print_table, progress

if TYPE_CHECKING:
    from tokencraft.corpus import Corpus

HELP = """Measure how few tokens vocabularies need and how evenly they use them.

Vocabularies and files may be given as NAME=PATH; files of one name are measured together, one row a name."""
EXAMPLE = (
    "\b\nExamples:\n"
    "  tokencraft measure old/tokenizer.json new.json --corpus held_out.txt\n"
    "  tokencraft measure old/tokenizer.json characters.json --corpus held_out.txt --documents line --noise 0.05\n"
    "  tokencraft measure gpt2=old/ ours=new.json --corpus English=en.txt Turkish=tr/*.txt --html report.html"
)

T = TypeVar("T")


def command(
    vocabularies: Annotated[
        list[str], typer.Argument(metavar="VOCABULARY...", help="tokenizer.json, tiktoken ranks, or folders.")
    ],
    corpus: options.CorpusFiles,
    each: Annotated[bool, typer.Option("--each", help="Measure every file or folder of --corpus by itself.")] = False,
    alpha: Annotated[
        float, typer.Option("--alpha", metavar="NUMBER", help="Order of the Rényi entropy of the efficiency.")
    ] = 2.5,
    noise: Annotated[
        float | None,
        typer.Option(
            "--noise",
            metavar="RATE",
            help="Also spoil this share of the characters as OCR does, and measure how many tokens survive.",
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Also write a page with plots and coloured tokens.")
    ] = None,
    text_field: options.TextField = "text",
    documents: options.Documents = "file",
    encoding_errors: options.EncodingErrors = "strict",
    json: options.Json = False,
    seed: options.Seed = 0,
    threads: options.Threads = None,
    debug: options.Debug = False,
) -> None:
    """Measure how few tokens vocabularies need and how evenly they use them."""
    from tokencraft.measure import BoundaryStability, Efficiency, OCRNoise, efficiency_page
    from tokencraft.report import write_text
    from tokencraft.vocabulary import Vocabulary

    data: dict[str, Corpus] = {}
    for name, files in _grouped(corpus, each).items():
        data[name] = options.open_corpus(files, text_field, documents, encoding_errors)
    named = {name: Vocabulary.load(path) for name, path in _named(vocabularies).items()}
    stability = None if noise is None else BoundaryStability(OCRNoise(noise, seed=seed))
    with progress("encoding") as listener:
        measurement = Efficiency(alpha).measure(named, data, threads=threads, progress=listener, context=context(seed))
        noisy = stability and stability.measure(named, data, threads=threads, progress=listener, context=context(seed))
    for part in data.values():
        note_skipped(part.skipped)
    if html is not None:
        write_text(html, efficiency_page(measurement, named, data))
        note(f"wrote {html}")
    if json:
        print_json(measurement.to_json() | ({"boundary_stability": noisy.to_json()} if noisy else {}))
    else:
        print_table(measurement.table())
        if noisy:
            print_table(noisy.table())


def _split(argument: str) -> tuple[str, str]:
    """Name and path of ``NAME=PATH``; no name where there is none, or where the whole is a path that exists."""
    name, equals, path = argument.partition("=")
    return (name, path) if equals and name and not Path(argument).exists() else ("", argument)


def _grouped(arguments: list[str], each: bool) -> dict[str, list[str]]:
    """Paths by the name of their part of the data, in the order given.

    A name goes on for the paths behind it, since shells expand ``NAME=*.txt`` to nothing but ``NAME=a.txt b.txt``.
    """
    groups: dict[str, list[str]] = {}
    current = ""
    for argument in arguments:
        name, path = _split(argument)
        current = name or current
        groups.setdefault(path if each else current or "all", []).append(path)
    return groups


def _named(arguments: list[str]) -> dict[str, str]:
    """Paths of vocabularies by name: the name given, else of the file, or of the folder of a ``tokenizer.json``."""
    named: dict[str, str] = {}
    for argument in arguments:
        name, path = _split(argument)
        resolved = Path(path).resolve()
        short = resolved.name.removesuffix(".gz")
        short = resolved.parent.name if short == "tokenizer.json" else short.rpartition(".")[0] or short
        name = name or short
        named[path if name in named else name] = path
    return named
