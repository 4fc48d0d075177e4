"""The outcome of a run: the model folder, ``report.json``, ``report.html`` and the model card."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokencraft.adapt.costs import ModelSize, break_even_tokens, cost_table
from tokencraft.adapt.html import render_html
from tokencraft.adapt.model_card import render_card
from tokencraft.adapt.vocabularies import special_token_table
from tokencraft.measure import EfficiencyRow, Measurement
from tokencraft.report import atomic_path, run_context, write_json, write_text

if TYPE_CHECKING:
    from tokencraft.adapt.pipeline import Adaptation

SCHEMA = 1
#: Held-out documents whose tokenizations the page shows, and how much of each.
SHOWN_EXAMPLES, SHOWN_BYTES = 3, 900


def model_size(model: Any) -> ModelSize:
    """Count the parameters of a ``transformers`` model."""
    embedding = model.get_input_embeddings().weight
    output = model.get_output_embeddings()
    head = output.weight if output is not None else embedding
    separate = 0 if head is embedding else head.numel()
    total = sum(parameter.numel() for parameter in model.parameters())
    return ModelSize(
        body=total - embedding.numel() - separate,
        embedding=embedding.numel(),
        output=separate,
        output_rows_cost=head.numel(),
    )


def tokenizer_rows(measurement: Measurement[EfficiencyRow]) -> dict[str, Any]:
    """Each vocabulary's numbers on held-out text, and the speeds apart, under ``encoding``."""
    numbers: tuple[str, ...] = (
        "vocab_size",
        "documents",
        "bytes",
        "tokens",
        "bytes_per_token",
        "tokens_per_word",
        "used_share",
    )
    numbers += ("renyi_efficiency", "fallback_share")
    rows: dict[str, Any] = {row.vocabulary: {name: getattr(row, name) for name in numbers} for row in measurement.rows}
    speeds = ("seconds", "megabytes_per_second", "encoder")
    rows["encoding"] = {row.vocabulary: {name: getattr(row, name) for name in speeds} for row in measurement.rows}
    return rows


def publish(run: Adaptation) -> None:
    """Write everything the user came for beside ``stages/``."""
    report = build_report(run)
    output = run.options.output
    _write_model(run, output)
    write_text(output / "README.md", render_card(report))
    write_text(output / "report.html", render_html(report, list(_examples(run)), _curves(run)))
    write_json(output / "report.json", report)


def build_report(run: Adaptation) -> dict[str, Any]:
    """The report; its JSON Schema is ``report.schema.json`` beside this file."""
    stages = run.runner
    base, packed, scores = stages.result("base"), stages.result("pack"), stages.result("score")
    measured, transplanted, corpus = stages.result("measure"), stages.result("transplant"), stages.result("corpus")
    before_size, after_size = ModelSize(**base["size"]), ModelSize(**transplanted["size"])
    tokenizers = {name: measured[name] for name in ("before", "after", "bpe_same_size")}
    per_byte = {name: 1.0 / row["bytes_per_token"] for name, row in tokenizers.items()}
    healing = stages.result("heal")
    sizes = {"before": before_size, "control": before_size}
    model = {
        name: {
            **values,
            "parameters": (size := sizes.get(name, after_size)).total,
            "embedding_share": size.embedding_share,
        }
        for name, values in scores.items()
    }
    report: dict[str, Any] = {
        "schema": SCHEMA,
        "model_name": base["name"],
        "method": run.options.method,
        "initializer": run.options.initializer,
        "corpus": corpus,
        "tokenizer": tokenizers,
        "tokens_saved": {
            "against_before": 1.0 - tokenizers["after"]["tokens"] / tokenizers["before"]["tokens"],
            "against_bpe_same_size": 1.0 - tokenizers["after"]["tokens"] / tokenizers["bpe_same_size"]["tokens"],
        },
        "model": model,
        "training": {
            **healing,
            "rows_per_step": packed["rows_per_step"],
            "context_length": packed["context_length"],
            "trainable": "embeddings" if run.options.freeze_body else "all",
            "control": stages.result("control") if run.options.control else None,
        },
        "transplant": {name: value for name, value in transplanted.items() if name not in ("size", "table")},
        "special_tokens": special_token_table(run.old, run.new),
        "costs": cost_table(before_size, after_size, per_byte["before"], per_byte["after"], run.options.price),
        "break_even_tokens": break_even_tokens(
            before_size, after_size, per_byte["before"], per_byte["after"], healing["tokens"]
        ),
        "options": stages.option_values_of(("steps", "vocab_size", "transition", "held_out", "evaluation_bytes")),
        "versions": dict(stages.versions),
        "seed": stages.seed,
    }
    report["warnings"] = warnings_of(report)
    report["timings"] = {
        "stages": {name: record["timings"]["seconds"] for name, record in stages.done.items()},
        "encoding": stages.done["measure"]["timings"].get("encoding"),
        "seconds_per_step": stages.done["pack"]["timings"].get("step"),
        "peak_memory_bytes": max(record["timings"]["peak_memory_bytes"] for record in stages.done.values()),
        "hardware": run_context()["hardware"],
    }
    return report


