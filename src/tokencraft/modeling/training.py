"""A training loop that survives being killed at any moment.

The same call gives the same weights to the last bit (same device, same number of threads), no matter how often it was
interrupted: the order of the rows is a function of the seed and the step alone, and a checkpoint holds everything else
that the next step depends on (trained parameters, optimiser, random states, the log). A checkpoint is one safetensors
file that replaces the one before in one rename, so a full disk or a kill in the middle of writing costs at most the
steps since then.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from accelerate import Accelerator
from torch import Tensor, nn
from transformers import PreTrainedModel

from tokencraft.errors import TrainingError, UsageError
from tokencraft.modeling.attention import packed_attention, probe_isolation
from tokencraft.modeling.checkpoint import Checkpoint
from tokencraft.modeling.loss import CausalLoss, autocast
from tokencraft.modeling.packing import IGNORED, PackedRows

FLOAT16_SCALE = 1024.0
"""What the loss is multiplied with while gradients are in float16."""


@dataclass(frozen=True)
class TrainingPlan:
    """How to train.

    Args:
        steps: optimiser steps in all.
        learning_rate: the peak.
        batch_rows: packed rows a step.
        warmup: share of the steps in which the learning rate rises from 0.
        schedule: after the warm-up, ``"cosine"`` falls along half a cosine; ``"trapezoid"`` stays at the peak and falls
            linearly over the last ``cooldown``.
        cooldown: share of the steps in which a trapezoid falls.
        final: the learning rate at the end, as a share of the peak.
        weight_decay: AdamW's, on matrices of the body (not on embeddings, biases and norms).
        betas: AdamW's.
        clip: the largest norm of the gradient; 0 for none.
        optimizer: ``"adamw"``, or ``"muon"`` for the matrices of the body with AdamW for the rest.
        trainable: ``"all"``, or ``"embeddings"`` for the input and output embeddings alone.
        dtype: ``"bfloat16"`` or ``"float16"`` for autocast; None or ``"float32"`` for none.
        seed: of the order of the rows and of dropout.
        checkpoint_folder: where the checkpoint lies; None for none.
        checkpoint_seconds: time between checkpoints; 0 writes one after every step.
    """

    steps: int
    learning_rate: float = 1e-3
    batch_rows: int = 16
    warmup: float = 0.05
    schedule: Literal["cosine", "trapezoid"] = "cosine"
    cooldown: float = 0.4
    final: float = 0.1
    weight_decay: float = 0.1
    betas: tuple[float, float] = (0.9, 0.95)
    clip: float = 1.0
    optimizer: Literal["adamw", "muon"] = "adamw"
    trainable: Literal["all", "embeddings"] = "all"
    dtype: str | None = None
    seed: int = 0
    checkpoint_folder: Path | str | None = None
    checkpoint_seconds: float = 30.0

    def __post_init__(self) -> None:
        if self.steps < 0 or self.batch_rows < 1:
            raise UsageError(f"steps is {self.steps} and batch_rows {self.batch_rows}: at least 0 and 1 are needed")
        if self.dtype not in (None, "float32", "bfloat16", "float16"):
            raise UsageError(f"dtype is {self.dtype!r}; it must be float32, bfloat16 or float16")

    def learning_rate_at(self, step: int) -> float:
        """The learning rate of step ``step``, counted from 0."""
        warm = max(1, round(self.warmup * self.steps))
        if step < warm:
            return self.learning_rate * (step + 1) / warm
        if self.schedule == "cosine":
            done = (step - warm) / max(1, self.steps - warm)
            share = 0.5 * (1 + math.cos(math.pi * done))
        else:
            falling = max(1, round(self.cooldown * self.steps))
            share = min(1.0, (self.steps - step) / falling)
        return self.learning_rate * (self.final + (1 - self.final) * share)

    def identity(self) -> dict[str, Any]:
        """What a checkpoint must agree with to go on from it."""
        own = {name: getattr(self, name) for name in self.__dataclass_fields__ if not name.startswith("checkpoint")}
        return own | {"betas": list(self.betas)}


@dataclass(frozen=True)
class TrainingLog:
    """What happened, one entry a step.

    Args:
        losses: mean loss in nats per token.
        tokens: tokens trained on.
        bytes: UTF-8 bytes those tokens stand for.
        seconds: wall time of all steps together, interruptions left out.
    """

    losses: list[float] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    bytes: list[int] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def steps(self) -> int:
        """Steps done."""
        return len(self.losses)

    def bits_per_byte(self) -> list[float]:
        """The loss of every step on the scale that compares vocabularies; NaN where a step's bytes are unknown."""
        return [
            loss * tokens / math.log(2) / size if size else math.nan
            for loss, tokens, size in zip(self.losses, self.tokens, self.bytes, strict=True)
        ]


