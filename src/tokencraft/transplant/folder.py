"""A transplant from folder to folder, one tensor in memory at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, GenerationConfig

from tokencraft.errors import ModelError
from tokencraft.modeling.loading import is_tied, load_config
from tokencraft.modeling.tensors import ShardedWriter, TensorReader, TensorSpec
from tokencraft.report import atomic_folder
from tokencraft.transplant.configuration import update_config, update_generation_config
from tokencraft.transplant.rows import Padding, RowPlan
from tokencraft.transplant.transplanted import TransplantReport
from tokencraft.vocabulary import Vocabulary

if TYPE_CHECKING:
    from tokencraft.transplant.initializer import Initializer

_ROWS_AT_ONCE = 65_536


def transplant_folder(
    method: Initializer, source: Path, target: Path, new: Vocabulary, old: Vocabulary | None
) -> TransplantReport:
    """See :meth:`tokencraft.transplant.initializer.Initializer.transplant_folder`."""
    config = load_config(source)
    old = Vocabulary.load(source) if old is None else old
    with TensorReader(source) as reader, atomic_folder(target) as folder:
        names = _embedding_names(config, reader)
        method.check_output(names.output is None)
        rows = reader.specs[names.input[0]].shape[0]
        if rows < len(old):
            raise ModelError(
                f"{source}: the model has {rows} embedding rows and its vocabulary {len(old)} tokens: "
                "this tokenizer does not belong to this model"
            )
        plan = method.plan(old, new)
        changed = _changed(method, names, plan)
        specs = [
            spec._replace(shape=(plan.size, *spec.shape[1:])) if spec.name in changed else spec
            for spec in reader.specs.values()
        ]
        with ShardedWriter(folder, specs) as writer:
            for spec in specs:
                if spec.name in changed:
                    made, padding, stream = changed[spec.name]
                    writer.write(spec.name, made.rows(reader.read(spec.name), padding=padding, stream=stream))
                else:
                    writer.write(spec.name, _in_pieces(reader, spec))
        update_config(config, plan.matching, plan.size)
        config.save_pretrained(folder)
        generation = _generation_config(source, config)
        update_generation_config(generation, plan.matching, plan.padded)
        generation.save_pretrained(folder)
        vocabulary, template = method.chat_template(plan.matching)
        vocabulary.save(folder)
    return TransplantReport(method.name, vocabulary, plan, template)


@dataclass(frozen=True)
class _Names:
    """Names of the tensors that have a row for every token."""

    input: tuple[str, ...]
    """More than one where a checkpoint holds a tied matrix twice."""
    output: str | None
    bias: str | None


def _embedding_names(config: Any, reader: TensorReader) -> _Names:
    """Finds the embeddings by building the model without memory and looking which parameters they are."""
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    model.tie_weights()
    names: dict[int, list[str]] = {}  # tied matrices have two, and a checkpoint holds either or both
    for name, parameter in model.named_parameters(remove_duplicate=False):
        names.setdefault(id(parameter), []).append(name)
    every = {name for known in names.values() for name in known}

    def stored(parameter: Tensor | None) -> tuple[str, ...]:
        if parameter is None:
            return ()
        known = names[id(parameter)]
        # Some checkpoints were saved from the body alone and lack its prefix.
        short = [name.removeprefix(f"{model.base_model_prefix}.") for name in known]
        found = tuple(dict.fromkeys(name for name in (*known, *short) if name in reader.specs))
        if found:
            return found
        # Others have a name of their own for it: then it is the one tensor of its shape that no parameter claims.
        shape = tuple(parameter.shape)
        alike = [name for name, spec in reader.specs.items() if spec.shape == shape and name not in every]
        return (alike[0],) if len(alike) == 1 else ()

    entry, exit_layer = model.get_input_embeddings(), model.get_output_embeddings()
    tied = exit_layer is None or is_tied(model)
    found, output = stored(entry.weight), () if tied else stored(exit_layer.weight)
    if not found or not (tied or output):
        raise ModelError(f"{reader.folder}: the embedding matrices of {type(model).__name__} are not among the tensors")
    bias = stored(getattr(exit_layer, "bias", None))
    return _Names(found, output[0] if output else None, bias[0] if bias else None)


def _changed(method: Initializer, names: _Names, plan: RowPlan) -> dict[str, tuple[RowPlan, Padding, int]]:
    """Plan, padding and number of every matrix with a row for each token: the same as in memory."""
    tied = names.output is None
    changed = {name: (plan, method.padding(tied, "input"), 0) for name in names.input}
    if names.output is not None:
        changed[names.output] = (method.output_plan(plan), method.padding(tied, "output"), 1)
    if names.bias is not None:
        changed[names.bias] = (method.bias_plan(plan), "mean", 2)
    return changed


def _in_pieces(reader: TensorReader, spec: TensorSpec) -> Iterator[Tensor]:
    """A tensor in groups of rows."""
    if not spec.shape:
        yield reader.read(spec.name)
        return
    for start in range(0, spec.shape[0], _ROWS_AT_ONCE):
        yield reader.read_rows(spec.name, start, min(start + _ROWS_AT_ONCE, spec.shape[0]))


def _generation_config(source: Path, config: Any) -> Any:
    """The folder's generation configuration, else the one that its configuration implies."""
    if not (source / "generation_config.json").is_file():
        return GenerationConfig.from_model_config(config)
    try:
        return GenerationConfig.from_pretrained(source, local_files_only=True)
    except (ValueError, OSError, json.JSONDecodeError) as error:
        raise ModelError(f"{source / 'generation_config.json'}: it cannot be read: {error}") from error
