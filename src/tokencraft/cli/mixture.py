"""``tokencraft mixture``: what a tokenizer was trained on, from its merges and samples of text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tokencraft.cli import options
from tokencraft.cli.measure import _grouped, _named
from tokencraft.cli.output import context, note, note_skipped, print_json, print_table, progress

if TYPE_CHECKING:
    from tokencraft.vocabulary import Vocabulary

HELP = """Infer what tokenizers were trained on, from their merges and a sample of text for each category.

Tokenizers and samples are given as NAME=PATH; files of one name are one sample."""
EXAMPLE = (
    "\b\nExamples:\n"
    "  tokencraft mixture tokenizer.json --sample english=en.txt python=code/ --merges 3000\n"
    "  tokencraft mixture gpt2=gpt-2.json.gz --sample en=en/ de=de/*.txt --documents line --bootstrap 20 --ranges"
)


def command(
    vocabularies: Annotated[
        list[str],
        typer.Argument(metavar="VOCABULARY...", help="tokenizer.json, tiktoken ranks, folders, or merges.txt; BPE."),
    ],
    sample: Annotated[
        list[str],
        typer.Option("--sample", metavar="NAME=FILES...", help="Text of each category: files and folders as --corpus."),
    ],
    merges: Annotated[
        int, typer.Option("--merges", metavar="INTEGER", help="Use so many merges at most, the first ones.")
    ] = 3000,
    start: Annotated[
        int,
        typer.Option("--start", metavar="INTEGER", help="Only apply the merges before this one: for continued ones."),
    ] = 0,
    unit: Annotated[
        Literal["bytes", "pairs", "characters", "words"], typer.Option("--unit", help="What the shares are of.")
    ] = "bytes",
    drop_whitespace_runs: Annotated[
        bool, typer.Option("--drop-whitespace-runs", help="Leave out merges of one white space character repeated.")
    ] = False,
    ranges: Annotated[
        bool, typer.Option("--ranges", help="Also find how far each share could move without a worse fit.")
    ] = False,
    leave_one_out: Annotated[
        bool, typer.Option("--leave-one-out", help="Also infer the mixture without each category in turn.")
    ] = False,
    bootstrap: Annotated[
        int, typer.Option("--bootstrap", metavar="INTEGER", help="Resample the samples so often for an interval.")
    ] = 0,
    text_field: options.TextField = "text",
    documents: options.Documents = "file",
    encoding_errors: options.EncodingErrors = "strict",
    json: options.Json = False,
    seed: options.Seed = 0,
    threads: options.Threads = None,
    debug: options.Debug = False,
) -> None:
    """Infer what tokenizers were trained on."""
    from tokencraft.measure import MixtureInference

    data = {
        name: options.open_corpus(files, text_field, documents, encoding_errors)
        for name, files in _grouped(sample, False).items()
    }
    named = {name: _loaded(path) for name, path in _named(vocabularies).items()}
    method = MixtureInference(
        max_merges=merges,
        start=start,
        unit=unit,
        drop_whitespace_runs=drop_whitespace_runs,
        ranges=ranges,
        leave_one_out=leave_one_out,
        bootstrap=bootstrap,
        seed=seed,
    )
    with progress("counting") as listener:
        measurement = method.measure(named, data, threads=threads, progress=listener, context=context(seed))
    for part in data.values():
        note_skipped(part.skipped)
    if json:
        print_json(measurement.to_json())
        return
    print_table(measurement.table())
    for name, report in measurement.reports.items():
        for remark in report.notes:
            note(f"{name}: {remark}")
        if report.pair_slack:
            note(f"{name}: pairs that fit worst, which a wrong guess of how it cuts text would show:")
            print_table(report.slack_table(context=measurement.context))
        if report.without:
            print_table(report.without_table(context=measurement.context))


def _loaded(path: str) -> Vocabulary:
    """A vocabulary, or the merges of a ``merges.txt``."""
    from tokencraft.measure import read_merges
    from tokencraft.vocabulary import Vocabulary

    return read_merges(path) if Path(path).name.endswith("merges.txt") else Vocabulary.load(path)
