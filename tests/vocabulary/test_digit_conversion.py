"""Tokenizers whose groups of digits change their direction: nothing else changes, and what cannot change says so."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from tokencraft.errors import VocabularyError
from tokencraft.vocabulary import Vocabulary, split
from tokencraft.vocabulary.digit_conversion import convert_digits
from tokencraft.vocabulary.numbers import DigitGroups, group, number_merges

R2L = r"\p{Nd}{1,3}(?=(?:\p{Nd}{3})*(?!\p{Nd}))"
"""The card's regular expression, without fractions and limits."""


@cache
def vocabulary(splitter: split.Regex = split.LLAMA3) -> Vocabulary:
    """All numbers of up to three digits are tokens, and nothing else is."""
    byte = Vocabulary.from_merges([], splitter=splitter)
    ids = {bytes([value]): byte.id_of(bytes([value])) for value in range(256)}
    merges = []
    for left, right in number_merges(3):
        merges.append((ids[left], ids[right]))
        ids[left + right] = len(ids)
    return Vocabulary.from_merges(merges, splitter=splitter)  # type: ignore[arg-type]


@cache
def converted() -> Vocabulary:
    return convert_digits(vocabulary())


def pieces(text: str, of: Vocabulary) -> list[str]:
    return [of.decode([identifier]) for identifier in of.encode(text)]


def test_groups_change_and_come_back() -> None:
    assert pieces("1234567", vocabulary()) == ["123", "456", "7"]
    assert pieces("1234567", converted()) == ["1", "234", "567"]
    assert pieces("a1234567b 1,234 12.3456", converted()) == [
        *["a", "1", "234", "567", "b", " ", "1", ",", "234", " ", "12", ".", "345", "6"]
    ]
    plain = convert_digits(vocabulary(), fraction="plain")
    assert pieces("12.3456", plain) == ["12", ".", "3", "456"]
    back = convert_digits(plain, "l2r")
    assert back.splitter == split.LLAMA3
    assert back == convert_digits(converted(), "l2r") == vocabulary()
    assert convert_digits(converted()) == converted()


@given(st.text(alphabet=st.sampled_from("0123456789 .,a-\nB٣é"), max_size=30))
@settings(deadline=None)
def test_text_round_trips_and_numbers_are_grouped(text: str) -> None:
    assert converted().decode(converted().encode(text)) == text
    for run in regex.findall(r"[0-9]+", text):
        assert pieces(run, converted()) == group(run) == regex.findall(R2L, run)


@given(st.text(alphabet=st.characters(blacklist_categories=["Nd", "Nl", "No", "Cs"])))
@settings(deadline=None)
def test_text_without_numbers_keeps_its_ids(text: str) -> None:
    assert converted().encode(text).tolist() == vocabulary().encode(text).tolist()


@pytest.mark.parametrize("form", [Vocabulary.to_tokenizers, Vocabulary.to_transformers, Vocabulary.to_tiktoken])
def test_every_library_agrees(form: Callable[[Vocabulary], Any]) -> None:
    original = form(vocabulary())
    changed = convert_digits(original)
    assert type(changed) is type(original)
    for text in ("a1234567b 1,234 12.3456", "x  12\n\n34567 it's", "9" * 600):
        expected = converted().encode(text).tolist()
        before = vocabulary().encode(text).tolist()
        assert ids(changed, text) == expected
        assert ids(original, text) == before, "what was passed in has not changed"


def ids(tokenizer: Any, text: str) -> list[int]:
    """Without special tokens."""
    if hasattr(tokenizer, "encode_ordinary"):
        return list(tokenizer.encode_ordinary(text))
    encoded = tokenizer.encode(text, add_special_tokens=False)
    return list(getattr(encoded, "ids", encoded))


@pytest.mark.parametrize(
    ("splitter", "message"),
    [
        (split.GPT2, "no branch like"),
        (split.QWEN2, "one by one"),
        (split.Regex((r"\d", r"\s+")), "one by one"),
        (split.WHOLE, "no branch like|no pre-tokenizer"),
    ],
    ids=["gpt2", "qwen2", "digits", "whole"],
)
def test_what_has_no_groups_is_refused(splitter: split.Regex, message: str) -> None:
    with pytest.raises(VocabularyError, match=message):
        convert_digits(vocabulary(splitter))


def test_single_digits_of_tokenizers_are_refused() -> None:
    step = {"type": "Digits", "individual_digits": True}
    with pytest.raises(VocabularyError, match="one by one"):
        convert_digits(Vocabulary.from_merges([], splitter=split.GPT2).replace(pre_tokenizer=step))


def test_missing_numbers_are_refused() -> None:
    with pytest.raises(VocabularyError, match="only 10 of the 1,110 numbers"):
        convert_digits(Vocabulary.from_merges([], splitter=split.CL100K))


@pytest.mark.parametrize(
    "pattern", [r"\d{1,3}|\s+|[^\d\s]+", r"[0-9]{1,3}|\s+", r"(\p{N}{1,3}+)|\p{L}+", r"(?:x|\p{Nd}{1,3})|a"]
)
def test_spellings_of_the_branch(pattern: str) -> None:
    changed = convert_digits(vocabulary(split.Regex((pattern,))))
    assert pieces("x 12345", changed)[-2:] == ["12", "345"]


def test_other_sizes() -> None:
    pairs = convert_digits(vocabulary(split.Regex((DigitGroups(2, "l2r").pattern,))))
    assert pieces("12345", pairs) == ["1", "23", "45"]
