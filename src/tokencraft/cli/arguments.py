"""Options that take several values, ``--corpus a.txt b.txt``, as shells expand ``--corpus *.txt``."""

from __future__ import annotations

from collections.abc import Sequence

SEVERAL = ("--corpus", "--general", "--concepts", "--pieces-of", "--lexicon", "--sample")


def spread(arguments: Sequence[str], names: Sequence[str] = SEVERAL) -> list[str]:
    """Repeat the name of an option before each of its values; the values end at the next option, or at ``--``.

    Example:
        >>> spread(["x", "--corpus", "a", "b", "--seed", "1"])
        ['x', '--corpus', 'a', '--corpus', 'b', '--seed', '1']
    """
    result: list[str] = []
    several: str | None = None
    given = False
    for position, argument in enumerate(arguments):
        if argument == "--":
            return [*result, *arguments[position:]]
        if argument.startswith("-") and argument != "-":
            several = argument if argument in names else None
            given = False
            result.append(argument)
        elif several is not None:
            result += [several, argument] if given else [argument]
            given = True
        else:
            result.append(argument)
    return result
