"""The pattern of all tokens matches the longest one, in Oniguruma as in Python's engine."""

from __future__ import annotations

import regex
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, pre_tokenizers

from tokencraft.vocabulary.longest_match import pattern_of

TOKENS = st.lists(st.text("ab.*é語\n|(\\", min_size=1, max_size=6), max_size=20)


def longest(tokens: list[str], text: str) -> list[str]:
    """Matches and what lies between them, by trying every length."""
    pieces: list[str] = []
    between = ""
    at = 0
    while at < len(text):
        size = max((len(token) for token in tokens if text.startswith(token, at)), default=0)
        if size == 0:
            between += text[at]
            at += 1
            continue
        pieces += [*filter(None, [between]), text[at : at + size]]
        between = ""
        at += size
    return [*pieces, *filter(None, [between])]


@settings(deadline=None, max_examples=300)
@given(TOKENS, st.text("ab.*é語\n|(\\xü", max_size=30))
def test_matches_the_longest(tokens: list[str], text: str) -> None:
    pattern = pattern_of(tokens)
    for found in regex.finditer(pattern, text):
        assert found.group() == max((t for t in tokens if text.startswith(t, found.start())), key=len)
    cut = pre_tokenizers.Split(Regex(pattern), "isolated").pre_tokenize_str(text) if text else []
    assert [piece for piece, _ in cut] == longest(tokens, text)


def test_long_and_nested_tokens() -> None:
    tokens = ["a" * size for size in range(1, 400)] + ["x" * 5000]
    cut = pre_tokenizers.Split(Regex(pattern_of(tokens)), "isolated")
    assert [len(piece) for piece, _ in cut.pre_tokenize_str("a" * 1000 + "x" * 5000)] == [399, 399, 202, 5000]


def test_no_tokens_match_nothing() -> None:
    assert regex.search(pattern_of([]), "anything") is None
