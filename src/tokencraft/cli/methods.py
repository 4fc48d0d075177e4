"""``tokencraft methods``: the catalog, read from the classes."""

from __future__ import annotations

from typing import Annotated

import typer

from tokencraft.cli import options
from tokencraft.cli.output import context, print_json, print_table

HELP = "List the methods with their classes and papers."
EXAMPLE = "\b\nExamples:\n  tokencraft methods\n  tokencraft methods --room learn --json"


def command(
    room: Annotated[str | None, typer.Option("--room", metavar="NAME", help="Only the methods of this room.")] = None,
    references: Annotated[
        bool, typer.Option("--all", help="Also baselines and references that are no method of their own.")
    ] = False,
    json: options.Json = False,
    seed: options.Seed = 0,
    threads: options.Threads = None,
    debug: options.Debug = False,
) -> None:
    """List the methods with their classes and papers."""
    from tokencraft import catalog
    from tokencraft.errors import UsageError
    from tokencraft.report import Table

    if room is not None and room not in catalog.SLUGS:
        raise UsageError(f"there is no room {room!r}; the rooms are {', '.join(catalog.SLUGS)}")
    found = [e for e in (catalog.entries() if references else catalog.methods()) if room in (None, e.room)]
    if json:
        print_json([entry.to_json() for entry in found])
        return
    rows = [[e.room, e.name, e.paper.slug, str(e.paper.year), e.paper.arxiv, e.summary] for e in found]
    columns = ["room", "class", "method", "year", "arXiv", "what it does"]
    present = len({entry.paper.slug for entry in found if entry.is_method})
    table = Table(f"{present} of {sum(map(len, catalog.SLUGS.values()))} methods", columns, rows, context(seed))
    print_table(table)
