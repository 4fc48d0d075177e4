"""The native encoder of lexicons equals the plain one, and the worked examples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naive_lib import parts, read
from tokencraft._native import PathEncoder

LEXICONS = st.lists(st.text("abcé語", min_size=1, max_size=5), unique=True, max_size=25)
RANKED = ["a", "ab", "bc", "c", "abc", "cd", "d", "bcd"]


def encoder(lexicon: list[str], **rules: bool) -> tuple[PathEncoder, list[bytes]]:
    entries = [entry.encode() for entry in lexicon]
    tokens = entries + [bytes([value]) for value in range(256) if bytes([value]) not in entries]
    ranks = [rank if rank < len(entries) else -1 for rank in range(len(tokens))]
    return PathEncoder(tokens, np.array(ranks, np.int64), **rules), tokens


def segment(lexicon: list[str], text: str | bytes, **rules: bool) -> list[bytes]:
    native, tokens = encoder(lexicon, **rules)
    return [tokens[identifier] for identifier in native.encode_batch([text])[0].tolist()]


def in_bytes(chunks: list[str], lexicon: list[str]) -> list[bytes]:
    """The tokens of chunks: a character that is no entry falls into its bytes."""
    known = set(lexicon)
    return [
        part
        for chunk in chunks
        for part in ([chunk.encode()] if chunk in known else [bytes([value]) for value in chunk.encode()])
    ]


@settings(deadline=None, max_examples=500)
@given(LEXICONS, st.text("abcdé語ü", max_size=40), st.booleans(), st.booleans(), st.booleans())
def test_equals_the_plain_reader(lexicon: list[str], text: str, two_paths: bool, official: bool, deeper: bool) -> None:
    rules = {"two_paths": two_paths, "official": official, "deeper": deeper}
    assert segment(lexicon, text, **rules) == in_bytes(read(lexicon, text, **rules), lexicon)


@settings(deadline=None, max_examples=200)
@given(LEXICONS, st.binary(max_size=40), st.booleans())
def test_any_bytes_come_back(lexicon: list[str], data: bytes, two_paths: bool) -> None:
    assert b"".join(segment(lexicon, data, two_paths=two_paths)) == data


@pytest.mark.parametrize(
    ("text", "expected"),
    [("abcd", "ab|cd"), ("abc", "abc"), ("abd", "ab|d"), ("xab", "x|ab"), ("bcdab", "bcd|ab")],
)
def test_worked_segmentations(text: str, expected: str) -> None:
    assert b"|".join(segment(RANKED, text, two_paths=True)).decode() == expected


def test_a_token_without_a_shorter_rival() -> None:
    """The published code reads its first character alone; we take the token."""
    assert segment(["abc", "d"], "abcd", two_paths=True, official=True) == [b"a", b"b", b"c", b"d"]
    assert segment(["abc", "d"], "abcd", two_paths=True) == [b"abc", b"d"]


def test_tokens_fall_apart_where_both_parts_rank_better() -> None:
    lexicon = ["to", "day", "today", "is", "todayis", "a", "y", "d", "ay"]
    assert parts(lexicon, "todayis", 2) == ["to", "day", "is"]
    assert segment(lexicon, "todayis", two_paths=True, deeper=True) == [b"to", b"day", b"is"]
    # d|ay is a cut too, but its parts rank worse than the whole.
    assert segment(lexicon, "day", two_paths=True, deeper=True) == [b"day"]


def test_does_not_depend_on_threads() -> None:
    native, _ = encoder(["ab", "abab", "ba", "b", "é"], two_paths=True)
    texts: list[str] = ["abé" * (n % 50) + "ba" * (n % 7) + "ü" for n in range(20_000)]
    first = native.encode_batch(texts, 1)
    for threads in (0, 2, 5):
        ids, offsets = native.encode_batch(texts, threads)
        assert np.array_equal(ids, first[0])
        assert np.array_equal(offsets, first[1])
    assert len(first[1]) == len(texts) + 1


def test_no_texts_and_empty_texts() -> None:
    native, _ = encoder(RANKED, two_paths=True)
    assert [part.tolist() for part in native.encode_batch([])] == [[], [0]]
    assert [part.tolist() for part in native.encode_batch(["", "a", ""])] == [[0], [0, 0, 1, 1]]


def test_wrong_use_is_refused() -> None:
    tokens = [bytes([value]) for value in range(256)]
    for wrong, ranks, message in (
        (tokens[1:], range(255), "256 bytes"),
        (tokens, range(3), "one rank"),
        ([*tokens, b""], range(257), "needs bytes"),
    ):
        with pytest.raises(ValueError, match=message):
            PathEncoder(wrong, np.array(ranks, np.int64))
    with pytest.raises(TypeError, match="str or bytes"):
        PathEncoder(tokens, np.arange(256)).encode_batch([3])  # type: ignore[list-item]
