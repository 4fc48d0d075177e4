"""The estimates, with vectors written down by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from tokencraft.errors import UsageError
from tokencraft.modeling.embedding import HashedNGrams
from tokencraft.transplant import Global, Local, Mean, Random, ReTok, TokenAdapt, initializers
from tokencraft.transplant.matching import match
from tokencraft.transplant.tokenadapt import searchable, shown
from tokencraft.transplant.weights import global_weights, local_weights
from tokencraft.vocabulary import TokenKind, Vocabulary
from transplant.conftest import TableEmbedder, model_of, vocabulary_of


def angle(cosine: float) -> list[float]:
    """A vector with this cosine to the first axis."""
    return [cosine, (1 - cosine**2) ** 0.5, 0.0]


@pytest.fixture(scope="module")
def worked() -> tuple[Vocabulary, Vocabulary, TableEmbedder]:
    """The card's example: a token of five characters, its pieces of three and two, and three neighbours."""
    old = vocabulary_of(["abc", "de", "near", "mid", "far"])
    new = vocabulary_of(["abcde"])
    table = {"abcde": [5.0, 0, 0], "abc": angle(0.9), "de": angle(0.3)}
    return old, new, TableEmbedder(table, 3)


def sources(method: Any, old: Vocabulary, new: Vocabulary, token: bytes) -> dict[bytes, float]:
    matching = match(old, new)
    estimate = method.estimate(matching)
    place = [new.tokens[i] for i in matching.unique].index(token)
    ids, weights = estimate[place]
    return {old.tokens[i]: float(w) for i, w in zip(ids, weights, strict=True)}


def test_local_by_hand(worked: tuple[Vocabulary, Vocabulary, TableEmbedder]) -> None:
    old, new, embedder = worked
    for method in (Local(embedder=embedder), TokenAdapt(embedder=embedder, global_weight=0.0)):
        assert sources(method, old, new, b"abcde") == pytest.approx({b"abc": 0.6940, b"de": 0.3060}, abs=5e-5)


def test_global_by_hand() -> None:
    old, new = vocabulary_of(["near", "mid", "far", "no"]), vocabulary_of(["abcde"])
    vectors = {"abcde": [1.0, 0, 0], "near": angle(0.8), "mid": angle(0.6), "far": angle(0.5), "no": angle(0.4)}
    expected = {b"near": 0.5315, b"mid": 0.2729, b"far": 0.1955}
    embedder = TableEmbedder(vectors, 3)
    for method in (Global(embedder=embedder), TokenAdapt(embedder=embedder, global_weight=1.0)):
        assert sources(method, old, new, b"abcde") == pytest.approx(expected, abs=6e-5)
    cut = Global(embedder=embedder, threshold=0.55)
    assert sources(cut, old, new, b"abcde") == pytest.approx({b"near": 0.6608, b"mid": 0.3392}, abs=6e-5)


def test_hybrid_is_both(worked: tuple[Vocabulary, Vocabulary, TableEmbedder]) -> None:
    old, new, embedder = worked
    local = sources(Local(embedder=embedder), old, new, b"abcde")
    wide = sources(Global(embedder=embedder), old, new, b"abcde")
    hybrid = sources(TokenAdapt(embedder=embedder), old, new, b"abcde")
    assert sum(hybrid.values()) == pytest.approx(1.0)
    for token in local.keys() | wide.keys():
        assert hybrid[token] == pytest.approx(0.7 * local.get(token, 0) + 0.3 * wide.get(token, 0))


def test_estimates_follow_the_formula(old: Vocabulary, new: Vocabulary) -> None:
    """All tokens at once, against one token at a time with a full sort of the cosines."""
    embedder = HashedNGrams(dimensions=64)
    matching = match(old, new)

    def cosine(one: str, two: str) -> float:
        a, b = embedder([one, two]).astype(float)
        return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))

    local, wide = (
        Local(embedder=embedder).estimate(matching),
        Global(embedder=embedder, neighbours=4).estimate(matching),
    )
    candidates = searchable(old)
    for place, identifier in enumerate(matching.unique.tolist()):
        whole = shown(new, identifier)
        ids, weights = local[place]
        assert weights.sum() == pytest.approx(1.0)
        if len(ids) > 1:
            cosines = np.array([cosine(whole, shown(old, i)) for i in ids])
            shares = np.array([len(old.tokens[i].decode("utf-8", "replace")) for i in ids]) / len(whole)
            if identifier not in matching.fragments and all(len(old.tokens[i].decode("utf-8", "ignore")) for i in ids):
                np.testing.assert_allclose(weights, local_weights(cosines, shares, 0.3), rtol=1e-5)
        ids, weights = wide[place]
        if identifier in matching.fragments:
            assert not len(ids)
            continue
        cosines = np.array([cosine(whole, shown(old, i)) for i in candidates])
        best = np.sort(cosines)[::-1][:4]
        expected = global_weights(best, 0.3, 0.0)
        np.testing.assert_allclose(np.sort(weights)[::-1], expected[expected > 0], rtol=1e-4)


