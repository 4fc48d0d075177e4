"""The fields of a method as options: what the dataclass says is what the command line offers."""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import typer

from tokencraft.errors import UsageError


@dataclass(frozen=True)
class FieldOption:
    """A field that can be given as text.

    Args:
        name: of the field.
        types: what its values may be, None apart; a tuple of strings is ``tuple``.
        choices: the only values, where they are few.
        optional: whether ``none`` is a value.
        default: its default.
        help: what the docstring of the class says about it.
        reads: makes the value of a text where that is no plain one, such as digit groups of a name.
    """

    name: str
    types: tuple[type, ...]
    choices: tuple[str, ...]
    optional: bool
    default: Any
    help: str
    reads: Callable[[str], Any] | None = None

    @property
    def flag(self) -> str:
        """The option's name."""
        return "--" + self.name.replace("_", "-")

    @property
    def metavar(self) -> str:
        """What stands for a value in the help."""
        if self.choices:
            return "|".join(self.choices) if len(self.choices) <= 5 else "NAME"
        names = {int: "INTEGER", float: "NUMBER", str: "TEXT", tuple: "TEXT", bool: ""}
        return "|".join(dict.fromkeys(names[kind] for kind in self.types))

    def parse(self, text: str) -> Any:
        """The value that ``text`` spells.

        Raises:
            UsageError: it spells none.
        """
        if self.optional and text.lower() == "none":
            return None
        if self.reads is not None:
            try:
                return self.reads(text)
            except UsageError as error:
                raise UsageError(f"{self.flag}: {error}") from None
        splitters = _splitters() if self._takes_splitters else {}
        if text in splitters:
            return splitters[text]
        if self.choices and str not in self.types and text not in self.choices:
            raise UsageError(f"{self.flag} must be one of {', '.join(self.choices)}, not {text!r}")
        for kind in self.types or (str,):
            if kind is bool and text.lower() in ("true", "false"):
                return text.lower() == "true"
            if kind is str:
                return text
            if kind in (int, float):
                try:
                    return kind(text.replace("_", "").replace(",", "") if kind is int else text)
                except ValueError:
                    continue
        if self.choices:
            return text
        raise UsageError(f"{self.flag} must be {' or '.join(_ARTICLES[kind] for kind in self.types)}, not {text!r}")

    def parameter(self) -> inspect.Parameter:
        """The field as a parameter of a command; None, or an empty list, where the option is not given."""
        among = f" One of: {', '.join(self.choices)}." if self.metavar == "NAME" else ""
        shown = f"{self.help}{among}  [default: {self._shown_default()}]"
        if self.types == (bool,):
            hint: Any = Annotated[bool, typer.Option(f"{self.flag}/--no-{self.flag[2:]}", help=self.help)]
            return _parameter(self.name, hint, self.default)
        option = typer.Option(self.flag, metavar=self.metavar, help=shown, show_default=False)
        several = self.types == (tuple,)
        hint = Annotated[list[str] if several else str | None, option]
        return _parameter(self.name, hint, [] if several else None)

    def value(self, given: Any) -> Any:
        """The value of the field from what the command line gave for :meth:`parameter`."""
        if self.types == (tuple,):
            return tuple(given) if given else self.default
        if given is not None and not isinstance(given, str):  # a switch, or an option that all commands have
            return given
        return self.default if given is None else self.parse(given)

    @property
    def _takes_splitters(self) -> bool:
        return bool(self.choices) and self.choices == tuple(_splitters())

    def _shown_default(self) -> str:
        if self.default is None and "any" in self.choices:
            return "any"
        for name, splitter in (_splitters() if self._takes_splitters else {}).items():
            if splitter == self.default:
                return name
        if isinstance(self.default, tuple):
            return " ".join(self.default) or "none"
        return f"{self.default:,}" if type(self.default) is int else str(self.default).lower()


_ARTICLES = {int: "an integer", float: "a number", bool: "true or false"}


def options_of(method: Callable[..., Any]) -> list[FieldOption]:
    """The fields of a method, or arguments of a function, that can be given as text.

    A method's own fields come first, then those it inherits. Resources and functions are left out.
    """
    hints = _hints_of(method)
    described = argument_help(method)
    options = (_option(name, hints[name], default, described.get(name, "")) for name, default in _defaults_of(method))
    return [option for option in options if option is not None]


