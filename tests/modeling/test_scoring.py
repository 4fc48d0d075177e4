"""Bits per byte against closed forms and against a loop that asks for one token at a time."""

from __future__ import annotations

import math

import pytest
import torch
from transformers import PreTrainedModel

from modeling.conftest import VOCABULARY_SIZE, make_model
from modeling.test_loss import capped_model
from tokencraft.errors import CorpusError, ModelError
from tokencraft.modeling.scoring import Score, bits_per_byte, score
from tokencraft.vocabulary import Vocabulary, split

TEXTS = ["the cat sat on the mat", "a", "", "Größe ≠ 0\n" * 4, "the theory of the thing " * 9, "\u00e9"]


def one_token_at_a_time(model: PreTrainedModel, vocabulary: Vocabulary, texts: list[str], context: int) -> Score:
    """The definition, word for word."""
    nats, size, tokens = 0.0, 0, 0
    for text in texts:
        ids = [0, *vocabulary.encode(text).tolist()]
        size += len(text.encode())
        for target in range(1, len(ids)):
            start = 0
            while target >= start + context:  # windows overlap by half; the first that holds the target scores it
                start += context // 2
            logits = model(input_ids=torch.tensor([ids[start:target]])).logits[0, -1].detach().double()
            nats -= float(logits.log_softmax(-1)[ids[target]])
            tokens += 1
    return Score(nats, size, tokens)


def test_score_is_the_definition(any_model: PreTrainedModel, vocabulary: Vocabulary) -> None:
    check(any_model, vocabulary, TEXTS[:3], 64)


@pytest.mark.parametrize("context", [64, 16, 5])
def test_windows_overlap_by_half(model: PreTrainedModel, vocabulary: Vocabulary, context: int) -> None:
    check(model, vocabulary, TEXTS[:4], context)


def check(model: PreTrainedModel, vocabulary: Vocabulary, texts: list[str], context: int) -> None:
    expected = one_token_at_a_time(model, vocabulary, texts, context)
    found = score(model, vocabulary, texts, context_length=context)
    assert (found.tokens, found.bytes) == (expected.tokens, expected.bytes)
    assert found.nats == pytest.approx(expected.nats, rel=1e-5)


def test_logits_that_are_no_plain_layer(vocabulary: Vocabulary) -> None:
    model = capped_model()
    expected = one_token_at_a_time(model, vocabulary, TEXTS[:2], 16)
    assert score(model, vocabulary, TEXTS[:2], context_length=16).nats == pytest.approx(expected.nats, rel=1e-5)


def test_uniform_model_has_a_closed_form(vocabulary: Vocabulary) -> None:
    """Every token costs log2 of the number of rows, whatever the text."""
    model = make_model("llama")
    with torch.no_grad():
        model.get_output_embeddings().weight.zero_()
    tokens = sum(len(vocabulary.encode(text)) for text in TEXTS)
    size = sum(len(text.encode()) for text in TEXTS)
    expected = math.log2(VOCABULARY_SIZE) * tokens / size
    assert bits_per_byte(model, vocabulary, TEXTS) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("batch_tokens", [1, 40, 100_000])
def test_batches_change_nothing(model: PreTrainedModel, vocabulary: Vocabulary, batch_tokens: int) -> None:
    expected = score(model, vocabulary, TEXTS).nats
    assert score(model, vocabulary, TEXTS, batch_tokens=batch_tokens).nats == pytest.approx(expected, rel=1e-6)
    assert score(model, vocabulary, TEXTS[::-1], batch_tokens=batch_tokens).nats == pytest.approx(expected, rel=1e-6)


def test_half_precision_of_the_body(any_model: PreTrainedModel, vocabulary: Vocabulary) -> None:
    expected = score(any_model, vocabulary, TEXTS).nats
    found = score(any_model, vocabulary, TEXTS, dtype="bfloat16").nats
    assert found != expected
    assert found == pytest.approx(expected, rel=0.01)


def test_documents_are_independent(model: PreTrainedModel, vocabulary: Vocabulary) -> None:
    each = [score(model, vocabulary, [text]).nats for text in TEXTS if text]
    assert score(model, vocabulary, TEXTS).nats == pytest.approx(sum(each), rel=1e-6)


def test_bytes_are_those_of_the_original(model: PreTrainedModel, vocabulary: Vocabulary) -> None:
    """A vocabulary that drops accents has fewer tokens to predict, and is not paid for the bytes it dropped."""
    lossy = vocabulary.replace(
        normalizer={
            "type": "Sequence",
            "normalizers": [{"type": "NFD"}, {"type": "StripAccents"}],
        }
    )
    text = "\u00e9t\u00e9"
    assert lossy.encode(text).tolist() == vocabulary.encode("ete").tolist()
    found = score(model, lossy, [text])
    assert found.bytes == 5
    assert found.nats == pytest.approx(score(model, vocabulary, ["ete"]).nats, rel=1e-6)


def test_model_is_left_as_it_was(model: PreTrainedModel, vocabulary: Vocabulary) -> None:
    model.train()
    score(model, vocabulary, TEXTS)
    assert model.training


def test_special_strings_in_text_are_text(model: PreTrainedModel, vocabulary: Vocabulary) -> None:
    assert score(model, vocabulary, ["<|endoftext|>"]).tokens == len("<|endoftext|>")


def test_faults_are_named(model: PreTrainedModel, vocabulary: Vocabulary) -> None:
    with pytest.raises(CorpusError, match="no text to score"):
        score(model, vocabulary, ["", ""])
    with pytest.raises(ModelError, match="neither a BOS nor an EOS"):
        score(model, Vocabulary.from_merges([], splitter=split.GPT2), ["a"])
    with pytest.raises(ModelError, match="400 tokens, the model only 320"):
        score(model, vocabulary.pad_to(400), ["a"])


def test_progress_counts_bytes(model: PreTrainedModel, vocabulary: Vocabulary) -> None:
    done: list[int] = []
    score(model, vocabulary, TEXTS, progress=done.append)
    assert done == [sum(len(text.encode()) for text in TEXTS)]
