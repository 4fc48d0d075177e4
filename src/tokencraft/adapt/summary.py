"""The report as the few tables that a terminal shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tokencraft.report import Column, Table


def summary_tables(report: Mapping[str, Any]) -> list[Table]:
    """Vocabularies, models and savings."""
    context = {"seed": report["seed"], "versions": report["versions"], "hardware": {}, "command": "tokencraft adapt"}
    tokenizers = Table(
        "Vocabularies on held-out text",
        ["vocabulary", Column("entries"), Column("compression", "bytes/token"), Column("tokens")],
        [
            [name.replace("_", " "), row["vocab_size"], row["bytes_per_token"], row["tokens"]]
            for name, row in report["tokenizer"].items()
        ],
        context,
    )
    models = Table(
        "Models",
        ["model", Column("held-out text", "bits/byte"), Column("general text", "bits/byte"), Column("parameters")],
        [
            [name, row["bits_per_byte"], row["general_bits_per_byte"], row["parameters"]]
            for name, row in report["model"].items()
        ],
        context,
    )
    saved = report["tokens_saved"]
    savings = Table(
        "Savings",
        ["what", "value"],
        [
            ["tokens saved against the old vocabulary", f"{saved['against_before']:.1%}"],
            ["tokens saved against a plain BPE of the same size", f"{saved['against_bpe_same_size']:.1%}"],
            ["break-even, in tokens of the old vocabulary", _count(report["break_even_tokens"])],
            ["peak memory", f"{report['timings']['peak_memory_bytes'] / 2**30:.2f} GiB"],
            ["time of all stages", f"{sum(report['timings']['stages'].values()):.0f} s"],
        ],
        context,
    )
    return [tokenizers, models, savings]


def _count(value: float | None) -> str:
    return "never" if value is None else f"{value:,.0f}"
