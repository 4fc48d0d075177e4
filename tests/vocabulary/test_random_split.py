from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from tokencraft import _native
from tokencraft.errors import UsageError
from tokencraft.vocabulary.chunk_lengths import SUPERTOKENIZER, ChunkLengths
from tokencraft.vocabulary.random_split import RandomChunks, RandomWhitespace

MASK = (1 << 64) - 1
LENGTHS = ["1", "2-5", "20-60", "supertokenizer", "1-2:1,7:0.5,3-4:2"]


def numbers(seed: int, data: bytes) -> Iterator[int]:
    """splitmix64 from the FNV-1a hash of the seed and the text, as the two are published."""
    state = 0xCBF29CE484222325
    for byte in (seed & MASK).to_bytes(8, "little") + data:
        state = ((state ^ byte) * 0x100000001B3) & MASK
    while True:
        state = (state + 0x9E3779B97F4A7C15) & MASK
        value = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
        yield value ^ (value >> 31)


def naive_chunks(text: str, lengths: ChunkLengths, seed: int) -> list[str]:
    random = numbers(seed, text.encode())
    pieces = []
    while text:
        drawn = (next(random) >> 11) / (1 << 53)
        shortest, longest = next(
            ((low, high) for low, high, upto in lengths.cumulative if drawn < upto), lengths.ranges[-1][:2]
        )
        shortest, longest = min(shortest, len(text)), min(longest, len(text))
        length = shortest + (next(random) * (longest - shortest + 1) >> 64)
        pieces.append(text[:length])
        text = text[length:]
    return pieces


def naive_whitespace(text: str, probability: float, seed: int) -> list[str]:
    random = numbers(seed, text.encode())
    runs = [match.start() for match in regex.finditer(r"\s+", text) if match.start() > 0]
    cuts = [start for start in runs if (next(random) >> 11) / (1 << 53) < probability]
    bounds = [0, *cuts, len(text)]
    return [text[begin:end] for begin, end in itertools.pairwise(bounds) if begin < end]


texts = st.text(st.sampled_from("ab \n\t é日🙂") | st.characters(codec="utf-8", max_codepoint=0x2FF), max_size=120)
# \x1c to \x1f are white space to `regex` and to Python, not to Oniguruma, whose classes we follow.
texts = texts.filter(lambda text: not regex.search(r"[\x1c-\x1f]", text))


@settings(max_examples=80, deadline=None)
@given(text=texts, seed=st.integers(-(2**63), 2**63 - 1), lengths=st.sampled_from(LENGTHS))
def test_chunks_are_those_of_the_naive_cutter(text: str, seed: int, lengths: str) -> None:
    splitter = RandomChunks(lengths, seed)
    pieces = splitter.split(text)
    assert pieces == naive_chunks(text, ChunkLengths.parse(lengths), seed)
    assert "".join(pieces) == text


@settings(max_examples=80, deadline=None)
@given(text=texts, seed=st.integers(-5, 5), probability=st.sampled_from([0.0, 0.3, 0.5, 1.0]))
def test_whitespace_is_cut_as_the_naive_cutter_does(text: str, seed: int, probability: float) -> None:
    pieces = RandomWhitespace(probability, seed).split(text)
    assert pieces == naive_whitespace(text, probability, seed)
    assert "".join(pieces) == text


def test_random_whitespace_at_its_ends() -> None:
    text = " a  b\tc"
    assert RandomWhitespace(0.0).split(text) == [text]
    assert RandomWhitespace(1.0).split(text) == [" a", "  b", "\tc"]


