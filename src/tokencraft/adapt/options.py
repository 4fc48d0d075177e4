"""What a user may ask of the main job, validated once before anything is read or written."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from tokencraft.engine import available_processes
from tokencraft.errors import UsageError

Method = Literal["superbpe", "bpe"]

#: Steps of healing where neither ``steps`` nor ``minutes`` is given.
DEFAULT_STEPS = 300
#: The same for the embedded default: about a minute on two cores.
EMBEDDED_STEPS = 260


@dataclass(frozen=True, kw_only=True)
class AdaptOptions:
    """The options of ``tokencraft adapt``.

    Args:
        output: the model folder to write; new, empty, or left by an earlier run of this command.
        model: a model folder of ``transformers`` (causal language model); None trains the embedded base model.
        corpus: files and folders to adapt to; empty stands for the interpreter's own standard library.
        general: files of general text for the forgetting measurement; empty takes the interpreter's help topics.
        vocab_size: entries of the new vocabulary, special tokens included; None takes the model's own size.
        method: how the new vocabulary is learned, ``"superbpe"`` or ``"bpe"``.
        transition: share of the vocabulary learned before superwords start (SuperBPE's t / T), 0 to 1.
        stage2: SuperBPE's second split, ``"paper"`` (digits stay apart, the rest may join) or ``"v2"`` (runs of
            punctuation and of spaces stay apart as well).
        unit: what a superword may not cross: a ``"line"`` or a ``"document"``; None takes lines, and documents for the
            embedded default, since in code line ends and indentation belong together.
        initializer: how embedding rows are made; a name of :func:`tokencraft.transplant.initializers`.
        held_out: share of the documents kept out of training, 0 < share < 1.
        steps: optimiser steps of healing; at most one of ``steps`` and ``minutes`` may be given.
        minutes: wall-clock budget of healing; turned into steps once and stored.
        batch_tokens: tokens in one optimiser step; None takes 4,096, and 2,048 for the embedded default.
        context_length: tokens in one training row; None takes the model's own, at most 1,024.
        learning_rate: peak learning rate; None chooses by the size of the model and the optimiser.
        optimizer: ``"adamw"``, or ``"muon"`` (Muon for the matrices of the body, AdamW for the rest); None takes
            AdamW, and Muon for the embedded default, whose base model was trained with it.
        freeze_body: train the embedding and output rows only.
        control: also continue the unchanged model on the same bytes, the honest baseline; None does so for the embedded
            default only.
        evaluation_bytes: at most so many bytes of held-out (and of general) text are scored by the models.
        price: price of a million tokens in any currency; adds prices to the cost table.
        text_field: the field of JSON Lines and Parquet that holds the text.
        encoding_errors: what to do with bytes that are not UTF-8: ``strict``, ``replace`` or ``skip`` the document.
        device: a torch device; None takes the best one at hand.
        dtype: type of the matrix products in training: ``float32``, ``bfloat16`` or ``float16``; None takes bfloat16
            where the device multiplies it natively, else float32. Weights are trained in float32 and saved in the type
            the model came in.
        seed: seed of everything random.
        threads: threads of kernels and of torch; None takes all cores.
        checkpoint_seconds: seconds between checkpoints while healing.
        stop_after: name of the stage after which to stop.
        overwrite: rerun a stage whose options differ, and all that follow.

    Raises:
        UsageError: an option is out of range or contradicts another.
    """

    output: Path
    model: str | None = None
    corpus: tuple[str, ...] = ()
    general: tuple[str, ...] = ()
    vocab_size: int | None = None
    method: Method = "superbpe"
    transition: float = 0.8
    stage2: Literal["paper", "v2"] = "paper"
    unit: Literal["line", "document"] | None = None
    initializer: str = "tokenadapt"
    held_out: float = 0.05
    steps: int | None = None
    minutes: float | None = None
    batch_tokens: int | None = None
    context_length: int | None = None
    learning_rate: float | None = None
    optimizer: Literal["adamw", "muon"] | None = None
    freeze_body: bool = False
    control: bool | None = None
    evaluation_bytes: int = 400_000
    price: float | None = None
    text_field: str = "text"
    encoding_errors: Literal["strict", "replace", "skip"] = "strict"
    device: str | None = None
    dtype: Literal["float32", "bfloat16", "float16"] | None = None
    seed: int = 0
    threads: int | None = None
    checkpoint_seconds: float = 30.0
    stop_after: str | None = None
    overwrite: bool = False

    def __post_init__(self) -> None:
        """Settle what depends on whether this is the embedded default, and refuse values that no run could use."""
        embedded = self.model is None and not self.corpus
        if self.unit is None:
            object.__setattr__(self, "unit", "document" if embedded else "line")
        if self.optimizer is None:
            object.__setattr__(self, "optimizer", "muon" if embedded else "adamw")
        if self.batch_tokens is None:
            object.__setattr__(self, "batch_tokens", 2048 if embedded else 4096)
        if self.steps is None and self.minutes is None:
            object.__setattr__(self, "steps", EMBEDDED_STEPS if embedded else DEFAULT_STEPS)
        if self.control is None:
            object.__setattr__(self, "control", embedded)

        def check(holds: bool, message: str) -> None:
            if not holds:
                raise UsageError(message)

        check(0.0 < self.held_out < 1.0, f"--held-out must lie between 0 and 1, exclusive; got {self.held_out}")
        check(0.0 <= self.transition <= 1.0, f"--transition is a share between 0 and 1; got {self.transition}")
        check(self.vocab_size is None or self.vocab_size >= 257, f"--vocab-size is at least 257; got {self.vocab_size}")
        check(
            self.steps is None or self.minutes is None,
            "--steps and --minutes are two ways to give one budget; give one of them",
        )
        check(self.steps is None or self.steps >= 1, f"--steps is at least 1; got {self.steps}")
        check(self.minutes is None or self.minutes > 0, f"--minutes is more than 0; got {self.minutes}")
        check(self.step_tokens >= 1, f"--batch-tokens is at least 1; got {self.step_tokens}")
        check(
            self.context_length is None or self.context_length >= 8,
            f"--context-length is at least 8; got {self.context_length}",
        )
        check(
            self.learning_rate is None or self.learning_rate > 0,
            f"--learning-rate is more than 0; got {self.learning_rate}",
        )
        check(self.evaluation_bytes >= 1, f"--evaluation-bytes is at least 1; got {self.evaluation_bytes}")
        check(self.threads is None or self.threads >= 1, f"--threads is at least 1; got {self.threads}")
        check(self.checkpoint_seconds >= 0, f"--checkpoint-seconds is at least 0; got {self.checkpoint_seconds}")
        check(
            self.model is None or bool(self.corpus),
            "a model needs a corpus to be adapted to: give --corpus FILES (without MODEL the embedded default runs)",
        )

    @property
    def step_tokens(self) -> int:
        """Tokens in one optimiser step."""
        return self.batch_tokens or 4096

    @property
    def thread_count(self) -> int:
        """Threads to use: what was asked for, else every core this process may run on."""
        return self.threads or available_processes()

    def key_values(self) -> dict[str, Any]:
        """All options as JSON values, for the records of the stages; paths are made absolute."""
        return asdict(self) | {
            "output": str(self.output),
            "model": None if self.model is None else str(Path(self.model).resolve()),
            "corpus": [str(Path(path).resolve()) for path in self.corpus],
            "general": [str(Path(path).resolve()) for path in self.general],
        }
