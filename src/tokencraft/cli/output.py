"""What commands print, and the progress they show."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokencraft.report import OnProgress, Table

#: Work that is counted in bytes, as the functions that do it call it.
_IN_BYTES = ("reading", "counting", "encoding")


#: The command line as a user would repeat it.
invocation: ContextVar[str | None] = ContextVar("invocation", default=None)


def context(seed: int) -> dict[str, Any]:
    """What the results of this command depend on."""
    from tokencraft.report import run_context

    return run_context(seed, invocation.get())


def print_json(value: Any) -> None:
    """The value as JSON on standard output; numbers that JSON lacks are a bug."""
    print(json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False))


def print_table(table: Table) -> None:
    """The table on standard output: in colour and as wide as the terminal, if it is one."""
    if sys.stdout.isatty():
        from rich.console import Console

        Console().print(table)
    else:
        print(table.to_text(width=1000))  # a file has no edge to wrap at


def note(message: str) -> None:
    """A remark on standard error, so that standard output holds the result alone."""
    print(f"tokencraft: {message}", file=sys.stderr)


def note_skipped(skipped: tuple[str, ...]) -> None:
    """Say which documents a corpus left out."""
    if skipped:
        more = f" and {len(skipped) - 3} more" if len(skipped) > 3 else ""
        note(f"left out as not text: {', '.join(skipped[:3])}{more}")


@contextmanager
def progress(description: str) -> Iterator[OnProgress]:
    """A progress bar, as the function that long-running work calls."""
    from tokencraft.report import Progress

    with Progress(description) as bar:
        yield lambda what, done, total: bar.report(what, done, total, "bytes" if what in _IN_BYTES else "")
