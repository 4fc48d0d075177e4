"""Digit groups cut in C++ against the regular expressions that say the same, in two other engines."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex
from tokenizers.pre_tokenizers import Sequence, Split

from tokencraft import _native
from tokencraft.corpus import Corpus
from tokencraft.vocabulary import merges, split
from tokencraft.vocabulary.digit_split import digits_first
from tokencraft.vocabulary.numbers import LONGEST_RUN, DigitGroups
from tokencraft.vocabulary.split_patterns import PATTERNS

GROUPS = [
    DigitGroups(1),
    DigitGroups(3, "l2r"),
    DigitGroups(3, "r2l"),
    DigitGroups(3, "r2l", "plain"),
    DigitGroups(2, "r2l", digits="N"),
    DigitGroups(4, "l2r", digits="N"),
    DigitGroups(7, "r2l"),
]
CHARACTERS = [*"1234567890", *"11..., aé-\n", "٣", "１", "½", "Ⅷ", "\U0001d7d8", "12345", ".98765"]


def cut(code: int, text: str) -> list[str]:
    data = text.encode("utf-8")
    ends = _native.split(code, data).tolist()
    return [data[start:end].decode("utf-8") for start, end in zip([0, *ends], ends, strict=False)]


@functools.cache
def stock(groups: DigitGroups, number: int) -> Callable[[str], list[str]]:
    """What ``tokenizers`` makes of the exported splits."""
    described = digits_first(groups, split.Regex(PATTERNS[number]) if number else split.WHOLE).to_pre_tokenizer()
    assert described is not None
    steps = described.get("pretokenizers", [described])
    cutter = Sequence([Split(Regex(step["pattern"]["Regex"]), "isolated") for step in steps])
    return lambda text: [piece for piece, _ in cutter.pre_tokenize_str(text)] if text else []


@functools.cache
def mixtures(count: int, seed: int) -> list[str]:
    draw = random.Random(seed)
    texts = []
    for _ in range(count):
        weights = [draw.random() ** 3 for _ in CHARACTERS]
        texts.append("".join(draw.choices(CHARACTERS, weights, k=draw.choice([3, 9, 40]))))
    return texts


@pytest.mark.parametrize("groups", GROUPS, ids=repr)
def test_groups_are_the_matches_of_their_pattern(groups: DigitGroups) -> None:
    """10^5 cases over all the choices, against the ``regex`` package."""
    matches = regex.compile(groups.pattern)
    for text in mixtures(15_000, 1):
        expected = []
        at = 0
        for match in matches.finditer(text):
            expected += [text[at : match.start()], match.group()]
            at = match.end()
        assert cut(groups.code, text) == [piece for piece in [*expected, text[at:]] if piece], text


@pytest.mark.parametrize("number", PATTERNS)
@pytest.mark.parametrize("groups", GROUPS, ids=repr)
def test_pieces_behind_groups_are_those_of_tokenizers(groups: DigitGroups, number: int) -> None:
    for text in mixtures(150, 2):
        assert cut(number | groups.code, text) == stock(groups, number)(text), text


@pytest.mark.parametrize("groups", [GROUPS[2], GROUPS[3], GROUPS[6]], ids=repr)
def test_long_runs_are_cut_alike_and_in_linear_time(groups: DigitGroups) -> None:
    for length in [*range(LONGEST_RUN - 8, LONGEST_RUN + 9), 2 * LONGEST_RUN + 1]:
        text = "7" * length
        pieces = cut(groups.code, text)
        assert pieces == stock(groups, 0)(text)
        if length <= LONGEST_RUN // groups.size * groups.size:
            assert all(len(piece) == groups.size for piece in pieces[1:])
    assert len(cut(groups.code, "7" * 3_000_000)) >= 3_000_000 // groups.size


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=60), code=st.sampled_from([groups.code for groups in GROUPS]))
def test_any_bytes_are_covered(data: bytes, code: int) -> None:
    for number in (0, 1, 5, 7):
        ends = _native.split(number | code, data).tolist()
        assert ends == sorted(set(ends))
        assert (ends[-1] if ends else 0) == len(data)


@pytest.mark.parametrize("code", [-1, len(PATTERNS), 10 << 8, 1 << 15, 1 << 12])
def test_unknown_numbers_are_refused(code: int) -> None:
    with pytest.raises(ValueError, match="unknown split pattern"):
        _native.split(code, "1")


def test_characters_of_pieces() -> None:
    text = "aé字🙂\u0000\U0010ffff b字" * 3
    pieces = merges.count(Corpus.from_iterable([text, "ß" * 40]), split.GPT2, threads=2)
    assert pieces.characters() == sorted(set(text + "ß"))
