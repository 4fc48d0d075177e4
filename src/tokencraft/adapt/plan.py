"""``--dry-run``: what a run would do, and what it would take, without writing anything."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import torch
from transformers import AutoModelForCausalLM

from tokencraft.adapt import embedded
from tokencraft.adapt.options import AdaptOptions
from tokencraft.adapt.pipeline import Adaptation, context_length
from tokencraft.adapt.publish import model_size
from tokencraft.adapt.stage import refuse_foreign
from tokencraft.modeling.loading import load_config
from tokencraft.report import Column, Table

#: Guesses for what is not known before the corpus is read; they only feed the estimates.
BYTES_PER_TOKEN = 4.0
READING_BYTES_PER_SECOND = 5e7
LEARNING_BYTES_PER_SECOND = 1e7
#: Share of the matrix product's rate that a whole model reaches.
EFFICIENCY = 0.5
#: Weights, gradients and AdamW's two moments in float32.
TRAINING_BYTES_PER_PARAMETER = 16
#: Memory of vocabulary training per byte of corpus, at most.
LEARNING_BYTES_PER_BYTE = 12


@dataclass(frozen=True)
class Estimate:
    """What a stage does, and what that takes: seconds, bytes of disk, bytes of memory."""

    what: str
    seconds: float
    disk: float
    memory: float


def plan(options: AdaptOptions) -> Table:
    """The stages of a run with estimates of time, disk and memory.

    Times come from a matrix product timed on the device for a fraction of a second: take them as an order of magnitude.
    Nothing is written, and the corpus is not read: its size is taken from the files.

    Raises:
        TokencraftError: the model or the corpus cannot be found, or an option does not fit.
    """
    refuse_foreign(options.output)
    run = Adaptation(options, lambda event: None, lambda what, done, total: None)
    estimates = _estimates(run)
    rows: list[list[Any]] = [
        [stage.name, part.what, part.seconds, part.disk / 1e6, part.memory / 1e9]
        for stage in run.stages
        for part in [estimates[stage.name]]
    ]
    rows.append(["all", "", sum(row[2] for row in rows), sum(row[3] for row in rows), max(row[4] for row in rows)])
    columns = [Column("stage"), Column("what"), Column("time", "s"), Column("disk", "MB"), Column("memory", "GB")]
    return Table(f"Plan for {options.output}", columns, rows)


def _estimates(run: Adaptation) -> dict[str, Estimate]:
    options = run.options
    model = _empty(load_config(options.model)) if options.model else embedded.empty_base_model()
    size = model_size(model)
    context = context_length(options, model)
    rows = max(1, options.step_tokens // context)
    rate = EFFICIENCY * matrix_rate(run.device, run.compute_type)
    seconds_per_step = 3 * size.forward_flops_per_token * rows * context / rate
    steps = options.steps or max(1, round((options.minutes or 0) * 60 / seconds_per_step))
    tokens = steps * rows * context
    weights = 4.0 * size.total
    training = float(TRAINING_BYTES_PER_PARAMETER * size.total)
    corpus = float(run.sources.whole.size_bytes or 0)
    healing = steps * seconds_per_step
    # Held-out and general text, in windows that overlap by half.
    scoring = 2 * 2 * options.evaluation_bytes / BYTES_PER_TOKEN * size.forward_flops_per_token / rate
    budget = f"{options.minutes:g} minutes" if options.minutes else f"{steps:,} steps"
    start = "load the model" if options.model else "train the embedded base model, unless it is cached"
    base = weights if options.model else training
    settings = embedded.BaseSettings()
    base_tokens = 0 if options.model else settings.steps * settings.batch_rows * settings.context
    base_seconds = 5 + 3 * size.forward_flops_per_token * base_tokens / rate
    return {
        "base": Estimate(start, base_seconds, 0, base),
        "corpus": Estimate(
            f"read {corpus / 1e6:,.0f} MB, hold {options.held_out:.0%} out",
            2 * corpus / READING_BYTES_PER_SECOND,
            2.0 * options.evaluation_bytes,
            1e8,
        ),
        "vocabulary": Estimate(
            f"learn {options.method}, and a plain BPE to compare with",
            2 * corpus / LEARNING_BYTES_PER_SECOND,
            1e7,
            LEARNING_BYTES_PER_BYTE * corpus,
        ),
        "measure": Estimate("measure the vocabularies", corpus / READING_BYTES_PER_SECOND, 0, 1e8),
        "transplant": Estimate(f"make embeddings: {options.initializer}", size.embedding / 1e6, weights, 3 * weights),
        "pack": Estimate(f"pack about {tokens:,} tokens", tokens / 1e6, 20.0 * tokens, 20.0 * tokens),
        "heal": Estimate(f"train {budget}", healing, 4 * weights, training),
        "control": Estimate("train the unchanged model on the same bytes", 1.3 * healing, 4 * weights, training),
        "score": Estimate("bits per byte of every model", (3 + bool(options.control)) * scoring, 1e4, 2 * weights),
        "report": Estimate("write the model folder and the report", 5, 1e6, 1e8),
    }


def _empty(config: Any) -> Any:
    """A model of this configuration without weights."""
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(config)


def matrix_rate(device: str, dtype: str) -> float:
    """Floating-point operations per second of a matrix product on ``device``, timed for about 0.2 s."""
    n = 768
    left, right = (torch.randn(n, n, device=device, dtype=getattr(torch, dtype)) for _ in range(2))
    count, begin = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - begin) < 0.2 or count < 3:
        (left @ right)[0, 0].item()  # reading one value waits for the device
        count += 1
    return count * 2.0 * n**3 / elapsed
