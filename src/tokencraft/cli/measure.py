"""``tokencraft measure``: several vocabularies side by side on the same text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from tokencraft.cli import languages, options
from tokencraft.cli.output import context, note, note_skipped, print_json, print_table, progress

if TYPE_CHECKING:
    from tokencraft.corpus import Corpus
    from tokencraft.measure import Measurement
    from tokencraft.report import Table

HELP = """Measure how few tokens vocabularies need and how evenly they use them.

Options ask for more: noise, words and morphemes, premiums of languages, cuts of numbers.

Vocabularies and files may be given as NAME=PATH; files of one name are measured together, one row a name."""
EXAMPLE = (
    "\b\nExamples:\n"
    "  tokencraft measure old/tokenizer.json new.json --corpus held_out.txt\n"
    "  tokencraft measure old/tokenizer.json characters.json --corpus held_out.txt --documents line --noise 0.05\n"
    "  tokencraft measure old/ new.json --corpus tr.txt --lexicon roots.txt affixes=affixes.txt --analyser zeyrek\n"
    "  tokencraft measure old/ new.json --parallel udhr.json --reference eng --html premiums.html\n"
    "  tokencraft measure old/ new.json --numbers 4\n"
    "  tokencraft measure gpt2=old/ ours=new.json --corpus English=en.txt Turkish=tr/*.txt --html report.html"
)

T = TypeVar("T")


def command(
    vocabularies: Annotated[
        list[str], typer.Argument(metavar="VOCABULARY...", help="tokenizer.json, tiktoken ranks, or folders.")
    ],
    corpus: options.OptionalCorpusFiles = None,
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
    lexicon: languages.LexiconFiles = None,
    language: languages.Language = "",
    analyser: languages.AnalyserName = None,
    min_length: languages.MinLength = 1,
    morphemes: languages.Morphemes = None,
    parallel: languages.Parallel = None,
    reference: languages.Reference = "eng",
    numbers: Annotated[
        int | None,
        typer.Option(
            "--numbers",
            metavar="DIGITS",
            min=1,
            max=18,
            help="Also measure how numbers of 1 to DIGITS digits are cut.",
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
    from tokencraft.errors import UsageError
    from tokencraft.measure import (
        ArithmeticTokenization,
        BoundaryStability,
        Efficiency,
        MorphemeSegmentation,
        OCRNoise,
        Premiums,
        efficiency_page,
        premium_page,
        read_parallel,
    )
    from tokencraft.report import write_text
    from tokencraft.vocabulary import Vocabulary

    integrity = languages.integrity(lexicon or [], language, analyser, min_length)
    if not corpus and (integrity or noise is not None or not (morphemes or parallel or numbers)):
        raise UsageError("--corpus must name text to measure on")
    data: dict[str, Corpus] = {}
    for name, files in _grouped(corpus or [], each).items():
        data[name] = options.open_corpus(files, text_field, documents, encoding_errors)
    named = {name: Vocabulary.load(path) for name, path in _named(vocabularies).items()}
    asked: dict[str, Any] = {"threads": threads, "context": context(seed)}
    measured: dict[str, Measurement[Any]] = {}  # by key of the JSON, where efficiency stands at the top
    with progress("encoding") as listener:
        asked["progress"] = listener
        if data:
            measured["efficiency"] = Efficiency(alpha).measure(named, data, **asked)
        if noise is not None:
            stability = BoundaryStability(OCRNoise(noise, seed=seed))
            measured["boundary_stability"] = stability.measure(named, data, **asked)
        if integrity:
            measured["linguistic_integrity"] = integrity.measure(named, data, **asked)
        if morphemes:
            from tokencraft.morphology import read_segmentations  # brings torch

            gold = list(read_segmentations(morphemes))
            measured["morpheme_segmentation"] = MorphemeSegmentation().measure(named, gold, **asked)
        if parallel:
            measured["premiums"] = Premiums(reference).measure(named, read_parallel(parallel), **asked)
        if numbers:
            measured["arithmetic_tokenization"] = ArithmeticTokenization(numbers, seed=seed).measure(named, **asked)
    for part in data.values():
        note_skipped(part.skipped)
    if html is not None:
        pages = []
        if data:
            pages.append(efficiency_page(measured["efficiency"], named, data))
        if parallel:
            pages.append(premium_page(measured["premiums"]))
        for path, page in zip((html, html.with_suffix(".premiums.html")), pages, strict=False):
            write_text(path, page)
            note(f"wrote {path}")
    if json:
        whole = measured["efficiency"].to_json() if data else {}
        print_json(whole | {key: each.to_json() for key, each in measured.items() if key != "efficiency"})
    else:
        for key, each_one in measured.items():
            for table in _tables(key, each_one):
                print_table(table)


def _tables(key: str, measurement: Measurement[Any]) -> list[Table]:
    """What people read of a measurement: hundreds of languages by their ends."""
    if key != "premiums":
        return [measurement.table()]
    from tokencraft.measure import premium_summary, widest

    return [premium_summary(measurement), widest(measurement, 5)]


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
