"""The table of character classes against the engine inside ``tokenizers``, over all code points."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from tokenizers import Regex
from tokenizers.pre_tokenizers import Split

from tokencraft import _native

HEADER = Path(__file__).resolve().parents[2] / "src" / "native" / "unicode_tables.hpp"
CODE_POINTS = [*range(0xD800), *range(0xE000, 0x110000)]
EVERYTHING = "".join(map(chr, CODE_POINTS))
PATTERNS = {
    r"[\p{Lu}\p{Lt}]": "u",
    r"\p{Ll}": "l",
    r"[\p{Lm}\p{Lo}]": "b",
    r"\p{M}": "m",
    r"\d": "d",
    r"[\p{Nl}\p{No}]": "n",
    r"\s": "sge",
    r"[\r\n]": "e",
    r"\p{Cn}": "c",
}


@pytest.fixture(scope="module")
def classes() -> str:
    """The class letter of every code point, read from the generated file."""
    if not HEADER.is_file():
        pytest.skip("the sources of the kernels are absent")
    text = HEADER.read_text("utf-8")
    numbers = re.search(r"class_index\[\d+\] = \{(.*?)\}", text, re.DOTALL)
    assert numbers is not None
    blocks = re.findall(r'^    "(.{128})"', text, re.MULTILINE)
    return "".join(blocks[int(number)] for number in numbers[1].replace(",", " ").split())


@pytest.mark.parametrize("pattern", PATTERNS)
def test_classes_are_those_of_tokenizers(classes: str, pattern: str) -> None:
    matched = set(CODE_POINTS)
    for _, (start, end) in Split(Regex(pattern), "removed").pre_tokenize_str(EVERYTHING):
        matched -= set(CODE_POINTS[start:end])
    ours = {point for point in CODE_POINTS if classes[point] in PATTERNS[pattern]}
    assert ours == matched


def test_version_is_named() -> None:
    assert _native.UNICODE_VERSION == "16.0.0"


def test_unknown_code_points_are_found() -> None:
    known = ["", "plain", "Grüße, мир 👍\U0001f9ff", "\ufffd\u0378"[:1]]
    unknown = ["a\u0378", "\u088f", "x" * 100_000 + "\U000e0fff", "\uffff"]
    assert _native.unassigned(known + unknown, 2).tolist() == [0] * len(known) + [1] * len(unknown)


def test_unknown_code_points_are_found_wherever_they_stand(classes: str) -> None:
    draw = random.Random(0)
    ordinary = "abc äéß жиз あ本한 👍 ΑΒ"
    unknown = [chr(point) for point in CODE_POINTS if classes[point] == "c"]
    texts = []
    for _ in range(2000):
        text = draw.choices(ordinary, k=draw.randrange(60))
        if draw.random() < 0.5:
            text.insert(draw.randrange(len(text) + 1), draw.choice(unknown))
        texts.append("".join(text))
    expected = [int(any(classes[ord(character)] == "c" for character in text)) for text in texts]
    assert 0 < sum(expected) < len(texts)
    assert _native.unassigned(texts, 2).tolist() == expected
