"""The splitting kernel against ``tokenizers`` (Oniguruma) and the ``regex`` package."""

from __future__ import annotations

import functools
import itertools
import json
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex
from tokenizers.pre_tokenizers import Sequence, Split

from tokencraft import _native
from tokencraft.vocabulary.split_patterns import PATTERNS

NUMBERS = [number for number, patterns in PATTERNS.items() if patterns]
# One or more of every class and of everything a pattern names, among them what makes alternatives backtrack.
CHARACTERS = "aZ \n\r\t'stmdrevl.!/:0129_\x00\x0bé字ªǅßΣſ½٣\u0301\u0903\u2003\u00a0\u3000ʰ🙂\u0378"


@functools.cache
def stock(number: int) -> Callable[[str], list[str]]:
    """The pieces that ``tokenizers`` makes."""
    steps = Sequence([Split(Regex(pattern), "isolated") for pattern in PATTERNS[number]])
    return lambda text: [piece for piece, _ in steps.pre_tokenize_str(text)] if text else []


def pieces(number: int, text: str) -> list[str]:
    data = text.encode("utf-8")
    ends = _native.split(number, text).tolist()
    return [data[start:end].decode("utf-8") for start, end in zip([0, *ends], ends, strict=False)]


@functools.cache
def mixtures() -> list[str]:
    """Random texts: of all characters above, and long ones of ASCII, which 64 bytes at a time take."""
    draw = random.Random(7)
    alphabets = [
        [*list(CHARACTERS), "'ll", "'RE", "  ", "\r\n"],
        list("abcXYZ  \n\n\t'''stm.!//:1239(){}"),
        [*list("aB '\n/ .é"), "'s", "'ve"],
        [*list("ab  \n\t/;1"), "    ", "12345678"],
        [chr(byte) for byte in range(128)],
    ]
    texts = []
    for _ in range(1500):
        alphabet = draw.choice(alphabets)
        weights = [draw.random() ** 3 for _ in alphabet]
        texts.append("".join(draw.choices(alphabet, weights, k=draw.choice([3, 12, 90, 300]))))
    return texts


@pytest.mark.parametrize("number", NUMBERS)
def test_pieces_are_those_of_tokenizers(number: int) -> None:
    for text in mixtures():
        assert pieces(number, text) == stock(number)(text), text


@pytest.mark.parametrize("number", NUMBERS)
def test_every_pair_of_characters(number: int) -> None:
    text = "\x01".join(f"{first}{second}x {first}{second}" for first in CHARACTERS for second in CHARACTERS)
    assert pieces(number, text) == stock(number)(text)


@pytest.mark.parametrize("number", [6, 8])
def test_every_code_point(number: int) -> None:
    points = [point for point in range(0x110000) if not 0xD800 <= point < 0xE000]
    text = "\n".join(f"a{chr(point)}B" for point in points[:: 1 if number == 6 else 7])
    assert pieces(number, text) == stock(number)(text)


@pytest.mark.parametrize("number", NUMBERS)
@settings(max_examples=60, deadline=None)
@given(text=st.text(st.sampled_from(CHARACTERS), max_size=40))
def test_regex_package_agrees(number: int, text: str) -> None:
    if "\u0378" in text:
        text = text.replace("\u0378", "")  # unknown here, perhaps known to a newer version
    expected = [text] if text else []
    for pattern in PATTERNS[number]:
        expected = [part for piece in expected for part in isolated(pattern, piece)]
    assert pieces(number, text) == expected


def isolated(pattern: str, text: str) -> list[str]:
    cuts = {0, len(text)}
    for match in regex.finditer(pattern, text):
        cuts |= set(match.span())
    ordered = sorted(cuts)
    return [text[start:end] for start, end in itertools.pairwise(ordered)]


@pytest.mark.parametrize("number", NUMBERS)
def test_languages_and_code(number: int, udhr_texts: list[str]) -> None:
    for text in [*udhr_texts, Path(json.__file__).read_text("utf-8")]:
        assert pieces(number, text) == stock(number)(text)


@pytest.fixture(scope="module")
def udhr_texts(request: pytest.FixtureRequest) -> list[str]:
    import gzip

    folder = request.getfixturevalue("data_folder")
    texts = json.loads(gzip.decompress((folder / "text" / "udhr.json.gz").read_bytes()))
    return [text[:1200] for text in list(texts.values())[::4]]


@pytest.mark.parametrize("number", range(12))
@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=200))
def test_any_bytes_are_covered(number: int, data: bytes) -> None:
    ends = _native.split(number, data)
    assert ends.dtype == np.uint32
    assert (np.diff(ends.astype(np.int64), prepend=0) > 0).all()
    assert (ends[-1] if len(ends) else 0) == len(data)


def test_a_stray_byte_is_a_character_of_no_class() -> None:
    # Like a symbol: it goes with the other symbols, and ahead of letters.
    data = b"ab\xffcd !\xc3 \xe2\x82\xac\xe2\x82"
    ends = _native.split(1, data).tolist()
    assert [data[start:end] for start, end in zip([0, *ends], ends, strict=False)] == [
        b"ab",
        b"\xff",
        b"cd",
        b" !\xc3",
        b" \xe2\x82\xac\xe2\x82",
    ]


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="pattern"):
        _native.split(12, b"a")
    with pytest.raises(TypeError):
        _native.split(1, 5)  # type: ignore[arg-type]
    with pytest.raises(UnicodeEncodeError):
        _native.split(1, "a\ud800")
