"""Common subsequences and distances against all subsequences and the recursive definition."""

from __future__ import annotations

from functools import cache
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from tokencraft.measure.sequence_distance import common_lengths, edit_distances

pairs = st.lists(st.tuples(st.text("abc", max_size=6), st.text("abcd", max_size=6)), max_size=8)


@cache
def levenshtein(left: str, right: str) -> int:
    if not left or not right:
        return len(left) + len(right)
    return min(
        levenshtein(left[1:], right) + 1,
        levenshtein(left, right[1:]) + 1,
        levenshtein(left[1:], right[1:]) + (left[0] != right[0]),
    )


def longest_common(left: str, right: str) -> int:
    def subsequences(text: str) -> set[tuple[str, ...]]:
        return {chosen for size in range(len(text) + 1) for chosen in combinations(text, size)}

    return max(map(len, subsequences(left) & subsequences(right)))


@settings(deadline=None)
@given(pairs)
def test_against_brute_force(texts: list[tuple[str, str]]) -> None:
    left, right = [a for a, _ in texts], [b for _, b in texts]
    assert common_lengths(left, right).tolist() == [longest_common(a, b) for a, b in texts]
    assert edit_distances(left, right).tolist() == [levenshtein(a, b) for a, b in texts]


def test_elements_are_whole_strings() -> None:
    assert common_lengths([["vary", "ing"], ["a", "b", "c"], []], [["var", "ying"], ["a", "c"], ["x"]]).tolist() == [
        *(0, 2, 0)
    ]
    assert edit_distances(["vary|ing", "a|b|c"], ["var|ying", "a|c"]).tolist() == [2, 2]


def test_more_pairs_than_are_worked_on_at_once() -> None:
    left = ["a" * (k % 7) for k in range(40_000)]
    assert edit_distances(left, [""] * len(left)).tolist() == [k % 7 for k in range(40_000)]
    assert common_lengths(left, left).tolist() == [k % 7 for k in range(40_000)]
