"""Fields of a dataclass as options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import pytest

from tokencraft.cli.fields import argument_help, build, options_of
from tokencraft.errors import UsageError
from tokencraft.vocabulary import numbers, split

if TYPE_CHECKING:
    from somewhere import Unknown


@dataclass(frozen=True)
class Method:
    """A method.

    Args:
        size: how many, in
            two lines.
        share: a :class:`~x.Number` or ``None``.
        kind, name: two together.
    """

    required: str
    size: int = 32_000
    share: float | int = 0.8
    limit: int | None = None
    kind: Literal["a", "b"] = "a"
    name: str = "x"
    flag: bool = False
    tokens: tuple[str, ...] = ()
    splitter: split.Splitter = split.GPT2
    recipe: str | split.Splitter = "v2"
    hook: Callable[[str], bool] | None = None
    cached: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Inheriting(Method):
    """A method that inherits fields.

    Args:
        own: its own.
        size: said again.
    """

    own: int = 1
    size: int = 5
    digits: numbers.DigitGroups | None = None


def function(
    vocabulary: str, *, size: int = 3, digits: numbers.DigitGroups | None = None, engine: Unknown | None = None
) -> None:
    """A function.

    Args:
        size: how many.
    """


OPTIONS = {option.name: option for option in options_of(Method)}


def test_fields_that_text_can_spell_become_options_in_order() -> None:
    expected = ["size", "share", "limit", "kind", "name", "flag", "tokens", "splitter", "recipe"]
    assert list(OPTIONS) == expected
    assert OPTIONS["size"].flag == "--size"


def test_help_is_the_docstring() -> None:
    assert argument_help(Method) == {
        "size": "how many, in two lines.",
        "share": "a x.Number or None.",
        "kind": "two together.",
        "name": "two together.",
    }
    assert OPTIONS["size"].parameter().annotation.__metadata__[0].help.endswith("two lines.  [default: 32,000]")
    assert "gpt2" in OPTIONS["splitter"].parameter().annotation.__metadata__[0].help


def test_own_fields_come_before_inherited_ones() -> None:
    names = [option.name for option in options_of(Inheriting)]
    assert names[:3] == ["size", "own", "digits"]
    assert {"share", "splitter"} <= set(names[3:])
    assert argument_help(Inheriting) == argument_help(Method) | {"own": "its own.", "size": "said again."}


def test_digit_policies_are_read() -> None:
    options = {option.name: option for option in options_of(Inheriting)}
    assert options["digits"].parse("r2l3") == numbers.DigitGroups(3, "r2l")
    assert options["digits"].parse("any") is None
    assert options["digits"].metavar == "single|l2r3|r2l3|any"
    assert "[default: any]" in options["digits"].parameter().annotation.__metadata__[0].help
    with pytest.raises(UsageError, match="--digits: digits are cut by one of single"):
        options["digits"].parse("both")


def test_arguments_of_a_function_are_options_too() -> None:
    options = {option.name: option for option in options_of(function)}
    assert list(options) == ["size", "digits"], "what is imported for the type checker alone is none"
    assert options["size"].help == "how many."
    assert options["size"].value(7) == 7, "what a command has read already"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("size", "12_000", 12000),
        ("size", "12,000", 12000),
        ("share", "0.5", 0.5),
        ("share", "24000", 24000),
        ("limit", "none", None),
        ("limit", "3", 3),
        ("kind", "b", "b"),
        ("name", "y", "y"),
        ("flag", "true", True),
        ("splitter", "cl100k", split.CL100K),
        ("recipe", "paper", "paper"),
        ("recipe", "whole", split.WHOLE),
    ],
)
def test_values(name: str, text: str, value: Any) -> None:
    parsed = OPTIONS[name].parse(text)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("size", "x", "--size must be an integer, not 'x'"),
        ("size", "1.5", "--size must be an integer"),
        ("share", "x", "--share must be an integer or a number"),
        ("kind", "c", "--kind must be one of a, b, not 'c'"),
        ("splitter", "gpt3", "--splitter must be one of whole, lines, gpt2"),
        ("flag", "maybe", "--flag must be true or false"),
    ],
)
def test_bad_values(name: str, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        OPTIONS[name].parse(text)


def test_what_is_not_given_stays_the_default() -> None:
    assert OPTIONS["size"].value(None) == 32_000
    assert OPTIONS["tokens"].value([]) == ()
    assert OPTIONS["tokens"].value(["a", "b"]) == ("a", "b")
    assert OPTIONS["flag"].value(True) is True


@dataclass(frozen=True)
class Small:
    """Small."""

    size: int = 1
    tokens: tuple[str, ...] = ()


def test_build_from_assignments() -> None:
    assert build(Small, ["size=3", "tokens=a,b"]) == Small(3, ("a", "b"))
    assert build(Small, []) == Small()
    for bad in ("sise=3", "size", "=3"):
        with pytest.raises(UsageError, match="expected NAME=VALUE with one of size, tokens"):
            build(Small, [bad])
