from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokencraft import _native
from tokencraft.vocabulary import split

WHOLE = 0
GPT2 = 1


def counted(counter: _native.PieceCounter) -> dict[bytes, int]:
    items = counter.items()
    assert len(items) == len(dict(items)), "a piece is listed twice"
    return dict(items)


@settings(deadline=None, max_examples=200)
@given(
    st.lists(
        st.tuples(st.one_of(st.binary(max_size=40), st.sampled_from([b"a", b"ab", b"x" * 300])), st.integers(1, 9))
    ),
    st.integers(1, 4),
)
def test_whole_texts_are_counted_like_a_counter(texts: list[tuple[bytes, int]], threads: int) -> None:
    counter = _native.PieceCounter(WHOLE, False, threads)
    expected: Counter[bytes] = Counter()
    for text, weight in texts:
        expected[text] += weight if text else 0
    counter.add([text for text, _ in texts], weights=[weight for _, weight in texts])
    assert counted(counter) == {piece: count for piece, count in expected.items() if count}
    assert counter.total_bytes == sum(len(text) for text, _ in texts)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.text(max_size=60), max_size=6), st.booleans())
def test_pieces_are_those_of_the_pattern_line_by_line(texts: list[str], lines: bool) -> None:
    counter = _native.PieceCounter(GPT2, lines, 2)
    counter.add(texts)
    expected: Counter[bytes] = Counter()
    for text in texts:
        units = [part + "\n" for part in text.split("\n")[:-1]] + [text.split("\n")[-1]] if lines else [text]
        for unit in units:
            expected.update(piece.encode() for piece in split.GPT2.split(unit))
    assert counted(counter) == dict(expected)


def test_lengths_around_the_inline_limit_and_zero_bytes_stay_apart() -> None:
    pieces = [b"\0" * length for length in range(1, 40)] + [b"a" * length for length in range(1, 40)]
    counter = _native.PieceCounter(WHOLE, False, 1)
    for repeat, piece in enumerate(pieces, 1):
        counter.add([piece], weights=[repeat])
    assert counted(counter) == {piece: repeat for repeat, piece in enumerate(pieces, 1)}


def test_many_pieces_survive_growth_and_merging() -> None:
    texts = [f"{number:x}" * (1 + number % 7) for number in range(60_000)]
    expected = Counter(text.encode() for text in texts)
    for threads in (1, 3):
        counter = _native.PieceCounter(WHOLE, False, threads)
        for begin in range(0, len(texts), 7000):
            counter.add(texts[begin : begin + 7000])
        assert counted(counter) == expected


def test_counting_goes_on_after_a_look() -> None:
    counter = _native.PieceCounter(WHOLE, False, 2)
    counter.add(["a", "b"])
    assert counted(counter) == {b"a": 1, b"b": 1}
    counter.add(["b", "c"])
    assert counted(counter) == {b"a": 1, b"b": 2, b"c": 1}


def test_long_documents_are_shared_among_threads_without_cutting_lines() -> None:
    line = "some words on a line, %d\n"
    text = "".join(line % (number % 1000) for number in range(60_000))
    counter = _native.PieceCounter(WHOLE, True, 3)
    counter.add([text])
    assert counted(counter) == {(line % number).encode(): 60 for number in range(1000)}


def test_pieces_of_pieces_keep_the_weight() -> None:
    lines = _native.PieceCounter(WHOLE, True, 2)
    lines.add(["a b\na b\nb a long line that does not fit inside an entry\n"])
    words = _native.PieceCounter(GPT2, False, 2)
    words.add_pieces_of(lines)
    direct = _native.PieceCounter(GPT2, True, 1)
    direct.add(["a b\na b\nb a long line that does not fit inside an entry\n"])
    assert counted(words) == counted(direct)


def test_ends_from_outside_override_the_pattern() -> None:
    counter = _native.PieceCounter(GPT2, False, 1)
    counter.add(["abcd"], ends=[np.array([1, 4], np.uint32)], weights=[5])
    assert counted(counter) == {b"a": 5, b"bcd": 5}


@pytest.mark.parametrize(
    ("ends", "weights", "message"),
    [
        ([np.array([2, 2, 4], np.uint32)], [1], "increase"),
        ([np.array([2], np.uint32)], [1], "where the text ends"),
        ([np.array([9], np.uint32)], [1], "where the text ends"),
        ([], [1], "one array of ends"),
        (None, [0], "positive"),
        (None, [1, 1], "one weight"),
    ],
)
def test_bad_input_is_refused(ends: list[np.ndarray] | None, weights: list[int], message: str) -> None:
    counter = _native.PieceCounter(WHOLE, False, 1)
    with pytest.raises(ValueError, match=message):
        counter.add(["abcd"], ends=ends, weights=weights)
    assert counted(counter) == {}


def test_things_that_are_no_text_are_refused() -> None:
    counter = _native.PieceCounter(WHOLE, False, 1)
    with pytest.raises(TypeError, match="str or bytes"):
        counter.add([3])  # type: ignore[list-item]
    with pytest.raises(UnicodeEncodeError):
        counter.add(["\ud800"])
    with pytest.raises(ValueError, match="pattern"):
        _native.PieceCounter(99, False, 1)
