"""Fields of a method that hold a resource rather than a number: concepts, a vocabulary, a segmenter, by their paths."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

import typer

from tokencraft.cli.fields import FieldOption, argument_help
from tokencraft.errors import UsageError


@dataclass(frozen=True)
class Resource:
    """How a resource is given.

    Args:
        metavar: what stands for a value in the help.
        several: whether the option takes several values.
        read: the resource from the values.
    """

    metavar: str
    several: bool
    read: Callable[[Sequence[str]], Any]


@dataclass(frozen=True)
class ResourceOption(FieldOption):
    """A field that holds a resource.

    Args:
        resource: how it is given.
        required: whether the field has no default.
    """

    resource: Resource = dataclasses.field(kw_only=True)
    required: bool = dataclasses.field(kw_only=True)

    @property
    def metavar(self) -> str:
        """What stands for a value in the help."""
        return self.resource.metavar

    def parse(self, text: str) -> Any:
        """The resource at one path."""
        return self.resource.read([text])

    def parameter(self) -> inspect.Parameter:
        """The field as a parameter of a command."""
        option = typer.Option(self.flag, metavar=self.metavar, help=self.help, show_default=False)
        hint: Any = list[str] if self.resource.several else str if self.required else str | None
        default: Any = [] if self.resource.several else None
        return inspect.Parameter(
            self.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if self.required else default,
            annotation=Annotated[hint, option],
        )

    def value(self, given: Any) -> Any:
        """The resource that the command line names; the default of the field where it names none."""
        if not given:
            return self.default
        return self.resource.read(given if self.resource.several else [given])


def resources_of(method: type, known: Sequence[FieldOption]) -> list[ResourceOption]:
    """The fields of a method that hold a resource and are no options yet."""
    hints = get_type_hints(method)
    described = argument_help(method)
    others = {option.name for option in known}
    readers = _resources()
    found = []
    for field in dataclasses.fields(method):
        hint = hints[field.name]
        kinds = [kind for kind in (hint, *filter(inspect.isclass, get_args(hint))) if kind in readers]
        if field.name in others or not field.init or not kinds:
            continue
        default = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        required = default is dataclasses.MISSING
        found.append(
            ResourceOption(
                field.name,
                types=(str,),
                choices=(),
                optional=not required,
                default=None if required else default,
                help=described.get(field.name, ""),
                resource=readers[kinds[0]],
                required=required,
            )
        )
    return found


def _resources() -> dict[Any, Resource]:
    """Resources by the type of the field."""
    from collections.abc import Mapping

    from tokencraft.learn.morpheme_vocabulary import Segmenter
    from tokencraft.vocabulary import Vocabulary
    from tokencraft.vocabulary.concepts import Concepts, read_types

    return {
        Concepts: Resource("NAME=FILE...", several=True, read=read_types),
        Mapping[str, int]: Resource("NAME=INTEGER...", several=True, read=_numbers),
        Vocabulary: Resource("PATH", several=False, read=lambda given: Vocabulary.load(given[0])),
        Segmenter: Resource("PATH", several=False, read=_segmenter),
    }


def _numbers(given: Sequence[str]) -> dict[str, int]:
    """Numbers by name."""
    numbers: dict[str, int] = {}
    for assignment in given:
        name, _, number = assignment.rpartition("=")
        if not name or not number.isdecimal():
            raise UsageError(f"{assignment!r}: expected NAME=INTEGER")
        numbers[name] = int(number)
    return numbers


def _segmenter(given: Sequence[str]) -> Any:
    """A segmenter from its folder, or trained on a table of words and their segments."""
    from tokencraft.cli.output import note, progress
    from tokencraft.morphology import MorphemeSegmenter, read_segmentations

    path = Path(given[0])
    if path.is_dir():
        return MorphemeSegmenter.from_pretrained(path)
    rows = list(read_segmentations(path))
    note(f"learning to segment from the {len(rows):,} words in {path}; save a segmenter to use it again")
    with progress("learning to segment") as listener:
        return MorphemeSegmenter.fit(rows, progress=listener)
