"""Write the tables of the README and of the documentation from the results of benchmarks and proofs.

A table stands between ``<!-- table:NAME -->`` and ``<!-- /table -->``; NAME is ``proofs`` or the name of a file in
``benchmarks/results``. ``--check`` writes nothing and fails where a table is not what the results say.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"(<!-- table:(?P<name>[\w-]+) -->\n).*?(<!-- /table -->)", re.DOTALL)


def main() -> int:
    """Rewrite every page that holds a table; the exit code is 1 where ``--check`` finds a difference."""
    check = "--check" in sys.argv[1:]
    stale = []
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        text = page.read_text(encoding="utf-8")
        written = BLOCK.sub(lambda match: match[1] + render(match["name"]) + match[3], text)
        if written != text:
            stale.append(page)
            if not check:
                page.write_text(written, encoding="utf-8")
    if check and stale:
        print("tables differ from the results; run make tables:", *stale, file=sys.stderr)
    return int(check and bool(stale))


def render(name: str) -> str:
    """The Markdown of the named table."""
    return proofs() if name == "proofs" else benchmark(ROOT / "benchmarks" / "results" / f"{name}.json")


def proofs() -> str:
    """One line a proof: method, claim and verdict."""
    lines = ["| method | claim | verdict |", "|---|---|---|"]
    for path in sorted((ROOT / "proofs" / "results").glob("*.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        lines.append(f"| `{result['slug']}` | {cell(result['claim'])} | **{result['verdict']}** |")
    return "\n".join(lines) + "\n"


def benchmark(path: Path) -> str:
    """A stored table as Markdown, with the machine and the command below it."""
    if not path.is_file():
        return "not measured yet\n"
    table = json.loads(path.read_text(encoding="utf-8"))
    heads = [
        f"{column['name']} [{column['unit']}]" if column["unit"] else column["name"] for column in table["columns"]
    ]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(cell(value) for value in row) + " |" for row in table["rows"]]
    context = table["context"]
    hardware = context["hardware"]
    machine = f"{hardware.get('cpu')}, {hardware.get('cores')} cores, {hardware.get('memory_gib')} GiB"
    return "\n".join(lines) + f"\n\n{table['title']} Machine: {machine}. Command: `{context['command']}`.\n"


def cell(value: Any) -> str:
    """A value as the text of a table cell."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return str(value).replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    sys.exit(main())
