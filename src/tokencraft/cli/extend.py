"""``tokencraft extend``: superwords for a vocabulary that exists."""

from __future__ import annotations

import inspect
from typing import Annotated, Any

import typer

from tokencraft.cli import learning
from tokencraft.cli.fields import options_of, with_signature

HELP = """Add superwords to a byte-level BPE vocabulary; its ids keep their meaning.

VOCABULARY is a tokenizer.json, tiktoken ranks or a model folder. Text is cut as stage 2 says from then on."""
EXAMPLE = (
    "\b\nExample:\n  tokencraft extend tokenizer.json --corpus data/*.txt --vocab-size 40000 --output extended.json"
)

_OWN = {
    "vocab_size": (
        Annotated[int, typer.Option("--vocab-size", metavar="INTEGER", help="Ids in all afterwards.")],
        learning.Required,
    ),
}
_ARGUMENT = {
    "vocabulary": (
        Annotated[str, typer.Argument(metavar="VOCABULARY", help="What to extend.")],
        learning.Required,
    ),
}


def command() -> Any:
    """The command, with the options of ``tokencraft.learn.extend``."""
    from tokencraft.learn import extend

    fields = [each for each in options_of(extend) if each.name not in learning.FIXED]

    def run(**given: Any) -> None:
        from tokencraft.vocabulary import Vocabulary

        learning.check_target(given["output"], given["overwrite"])
        old = Vocabulary.load(given["vocabulary"])
        values = {field.name: field.value(given[field.name]) for field in fields}

        def train(corpus: Any, **resources: Any) -> Any:
            return extend(old, corpus, given["vocab_size"], **values, **resources)

        learning.learn("extend", train, given)

    own = {field.name: field.parameter() for field in fields}
    parameters: dict[str, inspect.Parameter] = {
        **learning.parameters(_ARGUMENT),
        **learning.signature({**learning.parameters(_OWN), **own}),
    }
    single = typer.Typer(add_completion=False, rich_markup_mode=None)
    single.command("extend", help=HELP, epilog=EXAMPLE)(with_signature(run, parameters))
    return typer.main.get_command(single)
