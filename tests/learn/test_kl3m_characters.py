"""Character-level BPE against stock ``tokenizers`` and a plain trainer."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naive_bpe import NaiveTrainer
from stock_trainer import stock_merges
from tokencraft.corpus import Corpus
from tokencraft.errors import TrainingError, UsageError
from tokencraft.learn import KL3MCharacters
from tokencraft.learn.kl3m_specials import SPECIAL_TOKENS
from tokencraft.vocabulary import TokenKind, Vocabulary, merges, split

pytestmark = pytest.mark.filterwarnings("ignore:the vocabulary has")  # where a corpus is tiny on purpose

TEXTS = st.lists(st.text(st.sampled_from("abc é€ 1\n"), min_size=1, max_size=60), min_size=1, max_size=4)


def pairs_of(vocabulary: Vocabulary) -> list[tuple[bytes, bytes]]:
    return [(vocabulary.tokens[left], vocabulary.tokens[right]) for left, right in vocabulary.merges.tolist()]


def characters(token: bytes) -> int:
    return sum(byte & 0xC0 != 0x80 for byte in token)


@settings(deadline=None, max_examples=80)
@given(TEXTS, st.integers(1, 5), st.integers(0, 3))
def test_merges_are_those_of_a_plain_trainer(texts: list[str], longest: int, min_frequency: int) -> None:
    made = KL3MCharacters(vocab_size=300, max_token_symbols=longest, min_frequency=min_frequency).train(
        Corpus.from_iterable(texts)
    )
    pieces = Counter(piece.encode() for text in texts for piece in split.GPT2.split(text))
    naive = NaiveTrainer(pieces.items(), merges.byte_tokens(SPECIAL_TOKENS))
    naive.learn(300 - 269, min_frequency, lambda left, right: len(left + right) <= longest)
    assert made.merges.tolist() == [[left, right] for left, right, _ in naive.merges]
    assert made.byte_lengths[13:].max() <= longest
    assert all(made.decode(made.encode(text)) == text for text in texts)


@settings(deadline=None, max_examples=60)
@given(TEXTS, st.integers(1, 4))
def test_symbols_may_be_characters(texts: list[str], longest: int) -> None:
    made = KL3MCharacters(vocab_size=310, max_token_symbols=longest, alphabet="character", min_frequency=0).train(
        Corpus.from_iterable(texts)
    )
    first = {token for token in made.tokens[269:] if characters(token) == 1}
    assert {char.encode() for text in texts for char in text if not char.isascii()} <= first
    for token in set(made.tokens[269:]) - first:
        assert len(token.decode("utf-8")) <= longest  # and it ends at the end of a character
    pieces = Counter(piece.encode() for text in texts for piece in split.GPT2.split(text))
    naive = NaiveTrainer(pieces.items(), merges.byte_tokens(SPECIAL_TOKENS))
    parts = [made.merges[rank].tolist() for rank in range(len(first))]
    naive.replay([(left, right, 269 + rank) for rank, (left, right) in enumerate(parts)])
    naive.tokens += list(made.tokens[269 : 269 + len(first)])
    naive.learn(310 - len(naive.tokens), 0, lambda left, right: characters(left + right) <= longest)
    assert made.merges.tolist() == [[left, right] for left, right, _ in naive.merges]


@pytest.mark.parametrize("longest", [3, 4])
def test_merges_are_those_of_the_stock_trainer(longest: int, data_folder: Path) -> None:
    texts = (data_folder / "text" / "ud" / "en.test.txt").read_text(encoding="utf-8").splitlines()[:800]
    made = KL3MCharacters(vocab_size=1500, max_token_symbols=longest).train(Corpus.from_iterable(texts))
    stock = stock_merges(
        texts, 1500, split.GPT2, min_frequency=2, special_tokens=SPECIAL_TOKENS, max_token_length=longest
    )
    assert pairs_of(made) == stock
    assert int(made.byte_lengths[13:].max()) == longest


def test_the_limit_saturates_with_a_warning() -> None:
    corpus = Corpus.from_iterable(["the cat and the hat and the bat"])
    with pytest.warns(UserWarning, match="instead of 4,096"):
        made = KL3MCharacters(min_frequency=0).train(corpus)
    assert len(made) < 300
    assert len(KL3MCharacters(min_frequency=0, pad_to="pow2").train(corpus)) == 512
    white = KL3MCharacters(min_frequency=0, pad_to="pow2", pad_with="whitespace").train(corpus)
    assert b" " * 100 in white.tokens
    assert white.decode(white.encode("a   b\n\n")) == "a   b\n\n"


def test_all_bytes_are_there_once() -> None:
    made = KL3MCharacters(vocab_size=4096, pad_to=64).train(Corpus.from_iterable(["text and more text"]))
    assert sorted(made.tokens[13:269]) == [bytes([value]) for value in range(256)]
    assert made.lossless
    assert made.pieces[:13] == SPECIAL_TOKENS
    assert made.encode("a\x18b").tolist() == [made.id_of(b"a"), made.id_of(b"\x18"), made.id_of(b"b")]
    assert made.decode_bytes(made.encode(b"\xff\x18")) == b"\xff\x18"
    assert made.special_tokens["pad"] == 2
    assert made.kinds[-1] == TokenKind.UNUSED


def test_settings_of_the_paper() -> None:
    released = [KL3MCharacters.paper_settings(size) for size in (4096, 8192, 16_384)]
    assert [each.max_token_symbols for each in released] == [3, 3, 4]
    assert {(each.normalizer, each.min_frequency, each.pad_to) for each in released} == {("nfkc", 1000, "pow2")}


def test_wrong_options_are_refused() -> None:
    with pytest.raises(UsageError, match="at least 1 symbol"):
        KL3MCharacters(max_token_symbols=0)
    with pytest.raises(UsageError, match="pad_to is"):
        KL3MCharacters(pad_to="yes")
    with pytest.raises(TrainingError, match="smaller than its alphabet"):
        KL3MCharacters(vocab_size=260).train(Corpus.from_iterable(["a"]))
