"""Tokens kept whole natively, against the ``regex`` package and ``tokenizers``."""

from __future__ import annotations

import pickle

import pytest
import regex
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from tokencraft import _native
from tokencraft.vocabulary import split
from tokencraft.vocabulary.split_patterns import PATTERNS
from tokencraft.vocabulary.whole_tokens import is_word, kept_whole_by, tokens_of, whole_pattern

ALPHABET = "aB1.( \n§é中½|\\'"
TOKENS = st.lists(st.text(st.sampled_from(ALPHABET), min_size=1, max_size=5), min_size=1, max_size=8)
TEXTS = st.text(st.one_of(st.sampled_from(ALPHABET), st.characters(codec="utf-8", max_codepoint=0x2000)), max_size=60)
NUMBERS = (0, 1, 2, 3, 5, 6, 7, 11)  # of one pattern each, or of none


def splitter_of(tokens: list[str], number: int) -> split.Regex:
    mine = whole_pattern(tokens)
    return split.Regex((mine, *(f"{mine}|{pattern}" for pattern in PATTERNS[number])))


def by_engine(splitter: split.Regex, text: str) -> list[str]:
    """The pieces as the ``regex`` package finds them."""
    pieces = [text] if text else []
    for pattern in splitter.patterns:
        cut = []
        for piece in pieces:
            at = 0
            for match in regex.finditer(pattern, piece):
                cut += [piece[at : match.start()], match.group()]
                at = match.end()
            cut.append(piece[at:])
        pieces = [piece for piece in cut if piece]
    return pieces


@settings(deadline=None, max_examples=400)
@given(TOKENS, TEXTS, st.sampled_from(NUMBERS))
def test_cuts_as_the_engines_do(tokens: list[str], text: str, number: int) -> None:
    splitter = splitter_of(tokens, number)
    found = kept_whole_by(splitter.patterns)
    assert found == (sorted(set(tokens)), number)
    pieces = splitter.split(text)
    assert "".join(pieces) == text
    if all(code < "\u1c80" for code in text):  # known to every engine alike
        assert pieces == by_engine(splitter, text)
    steps = [tokenizers.pre_tokenizers.Split(tokenizers.Regex(pattern), "isolated") for pattern in splitter.patterns]
    stock = tokenizers.pre_tokenizers.Sequence(steps)
    assert [piece for piece, _ in stock.pre_tokenize_str(text)] == pieces


@settings(deadline=None)
@given(TOKENS)
def test_tokens_come_back_from_the_pattern(tokens: list[str]) -> None:
    assert tokens_of(whole_pattern(tokens)) == sorted(set(tokens))


@pytest.mark.parametrize(
    "pattern",
    ["", "a|b*", "(a)", r"a(?:b|c", "b|a", "ab|ac", r"\p{L}+", r"(?<![\p{L}\p{N}])(?:\.)", "|", "a|", *PATTERNS[1]],
)
def test_other_patterns_are_not_taken_for_ours(pattern: str) -> None:
    assert tokens_of(pattern) is None
    assert kept_whole_by((pattern,)) is None
    assert kept_whole_by((pattern, f"{pattern}|{PATTERNS[1][0]}")) is None


def test_other_shapes_are_left_to_the_engine() -> None:
    mine = whole_pattern(["a."])
    assert kept_whole_by(()) is None
    assert kept_whole_by((mine, PATTERNS[1][0])) is None
    assert kept_whole_by((mine, *(f"{mine}|{pattern}" for pattern in PATTERNS[9]))) is None  # two patterns
    assert kept_whole_by((mine, rf"{mine}|\w+")) is None
    assert split.Regex((mine, rf"{mine}|\w+")).split("b a. c") == ["b", " ", "a.", " ", "c"]


@settings(deadline=None)
@given(TOKENS, st.lists(st.binary(max_size=40), max_size=5), st.integers(1, 3))
def test_any_bytes_and_any_threads(tokens: list[str], texts: list[bytes], threads: int) -> None:
    splitter = splitter_of(tokens, 1)
    batch = splitter.spans_batch(texts, threads=threads)
    assert [ends.tolist() for ends in batch] == [splitter.spans(text).tolist() for text in texts]
    for text, ends in zip(texts, batch, strict=True):
        assert ends.tolist() == sorted({*ends.tolist()})
        assert (ends[-1] if text else 0) == len(text)


def test_copies_cut_alike() -> None:
    splitter = splitter_of(["U.S.C.", " U.S.C."], 1)
    text = "17 U.S.C. 5"
    expected = ["17", " U.S.C.", " 5"]
    assert splitter.split(text) == expected
    copy = pickle.loads(pickle.dumps(splitter))
    assert copy == splitter
    assert copy.split(text) == expected
    assert split.from_pre_tokenizer(splitter.to_pre_tokenizer()) == splitter


def test_words_by_the_tables() -> None:
    assert [char for char in "aé中½٣ǅ_'§ \n\u0301" if is_word(char)] == list("aé中½٣ǅ")


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one byte"):
        _native.WholeTokens([b""], 1)
    with pytest.raises(ValueError, match="unknown split pattern"):
        _native.WholeTokens([b"a"], 99)