def test_special_unused_and_doubled_tokens_are_no_neighbours() -> None:
    old = vocabulary_of(["near"], specials=["<|endoftext|>", "nearer"]).pad_to(300)
    double = old.replace(
        tokens=(*old.tokens[:-1], b"near"), kinds=(*old.kinds[:-1], old.kinds[258]), spelling=(*old.pieces[:-1], "near")
    )
    index = searchable(double).tolist()
    assert len({double.tokens[i] for i in index}) == len(index)
    assert not {0, 1, *range(262, 299)} & set(index)
    assert all(double.tokens[i].decode("utf-8") for i in index)  # and bytes above 127 are no text


def test_rotation_changes_nothing(old: Vocabulary, new: Vocabulary) -> None:
    rotation = np.linalg.qr(np.random.default_rng(0).standard_normal((64, 64)))[0].astype(np.float32)

    def plain(texts: Sequence[str]) -> np.ndarray:
        """No two cosines are equal, so that no neighbour depends on how ties are broken."""
        rows = [np.random.default_rng(list(text.encode())).standard_normal(64) for text in texts]
        return np.array(rows, np.float32)

    matching = match(old, new)
    one = TokenAdapt(embedder=plain).estimate(matching)
    two = TokenAdapt(embedder=lambda texts: 3.0 * plain(texts) @ rotation).estimate(matching)
    assert one.ids.tolist() == two.ids.tolist()
    np.testing.assert_allclose(one.weights, two.weights, rtol=1e-4)


def test_fragments_never_meet_the_replacement_character(old: Vocabulary, new: Vocabulary) -> None:
    embedder = TableEmbedder({}, 4)
    TokenAdapt(embedder=embedder).estimate(match(old, new))
    assert embedder.asked
    assert not any("\ufffd" in text for text in embedder.asked)


@pytest.mark.parametrize("global_weight", [0.0, 0.3])
def test_a_single_piece_is_a_copy(global_weight: float) -> None:
    """Bytes that the old vocabulary lacks are left out, so that one token is left of two."""
    old, new = vocabulary_of(["ab"]), vocabulary_of(["abz"])
    known = tuple(
        TokenKind.UNUSED if token == b"z" else kind for token, kind in zip(old.tokens, old.kinds, strict=True)
    )
    old = old.replace(kinds=known)
    matching = match(old, new)
    assert [new.tokens[i] for i in matching.unique] == [b"z", b"abz"]
    model = model_of("llama", len(old))
    nothing_near = TableEmbedder({}, 4)
    result = TokenAdapt(global_weight=global_weight, embedder=nothing_near, threshold=0.5).transplant(model, old, new)
    before, after = model.get_input_embeddings().weight, result.model.get_input_embeddings().weight
    assert torch.equal(after[new.id_of(b"abz")], before[old.id_of(b"ab")])
    assert result.plan.left.tolist() == [new.id_of(b"z")]


def test_vectors_without_length_are_no_trouble(old: Vocabulary, new: Vocabulary) -> None:
    matching = match(old, new)
    estimate = TokenAdapt(embedder=TableEmbedder({}, 4)).estimate(matching)
    assert np.isfinite(estimate.weights).all()
    empty = match(old, vocabulary_of([]))
    assert len(TokenAdapt().estimate(empty)) == 0


def test_baselines(old: Vocabulary, new: Vocabulary) -> None:
    matching = match(old, new)
    for method in (Random(), Mean()):
        assert method.estimate(matching).empty.all()
    assert sources(ReTok(), old, new, b"tokening") == pytest.approx({b"tok": 1 / 3, b"en": 1 / 3, b"ing": 1 / 3})
    assert sources(ReTok(), old, new, "日本".encode()) == pytest.approx({"日".encode(): 0.5, "本".encode(): 0.5})


def test_names() -> None:
    assert list(initializers()) == ["tokenadapt", "random", "mean", "retok", "local", "global"]
    assert all(method().name == name for name, method in initializers().items())


def test_bad_settings_are_refused() -> None:
    for settings in ({"global_weight": 1.5}, {"neighbours": 0}, {"temperature": -1.0}):
        with pytest.raises(UsageError, match="TokenAdapt needs"):
            TokenAdapt(**settings)