@pytest.mark.parametrize("lengths", LENGTHS)
def test_lengths_follow_the_distribution(lengths: str) -> None:
    expected = ChunkLengths.parse(lengths)
    text = "é, to a hundred thousand letters " * 8000
    pieces = RandomChunks(lengths, 1).split(text)
    settled = pieces[: -expected.longest]  # the last ones are cut short by the end of the text
    seen = Counter(map(len, settled))
    probabilities = expected.probabilities()
    assert set(seen) <= set(probabilities)
    assert math.isclose(sum(probabilities.values()), 1.0)
    if len(probabilities) > 1:
        observed = [seen[length] for length in probabilities]
        wanted = [len(settled) * probability for probability in probabilities.values()]
        assert chisquare(observed, wanted).pvalue > 0.001  # the seed is fixed, so this does not flicker


def test_whitespace_is_cut_with_the_probability() -> None:
    pieces = RandomWhitespace(0.3, 5).split("to be " * 10_000)
    assert abs(len(pieces) - 6000) < 4 * math.sqrt(20_000 * 0.3 * 0.7)


def test_cuts_depend_on_seed_and_text_alone() -> None:
    data = [f"one {number} two {number} three four five".encode() * 5 for number in range(50)]
    for splitter in (RandomChunks("2-5", 3), RandomWhitespace(0.5, 3)):
        one_by_one = [splitter.spans(each).tolist() for each in data]
        for threads in (1, 4):
            assert [ends.tolist() for ends in splitter.spans_batch(data, threads=threads)] == one_by_one
        assert type(splitter)(**vars(splitter)) == splitter
    assert RandomChunks("2-5", 3).spans(data[0]).tolist() != RandomChunks("2-5", 4).spans(data[0]).tolist()
    assert RandomChunks("2-5").spans_batch([]) == []
    assert RandomChunks("2-5").spans(b"").tolist() == []


@pytest.mark.parametrize("data", [b"\x80\x80ab", b"ab\xff\xc3", b"\xe2\x82 x \x82"])
def test_broken_utf8_is_covered(data: bytes) -> None:
    for splitter in (RandomChunks("1-2"), RandomWhitespace(1.0)):
        ends = splitter.spans(data).tolist()
        assert ends == sorted(set(ends))
        assert ends[-1] == len(data)
        assert ends[0] > 0


def test_published_lengths_sum_to_more_than_one_and_are_normalised() -> None:
    lengths = ChunkLengths.parse("supertokenizer")
    assert math.isclose(sum(SUPERTOKENIZER.values()), 1.1)
    assert math.isclose(lengths.total, 1.1)
    assert lengths.cumulative[-1] == (22, 23, 1.0)
    assert math.isclose(lengths.probabilities()[4], 0.044 / 1.1 / 2)
    assert (lengths.shortest, lengths.longest) == (4, 23)
    assert ChunkLengths.parse({"3": 0.0, " 4 - 9": 2}).shortest == 4


def test_tokenizers_cannot_have_random_splits() -> None:
    for splitter in (RandomChunks(), RandomWhitespace()):
        assert splitter.native is None
        with pytest.raises(UsageError, match="tokenizers"):
            splitter.to_pre_tokenizer()


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ("3-2", "shortest"),
        ("0-2", "shortest"),
        ("many", "no range"),
        ("1-2,3-4", "no weight"),
        ("1-2:x", "no number"),
        ("1-2:-1", "0 or more"),
        ("1-2:nan", "0 or more"),
        ("1-2:0", "above 0"),
        ("1-99999999999", "longest"),
        ({}, "above 0"),
    ],
)
def test_lengths_that_make_no_sense_are_refused(lengths: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        RandomChunks(lengths)


def test_a_probability_outside_its_range_is_refused() -> None:
    with pytest.raises(UsageError, match="probability"):
        RandomWhitespace(1.5)


def test_the_kernel_checks_what_it_is_given() -> None:
    for ranges in ([], [(0, 3, 1.0)], [(4, 3, 1.0)]):
        with pytest.raises(ValueError, match="range of lengths"):
            _native.random_chunks([b"text"], ranges)
    with pytest.raises(TypeError):
        _native.random_chunks([1], [(1, 2, 1.0)])  # type: ignore[list-item]
