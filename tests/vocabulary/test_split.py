from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex as StockRegex
from tokenizers.pre_tokenizers import Split

from tokencraft.errors import UsageError
from tokencraft.vocabulary import split
from tokencraft.vocabulary.split_patterns import PATTERNS, SPELLINGS

TEXT = "He's 1234 naïve; 'LL  x\n\n\t(foo)camelCase  \r\n日本 12a//\n/ end  "


def stock_pieces(pre_tokenizer: dict[str, Any] | None, text: str) -> list[str]:
    """The pieces that ``tokenizers`` makes by the JSON of a pre-tokenizer."""
    document = json.loads(tokenizers.Tokenizer(tokenizers.models.BPE()).to_str())
    document["pre_tokenizer"] = pre_tokenizer
    loaded = tokenizers.Tokenizer.from_str(json.dumps(document)).pre_tokenizer
    return [text] if loaded is None else [piece for piece, _ in loaded.pre_tokenize_str(text)]


@pytest.mark.parametrize("name", split.NAMED)
def test_json_cuts_the_same_in_tokenizers_and_comes_back(name: str) -> None:
    splitter = split.NAMED[name]
    described = splitter.to_pre_tokenizer()
    assert splitter.split(TEXT) == stock_pieces(described, TEXT)
    assert split.from_pre_tokenizer(described) == splitter
    assert isinstance(splitter, split.Splitter)


@pytest.mark.parametrize("spelling", [patterns for patterns in SPELLINGS if patterns])
def test_spellings_in_circulation_cut_the_same(spelling: tuple[str, ...]) -> None:
    splitter = split.Regex(spelling)
    assert splitter.native is not None
    canonical = split.Regex(PATTERNS[splitter.native])
    assert splitter.split(TEXT) == canonical.split(TEXT)
    # Through the other engine, as if we did not know it; Oniguruma reads {1,3}+ in another way.
    if not any("{1,3}+" in pattern for pattern in spelling):
        pieces = [TEXT]
        for pattern in spelling:
            cut = Split(StockRegex(pattern), "isolated")
            pieces = [part for piece in pieces for part, _ in cut.pre_tokenize_str(piece)]
        assert splitter.split(TEXT) == pieces


def test_worked_examples() -> None:
    assert split.GPT2.split("I'll do 12 x,  y") == ["I", "'ll", " do", " 12", " x", ",", " ", " y"]
    assert split.LLAMA3.split("It'S 1234") == ["It", "'S", " ", "123", "4"]
    assert split.QWEN2.split("1234") == ["1", "2", "3", "4"]
    assert split.SUPERBPE_V2_STAGE1.split("getName(x)") == ["get", "Name", "(x", ")"]
    assert split.SUPERBPE_V2_STAGE2.split("a b, c -- 12345 d  e") == [
        "a b, c",
        " --",
        " ",
        "123",
        "45",
        " d",
        " ",
        " e",
    ]
    assert split.SUPERBPE_PAPER_STAGE1.split("n 1234567") == ["n", " ", "1", "234", "567"]
    assert split.SUPERBPE_PAPER_STAGE2.split("by the 1234 way") == ["by the ", "1", "234", " way"]
    assert split.WHOLE.split("a b") == ["a b"]


def test_where_spellings_of_contractions_differ() -> None:
    assert split.LLAMA3.split("it'ſx") == ["it", "'ſ", "x"]
    assert split.CL100K.split("it'ſx") == ["it", "'ſx"]
    assert split.O200K.split("it'ſx") == ["it'ſ", "x"]
    assert split.O200K_LISTED.split("it'ſx") == ["it", "'ſx"]


def test_possessive_digits_are_read_as_each_library_does() -> None:
    tiktoken = split.Regex((next(patterns[0] for patterns in SPELLINGS if patterns and "{1,3}+" in patterns[0]),))
    assert tiktoken.split("12345") == ["123", "45"]
    stock = {"type": "Split", "pattern": {"Regex": r"\p{N}{1,3}+|x"}, "behavior": "Isolated", "invert": False}
    read = split.from_pre_tokenizer(stock)
    assert read is not None
    assert read.split("a12345x") == stock_pieces(stock, "a12345x") == ["a", "12345", "x"]


@settings(max_examples=50, deadline=None)
@given(text=st.text(st.sampled_from("ab1 é\n_-"), max_size=30))
def test_other_patterns_go_through_regex(text: str) -> None:
    splitter = split.Regex((r"\w+", r"(?<=a)b", r"1|"))
    assert splitter.native is None
    expected = [text] if text else []
    for pattern in splitter.patterns:
        cut = Split(StockRegex(pattern), "isolated")
        expected = [part for piece in expected for part, _ in cut.pre_tokenize_str(piece) if part]
    assert splitter.split(text) == expected


def test_stray_bytes_keep_their_places() -> None:
    ends = split.Regex((r"b+",)).spans(b"a\xffbb\xc3c")
    assert ends.tolist() == [2, 4, 6]
    assert ends.dtype == np.uint32


def test_lines() -> None:
    lines = split.Lines()
    assert lines.split("a\r\n\n\nb") == ["a\r\n", "\n", "\n", "b"]
    assert lines.spans(b"").tolist() == []
    assert stock_pieces(lines.to_pre_tokenizer(), "a\r\n\n\nb") == lines.split("a\r\n\n\nb")


def test_bad_arguments() -> None:
    with pytest.raises(UsageError, match="is not a regular expression"):
        split.Regex((r"(",))


@pytest.mark.parametrize(
    "described",
    [
        {"type": "Whitespace"},
        {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first"},
        {"type": "ByteLevel", "add_prefix_space": True, "use_regex": True},
        {"type": "Split", "pattern": {"Regex": " "}, "behavior": "Removed", "invert": False},
        {"type": "Split", "pattern": {"Regex": " "}, "behavior": "Isolated", "invert": True},
        # A split after the byte mapping sees mapped characters.
        {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False},
                {"type": "Split", "pattern": {"Regex": " "}, "behavior": "Isolated", "invert": False},
            ],
        },
    ],
)
def test_what_is_no_splitter(described: dict[str, Any]) -> None:
    assert split.from_pre_tokenizer(described) is None


def test_other_pre_tokenizers_that_are_splitters() -> None:
    text = "a-b 12x"
    for described in (
        {"type": "Digits", "individual_digits": True},
        {"type": "Digits", "individual_digits": False},
        {"type": "Split", "pattern": {"String": "-"}, "behavior": "Isolated", "invert": False},
        {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False},
    ):
        splitter = split.from_pre_tokenizer(described)
        assert splitter is not None
        expected = [piece.replace("Ġ", " ") for piece in stock_pieces(described, text)]
        assert splitter.split(text) == expected
