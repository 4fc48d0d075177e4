"""Tiny models of every family, and a vocabulary to read text with."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedModel,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from tokencraft.vocabulary import Vocabulary, split

VOCABULARY_SIZE = 320

_SIZES = {
    "vocab_size": VOCABULARY_SIZE,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
    "bos_token_id": 0,
    "eos_token_id": 0,
    "pad_token_id": None,
}
_WIDE = {"intermediate_size": 48}
_GROUPED = {**_WIDE, "num_key_value_heads": 2}

FAMILIES: dict[str, Callable[[], PreTrainedModel]] = {
    "llama": lambda: LlamaForCausalLM(LlamaConfig(**_SIZES, **_GROUPED)),
    "llama-tied": lambda: LlamaForCausalLM(LlamaConfig(**_SIZES, **_GROUPED, tie_word_embeddings=True)),
    "qwen2": lambda: Qwen2ForCausalLM(Qwen2Config(**_SIZES, **_GROUPED)),
    "qwen3": lambda: Qwen3ForCausalLM(Qwen3Config(**_SIZES, **_GROUPED, head_dim=8)),
    "gpt2": lambda: GPT2LMHeadModel(GPT2Config(**_SIZES)),
    "gpt-neox": lambda: GPTNeoXForCausalLM(GPTNeoXConfig(**_SIZES, **_WIDE)),
    "mistral-window": lambda: MistralForCausalLM(MistralConfig(**_SIZES, **_GROUPED, sliding_window=4)),
}


def make_model(family: str = "llama-tied", seed: int = 0) -> PreTrainedModel:
    """A model of the family with weights large enough that its outputs differ from token to token."""
    torch.manual_seed(seed)
    model = FAMILIES[family]()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.mul_(4.0)
    return model.eval()


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Models this small are slower on several threads, many times so on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(params=sorted(FAMILIES))
def any_model(request: pytest.FixtureRequest) -> PreTrainedModel:
    return make_model(request.param)


@pytest.fixture
def model() -> PreTrainedModel:
    return make_model()


@pytest.fixture(scope="session")
def vocabulary() -> Vocabulary:
    """257 ids: an end-of-text token and the bytes; then the merges for ``the`` with its space."""
    from tokencraft.vocabulary.bytes import BYTE_ORDER

    at = {byte: index + 1 for index, byte in enumerate(BYTE_ORDER)}
    pairs = [(at[ord("t")], at[ord("h")]), (257, at[ord("e")]), (at[ord(" ")], 258)]
    return Vocabulary.from_merges(pairs, splitter=split.GPT2, special_tokens=["<|endoftext|>"])