def _defaults_of(method: Callable[..., Any]) -> list[tuple[str, Any]]:
    """Names and defaults of what has a default."""
    if not isinstance(method, type):
        parameters = inspect.signature(method).parameters.values()
        return [(each.name, each.default) for each in parameters if each.default is not inspect.Parameter.empty]
    fields = [each for each in dataclasses.fields(method) if each.default is not dataclasses.MISSING and each.init]
    own = list(method.__annotations__)
    return [(each.name, each.default) for each in sorted(fields, key=lambda each: each.name not in own)]


def _hints_of(method: Callable[..., Any]) -> dict[str, Any]:
    """Types by name; a function's may name what is imported for the type checker alone, and that is no option."""
    if isinstance(method, type):
        return get_type_hints(method)
    hints: dict[str, Any] = {}
    for name, text in inspect.get_annotations(method).items():
        try:
            hints[name] = eval(text, dict(vars(sys.modules[method.__module__])))  # our own source
        except NameError:
            hints[name] = None
    return hints


def build(method: type, assignments: Sequence[str]) -> Any:
    """The method with fields set from ``NAME=VALUE``.

    Raises:
        UsageError: there is no such field, or the value does not fit.
    """
    known = {option.name: option for option in options_of(method)}
    values: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or name not in known:
            raise UsageError(f"{assignment!r}: expected NAME=VALUE with one of {', '.join(known) or 'no names'}")
        option = known[name]
        values[name] = tuple(filter(None, text.split(","))) if option.types == (tuple,) else option.parse(text)
    return method(**values)


def with_signature(function: Any, parameters: Mapping[str, inspect.Parameter]) -> Any:
    """``function``, which takes any keywords, with a signature for typer to read."""
    function.__signature__ = inspect.Signature(list(parameters.values()))
    function.__annotations__ = {name: parameter.annotation for name, parameter in parameters.items()}
    return function


def argument_help(method: Callable[..., Any]) -> dict[str, str]:
    """What the ``Args`` section of a docstring says about each name, as one line; a class's and those it inherits."""
    inherited = argument_help(method.__mro__[1]) if isinstance(method, type) and len(method.__mro__) > 2 else {}
    section = re.search(r"^Args:\n((?:    .*\n|\n)*)", inspect.cleandoc(method.__doc__ or "") + "\n", re.MULTILINE)
    described: dict[str, str] = {}
    names: list[str] = []
    for line in section.group(1).splitlines() if section else []:
        started = re.match(r"    ([a-z][\w, ]*): (.*)", line)
        if started:
            names = started.group(1).split(", ")
            described |= dict.fromkeys(names, started.group(2))
        elif line.strip():
            described |= {name: f"{described[name]} {line.strip()}" for name in names}
    plain = {name: re.sub(r":\w+:`~?([^`]*)`|``([^`]*)``", r"\1\2", text) for name, text in described.items()}
    return inherited | plain


def _option(name: str, hint: Any, default: Any, text: str) -> FieldOption | None:
    """The option for a field of this type; None where text cannot spell its values."""
    members = list(get_args(hint)) if get_origin(hint) in (Union, types.UnionType) else [hint]
    optional = type(None) in members
    members = [member for member in members if member is not type(None)]
    kinds: list[type] = []
    choices: list[str] = []
    reads = None
    for member in members:
        if get_origin(member) is Literal:
            choices += map(str, get_args(member))
        elif member in (int, float, str, bool):
            kinds.append(member)
        elif get_origin(member) is tuple and get_args(member) == (str, ...):
            kinds.append(tuple)
        elif _is_splitter(member):
            choices += _splitters()
        elif isinstance(member, type) and member.__name__ in _READERS:
            names, reads = _READERS[member.__name__]
            choices += names()
        else:
            return None
    kinds.sort(key=[int, float, str, bool, tuple].index)  # 24000 is an integer before it is a number
    return FieldOption(name, tuple(kinds), tuple(choices), optional, default, text, reads)


def _is_splitter(kind: Any) -> bool:
    from tokencraft.vocabulary.split import Splitter

    return kind is Splitter


def _splitters() -> dict[str, Any]:
    from tokencraft.vocabulary import split

    return dict(split.NAMED)


def _policies() -> tuple[str, ...]:
    from tokencraft.vocabulary import numbers

    return numbers.POLICIES


def _digits(text: str) -> Any:
    from tokencraft.vocabulary.numbers import DigitGroups

    return DigitGroups.parse(text)


# By the name of a type: what its values may be called, and how one is made of a text.
_READERS: dict[str, tuple[Callable[[], Sequence[str]], Callable[[str], Any]]] = {
    "DigitGroups": (_policies, _digits),
}


def _parameter(name: str, hint: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hint)
