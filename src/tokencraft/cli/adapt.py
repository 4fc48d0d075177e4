"""``tokencraft adapt``: the main job."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from tokencraft.adapt import StageEvent
    from tokencraft.report import Table

HELP = (
    "Fit a vocabulary to a corpus, move a model onto it, heal the model, and report what that saved. "
    "Without MODEL and --corpus, a small base model is trained on the spot and adapted to Python's standard library."
)
EXAMPLE = "Example: tokencraft adapt ./my-model --corpus data/*.jsonl --output adapted --minutes 30 --control"


def command(
    output: Annotated[Path, typer.Option(help="The model folder to write: new, empty, or of an earlier run.")],
    model: Annotated[str | None, typer.Argument(help="A model folder of transformers (causal language model).")] = None,
    corpus: Annotated[
        list[str] | None, typer.Option(metavar="FILES...", help="Files or folders of text to adapt to.")
    ] = None,
    general: Annotated[
        list[str] | None, typer.Option(metavar="FILES...", help="General text, to measure forgetting with.")
    ] = None,
    vocab_size: Annotated[int | None, typer.Option(help="Entries of the new vocabulary [as the model's].")] = None,
    method: Annotated[Literal["superbpe", "bpe"], typer.Option(help="How the vocabulary is learned.")] = "superbpe",
    transition: Annotated[float, typer.Option(help="Share of the vocabulary learned before superwords start.")] = 0.8,
    stage2: Annotated[Literal["paper", "v2"], typer.Option(help="What superwords may join.")] = "paper",
    unit: Annotated[
        Literal["line", "document"] | None,
        typer.Option(help="What a superword may not cross [line; document for the embedded default]."),
    ] = None,
    initializer: Annotated[str, typer.Option(help="How embedding rows are made.")] = "tokenadapt",
    held_out: Annotated[float, typer.Option(help="Share of the documents kept out of training.")] = 0.05,
    steps: Annotated[int | None, typer.Option(help="Training steps [300; 260 for the embedded default].")] = None,
    minutes: Annotated[float | None, typer.Option(help="Training time, turned into steps once.")] = None,
    batch_tokens: Annotated[
        int | None, typer.Option(help="Tokens in a training step [4096; 2048 for the embedded default].")
    ] = None,
    context_length: Annotated[int | None, typer.Option(help="Tokens in a row [the model's own, at most 1024].")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Peak learning rate [by model size].")] = None,
    optimizer: Annotated[
        Literal["adamw", "muon"] | None, typer.Option(help="Optimiser [adamw; muon for the embedded default].")
    ] = None,
    freeze_body: Annotated[bool, typer.Option("--freeze-body", help="Train embeddings and output rows only.")] = False,
    control: Annotated[
        bool | None,
        typer.Option(help="Also continue the unchanged model on the same bytes [on for the embedded default]."),
    ] = None,
    evaluation_bytes: Annotated[int, typer.Option(help="Bytes of text that the models are scored on.")] = 400_000,
    price: Annotated[float | None, typer.Option(help="Price of a million tokens, for the cost table.")] = None,
    text_field: Annotated[str, typer.Option(help="Field of JSON Lines and Parquet with the text.")] = "text",
    encoding_errors: Annotated[
        Literal["strict", "replace", "skip"], typer.Option(help="What to do with bytes that are not UTF-8.")
    ] = "strict",
    device: Annotated[str | None, typer.Option(help="torch device [the best one here].")] = None,
    dtype: Annotated[
        Literal["float32", "bfloat16", "float16"] | None, typer.Option(help="Type of the matrix products.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    threads: Annotated[int | None, typer.Option(help="Threads of kernels and torch [all cores].")] = None,
    checkpoint_seconds: Annotated[float, typer.Option(help="Seconds between checkpoints while training.")] = 30.0,
    stop_after: Annotated[str | None, typer.Option(metavar="STAGE", help="Stop after this stage.")] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Rerun a stage whose options changed, and what follows.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and its estimates, do nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report (or the plan) as JSON.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show stack traces.")] = False,
) -> None:
    """Run the main job and show its report."""
    from tokencraft.adapt import AdaptOptions, adapt
    from tokencraft.adapt.plan import plan
    from tokencraft.adapt.summary import summary_tables
    from tokencraft.report import Progress

    options = AdaptOptions(
        output=output,
        model=model,
        corpus=tuple(corpus or ()),
        general=tuple(general or ()),
        vocab_size=vocab_size,
        method=method,
        transition=transition,
        stage2=stage2,
        unit=unit,
        initializer=initializer,
        held_out=held_out,
        steps=steps,
        minutes=minutes,
        batch_tokens=batch_tokens,
        context_length=context_length,
        learning_rate=learning_rate,
        optimizer=optimizer,
        freeze_body=freeze_body,
        control=control,
        evaluation_bytes=evaluation_bytes,
        price=price,
        text_field=text_field,
        encoding_errors=encoding_errors,
        device=device,
        dtype=dtype,
        seed=seed,
        threads=threads,
        checkpoint_seconds=checkpoint_seconds,
        stop_after=stop_after,
        overwrite=overwrite,
    )
    if dry_run:
        _show([table := plan(options)], table.to_json(), as_json)
        return
    with Progress("starting") as progress:
        report = adapt(options, on_event=_stage_line, on_progress=progress.report)
    if report:
        _show(summary_tables(report), report, as_json)
        for warning in report["warnings"]:
            print(f"tokencraft: warning: {warning}", file=sys.stderr)
        print(f"wrote {output} (report.html, report.json, model folder)", file=sys.stderr)


def _stage_line(event: StageEvent) -> None:
    """One line a stage on standard error."""
    place = f"[{event.number:2d}/{event.total}] {event.name}"
    match event.kind:
        case "started":
            print(place, end="", file=sys.stderr, flush=True)
        case "finished":
            print(f"\r{place:24s} {event.seconds:7.1f} s", file=sys.stderr, flush=True)
        case _:
            print(f"{place:24s}    done before", file=sys.stderr, flush=True)


def _show(tables: list[Table], value: Mapping[str, Any], as_json: bool) -> None:
    """Tables for people, or JSON for machines, on standard output."""
    if as_json:
        print(json.dumps(value, ensure_ascii=False, indent=2))
        return
    show: Callable[[str], None] = print
    for table in tables:
        show(table.to_text())
