"""Cuts inside words, for every family of vocabularies."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from tokencraft.errors import UsageError
from tokencraft.measure import Boundaries, boundaries_of, token_cuts
from tokencraft.measure.boundaries import morpheme_cuts, pieces_of
from tokencraft.vocabulary import Vocabulary, split
from tokencraft.vocabulary import bytes as canonical

ID = {value: position for position, value in enumerate(canonical.BYTE_ORDER)}


def byte_level() -> Vocabulary:
    """Tokens "un" and " un" besides the bytes."""
    u, n, space = ID[ord("u")], ID[ord("n")], ID[ord(" ")]
    return Vocabulary.from_merges([(u, n), (space, 256)], splitter=split.GPT2)


def wordpiece() -> Vocabulary:
    pieces = ["[UNK]", "un", "##do", "##ing", "do"]
    model = tokenizers.models.WordPiece({piece: k for k, piece in enumerate(pieces)}, unk_token="[UNK]")
    stock = tokenizers.Tokenizer(model)
    stock.normalizer = tokenizers.normalizers.Lowercase()
    stock.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    stock.decoder = tokenizers.decoders.WordPiece()
    stock.add_special_tokens(["[UNK]"])
    stock.post_processor = tokenizers.processors.TemplateProcessing(single="[UNK] $A", special_tokens=[("[UNK]", 0)])
    return Vocabulary.from_tokenizer(stock)


def sentencepiece() -> Vocabulary:
    pieces = [("<unk>", 0.0), ("▁", -3.0), ("un", -1.0), ("do", -1.0), ("ing", -1.0), ("U", -2.0), ("n", -2.0)]
    stock = tokenizers.Tokenizer(tokenizers.models.Unigram(pieces, unk_id=0))
    stock.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()
    stock.decoder = tokenizers.decoders.Metaspace()
    return Vocabulary.from_tokenizer(stock)


@pytest.mark.parametrize("made", [wordpiece, sentencepiece])
def test_marks_and_special_tokens_make_no_cuts(made: Callable[[], Vocabulary]) -> None:
    assert token_cuts(made(), ["undoing", "do"]) == [(2, 4), ()]


def test_byte_level_cuts() -> None:
    assert token_cuts(byte_level(), ["unaé", "un", "x"]) == [(2, 3, 4), (), ()]  # é is cut, too
    assert token_cuts(byte_level(), ["xun"], after_space=False) == [(1,)]
    assert token_cuts(byte_level(), []) == []


def test_unknown_words_are_one_token_and_places_are_of_the_text_as_written() -> None:
    assert token_cuts(wordpiece(), ["zzz", "UNDO"]) == [(), (2,)]


@settings(deadline=None)
@given(st.lists(st.text("unxé", min_size=1, max_size=6), max_size=5))
def test_places_follow_from_the_tokens(words: list[str]) -> None:
    vocabulary = byte_level()
    for word, cuts in zip(words, token_cuts(vocabulary, words), strict=True):
        tokens = [vocabulary.token_bytes(number) for number in vocabulary.encode(f" {word}").tolist()]
        ends = [sum(map(len, tokens[: k + 1])) - 1 for k in range(len(tokens) - 1)]
        assert cuts == tuple(end for end in ends if end > 0)


def test_counts_by_hand() -> None:
    # un|do|ing against undo|ing: one of two cuts is right; one of one gold cut found.
    counts = Boundaries.of([(4,), (3,), ()], [(2, 4), (), (1,)])
    assert (counts.words, counts.gold, counts.found, counts.common) == (3, 2, 3, 1)
    assert (counts.precision, counts.recall, counts.f1) == (1 / 3, 1 / 2, 2 / 5)
    assert counts.divided == 1  # the second word is one token, the third has no gold cut
    assert counts.morph_score == 1


def test_gold_against_itself_and_whole_words() -> None:
    gold = [(1,), (2, 3), ()]
    assert Boundaries.of(gold, gold).f1 == 1
    whole = Boundaries.of(gold, [()] * 3)
    assert whole.recall == 0
    assert math.isnan(whole.precision)
    assert whole.f1 == 0
    assert math.isnan(whole.morph_score)
    assert math.isnan(Boundaries.of([()], [()]).f1)


def test_gold_words() -> None:
    gold = {"unx": ("un", "x"), "xun": ("x", "un"), "éun": ("é", "un")}
    counts = boundaries_of(byte_level(), gold)
    # un|x and x|un as they should be, and the two bytes of é cut apart once
    assert (counts.gold, counts.found, counts.common) == (3, 4, 3)
    with pytest.raises(UsageError, match="do not add up"):
        morpheme_cuts("undo", ("un", "did"))
    assert morpheme_cuts("éa", ("é", "a")) == (2,)
    assert pieces_of("éa", (2,)) == ["é", "a"]
    assert pieces_of("é", (1,)) == ["\ufffd", "\ufffd"]
