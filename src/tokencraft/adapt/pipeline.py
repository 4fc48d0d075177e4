"""The main job as a list of stages over the rooms: learn, measure, transplant, pack, heal, score, report."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tokencraft.adapt import embedded, publish
from tokencraft.adapt.costs import ModelSize
from tokencraft.adapt.options import AdaptOptions
from tokencraft.adapt.packing import Budget, choose_documents, fit_steps, load_rows, pack_for, save_rows
from tokencraft.adapt.sources import Sources, evaluation_sample, open_sources, require_both, without
from tokencraft.adapt.stage import Result, Stage, StageEvent, StageRunner, read_record
from tokencraft.adapt.vocabularies import learn_vocabulary
from tokencraft.corpus import Corpus, Fingerprint, file_signature, utf8_length
from tokencraft.errors import UsageError
from tokencraft.measure import Efficiency
from tokencraft.modeling.loading import check_agreement, load_model, save_model
from tokencraft.modeling.scoring import score
from tokencraft.modeling.training import TrainingPlan, measure_step_seconds, train
from tokencraft.report import OnProgress, run_context, write_json
from tokencraft.transplant import initializers
from tokencraft.vocabulary import Vocabulary

OnEvent = Callable[[StageEvent], None]

#: Documents are sampled with this much to spare, since the last rows of a packing are rarely full.
SAMPLING_MARGIN = 1.05
DEFAULT_CONTEXT = 1024


def adapt(
    options: AdaptOptions,
    *,
    on_event: OnEvent = lambda event: None,
    on_progress: OnProgress = lambda what, done, total: None,
) -> dict[str, Any]:
    """Fit a vocabulary to a corpus, move a model onto it, heal the model, and measure what that saved.

    Every stage is skipped when an earlier run with the same options has done it; see :mod:`tokencraft.adapt.stage`.

    Args:
        options: what to do; see :class:`AdaptOptions`.
        on_event: called when a stage starts, finishes or is skipped.
        on_progress: called while training.

    Returns:
        The report, as written to ``report.json``; empty where ``stop_after`` ended the run before the last stage.

    Raises:
        TokencraftError: the corpus, the model, the output folder or an option does not fit; it says what to do.
    """
    return Adaptation(options, on_event, on_progress).run()


class Adaptation:
    """One run: its options, what it reads, and its stages.

    Args:
        options, on_event, on_progress: as for :func:`adapt`.
    """

    def __init__(self, options: AdaptOptions, on_event: OnEvent, on_progress: OnProgress) -> None:
        self.options = options
        self.on_progress = on_progress
        self.stages = self._stages()
        names = [stage.name for stage in self.stages]
        if options.stop_after is not None and options.stop_after not in names:
            raise UsageError(f"--stop-after {options.stop_after}: the stages are {', '.join(names)}")
        if options.initializer not in initializers():
            raise UsageError(f"--initializer {options.initializer}: there are {', '.join(initializers())}")
        self.runner = StageRunner(
            output=options.output,
            option_values=options.key_values(),
            versions=run_context()["versions"],
            seed=options.seed,
            overwrite=options.overwrite,
            on_event=on_event,
        )

    def run(self) -> dict[str, Any]:
        """Bring all stages to their end and return the report."""
        torch.set_num_threads(self.options.thread_count)
        self.runner.run(self.stages, stop_after=self.options.stop_after)
        if "report" not in self.runner.done:
            return {}
        return read_record(self.options.output / "report.json")

    def _stages(self) -> tuple[Stage, ...]:
        model_options = ("model", "context_length", "threads")
        corpus_options = ("corpus", "general", "held_out", "text_field", "encoding_errors")
        training = (
            *("steps", "minutes", "batch_tokens", "context_length", "learning_rate", "optimizer"),
            *("freeze_body", "threads", "device", "dtype"),
        )
        learning = ("method", "transition", "stage2", "unit", "vocab_size")
        signatures = {"corpus files": self.sources.signature}
        model_files = {"model files": self._model_signature()}
        stages = [
            Stage("base", self.base, model_options, inputs=model_files),
            Stage("corpus", self.corpus, (*corpus_options, "evaluation_bytes"), inputs=signatures),
            Stage("vocabulary", self.vocabulary, learning, ("base", "corpus")),
            Stage("measure", self.measure, (), ("base", "corpus", "vocabulary"), ("encoding",)),
            Stage("transplant", self.transplant, ("initializer",), ("base", "vocabulary")),
            Stage("pack", self.pack, (*training, "control"), ("base", "corpus", "vocabulary", "transplant"), ("step",)),
            Stage("heal", self.heal, training, ("transplant", "pack")),
            Stage("control", self.control, training, ("base", "pack")),
            Stage("score", self.score, ("control",), ("base", "corpus", "vocabulary", "transplant", "heal")),
            Stage("report", self.report, ("price",), ("base", "corpus", "measure", "pack", "score")),
        ]
        return tuple(stage for stage in stages if stage.name != "control" or self.options.control)

    # -- what the stages share ---------------------------------------------------------------------------------------

    @cached_property
    def sources(self) -> Sources:
        """The texts of the run."""
        return open_sources(self.options)

    @cached_property
    def old(self) -> Vocabulary:
        """The model's own vocabulary."""
        return Vocabulary.load(self.base_folder)

    @cached_property
    def new(self) -> Vocabulary:
        """The learned vocabulary."""
        return Vocabulary.load(self.folder("vocabulary") / "new")

    @property
    def base_folder(self) -> Path:
        """The folder of the model that the run starts from."""
        return Path(self.runner.result("base")["folder"])

    @property
    def device(self) -> str:
        """Where models run."""
        return self.options.device or ("cuda" if torch.cuda.is_available() else "cpu")

    def folder(self, stage: str) -> Path:
        """The folder of a stage."""
        return self.runner.folder(self.stages, stage)

    def texts(self, name: str) -> list[str]:
        """An evaluation sample, ``held_out`` or ``general``."""
        samples: list[str] = read_record(self.folder("corpus") / "evaluation.json")[name]
        return samples

    @property
    def compute_type(self) -> str:
        """The type of the matrix products in training."""
        return self.options.dtype or ("bfloat16" if multiplies_bfloat16(self.device) else "float32")

    def load(self, folder: Path, dtype: torch.dtype | None = None) -> Any:
        """A model on the device of the run, in the type it is stored in unless another is named."""
        return load_model(folder, dtype=dtype, device=self.device)

    def _model_signature(self) -> str:
        if self.options.model is None:
            return "embedded"
        model = Path(self.options.model)
        files = sorted(path for path in model.rglob("*") if path.is_file()) if model.is_dir() else [model]
        return file_signature((str(path), path) for path in files if path.is_file())

    # -- the stages --------------------------------------------------------------------------------------------------

    def base(self, folder: Path) -> Result:
        """Find the model, or train the embedded one."""
        if self.options.model is None:
            path = embedded.base_model(
                embedded.BaseSettings(), self.runner.versions, self.options.thread_count, self.on_progress
            )
        else:
            path = Path(self.options.model).resolve()
        vocabulary = Vocabulary.load(path)
        model = load_model(path, device="cpu")
        check_agreement(model, vocabulary)
        size = publish.model_size(model)
        return {
            "folder": str(path),
            "name": self.options.model or "embedded default",
            "context_length": context_length(self.options, model),
            "size": dataclasses.asdict(size),
            "vocab_size": len(vocabulary),
        }

    def corpus(self, folder: Path) -> Result:
        """Hold a part of the corpus out, and keep the samples that the models are scored on."""
        sources = self.sources
        require_both(sources.train, sources.held_out, self.options.held_out)
        budget, seed = self.options.evaluation_bytes, self.options.seed
        general = without(without(sources.general, sources.train), sources.held_out)
        samples = {
            "held_out": evaluation_sample(sources.held_out, budget, seed),
            "general": evaluation_sample(general, budget, seed),
        }
        write_json(folder / "evaluation.json", samples)
        counted, fingerprint = _survey(sources.train)
        return {
            "name": sources.name,
            "train": counted,
            "held_out": _survey(sources.held_out)[0],
            "fingerprint": fingerprint,
            "skipped": len(set(sources.train.skipped)),
        }

    def vocabulary(self, folder: Path) -> Result:
        """Learn the new vocabulary, and the plain BPE that it is compared with."""
        for name, method in (("new", self.options.method), ("bpe_same_size", "bpe")):
            learn_vocabulary(self.options, self.old, self.sources.train, method=method).save(folder / name)
        return {"vocab_size": len(self.new)}

    def measure(self, folder: Path) -> Result:
        """Measure the old vocabulary, the new one and the plain BPE on everything held out."""
        vocabularies = {
            "before": self.old,
            "after": self.new,
            "bpe_same_size": Vocabulary.load(self.folder("vocabulary") / "bpe_same_size"),
        }
        return publish.tokenizer_rows(Efficiency().measure(vocabularies, self.sources.held_out))

    def transplant(self, folder: Path) -> Result:
        """Give the model an embedding row for every new token."""
        initializer = initializers()[self.options.initializer]()
        transplanted = initializer.transplant(self.load(self.base_folder), self.old, self.new)
        save_model(transplanted.model, folder / "model")
        transplanted.vocabulary.save(folder / "model")
        size = publish.model_size(transplanted.model)
        return {**transplanted.to_json(), "size": dataclasses.asdict(size), "padded_ids": list(transplanted.padded_ids)}

    def pack(self, folder: Path) -> Result:
        """Choose the documents to train on, pack them, and fix the number of steps once."""
        context = self.runner.result("base")["context_length"]
        rows_per_step = max(1, self.options.step_tokens // context)
        steps, step = self.options.steps, None
        if self.options.minutes is not None:
            model = self.load(self.folder("transplant") / "model", torch.float32)
            step = measure_step_seconds(model, rows_per_step, context, self._plan(1, folder))
            steps = max(1, round(self.options.minutes * 60 / step))
        budget = Budget(steps or 1, rows_per_step)
        bytes_per_token = self.runner.result("measure")["after"]["bytes_per_token"]
        wanted = budget.rows * context * bytes_per_token * SAMPLING_MARGIN
        texts = choose_documents(self.sources.train, wanted, self.options.seed)
        rows = pack_for(self.new, texts, context, self.options.thread_count)
        save_rows(rows, folder / "new")
        trained = budget.rows * float(rows.bytes.mean())
        result: Result = {
            "steps": budget.steps,
            "rows_per_step": rows_per_step,
            "context_length": context,
            "documents": len(texts),
            "rows": len(rows),
            "fill": rows.fill,
            "bytes_expected": round(trained),
            "step": step,
        }
        if self.options.control:
            old_rows = pack_for(self.old, texts, context, self.options.thread_count)
            save_rows(old_rows, folder / "old")
            result["control_steps"] = fit_steps(trained, old_rows, rows_per_step)
        return result

    def heal(self, folder: Path) -> Result:
        """Train the transplanted model."""
        return self._continue(folder, self.folder("transplant") / "model", "new", self.runner.result("pack")["steps"])

    def control(self, folder: Path) -> Result:
        """Train the unchanged model on the same bytes."""
        return self._continue(folder, self.base_folder, "old", self.runner.result("pack")["control_steps"])

    def score(self, folder: Path) -> Result:
        """Bits per byte of every model, on held-out and on general text."""
        models = {
            "before": (self.base_folder, self.old),
            "transplanted": (self.folder("transplant") / "model", self.new),
            "healed": (self.folder("heal") / "model", self.new),
        }
        if self.options.control:
            models["control"] = (self.folder("control") / "model", self.old)
        context = self.runner.result("base")["context_length"]
        result: Result = {}
        for number, (name, (path, vocabulary)) in enumerate(models.items()):
            self.on_progress(f"scoring {name}", number, len(models))
            cached = folder / f"{name}.json"
            if not cached.exists():
                model = self.load(path)
                values = {
                    kind: score(model, vocabulary, texts, context_length=context, dtype=self.compute_type).bits_per_byte
                    for kind in ("held_out", "general")
                    if (texts := self.texts(kind))
                }
                write_json(cached, values)
            values = read_record(cached)
            result[name] = {
                "bits_per_byte": values["held_out"],
                "general_bits_per_byte": values.get("general"),
            }
        return result

    def report(self, folder: Path) -> Result:
        """Write the model folder, ``report.json`` and ``report.html``."""
        publish.publish(self)
        return {}

    def _continue(self, folder: Path, start: Path, which: str, steps: int) -> Result:
        rows = load_rows(self.folder("pack") / which)
        stored_type = self.load(start).dtype
        model = self.load(start, torch.float32)
        label = "healing" if which == "new" else "control"
        log = train(
            model,
            rows,
            self._plan(steps, folder / "checkpoint"),
            on_step=lambda step: self.on_progress(label, step, steps),
        )
        save_model(model.to(stored_type), folder / "model")
        write_json(folder / "log.json", {"nats_per_token": log.losses, "tokens": log.tokens, "bytes": log.bytes})
        return {"steps": steps, "tokens": int(np.sum(log.tokens)), "bytes": int(np.sum(log.bytes))}

    def _plan(self, steps: int, checkpoint: Path) -> TrainingPlan:
        size = ModelSize(**self.runner.result("base")["size"])
        return TrainingPlan(
            steps=steps,
            batch_rows=max(1, self.options.step_tokens // self.runner.result("base")["context_length"]),
            learning_rate=self.options.learning_rate or default_learning_rate(size.total, self.options.optimizer),
            optimizer="muon" if self.options.optimizer == "muon" else "adamw",
            trainable="embeddings" if self.options.freeze_body else "all",
            dtype=self.compute_type,
            seed=self.options.seed,
            checkpoint_folder=checkpoint,
            checkpoint_seconds=self.options.checkpoint_seconds,
        )


def context_length(options: AdaptOptions, model: Any) -> int:
    """Tokens in a training row and in a scoring window: as asked for, else the model's own, at most 1,024.

    Raises:
        UsageError: more than the model can read was asked for.
    """
    limit = getattr(model.config.get_text_config(), "max_position_embeddings", None) or DEFAULT_CONTEXT
    if options.context_length and options.context_length > limit:
        raise UsageError(f"--context-length {options.context_length}: the model reads at most {limit} tokens")
    return options.context_length or min(int(limit), DEFAULT_CONTEXT)


def multiplies_bfloat16(device: str) -> bool:
    """Whether the device has instructions for bfloat16 products; without them they are slower than float32."""
    if device.startswith("cuda"):
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device == "cpu" and bool(torch.cpu.get_capabilities().get("avx512_bf16"))


def default_learning_rate(parameters: int, optimizer: str | None) -> float:
    """A peak learning rate: 2e-3 (AdamW) or 5e-3 (Muon) up to 10 million parameters, then falling by the cube root."""
    return (5e-3 if optimizer == "muon" else 2e-3) * float(min(1.0, (1e7 / parameters) ** (1 / 3)))


def _survey(corpus: Corpus) -> tuple[dict[str, int], str]:
    """How many documents and bytes there are, and the fingerprint, in one reading."""
    documents = size = 0
    fingerprint = Fingerprint()
    for text in corpus:
        documents += 1
        size += utf8_length(text)
        fingerprint.add(text)
    return {"documents": documents, "bytes": size}, fingerprint.hexdigest()
