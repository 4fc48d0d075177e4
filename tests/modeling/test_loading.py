"""Model folders: a round trip for every family, and every fault named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedModel

from modeling.conftest import make_model
from tokencraft.errors import ModelError
from tokencraft.modeling.loading import check_agreement, is_tied, load_config, load_model, save_model, small_llama
from tokencraft.modeling.tensors import SINGLE
from tokencraft.vocabulary import Vocabulary


def test_round_trip(any_model: PreTrainedModel, tmp_path: Path) -> None:
    save_model(any_model, tmp_path)
    loaded = load_model(tmp_path)
    ids = torch.arange(9)[None]
    assert torch.equal(loaded(input_ids=ids).logits, any_model(input_ids=ids).logits)
    assert is_tied(loaded) == is_tied(any_model) == any_model.config.tie_word_embeddings


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_types_are_kept_or_changed(model: PreTrainedModel, tmp_path: Path, dtype: torch.dtype) -> None:
    save_model(model.to(dtype), tmp_path)
    assert load_model(tmp_path).dtype == dtype
    assert load_model(tmp_path, dtype="float32").dtype == torch.float32
    assert load_model(tmp_path, dtype=torch.float32, device="cpu").dtype == torch.float32


def test_faults_are_named(model: PreTrainedModel, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model folder"):
        load_model(tmp_path / "absent")
    with pytest.raises(ModelError, match=r"no config\.json"):
        load_model(tmp_path)
    save_model(model, tmp_path)
    weights = (tmp_path / SINGLE).read_bytes()
    (tmp_path / SINGLE).write_bytes(weights[:-10])
    with pytest.raises(ModelError, match="truncated"):
        load_model(tmp_path)
    (tmp_path / SINGLE).rename(tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelError, match="pickle"):
        load_model(tmp_path)
    (tmp_path / SINGLE).write_bytes(weights)
    config = json.loads((tmp_path / "config.json").read_text())
    for change, message in (
        ({"vocab_size": 99}, r"is stored as \(320, 32\) but config\.json asks for \(99, 32\)"),
        ({"num_hidden_layers": 3}, r"the weights lack model\.layers\.2"),
        ({"model_type": "unheard-of"}, "cannot use this configuration"),
    ):
        (tmp_path / "config.json").write_text(json.dumps(config | change))
        with pytest.raises(ModelError, match=message):
            load_model(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ModelError, match="cannot use this configuration"):
        load_config(tmp_path)


def test_code_of_a_model_is_not_executed(model: PreTrainedModel, tmp_path: Path) -> None:
    save_model(model, tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    with pytest.raises(ModelError, match="cannot use this configuration"):
        load_model(tmp_path)
    assert not (tmp_path / "ran").exists()


def test_agreement_with_a_vocabulary(model: PreTrainedModel, vocabulary: Vocabulary) -> None:
    assert check_agreement(model, vocabulary) == 320 - len(vocabulary)
    with pytest.raises(ModelError, match="320 input embedding rows and the vocabulary 321 tokens"):
        check_agreement(model, vocabulary.pad_to(321))


def test_small_llama() -> None:
    one, same, other = (small_llama(300, hidden=64, layers=2, seed=seed) for seed in (0, 0, 1))
    assert is_tied(one)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), same.parameters(), strict=True))
    assert not torch.equal(one.get_input_embeddings().weight, other.get_input_embeddings().weight)
    # embeddings, two norms a layer and one at the end, four square matrices and three of the feed-forward part
    inner = 192
    assert one.num_parameters() == 300 * 64 + 64 + 2 * (2 * 64 + 4 * 64 * 64 + 3 * 64 * inner)


def test_small_llama_leaves_the_random_state(vocabulary: Vocabulary) -> None:
    state = torch.get_rng_state()
    small_llama(300, hidden=64, layers=1)
    assert torch.equal(torch.get_rng_state(), state)
    assert make_model().training is False
