from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokencraft.errors import VocabularyError
from tokencraft.vocabulary import Vocabulary, split


@pytest.fixture(scope="module")
def letters() -> Vocabulary:
    return Vocabulary.from_merges([(64, 65)], splitter=split.GPT2)


@settings(deadline=None)
@given(ids=st.lists(st.integers(0, 256)))
def test_bytes_are_those_of_the_tokens(ids: list[int], letters: Vocabulary) -> None:
    expected = b"".join(letters.token_bytes(identifier) for identifier in ids)
    assert letters.decode_bytes(ids) == expected
    assert letters.decode_bytes(np.asarray(ids, np.uint32)) == expected
    assert letters.decode(ids) == expected.decode("utf-8", "replace")


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([0, 257], r"id 257 at position 1 is outside the vocabulary's 0\.\.256"),
        ([-1], "id -1 at position 0"),
        ([1 << 70], "whole numbers"),
        ([0.5], "whole numbers, not float64"),
        (["a"], "whole numbers"),
    ],
)
def test_bad_ids(ids: list[int], message: str, letters: Vocabulary) -> None:
    with pytest.raises(VocabularyError, match=message):
        letters.decode(ids)


def test_nothing_decodes_to_nothing(letters: Vocabulary) -> None:
    assert letters.decode([]) == ""
    assert letters.decode_bytes(np.zeros(0, np.uint32)) == b""


def test_the_space_that_encoding_puts_in_front_goes_again(real: Callable[[str], Vocabulary]) -> None:
    llama = real("llama")
    for text in ("Hello world", " leading", "  two", "emoji \U0001f600", "a\n b"):
        ids = llama.encode(text)
        assert llama.decode(ids) == text
        assert llama.decode_bytes(ids) == text.encode()
