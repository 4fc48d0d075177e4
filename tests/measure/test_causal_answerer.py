"""A tiny model with random weights answers: what batching, padding and log-probabilities must not change."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from tokencraft.errors import ModelError, UsageError
from tokencraft.measure import AdditionBench, CausalAnswerer, confidence, group_ranks
from tokencraft.vocabulary import Vocabulary, split
from tokencraft.vocabulary.numbers import number_merges

BENCH = AdditionBench(("nosep", "comma_r2l"), shots=(2,), lengths=(2, 4), count=4)


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary.from_merges([], splitter=split.LLAMA3, special_tokens=("<s>", "</s>"))


@pytest.fixture(scope="module")
def model(vocabulary: Vocabulary) -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=256,
        bos_token_id=0,
        eos_token_id=1,
        initializer_range=0.5,
    )
    return LlamaForCausalLM(config)


def test_answers_do_not_depend_on_the_batch(model: LlamaForCausalLM, vocabulary: Vocabulary) -> None:
    prompts = BENCH.prompts()
    alone = CausalAnswerer(model, vocabulary, max_new_tokens=6, batch_size=1).ask(prompts)
    together = CausalAnswerer(model, vocabulary, max_new_tokens=6, batch_size=3).ask(prompts)
    assert [answer.text for answer in alone] == [answer.text for answer in together]
    assert model.training
    for answer in alone:
        assert 1 <= len(answer.tokens) <= 6
        for token in answer.tokens:
            assert token.text == token.alternatives[0], "the likeliest token is taken"
            assert list(token.log_probabilities) == sorted(token.log_probabilities, reverse=True)
            assert math.fsum(map(math.exp, token.log_probabilities)) <= 1 + 1e-5
    scores = BENCH.run(CausalAnswerer(model, vocabulary, max_new_tokens=6))
    assert len(scores.rows) == 8


def test_the_first_token_is_that_of_a_forward_pass(model: LlamaForCausalLM, vocabulary: Vocabulary) -> None:
    prompt = BENCH.prompts()[0]
    (answer,) = CausalAnswerer(model, vocabulary, max_new_tokens=1).ask([prompt])
    tokenizer = vocabulary.to_transformers()
    with torch.no_grad():
        logits = model.eval()(torch.tensor([tokenizer(prompt.text())["input_ids"]])).logits[0, -1]
    model.train()
    expected = logits.log_softmax(-1).topk(5)
    assert answer.tokens[0].log_probabilities == pytest.approx(expected.values.tolist(), abs=1e-4)
    assert answer.tokens[0].text == tokenizer.decode([int(expected.indices[0])])


def test_chat_models_get_messages(model: LlamaForCausalLM, vocabulary: Vocabulary) -> None:
    tokenizer: Any = vocabulary.to_transformers()
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }};{% endfor %}"
    prompt = AdditionBench(shots=(1,), lengths=(2,), count=1, system_prompt="Add.").prompts()[0]
    seen = []
    generate = model.generate

    def spy(**arguments: Any) -> Any:
        seen.append(tokenizer.decode(arguments["input_ids"][0]))
        return generate(**arguments)

    model.generate = spy  # type: ignore[method-assign]
    try:
        CausalAnswerer(model, tokenizer, max_new_tokens=2)([prompt])
    finally:
        del model.generate
    assert seen == ["".join(turn["content"] + ";" for turn in prompt.messages())]


def test_what_does_not_fit_is_refused(model: LlamaForCausalLM, vocabulary: Vocabulary) -> None:
    with pytest.raises(ModelError, match="use fewer shots"):
        CausalAnswerer(model, vocabulary, max_new_tokens=250)(BENCH.prompts())
    larger = Vocabulary.from_merges([], splitter=split.LLAMA3, special_tokens=tuple(f"<{i}>" for i in range(300)))
    with pytest.raises(ModelError, match="do not belong together"):
        CausalAnswerer(model, larger)(BENCH.prompts())
    with pytest.raises(UsageError):
        CausalAnswerer(model, vocabulary, batch_size=0)
    assert CausalAnswerer(model, vocabulary)([]) == []


def test_confidence_of_known_distributions() -> None:
    even = confidence([math.log(0.2)] * 5, true_at=3)
    assert even.entropy_bound == pytest.approx(math.log(5))
    assert even.entropy == pytest.approx(math.log(5))
    assert (even.gap, even.rank) == (0, 1)
    # Seven of one eighth and an eighth of one: five known, the rest exactly as likely as the last.
    eighths = confidence([math.log(1 / 8)] * 5)
    assert eighths.entropy_bound == pytest.approx(math.log(8))
    assert eighths.rank is None
    sure = confidence([0.0, -math.inf])
    assert (sure.entropy_bound, sure.entropy, sure.gap) == (0, 0, math.inf)
    with pytest.raises(UsageError, match="two tokens"):
        confidence([0.0])
    with pytest.raises(UsageError, match="no log-probabilities"):
        confidence([0.5, 0.5])


def test_ranks_follow_the_merges() -> None:
    base = Vocabulary.from_merges([], splitter=split.LLAMA3)
    ids = {bytes([value]): base.id_of(bytes([value])) for value in range(256)}
    merges = []
    for left, right in number_merges(3):  # in the order of the numbers
        merges.append((ids[left], ids[right]))
        ids[left + right] = len(ids)
    vocabulary = Vocabulary.from_merges(merges, splitter=split.LLAMA3)  # type: ignore[arg-type]
    assert group_ranks(vocabulary, "456") == (5, 2)
    assert group_ranks(vocabulary, "000") == (1, 1)
    assert group_ranks(vocabulary, "999") == (10, 2)
    assert group_ranks(base, "12") == (1, 1), "all are absent alike"
    with pytest.raises(UsageError, match="no group"):
        group_ranks(vocabulary, "1a")
