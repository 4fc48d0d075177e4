"""Custom tokens: the groups by their counts, and the pattern that keeps them whole against a search by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from tokencraft.errors import UsageError
from tokencraft.learn.custom_tokens import (
    custom_token_set,
    kept_whole,
    read_tokens,
    spaced_forms,
)
from tokencraft.vocabulary import split
from tokencraft.vocabulary.whole_tokens import whole_pattern


def test_counts_of_the_groups() -> None:
    assert len(custom_token_set(["years"])) == 274
    assert len(custom_token_set(["numbers"])) == 990
    enumerations = custom_token_set(["enumerations"])
    assert sum(token[1:-1].isdigit() for token in enumerations) == 99
    assert {"(a)", "(Z)", "(99)", "(ii)", "(ix)", "(VIII)"} <= set(enumerations)
    assert len(custom_token_set(["whitespace"])) == 4 * 7 + 2
    html = custom_token_set(["html"])
    assert len(html) == 3 * 37 + 2 * 6
    assert {"<div", "<DIV", "</div>", " href=", " HREF="} <= set(html)
    assert set(custom_token_set(["json"])) == {'{"', '"}', '["', '"]', '":', '","', '":"', "null", "true", "false"}
    assert {"<!--", "<![CDATA[", "]]>"} <= set(custom_token_set(["xml"]))
    assert {"######", "```", "https://", "~~~~~~~~", "*" * 8} <= set(custom_token_set(["markdown"]))


@pytest.mark.parametrize("lowercase", [False, True])
def test_list_is_sorted_and_unique_without_single_characters(lowercase: bool) -> None:
    tokens = custom_token_set(extra=["a", "", "F.3d", "F.3d"], lowercase=lowercase)
    assert tokens == sorted(set(tokens))
    assert min(map(len, tokens)) == 2
    assert ("f.3d" if lowercase else "F.3d") in tokens
    assert ("<DIV" in tokens) != lowercase
    assert set(custom_token_set(["none"])) == set()


def test_lists_in_files(tmp_path: Path) -> None:
    plain = tmp_path / "list.txt"
    plain.write_text("U.S.C.\n\n of the\n", encoding="utf-8")
    assert read_tokens(plain) == ["U.S.C.", " of the"]
    strings = tmp_path / "strings.json"
    strings.write_text('["F. 3d", "x"]', encoding="utf-8")
    assert read_tokens(strings) == ["F. 3d", "x"]
    records = tmp_path / "reporters.json"
    document = {
        "F. Supp.": [{"name": "x", "variations": {"F.Supp.": "F. Supp.", "Fed. Supp.": "F. Supp."}}],
        "Ala. Code": [{"variations": ["Ala. C."]}, {}],
        "Acad.": ["Academy"],
    }
    records.write_text(json.dumps(document), encoding="utf-8")
    assert read_tokens(records) == ["F.", "Supp.", "Ala.", "Code", "Acad.", "F.Supp.", "Fed.", "C."]
    assert custom_token_set(["none"], files=[plain, strings]) == [" of the", "F. 3d", "U.S.C."]


def test_wrong_lists_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no group of custom tokens 'law'"):
        custom_token_set(["law"])
    with pytest.raises(UsageError, match=r"missing\.txt: cannot read"):
        read_tokens(tmp_path / "missing.txt")
    for content in ("3", "{"):
        (tmp_path / "wrong.json").write_text(content, encoding="utf-8")
        with pytest.raises(UsageError, match=r"wrong\.json"):
            read_tokens(tmp_path / "wrong.json")


ALPHABET = "ab1.( \n\t§"
TOKENS = st.lists(st.text(st.sampled_from(ALPHABET), min_size=2, max_size=4), min_size=1, max_size=6)


def searched(tokens: list[str], text: str) -> list[str]:
    """Custom tokens and what lies between them: from the left, the longest first, never inside a word."""
    pieces, start, at = [], 0, 0

    def fits(token: str) -> bool:
        end = at + len(token)
        inside_left = token[0].isalnum() and at > 0 and text[at - 1].isalnum()
        inside_right = token[-1].isalnum() and end < len(text) and text[end].isalnum()
        return text.startswith(token, at) and not inside_left and not inside_right

    while at < len(text):
        token = max((token for token in tokens if fits(token)), key=len, default="")
        if token:
            pieces += [text[start:at], token]
            start = at + len(token)
        at += len(token) or 1
    return [piece for piece in (*pieces, text[start:]) if piece]


@settings(deadline=None, max_examples=300)
@given(TOKENS, st.text(st.sampled_from(ALPHABET), max_size=40))
def test_pattern_finds_what_a_search_finds(tokens: list[str], text: str) -> None:
    expected = searched(tokens, text)
    splitter = split.Regex((whole_pattern(tokens),))
    assert splitter.split(text) == expected
    assert kept_whole(tokens, split.WHOLE).split(text) == expected
    stock = tokenizers.pre_tokenizers.Split(tokenizers.Regex(whole_pattern(tokens)), "isolated")
    assert [piece for piece, _ in stock.pre_tokenize_str(text)] == expected


@settings(deadline=None, max_examples=200)
@given(TOKENS, st.text(st.sampled_from(ALPHABET), max_size=40), st.booleans())
def test_the_rest_is_cut_as_before(tokens: list[str], text: str, spaced: bool) -> None:
    tokens = spaced_forms(tokens) if spaced else tokens
    splitter = kept_whole(tokens, split.GPT2)
    cut = [token for token in tokens if split.GPT2.split(token) != [token]]
    expected: list[str] = []
    for piece in searched(cut, text):
        expected += [piece] if piece in cut else split.GPT2.split(piece)
    assert splitter.split(text) == expected


def test_what_is_kept_whole_anyway_costs_nothing() -> None:
    assert kept_whole(["10", " 10", "##", '{"', "    "], split.GPT2) is split.GPT2
    assert kept_whole(custom_token_set(["numbers", "years", "json"]), split.GPT2) is split.GPT2
    assert kept_whole([], split.WHOLE) is split.WHOLE


def test_words_are_not_cut() -> None:
    tokens = spaced_forms(["App.", "tel:", "F.3d", "(a)"])
    splitter = kept_whole(tokens, split.GPT2)
    text = "WhatsApp. hotel: F.3days f(a)"
    assert splitter.split(text) == ["WhatsApp", ".", " hotel", ":", " F", ".", "3", "days", " f", "(a)"]
    assert splitter.split("App. (App. tel:9 F.3d (a)") == ["App.", " (", "App.", " tel:", "9", " F.3d", " (a)"]


def test_forms_with_a_space() -> None:
    assert spaced_forms(["a.", "\n\n", " href="]) == ["a.", " a.", "\n\n", " href="]
