"""Model folders: read with every fault named, written as ``transformers`` reads them, safetensors only.

Nothing in a folder is executed: weights in pickle files are refused and so is code that comes with a model.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, PreTrainedModel
from transformers.utils import logging

from tokencraft.errors import ModelError
from tokencraft.modeling.tensors import TensorReader

if TYPE_CHECKING:
    from tokencraft.vocabulary import Vocabulary


def load_config(folder: Path | str) -> Any:
    """The configuration of a model folder.

    Raises:
        ModelError: if the folder or its ``config.json`` is missing or broken, or the model brings its own code.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ModelError(f"{folder}: there is no such model folder")
    if not (folder / "config.json").is_file():
        raise ModelError(f"{folder}: there is no config.json; name the folder of a transformers model")
    try:
        with _quiet():
            config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except (ValueError, OSError, KeyError, TypeError) as error:
        raise ModelError(
            f"{folder / 'config.json'}: transformers cannot use this configuration: {_first_line(error)}"
        ) from error
    if getattr(config, "auto_map", None) and type(config).__module__.startswith("transformers_modules"):
        raise ModelError(f"{folder}: the model needs code of its own, which is not executed")
    return config


def load_model(
    folder: Path | str, *, dtype: torch.dtype | str | None = None, device: torch.device | str | None = None
) -> PreTrainedModel:
    """Loads a causal language model from a folder.

    Args:
        folder: ``config.json`` with ``model.safetensors`` or its shards.
        dtype: type of the weights; as stored, when left out.
        device: where to put the model; the CPU, when left out.

    Returns:
        The model in evaluation mode.

    Raises:
        ModelError: if the folder or a file is missing, truncated or not safetensors, the weights do not fit the
            configuration, or the model is no causal language model.
    """
    config = load_config(folder)
    with TensorReader(folder):
        pass  # every file is there and whole
    wanted = getattr(torch, dtype) if isinstance(dtype, str) and dtype != "auto" else (dtype or "auto")
    try:
        with _quiet():
            model, info = AutoModelForCausalLM.from_pretrained(
                folder,
                config=config,
                dtype=wanted,
                trust_remote_code=False,
                use_safetensors=True,
                local_files_only=True,
                output_loading_info=True,
                ignore_mismatched_sizes=True,
            )
    except (ValueError, OSError, KeyError, RuntimeError) as error:
        raise ModelError(f"{folder}: transformers cannot load this model: {_first_line(error)}") from error
    if info["mismatched_keys"]:
        name, stored, expected = sorted(info["mismatched_keys"])[0]
        raise ModelError(
            f"{folder}: {name} is stored as {tuple(stored)} but config.json asks for {tuple(expected)}; "
            "the weights and the configuration do not belong together"
        )
    if info["missing_keys"]:
        raise ModelError(f"{folder}: the weights lack {', '.join(sorted(info['missing_keys'])[:3])}")
    if device is not None:
        model = model.to(device)
    loaded: PreTrainedModel = model.eval()
    return loaded


def save_model(model: PreTrainedModel, folder: Path | str) -> None:
    """Writes weights (safetensors), configuration and generation configuration into ``folder``.

    Whoever calls gives a fresh folder and renames it: this function writes several files.
    """
    with _quiet():
        model.save_pretrained(folder)


def is_tied(model: PreTrainedModel) -> bool:
    """Whether input and output embeddings are one matrix."""
    output = model.get_output_embeddings()
    return output is not None and output.weight is model.get_input_embeddings().weight


def check_agreement(model: PreTrainedModel, vocabulary: Vocabulary) -> int:
    """Makes sure that every id of ``vocabulary`` has its embedding rows.

    Returns:
        How many rows lie beyond the vocabulary (padding).

    Raises:
        ModelError: if the model has fewer rows than the vocabulary has tokens.
    """
    rows = int(model.get_input_embeddings().weight.shape[0])
    output = model.get_output_embeddings()
    for what, found in (("input", rows), ("output", rows if output is None else int(output.weight.shape[0]))):
        if found < len(vocabulary):
            raise ModelError(
                f"the model has {found} {what} embedding rows and the vocabulary {len(vocabulary)} tokens: "
                "this tokenizer does not belong to this model"
            )
    return rows - len(vocabulary)


def small_llama(
    vocab_size: int,
    *,
    hidden: int = 256,
    layers: int = 4,
    heads: int | None = None,
    context: int = 512,
    bos: int | None = None,
    eos: int | None = None,
    seed: int = 0,
) -> PreTrainedModel:
    """A small Llama with tied embeddings and random weights, for training on a CPU.

    Args:
        vocab_size: embedding rows.
        hidden: width; a multiple of 64 when ``heads`` is left out.
        layers: depth.
        heads: attention heads; one per 64 of width when left out.
        context: tokens it can read at once.
        bos: id of the beginning-of-text token.
        eos: id of the end-of-text token.
        seed: of the weights.
    """
    heads = heads or hidden // 64
    config = LlamaConfig(
        vocab_size=vocab_size,
        hidden_size=hidden,
        # 8/3 of the width, as Llama has it, in whole vectors of 32
        intermediate_size=-(-hidden * 8 // 3 // 32) * 32,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        max_position_embeddings=context,
        tie_word_embeddings=True,
        bos_token_id=bos,
        eos_token_id=eos,
        pad_token_id=None,
        initializer_range=0.02,
    )
    state = torch.get_rng_state()
    torch.manual_seed(seed)
    model = LlamaForCausalLM(config)
    torch.set_rng_state(state)
    return model.eval()


@contextmanager
def _quiet() -> Iterator[None]:
    """Within the block ``transformers`` shows no progress bars and no warnings: what is wrong is an error of ours."""
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
