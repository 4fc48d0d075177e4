"""``tokencraft addition``: a language model adds, in several styles of writing numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tokencraft.cli import options
from tokencraft.cli.output import context, print_json, print_table

HELP = """Ask a language model to add numbers written in several styles, and analyse its errors.

MODEL is a folder of transformers with its tokenizer. Commas from the right make groups of digits line up."""
EXAMPLE = (
    "\b\nExamples:\n"
    "  tokencraft addition ./model --style nosep --style comma_r2l --shots 8\n"
    "  tokencraft addition ./model --length 3 --length 4 --count 200 --json"
)


def command(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model folder.")],
    style: Annotated[
        list[str],
        typer.Option("--style", metavar="NAME", help="How numbers are written; may be repeated."),
    ] = ["nosep", "comma_r2l"],  # noqa: B006, typer's way to name a default of a repeated option
    shots: Annotated[
        list[int], typer.Option("--shots", metavar="INTEGER", help="Examples before a problem; may be repeated.")
    ] = [8],  # noqa: B006, as above
    length: Annotated[
        list[int], typer.Option("--length", metavar="DIGITS", help="Digits of an operand; may be repeated.")
    ] = [7, 8, 9],  # noqa: B006, as above
    count: Annotated[
        int, typer.Option("--count", metavar="INTEGER", help="Problems, all pairs of lengths in turn.")
    ] = 90,
    max_new_tokens: Annotated[
        int, typer.Option("--max-new-tokens", metavar="INTEGER", help="Where an answer ends at the latest.")
    ] = 20,
    batch_size: Annotated[int, typer.Option("--batch-size", metavar="INTEGER", help="Problems at once.")] = 16,
    device: Annotated[
        str | None, typer.Option("--device", metavar="NAME", help="Where the model runs: cpu, cuda.")
    ] = None,
    json: options.Json = False,
    seed: options.Seed = 0,
    threads: options.Threads = None,
    debug: options.Debug = False,
) -> None:
    """Ask a language model to add numbers written in several styles, and analyse its errors."""
    from tokencraft.measure import AdditionBench, CausalAnswerer
    from tokencraft.vocabulary import Vocabulary

    bench = AdditionBench(tuple(style), tuple(shots), tuple(length), count, seed=seed)
    prompts = bench.prompts()
    vocabulary = Vocabulary.load(model)
    import torch  # slow, and not needed to refuse a style or a folder

    from tokencraft.modeling.loading import load_model

    if threads is not None:
        torch.set_num_threads(threads)
    answerer = CausalAnswerer(load_model(model, device=device), vocabulary, max_new_tokens, batch_size)
    scores = bench.score(answerer(prompts), context=context(seed))
    if json:
        print_json(scores.to_json())
    else:
        print_table(scores.table())
