"""Everything else of a model that names token ids."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tokencraft.modeling.loading import save_model
from tokencraft.transplant import Mean, TokenAdapt
from transplant.conftest import END, model_of, vocabulary_of

CHAT = "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>{% endfor %}"


def test_ids_by_role() -> None:
    old = vocabulary_of(["ab"], specials=["<s>", "</s>"], roles={"bos": "<s>", "eos": "</s>"})
    new = vocabulary_of(["cd"], specials=["<p>", "<e>", "<b>"], roles={"bos": "<b>", "eos": "<e>", "pad": "<p>"})
    model = model_of("llama", len(old))
    moved = Mean().transplant(model, old, new).model
    for config in (moved.config, moved.generation_config):
        assert (config.bos_token_id, config.eos_token_id, config.pad_token_id) == (2, 1, 0)


def test_roles_stand_in() -> None:
    old, new = vocabulary_of(["ab"]), vocabulary_of(["cd"], specials=["<u>", END])
    model = model_of("llama", len(old))
    moved = Mean().transplant(model, old, new).model
    generation = moved.generation_config
    assert (generation.bos_token_id, generation.eos_token_id, generation.pad_token_id) == (1, 1, 1)
    # Nothing pads in the old model: eos must not become the row that models freeze.
    assert (moved.config.bos_token_id, moved.config.eos_token_id, moved.config.pad_token_id) == (1, 1, None)
    model.config.pad_token_id = 0
    assert Mean().transplant(model, old, new).model.config.pad_token_id == 1
    bare = Mean().transplant(model, old, vocabulary_of(["cd"], specials=[])).model.generation_config
    assert (bare.bos_token_id, bare.eos_token_id, bare.pad_token_id) == (None, None, None)


def test_several_ends_and_suppressed_tokens() -> None:
    old = vocabulary_of(["ab"], specials=["<s>", "<|eot|>", "<|end|>"], roles={"bos": "<s>", "eos": "<|end|>"})
    new = vocabulary_of(["cd"], specials=["<|eot|>", "<|end|>", "<s>"], roles={"bos": "<s>", "eos": "<|end|>"})
    model = model_of("llama", len(old))
    model.generation_config.eos_token_id = [2, 1, len(old) - 1]
    model.generation_config.suppress_tokens = [0, len(old) - 1]
    generation = Mean(pad_to_multiple_of=262).transplant(model, old, new).model.generation_config
    assert generation.eos_token_id == [1, 0]
    assert generation.suppress_tokens == [2, 260, 261]
    assert len(new) == 260


def test_chat_templates() -> None:
    markers = ["<|im_start|>", "<|im_end|>", END]
    old = vocabulary_of([], specials=markers, roles={"eos": END}).replace(chat_template=CHAT)
    model = model_of("llama", len(old))
    with_markers = vocabulary_of(["cd"], specials=markers[::-1], roles={"eos": END})
    without = vocabulary_of(["cd"])
    own = with_markers.replace(chat_template="own")
    for new, official, expected, template in (
        (own, False, "new", "own"),
        (with_markers, False, "copied", CHAT),
        (without, False, "dropped", None),
        (without, True, "copied", CHAT),
    ):
        result = TokenAdapt(official=official).transplant(model, old, new)
        assert (result.chat_template, result.vocabulary.chat_template) == (expected, template)
    assert TokenAdapt().transplant(model, without, with_markers).chat_template == "none"


def test_transformers_loads_and_generates(tmp_path: Path, family: str) -> None:
    old, new = vocabulary_of(["the", "ing"]), vocabulary_of(["thing", " the"])
    result = TokenAdapt().transplant(model_of(family, len(old)), old, new)
    save_model(result.model, tmp_path)
    result.vocabulary.save(tmp_path)
    model, tokenizer = AutoModelForCausalLM.from_pretrained(tmp_path), AutoTokenizer.from_pretrained(tmp_path)
    inputs = tokenizer("the thing", return_tensors="pt")
    assert torch.equal(model(**inputs).logits, result.model(**inputs).logits)
    generated = model.generate(**inputs, max_new_tokens=5, do_sample=False)
    assert tokenizer.decode(generated[0]).startswith("the thing")
    assert model.generation_config.suppress_tokens == list(result.padded_ids)
