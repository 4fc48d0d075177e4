"""Proof of tokenization counts (arXiv 2402.14903) on the answers of gpt-3.5-turbo-0301 that its authors released.

No model is asked: the answers to 1,300 problems with 8 examples, written plainly and with commas, are read, scored and
analysed. TOKENIZATION_COUNTS names the folder ``results`` of github.com/aadityasingh/TokenizationCounts; without it the
program says so and ends. The figures were known from the publication before, so that this tests our analysis, and the
effect only as far as the released answers are what the model said.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness import Proof, Verdict

from tokencraft.measure import AdditionScores

FILE = "20240125_gpt35_0301_answer_length_effects.csv"
WORSE = 50.0
"""Points that plain numbers lose where the sum is longer than both operands, at least."""

PROOF = Proof(
    slug="tokenization-counts-answers",
    claim="Grouped from the left, gpt-3.5 fails where the sum is longer than both operands, with answers of the right "
    "length whose fourth digit, the first of the second token, is wrong; grouped from the right by commas it does not, "
    "and what it gets wrong is one power of ten off.",
    falsified_if=f"the plain numbers do not lose {WORSE:.0f} points from the sums as long as an operand to the longer "
    "ones, or the commas lose more than 5; or of the plain errors on longer sums less than 95% have the right length, "
    "or another digit than the fourth is the commonest; or less than 90% of the errors with commas are one power of "
    "ten off.",
)


def main() -> None:
    """Read, score, conclude."""
    folder = os.environ.get("TOKENIZATION_COUNTS")
    if folder is None or not (Path(folder) / FILE).is_file():
        print(f"skipped: TOKENIZATION_COUNTS must name the folder of {FILE}", file=sys.stderr)
        raise SystemExit(0)
    summary = AdditionScores.read(Path(folder) / FILE).summary()
    rows = [
        {
            "numbers": row.problem_format,
            "sum": {"all": "all", "match": "as long as an operand", "mismatch": "longer than both"}[row.part],
            "answers": row.answers,
            "right [%]": round(100 * row.accuracy, 2),
            "wrong": row.answers - row.right,
            "of the right length": row.right_length,
            "one power of ten off": row.off_by_one,
            "worst digit": row.commonest_digit,
            "it is wrong [%]": round(100 * (row.commonest_digit_share or 0), 2),
        }
        for row in summary.rows
    ]
    command = "TOKENIZATION_COUNTS=results python proofs/tokenization_counts_answers.py"
    PROOF.conclude(judge(rows), rows, seeds=[], command=command)


def judge(rows: Sequence[Mapping[str, Any]]) -> Verdict:
    """The verdict by the words of ``falsified_if``."""
    found = {(row["numbers"], row["sum"]): row for row in rows}
    lost = {
        numbers: found[numbers, "as long as an operand"]["right [%]"] - found[numbers, "longer than both"]["right [%]"]
        for numbers in ("nosep", "comma_r2l")
    }
    plain, commas = found["nosep", "longer than both"], found["comma_r2l", "all"]
    held = (
        lost["nosep"] >= WORSE
        and lost["comma_r2l"] <= 5
        and plain["of the right length"] >= 0.95 * plain["wrong"]
        and plain["worst digit"] == 4
        and commas["one power of ten off"] >= 0.9 * commas["wrong"]
    )
    return "held" if held else "failed"


if __name__ == "__main__":
    main()
