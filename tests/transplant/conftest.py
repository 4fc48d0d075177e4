"""Vocabularies whose tokens are chosen by hand, and tiny models on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    GPTJConfig,
    GPTJForCausalLM,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from tokencraft.vocabulary import Vocabulary, split
from tokencraft.vocabulary.bytes import BYTE_ORDER

END = "<|endoftext|>"


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def vocabulary_of(words: Sequence[str | bytes], *, specials: Sequence[str] = (END,), **kwargs: Any) -> Vocabulary:
    """Special tokens, the bytes, and merges from left to right for each word; later words may build on earlier ones."""
    at: dict[bytes, int] = {bytes([byte]): len(specials) + index for index, byte in enumerate(BYTE_ORDER)}
    pairs: list[tuple[int, int]] = []
    for word in words:
        data = word.encode() if isinstance(word, str) else word
        for end in range(2, len(data) + 1):
            if data[:end] not in at:
                pairs.append((at[data[: end - 1]], at[data[end - 1 : end]]))
                at[data[:end]] = len(specials) + 256 + len(pairs) - 1
    return Vocabulary.from_merges(pairs, splitter=split.WHOLE, special_tokens=list(specials), **kwargs)


def model_of(family: str, rows: int, *, dtype: torch.dtype = torch.float32, seed: int = 0) -> PreTrainedModel:
    """A model with random weights of ordinary size."""
    torch.manual_seed(seed)
    model = FAMILIES[family](rows).to(dtype).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                parameter.normal_()
    return model


def _sizes(rows: int) -> dict[str, Any]:
    return {
        "vocab_size": rows,
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "max_position_embeddings": 64,
        "bos_token_id": 0,
        "eos_token_id": 0,
        "pad_token_id": None,
    }


_WIDE = {"intermediate_size": 24}
_LLAMA = {**_WIDE, "num_key_value_heads": 2}

FAMILIES: dict[str, Callable[[int], PreTrainedModel]] = {
    "llama": lambda rows: LlamaForCausalLM(LlamaConfig(**_sizes(rows), **_LLAMA)),
    "llama-tied": lambda rows: LlamaForCausalLM(LlamaConfig(**_sizes(rows), **_LLAMA, tie_word_embeddings=True)),
    "qwen2": lambda rows: Qwen2ForCausalLM(Qwen2Config(**_sizes(rows), **_LLAMA)),
    "qwen3": lambda rows: Qwen3ForCausalLM(Qwen3Config(**_sizes(rows), **_LLAMA, head_dim=8)),
    "gpt2": lambda rows: GPT2LMHeadModel(GPT2Config(**_sizes(rows))),
    "gpt-neox": lambda rows: GPTNeoXForCausalLM(GPTNeoXConfig(**_sizes(rows), **_WIDE)),
    "gptj-bias": lambda rows: GPTJForCausalLM(GPTJConfig(**_sizes(rows), rotary_dim=4)),
}


@pytest.fixture(params=sorted(FAMILIES))
def family(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def old() -> Vocabulary:
    return vocabulary_of(["the", " the", "ing", "tok", "en", "token", " cat", "日", "本"])


@pytest.fixture(scope="session")
def new() -> Vocabulary:
    """Shares the bytes and some words; makes others, one out of parts of characters."""
    return vocabulary_of([" the", "ing", "token", "tokening", " thing", "日本", b"\xf0\x9f\x98"])


class TableEmbedder:
    """Vectors written down; what is not written down gets one of its own."""

    def __init__(self, vectors: dict[str, Sequence[float]], dimensions: int) -> None:
        self.vectors, self.dimensions = vectors, dimensions
        self.asked: list[str] = []

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        self.asked += texts
        rows = [self.vectors.get(text, [0.0] * self.dimensions) for text in texts]
        return np.array(rows, np.float32).reshape(len(texts), self.dimensions)
