"""``--dry-run``: what a run would do, and what it would take, without writing anything."""

from __future__ import annotations

import time
from typing import Any

import torch

from tokencraft.adapt import embedded
from tokencraft.adapt.options import DEFAULT_STEPS, AdaptOptions
from tokencraft.adapt.pipeline import Adaptation
from tokencraft.adapt.publish import model_size
from tokencraft.modeling.loading import empty_model
from tokencraft.report import Table

#: Guesses for what is not known before the corpus is read; they only feed the estimates.
BYTES_PER_TOKEN = 4.0
LEARNING_BYTES_PER_SECOND = 5e6
#: Weights, gradients and AdamW's two moments in float32.
TRAINING_BYTES_PER_PARAMETER = 16
#: Memory of vocabulary training per byte of corpus.
LEARNING_BYTES_PER_BYTE = 12


def plan(options: AdaptOptions) -> Table:
    """The stages of a run with estimates of time, disk and memory.

    Times come from a matrix product timed on the device for a fraction of a second; they are right to a factor of two.
    Nothing is written, and the corpus is not read: its size is taken from the files.
    """
    run = Adaptation(options, lambda event: None, lambda what, done, total: None)
    config_folder = options.model
    model = empty_model(config_folder) if config_folder else embedded.empty_base_model()
    size = model_size(model)
    context = options.context_length or min(getattr(model.config, "max_position_embeddings", 1024), 1024)
    corpus_bytes = sum(corpus.size_bytes or 0 for corpus in [run.sources.whole])
    rate = matrix_rate(run.device)
    rows = max(1, options.batch_tokens // context)
    steps = options.steps or DEFAULT_STEPS
    tokens = steps * rows * context
    weights = size.total * 4
    healing_seconds = options.minutes * 60 if options.minutes else 3 * size.forward_flops_per_token * tokens / rate
    scoring_tokens = 2 * 2 * options.evaluation_bytes / BYTES_PER_TOKEN
    scoring_seconds = scoring_tokens * size.forward_flops_per_token / rate
    learning_seconds = 2 * corpus_bytes / LEARNING_BYTES_PER_SECOND
    training_memory = size.total * TRAINING_BYTES_PER_PARAMETER
    estimates: dict[str, tuple[str, float, float, float]] = {
        "base": ("load the model" if options.model else "train the embedded base model, or take it from the cache", 5, 0, weights),
        "corpus": (f"read {corpus_bytes / 1e6:,.0f} MB and hold {options.held_out:.0%} out", corpus_bytes / 5e7, 4 * options.evaluation_bytes, 1e8),
        "vocabulary": (f"learn {options.method} and a plain BPE to compare with", learning_seconds, 1e7, LEARNING_BYTES_PER_BYTE * corpus_bytes),
        "measure": ("measure old, new and plain BPE on held-out text", corpus_bytes * options.held_out / 1e7, 0, 1e8),
        "transplant": (f"make embeddings with {options.initializer}", size.embedding / 1e6, weights, 3 * weights),
        "pack": (f"pack about {tokens:,} tokens", tokens / 1e6, 20.0 * tokens, 20.0 * tokens),
        "heal": (f"train {steps:,} steps" if not options.minutes else f"train {options.minutes:g} minutes", healing_seconds, 4 * weights, training_memory),
        "control": ("train the unchanged model on the same bytes", 1.3 * healing_seconds, 4 * weights, training_memory),
        "score": ("bits per byte of every model", (4 if options.control else 3) * scoring_seconds, 1e4, 2 * weights),
        "report": ("write the model folder and the report", 5, 1e6, 1e8),
    }
    rows_out: list[list[Any]] = [
        [stage.name, what, round(seconds, 1), disk / 1e6, memory / 1e9]
        for stage in run.stages
        for what, seconds, disk, memory in [estimates[stage.name]]
    ]
    rows_out.append(
        ["total", "", round(sum(row[2] for row in rows_out), 1), sum(row[3] for row in rows_out), max(row[4] for row in rows_out)]
    )
    columns = ["stage", "what", ("time", "s"), ("disk", "MB"), ("memory", "GB")]
    return Table(f"Plan for {options.output}", columns, rows_out)


def matrix_rate(device: str) -> float:
    """Floating-point operations per second of a float32 matrix product on ``device``, from a timing of about 0.2 s."""
    n = 768
    left, right = torch.randn(n, n, device=device), torch.randn(n, n, device=device)
    count, begin = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - begin) < 0.2 or count < 3:
        float((left @ right)[0, 0])  # reading one value waits for the device
        count += 1
    return count * 2.0 * n**3 / elapsed
