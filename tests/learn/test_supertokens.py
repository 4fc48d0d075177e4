from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
import tokenizers
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import models, normalizers, pre_tokenizers, trainers

from tokencraft.corpus import Corpus
from tokencraft.errors import TrainingError, UsageError
from tokencraft.learn import Supertokens
from tokencraft.learn.supertokens import squeezed
from tokencraft.vocabulary import Vocabulary, split
from tokencraft.vocabulary.numbers import DigitGroups
from tokencraft.vocabulary.random_split import RandomChunks

pytestmark = pytest.mark.filterwarnings("ignore:the vocabulary has")  # where a corpus is tiny on purpose

WORDS = [
    "by",
    "the",
    "way",
    "the",
    "sea",
    "of",
    "a",
    "and",
    "to",
    "be",
    "or",
    "not",
    "été",
    "海",
    "12",
    "345",
    "…",
    "neighbourliness-and-incomprehensibility",
]


def documents(count: int = 120, seed: int = 0) -> list[str]:
    draw = random.Random(seed)
    return [" ".join(draw.choices(WORDS, k=80)) + "\n" for _ in range(count)]


def stock_merges(chunks: list[str], vocab_size: int, special_tokens: list[str]) -> list[list[str]]:
    """What ``tokenizers`` learns from the chunks with the published options."""
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    trainer: Any = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=special_tokens,
        min_frequency=2,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        max_token_length=30,
    )
    tokenizer.train_from_iterator(chunks, trainer)
    return json.loads(tokenizer.to_str())["model"]["merges"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("lengths", ["supertokenizer", "20-60"])
def test_merges_are_those_of_tokenizers_on_the_same_chunks(lengths: str) -> None:
    texts = documents()
    learner = Supertokens(vocab_size=700, lengths=lengths, seed=4, normalizer="nfc", special_tokens=("<|image|>",))
    vocabulary = learner.train(Corpus.from_iterable(texts), threads=2)
    chunks = [chunk for text in texts for chunk in RandomChunks(lengths, 4).split(text)]
    pieces = vocabulary.pieces
    assert [[pieces[left], pieces[right]] for left, right in vocabulary.merges.tolist()] == stock_merges(
        chunks, 700, ["<|image|>"]
    )
    assert any(b"the way" in token for token in vocabulary.tokens)
    longest = max(map(len, vocabulary.tokens))
    assert longest == 29 if lengths == "20-60" else longest <= 29  # what max_token_length=30 of tokenizers allows


LEARNED = Supertokens(vocab_size=600).train(Corpus.from_iterable(documents()))
STOCK = LEARNED.to_tokenizers()


def test_text_is_not_cut_when_it_is_encoded() -> None:
    described = json.loads(STOCK.to_str())
    assert described["pre_tokenizer"] == {
        "type": "ByteLevel",
        "add_prefix_space": False,
        "trim_offsets": True,
        "use_regex": False,
    }
    assert LEARNED.splitter == split.WHOLE
    assert LEARNED.origin.method == "supertokens"
    assert LEARNED.origin.hyperparameters["lengths"] == "20-60"
    assert LEARNED.lossless


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from(" \nthewaybsoaéa海日1234…🙂"), max_size=200) | st.text(max_size=60))
@example("by the way, the sea of the way " * 40)
@example("")
def test_encoding_round_trips_and_is_that_of_tokenizers(text: str) -> None:
    ids = LEARNED.encode(text).tolist()
    assert LEARNED.decode(ids) == text
    assert ids == STOCK.encode(text, add_special_tokens=False).ids


def test_the_vocabulary_depends_on_the_seed_and_not_on_threads() -> None:
    corpus = Corpus.from_iterable(documents())
    assert Supertokens(vocab_size=600).train(corpus, threads=3) == LEARNED
    assert Supertokens(vocab_size=600, seed=1).train(corpus).merges.tolist() != LEARNED.merges.tolist()


def test_scripts_without_spaces_get_long_tokens() -> None:
    texts = ["海の日は楽しい" * 3 + "山の日も楽しい" for _ in range(20)]
    vocabulary = Supertokens(vocab_size=300, max_token_length=None).train(Corpus.from_iterable(texts))
    assert max(len(token.decode("utf-8", "ignore")) for token in vocabulary.tokens) >= 5


def test_digits_are_cut_before_chunks() -> None:
    texts = [f"in the year {year} and {year * 7919}" for year in range(1000, 1100)] * 2
    vocabulary = Supertokens(vocab_size=1500, digits=DigitGroups()).train(Corpus.from_iterable(texts))
    mixed = [token for token in vocabulary.tokens if any(48 <= byte < 58 for byte in token)]
    assert all(token.isdigit() and len(token) <= 3 for token in mixed)
    assert [vocabulary.token_bytes(each) for each in vocabulary.encode("1234567").tolist()] == [b"1", b"234", b"567"]
    assert b"in the year " in vocabulary.tokens


def test_runs_of_seven_are_left_out_on_demand() -> None:
    assert squeezed("x" + "-" * 17 + "y\n\n\n\n\n\n\n\nzzzzzz") == "x---y\n\n\n\n\n\n\n\nzzzzzz"
    texts = [f"{'=' * 40} the way {'=' * 40} by the sea"] * 9
    plain, without = (
        Supertokens(vocab_size=330, squeeze_runs=squeeze).train(Corpus.from_iterable(texts))
        for squeeze in (False, True)
    )
    assert any(b"=" * 7 in token for token in plain.tokens)
    assert not any(b"=" * 7 in token for token in without.tokens)


def test_paper_settings(tmp_path: Path) -> None:
    learner = Supertokens.paper_settings()
    assert (learner.vocab_size, learner.min_frequency, learner.max_token_length) == (128_000, 2, 29)
    with pytest.warns(UserWarning, match="no more pairs"):
        vocabulary = learner.train(Corpus.from_iterable(documents(5)))
    assert vocabulary.normalizer == {"type": "NFC"}
    assert vocabulary.tokens[:4] == (b"<|endoftext|>", b"<|beginoftext|>", b"<|image|>", b"<|audio|>")
    vocabulary.save(tmp_path / "tokenizer.json")
    assert Vocabulary.load(tmp_path / "tokenizer.json").merges.tolist() == vocabulary.merges.tolist()


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(UsageError, match="no range"):
        Supertokens(lengths="long")
    with pytest.raises(TrainingError, match="smaller than its alphabet"):
        Supertokens(vocab_size=100).train(Corpus.from_iterable(["a"]))


def test_little_memory_is_noted_in_the_origin() -> None:
    draw = random.Random(1)
    texts = ["".join(draw.choices("abcdefgh ", k=4000)) for _ in range(250)]
    with pytest.warns(UserWarning, match="sample"):
        vocabulary = Supertokens(vocab_size=300).train(Corpus.from_iterable(texts), memory=8 << 20)
    assert vocabulary.origin.hyperparameters["memory"] == 8 << 20
    (sample,) = vocabulary.origin.hyperparameters["samples"]
    assert 0 < sample["pieces"] < sample["of_pieces"]
    assert vocabulary.decode(vocabulary.encode(texts[0])) == texts[0]