def warnings_of(report: Mapping[str, Any]) -> list[str]:
    """What came out worse than before, in sentences."""
    warnings = []
    model, saved = report["model"], report["tokens_saved"]
    healed = model["healed"]["bits_per_byte"]
    if saved["against_before"] <= 0:
        warnings.append(
            f"The new vocabulary needs {-saved['against_before']:.1%} more tokens than the old one on held-out text."
        )
    if saved["against_bpe_same_size"] < 0:
        warnings.append(
            f"The new vocabulary needs {-saved['against_bpe_same_size']:.1%} more tokens than a plain BPE of its size."
        )
    if healed > model["before"]["bits_per_byte"]:
        warnings.append(
            f"The healed model predicts the held-out text worse than the model before: {healed:.3f} against "
            f"{model['before']['bits_per_byte']:.3f} bits per byte. More --steps may help."
        )
    if (control := model.get("control")) and healed > control["bits_per_byte"] * 1.01:
        warnings.append(
            f"The unchanged model, trained on the same bytes, is more than 1% better: {control['bits_per_byte']:.3f} "
            f"against {healed:.3f} bits per byte."
        )
    general_before, general_after = (model[name]["general_bits_per_byte"] for name in ("before", "healed"))
    if general_before is not None and general_after > general_before:
        warnings.append(
            f"The model forgot: on general text it went from {general_before:.3f} to {general_after:.3f} bits per byte."
        )
    if report["break_even_tokens"] is None:
        warnings.append("The new model is not cheaper per byte than the old one, so healing never pays for itself.")
    return warnings


def _write_model(run: Adaptation, output: Path) -> None:
    """The healed model with the new tokenizer, one file at a time, weights linked where the file system can."""
    transplanted, healed = run.folder("transplant") / "model", run.folder("heal") / "model"
    tokenizer = {path.name: path for path in transplanted.iterdir() if path.name.startswith(("tokenizer", "chat_"))}
    for path in [*healed.iterdir(), *tokenizer.values()]:
        with atomic_path(output / path.name) as temporary:
            _link_or_copy(path, temporary)


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)


def _examples(run: Adaptation) -> Iterable[dict[str, Any]]:
    """Held-out excerpts with their pieces under the old and the new vocabulary."""
    for text in run.texts("held_out")[:SHOWN_EXAMPLES]:
        excerpt = text.encode()[:SHOWN_BYTES].decode(errors="ignore")
        yield {
            name: [vocabulary.tokens[i] for i in vocabulary.encode(excerpt).tolist()]
            for name, vocabulary in (("before", run.old), ("after", run.new))
        }


def _curves(run: Adaptation) -> dict[str, dict[str, list[float]]]:
    """Training loss in bits per byte over the bytes read, for healing and for the control."""
    names = ["heal", "control"] if run.options.control else ["heal"]
    return {name: json.loads((run.folder(name) / "log.json").read_text(encoding="utf-8")) for name in names}
