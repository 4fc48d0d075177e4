"""``tokencraft transplant``: move a model onto another vocabulary, without training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tokencraft.cli import options
from tokencraft.cli.fields import build
from tokencraft.cli.output import context, print_json, print_table

HELP = """Give a model the embeddings of another vocabulary, without training.

MODEL is a folder of transformers with its tokenizer. The output folder loads there too. Train it afterwards, or use
adapt, which does both."""
EXAMPLE = (
    "\b\nExample:\n"
    "  tokencraft transplant ./model --vocabulary new.json --method tokenadapt --set neighbours=5 --output moved"
)


def command(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model folder.")],
    vocabulary: Annotated[str, typer.Option("--vocabulary", metavar="PATH", help="The vocabulary to move it onto.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="A new or empty folder.")],
    method: Annotated[
        str,
        typer.Option(
            "--method",
            metavar="NAME",
            help="How the new rows are made: tokenadapt, or a baseline: random, mean, retok, local, global.",
        ),
    ] = "tokenadapt",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Set a hyper-parameter of the method; may be repeated."),
    ] = None,
    json: options.Json = False,
    seed: options.Seed = 0,
    threads: options.Threads = None,
    debug: options.Debug = False,
) -> None:
    """Give a model the embeddings of another vocabulary, without training."""
    from tokencraft.errors import UsageError
    from tokencraft.report import require_empty_folder
    from tokencraft.vocabulary import Vocabulary

    require_empty_folder(output)
    new = Vocabulary.load(vocabulary)
    import torch  # slow, and not needed to say that a folder is in use

    from tokencraft.transplant import initializers

    known = initializers()
    if method not in known:
        raise UsageError(f"there is no method {method!r}; the methods are {', '.join(known)}")
    if threads is not None:
        torch.set_num_threads(threads)
    initializer = build(known[method], [f"seed={seed}", *(settings or [])])
    report = initializer.transplant_folder(model, output, new)
    if json:
        print_json({"output": str(output), **report.to_json(), "context": context(seed)})
        return
    print_table(report.table())
    print_table(report.provenance())
