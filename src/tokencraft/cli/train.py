"""``tokencraft train METHOD``: learn a vocabulary from files."""

from __future__ import annotations

import inspect
from typing import Any

import typer
from typer.core import TyperGroup

from tokencraft.cli import learning
from tokencraft.cli.fields import FieldOption, options_of, with_signature
from tokencraft.cli.resources import resources_of

HELP = "Learn a vocabulary from files. METHOD is one of those listed below."
EXAMPLE = "\b\nExample:\n  tokencraft train superbpe --corpus data/*.txt --vocab-size 32000 --output tokenizer.json"


class Trainers(TyperGroup):
    """One command for each class of ``tokencraft.learn`` that trains; the room is imported when it is needed."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of the methods."""
        return sorted([*trainers(), *trainers_with_resources()])

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of one method."""
        method = (trainers() | trainers_with_resources()).get(cmd_name)
        return None if method is None else _command(cmd_name, method)


app = typer.Typer(cls=Trainers, help=HELP, epilog=EXAMPLE, no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _train() -> None:
    pass


def trainers() -> dict[str, type]:
    """The classes of the learning room that train on text alone, by the name of their command."""
    from tokencraft import learn

    found = (getattr(learn, name) for name in learn.__all__)
    return {value.__name__.lower(): value for value in found if isinstance(value, type) and _trains_on_text(value)}


def trainers_with_resources() -> dict[str, type]:
    """The classes of the learning room that need more than text, and that by paths: a base vocabulary, a segmenter."""
    from tokencraft import learn

    found = (getattr(learn, name) for name in learn.__all__)
    others = [value for value in found if isinstance(value, type) and hasattr(value, "train")]
    return {
        value.__name__.lower(): value
        for value in others
        if not _trains_on_text(value) and {option.name for option in _options_of(value)} >= _needed(value)
    }


def _options_of(method: type) -> list[FieldOption]:
    fields = options_of(method)
    return [*resources_of(method, fields), *fields]


def _needed(value: type) -> set[str]:
    """What a class cannot be made without."""
    parameters = inspect.signature(value).parameters
    return {name for name, parameter in parameters.items() if parameter.default is parameter.empty}


def _trains_on_text(value: type) -> bool:
    """Whether it trains, and needs nothing that text cannot spell."""
    return hasattr(value, "train") and not _needed(value)


def _command(name: str, method: type) -> Any:
    fields = _options_of(method)

    def run(**given: Any) -> None:
        _run(name, method, fields, given)

    own = {field.name: field.parameter() for field in fields if field.name not in learning.FIXED}
    text = list(inspect.signature(method.train).parameters.values())[1]  # type: ignore[attr-defined]  # it has train
    signature = learning.signature(own, corpus_needed=text.default is text.empty)
    single = typer.Typer(add_completion=False, rich_markup_mode=None)
    summary = (method.__doc__ or "").strip().partition("\n")[0]
    example = EXAMPLE.replace("superbpe", name)
    single.command(name, help=summary, epilog=example)(with_signature(run, signature))
    return typer.main.get_command(single)


def _run(name: str, method: type, fields: list[FieldOption], given: dict[str, Any]) -> None:
    learning.check_target(given["output"], given["overwrite"])
    learner = method(**{field.name: field.value(given[field.name]) for field in fields})
    learning.learn(name, learner.train, given)
