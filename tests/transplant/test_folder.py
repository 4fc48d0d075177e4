"""Folder to folder gives what a transplant in memory gives."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer

from tokencraft.errors import ModelError, StageError, UsageError
from tokencraft.modeling.loading import load_model, save_model
from tokencraft.modeling.tensors import INDEX, SINGLE
from tokencraft.transplant import Random, TokenAdapt
from tokencraft.vocabulary import Vocabulary
from transplant.conftest import model_of, vocabulary_of


@pytest.mark.parametrize("method", [TokenAdapt(), Random(seed=3), TokenAdapt(norm="match", pad_to_multiple_of=1)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_same_as_in_memory(
    tmp_path: Path, family: str, method: TokenAdapt, dtype: torch.dtype, old: Vocabulary, new: Vocabulary
) -> None:
    model = model_of(family, len(old), dtype=dtype)
    source, target = tmp_path / "source", tmp_path / "target"
    save_model(model, source)
    old.save(source)
    report = method.transplant_folder(source, target, new)
    expected = method.transplant(model, old, new)
    found = load_model(target)
    assert found.dtype == dtype
    state = expected.model.state_dict()
    assert found.state_dict().keys() == state.keys()
    assert all(torch.equal(tensor, state[name]) for name, tensor in found.state_dict().items())
    assert report.to_json() == expected.to_json()
    assert found.generation_config.suppress_tokens == expected.model.generation_config.suppress_tokens
    for name in ("vocab_size", "bos_token_id", "eos_token_id", "pad_token_id"):
        assert getattr(found.config, name) == getattr(expected.model.config, name)
    assert Vocabulary.load(target).fingerprint() == new.fingerprint()
    assert AutoTokenizer.from_pretrained(target)("the token").input_ids == new.encode("the token").tolist()


def test_shards_and_bare_bodies(tmp_path: Path, old: Vocabulary, new: Vocabulary) -> None:
    """A checkpoint in shards, whose names lack the prefix of the body, as GPT-2's own."""
    model = model_of("gpt2", len(old))
    source = tmp_path / "source"
    save_model(model, source)
    tensors = {name.removeprefix("transformer."): tensor for name, tensor in load_file(source / SINGLE).items()}
    (source / SINGLE).unlink()
    parts = [dict(list(tensors.items())[::2]), dict(list(tensors.items())[1::2])]
    names = {}
    for number, part in enumerate(parts, 1):
        file = f"model-{number:05d}-of-00002.safetensors"
        save_file(part, source / file)
        names |= dict.fromkeys(part, file)
    (source / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": names}))
    TokenAdapt().transplant_folder(source, tmp_path / "target", new, old=old)
    expected = TokenAdapt().transplant(model, old, new).model.state_dict()
    found = load_model(tmp_path / "target").state_dict()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in found.items())


def test_a_tied_matrix_stored_twice(tmp_path: Path, old: Vocabulary, new: Vocabulary) -> None:
    model = model_of("llama-tied", len(old))
    source = tmp_path / "source"
    save_model(model, source)
    tensors = load_file(source / SINGLE)
    save_file(tensors | {"lm_head.weight": tensors["model.embed_tokens.weight"].clone()}, source / SINGLE)
    TokenAdapt().transplant_folder(source, tmp_path / "target", new, old=old)
    found = load_file(tmp_path / "target" / SINGLE)
    assert torch.equal(found["lm_head.weight"], found["model.embed_tokens.weight"])
    expected = TokenAdapt().transplant(model, old, new).model
    assert torch.equal(found["lm_head.weight"], expected.get_input_embeddings().weight)


def test_nothing_is_left_after_a_fault(tmp_path: Path, old: Vocabulary, new: Vocabulary) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    save_model(model_of("llama-tied", len(old)), source)
    with pytest.raises(ModelError, match="does not belong to this model"):
        TokenAdapt().transplant_folder(source, target, new, old=old.pad_to(400))
    with pytest.raises(UsageError, match="tied"):
        TokenAdapt(output="first").transplant_folder(source, target, new, old=old)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source"]
    target.mkdir()
    (target / "precious").write_text("text")
    with pytest.raises(StageError, match="not empty"):
        TokenAdapt().transplant_folder(source, target, new, old=old)
    assert [path.name for path in target.iterdir()] == ["precious"]


def test_foreign_weights_are_refused(tmp_path: Path, old: Vocabulary) -> None:
    source = tmp_path / "source"
    save_model(model_of("llama", len(old)), source)
    tensors = load_file(source / SINGLE)
    save_file({f"other.{name}": tensor for name, tensor in tensors.items()}, source / SINGLE)
    with pytest.raises(ModelError, match="are not among the tensors"):
        TokenAdapt().transplant_folder(source, tmp_path / "target", vocabulary_of([]), old=old)
