"""Hashed n-grams against a slow count, and the optional embedders' absence."""

from __future__ import annotations

import sys
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import PreTrainedModel

from tokencraft.errors import MissingExtraError, UsageError
from tokencraft.modeling.embedding import Embedder, HashedNGrams, Model2Vec, ModelStates, SentenceTransformer
from tokencraft.vocabulary import Vocabulary

TEXTS = st.lists(st.text(max_size=12), min_size=1, max_size=6)
MASK = (1 << 64) - 1


def grams(text: str, shortest: int, longest: int) -> Counter[tuple[int, ...]]:
    points = [0x110000, *map(ord, text), 0x110001]
    return Counter(
        tuple(points[start : start + size])
        for size in range(shortest, longest + 1)
        for start in range(len(points) - size + 1)
    )


def slow(text: str, dimensions: int, n: tuple[int, int]) -> list[float]:
    """FNV-1a over code points, then splitmix64's finaliser, in Python's whole numbers."""
    vector = [0.0] * dimensions
    for gram, count in grams(text, *n).items():
        value = 0xCBF29CE484222325
        for point in gram:
            value = ((value ^ point) * 0x100000001B3) & MASK
        value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
        value ^= value >> 31
        vector[value % dimensions] += count if value < 1 << 63 else -count
    return vector


@given(TEXTS, st.sampled_from([(1, 1), (2, 4), (3, 5)]))
def test_counts_are_those_of_a_loop(texts: list[str], n: tuple[int, int]) -> None:
    found = HashedNGrams(dimensions=32, n=n)(texts)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, [slow(text, 32, n) for text in texts])


@given(TEXTS)
def test_a_text_does_not_depend_on_its_neighbours(texts: list[str]) -> None:
    embed = HashedNGrams(dimensions=16)
    np.testing.assert_array_equal(embed(texts), np.concatenate([embed([text]) for text in texts]))


def test_shared_grams_mean_near_vectors() -> None:
    """With room for no collisions the product counts the common n-grams: ^t th he e$ ^th the ^the."""
    first, second = HashedNGrams(dimensions=1 << 20)(["there", "the"]).astype(float)
    common = grams("there", 2, 4) & grams("the", 2, 4)
    assert first @ second == sum(common.values()) == 7


def test_no_texts_give_no_rows() -> None:
    assert HashedNGrams()([]).shape == (0, 512)


def test_bad_sizes_are_refused() -> None:
    with pytest.raises(UsageError, match="HashedNGrams needs"):
        HashedNGrams(n=(3, 2))


@pytest.mark.parametrize(
    ("embedder", "module"), [(Model2Vec, "model2vec"), (SentenceTransformer, "sentence_transformers")]
)
def test_absent_packages_name_their_extra(monkeypatch: pytest.MonkeyPatch, embedder: type, module: str) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=r"tokencraft\[transplant\]"):
        embedder("anywhere")


def test_model_states_are_means(model: PreTrainedModel, vocabulary: Vocabulary) -> None:
    texts = ["the cat", "", "a", "the the the"]
    embed = ModelStates(model, vocabulary, batch_tokens=8)
    found = embed(texts)
    assert isinstance(embed, Embedder)
    for row, text in zip(found, texts, strict=True):
        ids = vocabulary.encode(text).astype(np.int64)
        if not len(ids):
            assert not row.any()
            continue
        hidden = model.base_model(input_ids=torch.from_numpy(ids)[None])[0][0].mean(0)
        np.testing.assert_allclose(row, hidden.detach().numpy(), rtol=1e-4, atol=1e-5)
