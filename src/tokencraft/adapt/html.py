"""``report.html``: one self-contained page that shows what the adaptation saved, what it cost, and what got worse."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from tokencraft.report import Table
from tokencraft.report.html import callout, coloured_tokens, figures, page, paragraph, side_by_side
from tokencraft.report.plot import Series, draw

_MODEL_NAMES = {
    "before": "before",
    "transplanted": "transplanted, untrained",
    "healed": "healed",
    "control": "control (old vocabulary, same bytes)",
}
_TOKENIZER_NAMES = {"before": "before", "after": "after", "bpe_same_size": "plain BPE of the same size"}
#: Points of a curve: each is the mean over a stretch of steps, since single steps are noisy.
_CURVE_POINTS = 60


def render_html(
    report: Mapping[str, Any],
    examples: Sequence[Mapping[str, Sequence[bytes]]],
    curves: Mapping[str, Mapping[str, Sequence[float]]],
) -> str:
    """The page.

    Args:
        report: what ``report.json`` holds.
        examples: excerpts of held-out text as the pieces of the ``before`` and the ``after`` vocabulary.
        curves: for ``heal`` and ``control``: ``nats_per_token``, ``tokens`` and ``bytes`` of every step.
    """
    warnings = "".join(callout(text, "warning") for text in report["warnings"]) or callout(
        "Nothing that was measured got worse.", "success"
    )
    sections = [
        ("", _headline(report) + warnings),
        ("Vocabularies on held-out text", _tokenizers(report)),
        ("The same text, tokenized before and after", "".join(_example(example) for example in examples)),
        ("Models", _models(report) + _curve_plot(report, curves)),
        ("Costs", _costs(report)),
        ("Special tokens", _special_tokens(report)),
        ("The run", _run(report)),
    ]
    subtitle = f"{report['model_name']} on {report['corpus']['name']}"
    return page("Vocabulary adaptation", sections, subtitle=subtitle)


def _table(report: Mapping[str, Any], title: str, columns: Sequence[Any], rows: Sequence[Sequence[Any]]) -> str:
    context = {"seed": report["seed"], "versions": report["versions"], "hardware": {}, "command": "tokencraft adapt"}
    return Table(title, columns, rows, context).to_html()


def _headline(report: Mapping[str, Any]) -> str:
    model, saved = report["model"], report["tokens_saved"]
    before, healed = model["before"]["bits_per_byte"], model["healed"]["bits_per_byte"]
    control = model.get("control")
    cards = [
        ("Tokens saved", f"{saved['against_before']:.1%}", "against the old vocabulary, on held-out text"),
        ("Tokens saved", f"{saved['against_bpe_same_size']:.1%}", "against a plain BPE of the same size"),
        ("Bits per byte", f"{before:.3f} → {healed:.3f}", "held-out text, before → healed; lower is better"),
    ]
    if control:
        value = control["bits_per_byte"]
        cards.append(
            ("Control", f"{value:.3f}", f"unchanged model on the same bytes; healed is {healed / value - 1:+.1%}")
        )
    return figures(cards)


def _tokenizers(report: Mapping[str, Any]) -> str:
    columns = [
        ("vocabulary", ""),
        ("entries", ""),
        ("bytes", "per token"),
        ("tokens", "per word"),
        ("tokens", "on held-out text"),
        ("used", "share of entries"),
        ("Rényi efficiency", "alpha = 2.5"),
        ("single bytes", "share of tokens"),
    ]
    keys = (
        "vocab_size",
        "bytes_per_token",
        "tokens_per_word",
        "tokens",
        "used_share",
        "renyi_efficiency",
        "fallback_share",
    )
    rows = [[_TOKENIZER_NAMES[name], *(row.get(key) for key in keys)] for name, row in report["tokenizer"].items()]
    held_out = report["corpus"]["held_out"]
    note = f"Measured on all {held_out['documents']:,} documents held out ({held_out['bytes']:,} bytes)."
    return _table(report, note, columns, rows)


def _example(example: Mapping[str, Sequence[bytes]]) -> str:
    return side_by_side(
        (f"{name}: {len(pieces):,} tokens", coloured_tokens(pieces)) for name, pieces in example.items()
    )


def _models(report: Mapping[str, Any]) -> str:
    columns = [
        ("model", ""),
        ("held-out text", "bits per byte"),
        ("general text", "bits per byte"),
        ("parameters", ""),
        ("embeddings", "share of parameters"),
    ]
    rows = [
        [
            _MODEL_NAMES[name],
            row["bits_per_byte"],
            row["general_bits_per_byte"],
            row["parameters"],
            row["embedding_share"],
        ]
        for name, row in report["model"].items()
    ]
    note = (
        "Bits per byte compare models whatever their vocabulary; lower is better. General text is text the corpus does "
        "not contain: a rise there is forgetting."
    )
    return _table(report, note, columns, rows)


def _curve_plot(report: Mapping[str, Any], curves: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    names = {"heal": "healing", "control": "control"}
    series = [Series(names[name], *_curve(log)) for name, log in curves.items()]
    longest = max((xs[-1] for _, xs, _ in series if xs), default=0.0)
    before = report["model"]["before"]["bits_per_byte"]
    series.append(Series("model before, on held-out text", [0.0, longest], [before, before]))
    return draw(series, ("training text read [MB]", "training loss [bits per byte]"), title="Loss while training")


def _curve(log: Mapping[str, Sequence[float]]) -> tuple[list[float], list[float]]:
    """Megabytes read and bits per byte, averaged over stretches of steps weighted by their bytes."""
    nats = [loss * tokens for loss, tokens in zip(log["nats_per_token"], log["tokens"], strict=True)]
    sizes = list(log["bytes"])
    read = list(accumulate(sizes))
    stretch = max(1, math.ceil(len(sizes) / _CURVE_POINTS))
    xs, ys = [], []
    for start in range(0, len(sizes), stretch):
        part = slice(start, start + stretch)
        xs.append(read[part][-1] / 1e6)
        ys.append(sum(nats[part]) / math.log(2) / max(1, sum(sizes[part])))
    return xs, ys


def _costs(report: Mapping[str, Any]) -> str:
    sides = report["costs"]["before"], report["costs"]["after"]
    names = {
        "tokens_per_million_bytes": "tokens",
        "gflop_per_million_bytes": "one forward pass [GFLOP]",
        "price_per_million_bytes": "price",
    }
    rows = [
        [name, before[key], after[key], after[key] / before[key]]
        for key, name in names.items()
        for before, after in [sides]
        if key in before
    ]
    table = _table(
        report, "A million bytes of held-out text cost", [("", ""), ("before", ""), ("after", ""), ("ratio", "")], rows
    )
    tokens = report["break_even_tokens"]
    note = (
        f"Counted in arithmetic, healing has paid for itself after {tokens:,.0f} tokens of the old vocabulary."
        if tokens is not None
        else "The new model is not cheaper per byte, so healing never pays for itself."
    )
    return table + paragraph(note)


def _special_tokens(report: Mapping[str, Any]) -> str:
    rows = [
        [entry["token"], ", ".join(entry["roles"]), entry["id_before"], entry["id_after"]]
        for entry in report["special_tokens"]
    ]
    return _table(report, "Strings and roles stay, ids may change.", ["token", "roles", "id before", "id after"], rows)


def _run(report: Mapping[str, Any]) -> str:
    training, corpus, timings = report["training"], report["corpus"], report["timings"]
    facts = [
        ["corpus", f"{corpus['train']['documents']:,} documents, {corpus['train']['bytes']:,} bytes to learn from"],
        ["training", f"{training['steps']:,} steps, {training['tokens']:,} tokens, {training['bytes']:,} bytes"],
        ["row", f"{training['context_length']:,} tokens, {training['rows_per_step']} rows a step"],
        ["peak memory", f"{timings['peak_memory_bytes'] / 2**30:.2f} GiB"],
        ["processor", str(timings["hardware"].get("cpu", ""))],
        ["seed", str(report["seed"])],
        ["versions", ", ".join(f"{name} {version}" for name, version in report["versions"].items())],
    ]
    stages = [[name, seconds] for name, seconds in timings["stages"].items()]
    return side_by_side(
        [
            ("Facts", _table(report, "", ["", ""], facts)),
            ("Seconds per stage", _table(report, "", ["stage", ("time", "s")], stages)),
        ]
    )
