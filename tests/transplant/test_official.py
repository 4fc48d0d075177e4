"""Parity with the published code: its published steps, written out with the stock tokenizers."""

from __future__ import annotations

import numpy as np
import torch

from tokencraft.modeling.embedding import HashedNGrams
from tokencraft.transplant import TokenAdapt
from tokencraft.vocabulary import Vocabulary
from transplant.conftest import model_of


def softmax(values: np.ndarray) -> np.ndarray:
    powers = np.exp(values - values.max())
    return powers / powers.sum()


def published(model: torch.nn.Module, old: Vocabulary, new: Vocabulary, weight: float) -> dict[str, np.ndarray | None]:
    """Row by new string, for every string that is not old; None where the third and fourth neighbour are equal."""
    old_tokenizer, new_tokenizer = old.to_transformers(), new.to_transformers()
    old_strings, new_strings = old_tokenizer.get_vocab(), new_tokenizer.get_vocab()
    embed = HashedNGrams()
    rows = model.get_input_embeddings().weight.detach().double().numpy()

    def cosine(one: str, two: str) -> float:
        a, b = embed([one, two]).astype(float)
        lengths = np.linalg.norm(a) * np.linalg.norm(b)
        return float(a @ b / lengths) if lengths else 0.0

    made: dict[str, np.ndarray | None] = {}
    for string, identifier in new_strings.items():
        if string in old_strings:
            continue
        text = new_tokenizer.decode([identifier])
        pieces = old_tokenizer.encode(text, add_special_tokens=False)
        texts = [old_tokenizer.decode([piece]) for piece in pieces]
        if len(pieces) == 1:
            local = rows[pieces[0]]
        else:
            attention = softmax(np.array([cosine(text, one) for one in texts]))
            lengths = np.array([len(one) / len(text) for one in texts])
            local = softmax((attention + lengths) / 2 / (0.3 + 1e-5)) @ rows[pieces]
        names = list(old_strings)
        cosines = np.array([cosine(text, name) for name in names])
        best = np.argsort(-cosines, kind="stable")[:3]
        tied = cosines[best[2]] - np.sort(cosines)[-4] < 1e-6
        shares = softmax(cosines[best] / (0.3 + 1e-5))
        shares[cosines[best] < 0] = 0
        wide = shares / shares.sum() @ rows[[old_strings[names[place]] for place in best]]
        made[string] = None if weight and tied else (1 - weight) * local + weight * wide
    return made


def test_rows_are_the_published_ones(old: Vocabulary, new: Vocabulary) -> None:
    model = model_of("llama-tied", len(old))
    for weight in (0.0, 0.3):
        result = TokenAdapt(official=True, global_weight=weight).transplant(model, old, new)
        after = result.model.get_input_embeddings().weight.detach().double().numpy()
        strings = {piece: identifier for identifier, piece in enumerate(new.pieces)}
        expected = published(model, old, new, weight)
        assert {new.pieces[i] for i in result.plan.matching.unique} == expected.keys()
        compared = 0
        for string, row in expected.items():
            identifier = strings[string]
            if row is None:
                continue
            np.testing.assert_allclose(after[identifier], row, rtol=1e-4, atol=1e-6)
            compared += 1
        assert compared >= 4


def test_parts_of_characters_become_one(old: Vocabulary, new: Vocabulary) -> None:
    """The fault that parity keeps: every part of a character is U+FFFD, so all of them get the same row."""
    official = TokenAdapt(official=True).transplant(model_of("llama-tied", len(old)), old, new)
    ours = TokenAdapt().transplant(model_of("llama-tied", len(old)), old, new)
    one, two = (new.id_of(data) for data in (b"\xf0\x9f", b"\xf0\x9f\x98"))
    rows = official.model.get_input_embeddings().weight
    assert torch.equal(rows[one], rows[two])
    better = ours.model.get_input_embeddings().weight
    assert not torch.equal(better[one], better[two])


def test_padding_keeps_its_noise(old: Vocabulary, new: Vocabulary) -> None:
    model = model_of("llama", len(old))
    official = TokenAdapt(official=True).transplant(model, old, new)
    padded = list(official.padded_ids)
    for layer in (official.model.get_input_embeddings(), official.model.get_output_embeddings()):
        rows = layer.weight[padded]
        assert float(rows.detach().std()) > 0.005
        assert not torch.equal(rows[0], rows[1])
