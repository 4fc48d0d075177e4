"""Bytes to text under the three policies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokencraft.corpus.decoding import check_policy, decode, utf8_length, without_surrogates
from tokencraft.errors import CorpusError, UsageError


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 100))
def test_text_survives_every_policy(text: str, offset: int) -> None:
    for policy in ("strict", "replace", "skip"):
        assert decode(text.encode(), policy, "x", offset) == text
        assert without_surrogates(text, policy, "x") == text
    assert utf8_length(text) == len(text.encode())


@given(
    st.text(st.characters(exclude_categories=["Cs"])), st.sampled_from([b"\xff", b"\x80", b"\xc0\xaf", b"\xed\xa0\x80"])
)
def test_the_first_bad_byte_is_named(text: str, bad: bytes) -> None:
    data = text.encode() + bad + b"more"
    with pytest.raises(CorpusError, match=rf"^file: invalid UTF-8 at byte {1000 + len(text.encode())} "):
        decode(data, "strict", "file", 1000)
    assert decode(data, "skip", "file", 0) is None
    replaced = decode(data, "replace", "file", 0)
    assert replaced is not None
    assert replaced.startswith(text + "�")
    assert replaced.endswith("more")


def test_lone_surrogates() -> None:
    text = "a\udfffé"
    with pytest.raises(CorpusError, match=r"x: character 1 is the lone surrogate U\+DFFF"):
        without_surrogates(text, "strict", "x")
    assert without_surrogates(text, "replace", "x") == "a�é"
    assert without_surrogates(text, "skip", "x") is None


def test_policies() -> None:
    assert check_policy("skip") == "skip"
    with pytest.raises(UsageError, match="'strict', 'replace' or 'skip', not 'ignore'"):
        check_policy("ignore")
