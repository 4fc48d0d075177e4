"""Numbers with separators: the card's worked examples, and round trips."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokencraft.errors import UsageError
from tokencraft.vocabulary.number_format import STYLES, format_number, restore, rewrite_numbers


def test_formats_of_the_card() -> None:
    assert format_number(1234567, "comma_r2l") == "1,234,567"
    assert format_number(1234567, "foo_r2l") == "1foo234foo567"
    assert format_number(1234567, "foo_l2r") == "123foo456foo7", "a long separator is not reversed"
    assert format_number(1234567, "nosep") == "1234567"
    assert format_number(12, "comma_r2l") == "12"
    assert format_number("007", "dec_r2l") == "007"
    assert format_number(-1234, "space_l2r") == "-123 4"
    assert len(STYLES) == 13


@given(st.integers(-(10**30), 10**30))
def test_the_thousands_of_python(number: int) -> None:
    assert format_number(number, "comma_r2l") == f"{number:,}"


@given(st.lists(st.integers(0, 10**12), min_size=1), st.sampled_from(STYLES))
def test_what_is_rewritten_is_restored(numbers: list[int], style: str) -> None:
    text = "x".join(map(str, numbers))  # every separator is something else than x
    assert restore(rewrite_numbers(text, style), style) == text


def test_only_numbers_are_rewritten() -> None:
    text = "a1234567b, 123 and -12345 but 3.14159 or v2024.0512.1"
    assert rewrite_numbers(text) == "a1,234,567b, 123 and -12,345 but 3.14159 or v2,024.0512.1"
    assert rewrite_numbers("1,234,567 stays") == "1,234,567 stays"
    assert rewrite_numbers("12 123", "hashtag_r2l", min_digits=1) == "12 123"
    assert rewrite_numbers("", "dec_l2r") == ""
    assert rewrite_numbers("٣٤٥٦٧") == "٣٤,٥٦٧"


def test_only_the_style_is_restored() -> None:
    assert restore("1,234 of 1,2,3 and 12,34 and 1,234,5") == "1234 of 1,2,3 and 12,34 and 1,234,5"
    assert restore("123 4 and 1 234", "space_l2r") == "1234 and 1 234"
    assert restore("123,4; 1,234", "comma_l2r") == "1234; 1,234"
    assert restore("1,234", "nosep") == "1,234"


def test_wrong_values_are_refused() -> None:
    with pytest.raises(UsageError, match="there is no number style 'comma'"):
        format_number(1, "comma")
    with pytest.raises(UsageError, match="is no whole number"):
        format_number("1.5")
    with pytest.raises(UsageError, match="min_digits"):
        rewrite_numbers("1", min_digits=0)
