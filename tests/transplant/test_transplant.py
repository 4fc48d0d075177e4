"""Whole models: what must stay, to the last bit, and what must never happen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from transformers import PreTrainedModel

from tokencraft.errors import ModelError, UsageError
from tokencraft.modeling.loading import is_tied
from tokencraft.transplant import Mean, Random, ReTok, TokenAdapt, Transplanted, initializers
from tokencraft.vocabulary import Vocabulary
from transplant.conftest import END, model_of, vocabulary_of

IDS = torch.tensor([[1, 70, 80, 258, 259, 7]])


def logits(model: PreTrainedModel, ids: torch.Tensor = IDS) -> torch.Tensor:
    with torch.no_grad():
        out: torch.Tensor = model(input_ids=ids).logits
    return out


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_same_vocabulary_same_logits(family: str, old: Vocabulary, dtype: torch.dtype) -> None:
    model = model_of(family, len(old), dtype=dtype)
    result = TokenAdapt().transplant(model, old, old)
    assert (result.shared, result.new, len(result.padded_ids)) == (len(old), 0, -len(old) % 128)
    found = logits(result.model)
    assert found.dtype == dtype
    assert torch.equal(found[..., : len(old)], logits(model))


def permuted(old: Vocabulary, order: list[int]) -> Vocabulary:
    """The same tokens under other ids: ``order[new] = old``."""
    at = np.argsort(order)
    added = [dict(entry) | {"id": int(at[entry["id"]])} for entry in old.added_tokens]
    return old.replace(
        tokens=tuple(old.tokens[i] for i in order),
        kinds=tuple(old.kinds[i] for i in order),
        merges=at[old.merges],
        special_tokens={role: int(at[i]) for role, i in old.special_tokens.items()},
        added_tokens=tuple(added),
    )


def test_permuted_vocabulary_permutes_logits(family: str, old: Vocabulary) -> None:
    order = np.random.default_rng(0).permutation(len(old)).tolist()
    new = permuted(old, order)
    model = model_of(family, len(old))
    result = TokenAdapt().transplant(model, old, new)
    text = "the token cat 日本"
    before, after = (torch.from_numpy(v.encode(text).astype(np.int64))[None] for v in (old, new))
    assert [order[i] for i in after[0].tolist()] == before[0].tolist()
    assert torch.equal(logits(result.model, after)[..., : len(old)], logits(model, before)[..., order])
    options: dict[str, Any] = {"max_new_tokens": 8, "do_sample": False}
    generated = result.model.generate(after, **options)[0].tolist()
    expected = model.generate(before, pad_token_id=0, **options)[0].tolist()
    assert [order[i] for i in generated] == expected


def test_rows_are_copies_and_sums(family: str, old: Vocabulary, new: Vocabulary) -> None:
    model = model_of(family, len(old))
    result = TokenAdapt().transplant(model, old, new)
    matching = result.plan.matching
    layers = [(model.get_input_embeddings().weight, result.model.get_input_embeddings().weight)]
    if not is_tied(model):
        layers.append((model.get_output_embeddings().weight, result.model.get_output_embeddings().weight))
    bias = model.get_output_embeddings().bias
    if bias is not None:
        layers.append((bias, result.model.get_output_embeddings().bias))
    for before, after in layers:
        assert len(after) == 384
        for identifier in range(len(new)):
            sources = result.sources(identifier)
            if matching.source[identifier] >= 0:
                assert sources == [(matching.source[identifier], 1.0)]
                assert torch.equal(after[identifier], before[matching.source[identifier]])
                continue
            assert sum(weight for _, weight in sources) == pytest.approx(1.0)
            expected = sum(weight * before[old_id].double() for old_id, weight in sources)
            torch.testing.assert_close(after[identifier].double(), expected, rtol=1e-5, atol=1e-6)


def test_one_changed_token(old: Vocabulary) -> None:
    """All rows but one are what they were."""
    new = vocabulary_of(["the", " the", "ing", "tok", "en", "token", " dog", "日", "本"])
    model = model_of("llama", len(old))
    result = ReTok().transplant(model, old, new)
    made = [new.tokens[i] for i in result.plan.matching.unique]
    assert made == [b" d", b" do", b" dog"]
    before, after = model.get_input_embeddings().weight, result.model.get_input_embeddings().weight
    row = new.id_of(b" dog")
    expected = torch.stack([before[old.id_of(piece)] for piece in (b" ", b"d", b"o", b"g")]).mean(0)
    torch.testing.assert_close(after[row], expected)


def test_ties_stay_ties(family: str, old: Vocabulary, new: Vocabulary) -> None:
    model = model_of(family, len(old))
    moved = TokenAdapt().transplant(model, old, new).model
    assert is_tied(moved) == is_tied(model)
    if is_tied(model):
        assert moved.get_input_embeddings().weight.data_ptr() == moved.get_output_embeddings().weight.data_ptr()


def test_nothing_passed_in_is_changed(family: str, old: Vocabulary, new: Vocabulary) -> None:
    model = model_of(family, len(old))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    config, generation = model.config.to_json_string(), model.generation_config.to_json_string()
    prints = old.fingerprint(), new.fingerprint()
    result = TokenAdapt().transplant(model, old, new)
    with torch.no_grad():
        for parameter in result.model.parameters():
            parameter.zero_()
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert (model.config.to_json_string(), model.generation_config.to_json_string()) == (config, generation)
    assert (old.fingerprint(), new.fingerprint()) == prints


@pytest.mark.parametrize("name", list(initializers()))
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_no_nan_in_half_precision(name: str, dtype: torch.dtype, old: Vocabulary, new: Vocabulary) -> None:
    method = initializers()[name]
    model = model_of("gptj-bias", len(old), dtype=dtype)
    for options in ({}, {"norm": "match", "output": "first"}):
        moved = method(**options).transplant(model, old, new).model
        for layer in (moved.get_input_embeddings(), moved.get_output_embeddings()):
            for parameter in layer.parameters():
                assert parameter.dtype == dtype
                assert parameter.isfinite().all()


def test_padding_cannot_be_sampled(family: str, old: Vocabulary, new: Vocabulary) -> None:
    model = model_of(family, len(old))
    result = TokenAdapt(pad_to_multiple_of=100).transplant(model, old, new.pad_to(len(new) + 3))
    padded = list(range(len(new), 300))
    assert list(result.padded_ids) == padded == result.model.generation_config.suppress_tokens
    entry, exit_layer = result.model.get_input_embeddings().weight, result.model.get_output_embeddings().weight
    mean = model.get_output_embeddings().weight.mean(0)
    for row in padded:
        torch.testing.assert_close(exit_layer[row], mean, rtol=1e-4, atol=1e-6)
        if not is_tied(model):
            assert not entry[row].any()
    with torch.no_grad():  # even if they were by far the most probable
        exit_layer[padded] *= 1000
        if result.model.get_output_embeddings().bias is not None:
            result.model.get_output_embeddings().bias[padded] = 1000
    generated = result.model.generate(IDS[:, :3], max_new_tokens=20, do_sample=True)
    assert int(generated.max()) < len(new)


def test_no_padding_where_none_is_asked(old: Vocabulary, new: Vocabulary) -> None:
    result = Mean(pad_to_multiple_of=1).transplant(model_of("llama", len(old)), old, new)
    assert result.model.get_input_embeddings().weight.shape[0] == len(new) == result.model.config.vocab_size
    assert result.padded_ids == ()
    assert result.model.generation_config.suppress_tokens is None


def test_output_of_the_first_piece(old: Vocabulary, new: Vocabulary) -> None:
    model = model_of("llama", len(old))
    result = TokenAdapt(output="first").transplant(model, old, new)
    row = new.id_of(b"tokening")
    first = old.id_of(b"tok")  # "en" is learnt before "toke"
    assert result.sources(row)[0][0] == first
    assert torch.equal(result.model.get_output_embeddings().weight[row], model.get_output_embeddings().weight[first])
    same = TokenAdapt().transplant(model, old, new)
    assert torch.equal(result.model.get_input_embeddings().weight, same.model.get_input_embeddings().weight)
    with pytest.raises(UsageError, match="embeddings are tied"):
        TokenAdapt(output="first").transplant(model_of("llama-tied", len(old)), old, new)


def test_norm_of_the_sources(old: Vocabulary, new: Vocabulary) -> None:
    model = model_of("llama", len(old))
    result = TokenAdapt(norm="match").transplant(model, old, new)
    before = model.get_output_embeddings().weight.detach()
    after = result.model.get_output_embeddings().weight.detach()
    for identifier in result.plan.matching.unique.tolist():
        expected = sum(weight * float(before[i].norm()) for i, weight in result.sources(identifier))
        assert float(after[identifier].norm()) == pytest.approx(expected, rel=1e-5)


def test_random_rows_have_the_old_spread() -> None:
    old, new = vocabulary_of(["ab"]), vocabulary_of([f"{a}{b}" for a in "abcdefgh" for b in "ijklmnopqrstuvw"])
    model = model_of("llama", len(old))
    with torch.no_grad():
        model.get_input_embeddings().weight.mul_(3).add_(5)
    result = Random().transplant(model, old, new)
    rows = result.model.get_input_embeddings().weight.detach()[result.plan.left]
    before = model.get_input_embeddings().weight.detach()
    assert result.left == result.new == len(rows)
    assert float(rows.mean()) == pytest.approx(float(before.mean()), abs=0.05)
    assert float(rows.std()) == pytest.approx(float(before.std()), rel=0.1)
    assert torch.equal(rows, Random().transplant(model, old, new).model.get_input_embeddings().weight[result.plan.left])
    other = Random(seed=1).transplant(model, old, new).model.get_input_embeddings().weight[result.plan.left]
    assert not torch.equal(rows, other)


def test_mean_rows(old: Vocabulary, new: Vocabulary) -> None:
    model = model_of("llama", len(old) + 50)  # padded rows do not count
    result = Mean().transplant(model, old, new)
    expected = model.get_input_embeddings().weight[: len(old)].mean(0)
    for row in result.plan.matching.unique.tolist():
        torch.testing.assert_close(result.model.get_input_embeddings().weight[row], expected)


def test_report(old: Vocabulary, new: Vocabulary) -> None:
    result = TokenAdapt().transplant(model_of("llama", len(old)), old, new)
    assert isinstance(result, Transplanted)
    counts = dict(zip(result.table().column("rows"), result.table().column("count"), strict=True))
    assert counts["copied from the old vocabulary"] + counts["made from old rows"] == len(new)
    assert (
        counts["of these, parts of characters"] == result.byte_fragments == 4
    )  # two within 本 after 日, two of the emoji
    assert counts["in all"] == 384
    assert result.to_json()["special_tokens"] == [{"role": "eos", "string": END, "id": 0, "old_id": 0}]
    assert len(result.provenance().rows) == min(result.new, 20)
    assert result.sources(383) == []


def test_disagreement_is_an_error(old: Vocabulary, new: Vocabulary) -> None:
    with pytest.raises(ModelError, match="does not belong to this model"):
        TokenAdapt().transplant(model_of("llama", len(old) - 1), old, new)
    with pytest.raises(UsageError, match="pad_to_multiple_of is 0"):
        TokenAdapt(pad_to_multiple_of=0).transplant(model_of("llama", len(old)), old, new)
