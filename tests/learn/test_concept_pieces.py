"""The pieces of words against the worked example of the method's description, and against its words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokencraft.errors import UsageError
from tokencraft.learn.concept_pieces import candidates, entropy_of, select, syllables_of
from tokencraft.vocabulary.ngrams import NgramCounts, words_of

TERMS = ["aspirin", "aspirin tablet", "amoxicillin", "ampicillin", "penicillin"]


def test_worked_example_of_five_terms() -> None:
    words = words_of(TERMS)
    counts = NgramCounts(words, tails_again=True)
    assert (len(counts), counts.total) == (150, 455)
    assert (counts["in"], counts["lin"], counts["cillin"]) == (40, 25, 16)
    assert counts.cut(["ampicillin", "aspirin"]) == [["ampic", "illin"], ["aspi", "rin"]]
    pieces = candidates({"ampicillin": 1, "aspirin": 1}, counts)
    assert list(pieces) == [
        *((True, "amp"), (False, "ic"), (False, "illin")),
        *((True, "asp"), (False, "i"), (False, "rin")),
    ]
    whole = candidates({"ampicillin": 1, "aspirin": 1}, counts, syllables=False)
    assert list(whole) == [(True, "ampic"), (False, "illin"), (True, "aspi"), (False, "rin")]


@pytest.mark.parametrize(
    ("text", "syllables"), [("albumin", "alb um in"), ("peni", "pe ni"), ("strength", "stre n g t h")]
)
def test_syllables_by_hand(text: str, syllables: str) -> None:
    assert syllables_of(text) == syllables.split()


def test_merging_stops_where_no_pair_comes_twice() -> None:
    assert NgramCounts({"zz": 1}).cut(["ab"]) == [["a", "b"]]  # of weight 1
    assert NgramCounts({"ab": 1}).cut(["ab"]) == [["a", "b"]]
    assert NgramCounts({"ab": 2}).cut(["ab"]) == [["ab"]]
    assert NgramCounts({"abab": 9}).cut(["abab"], merges=0) == [["a", "b", "a", "b"]]


@given(st.text("aeiouybcdst", min_size=1, max_size=14), st.booleans())
def test_pieces_are_short_and_of_the_word(word: str, syllables: bool) -> None:
    words = {word: 3, "tested": 2}
    counts = NgramCounts(words)
    assert ["".join(pieces) for pieces in counts.cut(list(words))] == list(words)
    for begins, text in candidates(words, counts, syllables=syllables):
        assert 0 < len(text) <= 5
        assert any(each.startswith(text) if begins else text in each for each in words)


def test_values_are_counts_and_only_the_first_piece_begins_a_word() -> None:
    words = words_of(TERMS)
    counts = NgramCounts(words)
    values = candidates(words, counts)
    assert all(value == counts[text] for (_, text), value in values.items())
    begins = {text for first, text in values if first}
    assert all(any(word.startswith(text) for word in words) for text in begins)


def test_published_rule_takes_the_letter_for_the_place() -> None:
    words = {"papa": 5}
    counts = NgramCounts(words, tails_again=True)
    official = candidates(words, counts, official=True, syllables=False, merges=0)
    assert official == {(True, "p"): counts["p"], (False, "a"): counts["a"]}
    ours = candidates(words, counts, syllables=False, merges=0)
    assert set(ours) == {(True, "p"), (False, "a"), (False, "p")}


def test_selection_by_value_then_length_then_alphabet() -> None:
    values = {(False, "in"): 7, (True, "b"): 3, (False, "a"): 3, (False, "cc"): 3, (True, "a"): 3, (False, "z"): 1}
    expected = [(False, "in"), (True, "a"), (False, "a"), (True, "b"), (False, "cc"), (False, "z")]
    assert select(values, None) == expected
    assert select(values, 3) == expected[:3]
    assert select(values, None, min_value=2) == expected[:5]
    assert select(values, None, min_share=3 / 20) == expected[:1]  # a share must exceed delta
    assert [text for _, text in select(values, None, alphabetical=True)] == ["a", "cc", "in", "z", "a", "b"]
    with pytest.raises(UsageError, match="must be 0 or more"):
        select(values, -1)


def test_entropy_of_equal_shares() -> None:
    assert entropy_of({(True, str(n)): 5 for n in range(8)}) == pytest.approx(2.0794415416798357)  # ln 8