def rows_of_step(step: int, rows: int, batch_rows: int, seed: int) -> npt.NDArray[np.int64]:
    """The rows of step ``step``: epochs in seeded random order laid end to end, read ``batch_rows`` at a time.

    Example:
        >>> sorted(int(row) for step in range(2) for row in rows_of_step(step, rows=4, batch_rows=2, seed=0))
        [0, 1, 2, 3]
    """
    places = np.arange(step * batch_rows, (step + 1) * batch_rows)
    epochs = {int(epoch): np.random.default_rng([seed, int(epoch)]).permutation(rows) for epoch in set(places // rows)}
    return np.array([epochs[int(place // rows)][place % rows] for place in places], dtype=np.int64)


def train(
    model: PreTrainedModel,
    rows: PackedRows,
    plan: TrainingPlan,
    *,
    on_step: Callable[[int], object] | None = None,
) -> TrainingLog:
    """Trains ``model`` in place on packed documents, going on from the plan's checkpoint where there is one.

    Args:
        model: a causal language model; its attention is probed for leaks between packed documents first.
        rows: what to train on.
        plan: how.
        on_step: called after each step with the number of steps done.

    Returns:
        The log of all steps, those before an interruption included.

    Raises:
        TrainingError: if the checkpoint belongs to another plan, other rows or another model, or the loss is not
            finite.
        ModelError: if packed documents feel each other in this model.
        KeyboardInterrupt: on Ctrl-C, after a checkpoint is written.
    """
    if not len(rows):
        raise TrainingError("there are no rows to train on")
    # Placement is the caller's: accelerate remembers the device of the first run in a process and would move the next.
    accelerator = Accelerator(cpu=model.device.type == "cpu", device_placement=False)
    with packed_attention(model), _frozen(model, plan.trainable):
        probe_isolation(model)
        torch.manual_seed(plan.seed)
        checkpoint = Checkpoint.open(plan.checkpoint_folder, model, plan.identity() | {"rows": rows.fingerprint()})
        loss_of = CausalLoss(model)
        optimizer = _optimizer(model, plan)
        model.train()
        loss_of, optimizer = accelerator.prepare(loss_of, optimizer)
        log = checkpoint.restore(optimizer, TrainingLog())
        return _run(accelerator, loss_of, optimizer, rows, plan, checkpoint, log, on_step)


def _run(
    accelerator: Accelerator,
    loss_of: nn.Module,
    optimizer: Any,
    rows: PackedRows,
    plan: TrainingPlan,
    checkpoint: Checkpoint,
    log: TrainingLog,
    on_step: Callable[[int], object] | None,
) -> TrainingLog:
    """Steps from where ``log`` ends to the plan's last."""
    began = saved = time.monotonic()
    losses, all_tokens, sizes, before = [*log.losses], [*log.tokens], [*log.bytes], log.seconds
    with _interruptible() as interrupted:
        for step in range(log.steps, plan.steps):
            loss, tokens, size = _step(accelerator, loss_of, optimizer, rows, plan, step)
            if not math.isfinite(loss):
                raise TrainingError(
                    f"the loss of step {step} is {loss}: lower learning_rate, now {plan.learning_rate:g}"
                )
            losses.append(loss)
            all_tokens.append(tokens)
            sizes.append(size)
            if on_step is not None:
                on_step(step + 1)
            due = time.monotonic() - saved >= plan.checkpoint_seconds or step + 1 == plan.steps
            if due or interrupted.is_set():
                log = TrainingLog(losses, all_tokens, sizes, before + time.monotonic() - began)
                if accelerator.is_main_process:
                    checkpoint.save(optimizer, log)
                saved = time.monotonic()
            if interrupted.is_set():
                raise KeyboardInterrupt
    return log


def _step(
    accelerator: Accelerator, loss_of: nn.Module, optimizer: Any, rows: PackedRows, plan: TrainingPlan, step: int
) -> tuple[float, int, int]:
    """One optimiser step; mean loss in nats per token, tokens and bytes of the whole batch."""
    chosen = rows_of_step(step, len(rows), plan.batch_rows, plan.seed)
    whole = rows.batch(chosen)
    tokens = int((whole["labels"] != IGNORED).sum())
    mine = slice(accelerator.process_index, None, accelerator.num_processes)
    device = next(loss_of.parameters()).device
    batch = {name: whole[name][mine].to(device) for name in ("input_ids", "position_ids", "labels")}
    for group in optimizer.param_groups:
        group["lr"] = plan.learning_rate_at(step) * group.get("scale", 1.0)
    with autocast(device, plan.dtype):
        nats: Tensor = loss_of(**batch)
    # Gradients are averaged over processes, the loss is a mean over the tokens of all of them. Small gradients of
    # float16 would vanish: a constant scale, unlike one that adapts, has no state that a resumed run would need.
    scale = FLOAT16_SCALE if plan.dtype == "float16" else 1.0
    accelerator.backward(nats * (scale * accelerator.num_processes / tokens))
    if scale != 1.0:
        for parameter in loss_of.parameters():
            if parameter.grad is not None:
                parameter.grad.div_(scale).nan_to_num_(0.0, 0.0, 0.0)
    if plan.clip:
        accelerator.clip_grad_norm_(loss_of.parameters(), plan.clip)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    total = accelerator.reduce(nats.detach().double(), reduction="sum")
    return float(total) / tokens, tokens, int(whole["bytes"])


def measure_step_seconds(
    model: PreTrainedModel, batch_rows: int, context_length: int, plan: TrainingPlan, *, repeats: int = 3
) -> float:
    """Seconds that one training step takes here: the median of ``repeats`` steps after one to warm up.

    The steps run on random documents at a learning rate of 0, so the model is the same afterwards.

    Args:
        model: the model to be trained.
        batch_rows: packed rows a step.
        context_length: tokens a row.
        plan: how it will be trained.
        repeats: steps measured.
    """
    generator = np.random.default_rng(0)
    shape = (batch_rows, context_length)
    ids = generator.integers(0, model.get_input_embeddings().weight.shape[0], shape).astype(np.int32)
    document = max(2, context_length // 2)
    positions = np.broadcast_to(np.arange(context_length, dtype=np.int32) % document, shape)
    rows = PackedRows(ids, positions, ids, np.ones(batch_rows, np.int64))
    still = TrainingPlan(**{
        name: getattr(plan, name)
        for name in ("weight_decay", "betas", "clip", "optimizer", "trainable", "dtype")
    } | {"steps": repeats + 1, "batch_rows": batch_rows, "learning_rate": 0.0})  # fmt: skip
    times: list[float] = []
    state = torch.get_rng_state()

    def note(_: int) -> None:
        times.append(time.monotonic())

    train(model, rows, still, on_step=note)
    torch.set_rng_state(state)
    return float(np.median(np.diff(times)))


@contextmanager
def _frozen(model: PreTrainedModel, trainable: str) -> Iterator[None]:
    """Within the block only what ``trainable`` names learns."""
    before = {name: parameter.requires_grad for name, parameter in model.named_parameters()}
    if trainable == "embeddings":
        kept = {id(p) for p in _embedding_parameters(model)}
        for parameter in model.parameters():
            parameter.requires_grad_(id(parameter) in kept)
    try:
        yield
    finally:
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(before[name])
            parameter.grad = None


def _embedding_parameters(model: PreTrainedModel) -> list[nn.Parameter]:
    """The parameters of the input and output embeddings."""
    layers = (model.get_input_embeddings(), model.get_output_embeddings())
    return [parameter for layer in layers if layer is not None for parameter in layer.parameters()]


def _optimizer(model: PreTrainedModel, plan: TrainingPlan) -> torch.optim.Optimizer:
    """AdamW, with Muon for the matrices of the body where asked."""
    embeddings = {id(parameter) for parameter in _embedding_parameters(model)}
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    matrices = [p for p in learning if p.ndim == 2 and id(p) not in embeddings]
    others = [p for p in learning if p.ndim != 2 or id(p) in embeddings]
    adam: dict[str, Any] = {"lr": plan.learning_rate, "betas": plan.betas, "fused": True}
    if plan.optimizer == "muon" and matrices:  # there are none where the embeddings alone learn
        from tokencraft.modeling.muon import MuonAdamW

        return MuonAdamW(matrices, others, plan)
    groups = [{"params": matrices, "weight_decay": plan.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW([group for group in groups if group["params"]], **adam)


@contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """Within the block the first Ctrl-C sets the event, so that no step is left half done; the second one raises."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return

    def handle(number: int, frame: Any) -> None:
        if event.is_set():
            raise KeyboardInterrupt
        event.set()

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, before)
