"""What all transplant methods share: everything but the estimate of a new row."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal

import torch
from torch import nn
from transformers import PreTrainedModel

from tokencraft.errors import ModelError, UsageError
from tokencraft.modeling.loading import check_agreement, is_tied
from tokencraft.transplant.combinations import Combinations
from tokencraft.transplant.configuration import Template, update_config, update_generation_config, with_chat_template
from tokencraft.transplant.matching import Matching, match
from tokencraft.transplant.rows import Fallback, Padding, RowPlan
from tokencraft.transplant.transplanted import Transplanted, TransplantReport
from tokencraft.vocabulary import Vocabulary


@dataclass(frozen=True, kw_only=True)
class Initializer(ABC):
    """A way to give a model the embedding rows of a new vocabulary.

    Tokens that both vocabularies have keep their rows to the last bit; a method says what the others are made of.

    Args:
        output: which old rows make a row of an untied output matrix: the ``"same"`` ones as for the input, or the
            ``"first"`` alone, since a model predicts a word by its first piece.
        norm: ``"match"`` rescales a sum of rows to the mean norm of its sources; None leaves it shorter.
        pad_to_multiple_of: rows are padded up to a multiple of this; padded rows can never be sampled.
        special_map: string of an old token for the string of a new special token, before any other rule.
        seed: of random rows.
    """

    name: ClassVar[str]
    fallback: ClassVar[Fallback] = "random"

    output: Literal["same", "first"] = "same"
    norm: Literal["match"] | None = None
    pad_to_multiple_of: int = 128
    special_map: Mapping[str, str] | None = None
    seed: int = 0

    @abstractmethod
    def estimate(self, matching: Matching) -> Combinations:
        """What old rows the row of each of ``matching.unique`` is made of, in its order."""

    def match(self, old: Vocabulary, new: Vocabulary) -> Matching:
        """Which tokens both vocabularies have."""
        return match(old, new, self.special_map)

    def plan(self, old: Vocabulary, new: Vocabulary) -> RowPlan:
        """Where every new row comes from, for any matrix of a model on ``old``."""
        if self.pad_to_multiple_of < 1:
            raise UsageError(f"pad_to_multiple_of is {self.pad_to_multiple_of}; it must be at least 1")
        if self.norm not in (None, "match") or self.output not in ("same", "first"):
            raise UsageError(f"norm is {self.norm!r} and output {self.output!r}: None or 'match', 'same' or 'first'")
        matching = self.match(old, new)
        size = -(-len(new) // self.pad_to_multiple_of) * self.pad_to_multiple_of
        return RowPlan(
            matching,
            self.estimate(matching),
            size,
            fallback=self.fallback,
            match_norm=self.norm == "match",
            seed=self.seed,
        )

    def transplant(self, model: PreTrainedModel, old: Vocabulary, new: Vocabulary) -> Transplanted:
        """Moves a model onto another vocabulary.

        Args:
            model: any causal language model with input and output embeddings, tied or not; it is not changed.
            old: its vocabulary.
            new: the vocabulary it gets.

        Returns:
            A copy of the model with the new rows, its configuration set to the new special ids, and where every row
            came from.

        Raises:
            ModelError: if the model has fewer rows than ``old`` has tokens.
            UsageError: if an option does not fit the model.
        """
        check_agreement(model, old)
        tied = is_tied(model)
        self.check_output(tied)
        plan = self.plan(old, new)
        moved = copy.deepcopy(model)
        moved.resize_token_embeddings(plan.size, mean_resizing=False)
        before, after = _layers(model), _layers(moved)
        _fill(after[0].weight, plan, before[0].weight, self.padding(tied, "input"), 0)
        if not tied and before[1] is not None and after[1] is not None:
            output = self.output_plan(plan)
            _fill(after[1].weight, output, before[1].weight, self.padding(tied, "output"), 1)
        bias = None if before[1] is None else getattr(before[1], "bias", None)
        if bias is not None and after[1] is not None:
            _fill(after[1].bias, self.bias_plan(plan), bias, "mean", 2)
        moved.tie_weights()
        update_config(moved.config, plan.matching, plan.size)
        if moved.generation_config is not None:
            update_generation_config(moved.generation_config, plan.matching, plan.padded)
        vocabulary, template = self.chat_template(plan.matching)
        return Transplanted(self.name, vocabulary, plan, template, moved)

    def transplant_folder(
        self, source: Path | str, target: Path | str, new: Vocabulary, *, old: Vocabulary | None = None
    ) -> TransplantReport:
        """Moves a model folder onto another vocabulary, holding one matrix in memory at a time.

        Args:
            source: a model folder with safetensors.
            target: the folder to write; it must be new or empty.
            new: the vocabulary the model gets.
            old: its vocabulary; the one in ``source`` when left out.

        Returns:
            Where every row came from. ``target`` holds model, configuration and tokenizer.
        """
        from tokencraft.transplant.folder import transplant_folder

        return transplant_folder(self, Path(source), Path(target), new, old)

    def chat_template(self, matching: Matching) -> tuple[Vocabulary, Template]:
        """The new vocabulary with the chat template it ends up with."""
        return with_chat_template(matching)

    def check_output(self, tied: bool) -> None:
        """Refuses ``output="first"`` where there is no output matrix of its own."""
        if tied and self.output == "first":
            raise UsageError("output='first' needs an output matrix of its own; this model's embeddings are tied")

    def output_plan(self, plan: RowPlan) -> RowPlan:
        """The plan of an untied output matrix."""
        if self.output == "same":
            return plan
        return replace(plan, combinations=plan.combinations.first())

    def bias_plan(self, plan: RowPlan) -> RowPlan:
        """The plan of an output bias: a token without an estimate gets the mean, since noise would make it common."""
        return replace(self.output_plan(plan), fallback="mean")

    def padding(self, tied: bool, which: Literal["input", "output"]) -> Padding:
        """What padded rows hold: nothing as input; as output the mean row, which no score is high for."""
        return "mean" if tied or which == "output" else "zero"


def _layers(model: PreTrainedModel) -> tuple[nn.Module, nn.Module | None]:
    """Input and output embeddings."""
    entry = model.get_input_embeddings()
    if not isinstance(getattr(entry, "weight", None), torch.Tensor):
        raise ModelError(f"{type(model).__name__} has no input embedding matrix")
    return entry, model.get_output_embeddings()


@torch.no_grad()
def _fill(target: object, plan: RowPlan, old: object, padding: Padding, stream: int) -> None:
    """Writes the new rows into a parameter."""
    assert isinstance(target, torch.Tensor)
    assert isinstance(old, torch.Tensor)
    at = 0
    for group in plan.rows(old.detach(), padding=padding, stream=stream):
        target[at : at + len(group)] = group
        at += len(group)
