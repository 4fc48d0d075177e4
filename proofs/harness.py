"""What the proofs share: the claim stated before the run, the verdict after it, and real data that may be absent.

A proof runs a paper's effect at the smallest honest size with its baseline in the same run, and writes
``proofs/results/SLUG.json``: ``{slug, claim, falsified_if, verdict, rows, seeds, versions, hardware, command}``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tokencraft.report import Table, run_context, write_json

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "proofs" / "results"

Verdict = Literal["held", "failed", "inconclusive"]


@dataclass(frozen=True)
class Proof:
    """A claim and what would refute it, stated up front.

    Args:
        slug: of the method's card.
        claim: what the paper says, as far as it is tested here.
        falsified_if: what the numbers must not show.
    """

    slug: str
    claim: str
    falsified_if: str

    def conclude(
        self, verdict: Verdict, rows: Sequence[Mapping[str, Any]], *, seeds: Sequence[int], command: str
    ) -> Path:
        """Print the rows and the verdict and write ``proofs/results/SLUG.json``.

        Args:
            verdict: what the rows say of the claim; a failed proof is written like any other.
            rows: the numbers, all with the same keys; units in the keys.
            seeds: those of the runs.
            command: how to repeat it.
        """
        context = run_context(command=command)
        path = RESULTS / f"{self.slug}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(
            path,
            {
                "slug": self.slug,
                "claim": self.claim,
                "falsified_if": self.falsified_if,
                "verdict": verdict,
                "rows": [dict(row) for row in rows],
                "seeds": list(seeds),
                "versions": context["versions"],
                "hardware": context["hardware"],
                "command": command,
            },
        )
        if rows:
            print(Table(self.claim, list(rows[0]), [list(row.values()) for row in rows], context).to_text())
        print(f"falsified if: {self.falsified_if}\nverdict: {verdict}\n{path}")
        return path


def data_folder() -> Path:
    """The folder of real data; the program ends, saying so, where it is absent."""
    folder = Path(os.environ.get("TOKENCRAFT_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "README.md").is_file():
        print(f"skipped: the real data is absent at {folder}; set TOKENCRAFT_DATA", file=sys.stderr)
        raise SystemExit(0)
    return folder
