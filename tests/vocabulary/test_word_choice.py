"""The choice of a word's segmentation by its definition, with numbers worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokencraft.errors import UsageError, VocabularyError
from tokencraft.vocabulary.word_choice import BASE, WordChoice, WordSegmenter

PIECES = ["[UNK]", "a", "b", "##a", "##b", "ab", "##ab", "ba", "##ba"]
COUNTS = np.array([0, 0, 0, 0, 0, 9, 0, 4, 100], np.int64)


def segmenter(**settings: object) -> WordSegmenter:
    given: dict[str, object] = {"types": {"x": (5, 6), "y": (7, 8)}, "base_size": 5, "counts": COUNTS, "total": 1000}
    choice = WordChoice(**(given | settings))  # type: ignore[arg-type]
    return WordSegmenter(["", *PIECES[1:]], choice, mark="##", unknown=0, longest_word=100)


def test_evidence_by_hand() -> None:
    choice = WordChoice({}, 9, COUNTS, 1000)
    # counts 9 and unseen: F = 10, p = 0.011
    assert choice.score([5, 3]) == pytest.approx(0.011 * math.log2(1 / 0.011))
    assert choice.score([5, 3]) == pytest.approx(0.07157, abs=5e-6)
    # only the first piece finds its count, unless all are asked for
    assert choice.score([5, 8]) == choice.score([5, 3])
    assert WordChoice({}, 9, COUNTS, 1000, strip_prefix=True).score([5, 8]) == pytest.approx(-0.11 * math.log2(0.11))


def test_evidence_never_falls_where_counts_grow() -> None:
    values = [WordChoice({}, 0, COUNTS, 100).evidence(count) for count in range(300)]
    assert values == sorted(values)
    assert WordChoice({}, 0, COUNTS, 0).score([5]) == 0.0


def test_the_candidate_of_least_evidence_is_taken() -> None:
    chosen = segmenter().choose("aba", "aba")
    by_source = {each.source: [PIECES[number] for number in each.ids] for each in chosen.candidates}
    assert by_source == {"x": ["ab", "##a"], "y": ["a", "##ba"], BASE: ["a", "##b", "##a"]}
    # x: 9 + 1, y: 1 + 1, base: 1 + 1 + 1
    assert chosen.taken.source == "y"
    assert chosen.taken.lengths == (1, 2)
    assert segmenter(strip_prefix=True).choose("aba", "aba").taken.source == BASE  # y: 1 + 100, x: 9 + 1, base: 3


def test_ties_go_to_the_first_type_then_to_the_next_then_to_the_base() -> None:
    none = np.zeros(9, np.int64)
    assert segmenter(counts=none).choose("aba", "aba").taken.source == "x"
    assert segmenter(counts=none, types={"y": (7, 8), "x": (5, 6)}).choose("aba", "aba").taken.source == "y"
    assert segmenter(counts=none).choose("a", "a").taken.source == "x"


def test_little_evidence_keeps_the_base() -> None:
    # F + 1 of x is 11, of y 3: both are below a threshold of 12, x is not below 11
    assert segmenter(threshold=12).choose("aba", "aba").taken.source == BASE
    assert segmenter(threshold=11).choose("aba", "aba").taken.source == "y"


@pytest.mark.parametrize("word", ["12", "...", "1-2"])
def test_words_without_letters_keep_the_base(word: str) -> None:
    pieces = ["", *PIECES[1:], *"12.-", *(f"##{c}" for c in "12.-")]
    choice = WordChoice({"x": (5, 6)}, len(pieces), COUNTS, 1000)
    chosen = WordSegmenter(pieces, choice, mark="##", unknown=0, longest_word=100).choose(word, word)
    assert (chosen.taken, chosen.candidates) == (chosen.base, ())


def test_abbreviations_keep_the_base_and_other_words_are_looked_up_in_lower_case() -> None:
    assert segmenter().choose("aba", "ABA").taken.source == BASE
    cased = segmenter(lower_case=True).choose("ABa", "ABa")
    assert (cased.base.ids, cased.taken.source) == ((0,), "y")
    assert segmenter(lower_case=False).choose("ABa", "ABa").taken.ids == (0,)


def test_lower_case_keeps_the_length_in_bytes() -> None:
    pieces = ["[UNK]", "İ", "##a", "##é"]
    choice = WordChoice({"x": (2, 3)}, 2, np.zeros(4, np.int64), 10)
    chosen = WordSegmenter(["", *pieces[1:]], choice, mark="##", unknown=0, longest_word=100).choose("İAÉ", "İAÉx")
    assert chosen.taken.ids == (1, 2, 3)
    assert sum(chosen.taken.lengths) == len("İAÉ".encode())


def test_a_segmentation_without_unknown_is_preferred() -> None:
    pieces = ["[UNK]", "a", "##c"]
    choice = WordChoice({"x": (2,)}, 2, np.array([0, 500, 0], np.int64), 1000)
    chosen = WordSegmenter(["", *pieces[1:]], choice, mark="##", unknown=0, longest_word=100).choose("ac", "ac")
    assert chosen.base.ids == (0,)
    assert chosen.base.score < chosen.taken.score
    assert chosen.taken.ids == (1, 2)
    silent = WordSegmenter(["", *pieces[1:]], choice, mark="##", unknown=None, longest_word=100)
    with pytest.raises(VocabularyError, match="nor an unknown token"):
        silent.choose("zz", "zz")


@pytest.mark.parametrize(
    ("limit", "guard", "base", "mixed", "keeps"),
    [
        (0.0, True, 10, 10, True),
        (1.0, True, 10, 2, False),
        (1.0, True, 10, 11, True),
        (1.0, False, 10, 11, False),
        (0.035, True, 100, 96, True),
        (0.035, True, 100, 97, False),
        (0.065, False, 100, 101, True),
        (0.5, True, 0, 0, False),
    ],
)
def test_sequences_by_their_fertility(limit: float, guard: bool, base: int, mixed: int, keeps: bool) -> None:
    choice = WordChoice({}, 9, COUNTS, 1000, fertility_limit=limit, guard=guard)
    assert choice.keeps_base(base, mixed) is keeps


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(UsageError, match="cannot be called 'base'"):
        WordChoice({BASE: ()}, 0, COUNTS, 1)
    with pytest.raises(UsageError, match="the threshold"):
        WordChoice({}, 0, COUNTS, 1, threshold=-1)


@given(st.text("abc", min_size=1, max_size=12), st.sets(st.text("abc", min_size=1, max_size=3), max_size=8))
def test_longest_match_by_brute_force(word: str, texts: set[str]) -> None:
    pieces = ["", *sorted(texts), *(f"##{text}" for text in sorted(texts))]
    choice = WordChoice({}, len(pieces), np.zeros(len(pieces), np.int64), 0)
    found = WordSegmenter(pieces, choice, mark="##", unknown=0, longest_word=10).cut(BASE, word)
    expected: list[str] = []
    rest, mark = word, ""
    while rest and len(word) <= 10:
        best = max((text for text in texts if rest.startswith(text)), key=len, default="")
        if not best:
            break
        expected.append(mark + best)
        rest, mark = rest[len(best) :], "##"
    assert [pieces[number] for number in found.ids] == ([""] if rest else expected)
