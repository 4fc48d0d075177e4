"""Digit groups: the card's worked examples, spellings, and merges that make every number a token."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st

from tokencraft.errors import UsageError
from tokencraft.vocabulary import Vocabulary, split
from tokencraft.vocabulary.digit_split import DigitsFirst, digits_first, leading_groups
from tokencraft.vocabulary.numbers import DigitGroups, group, groups_of, number_coverage, number_merges, number_strings

R2L = DigitGroups()


def test_groups_of_the_card() -> None:
    assert group("1234567", direction="l2r") == ["123", "456", "7"]
    assert group("1234567") == ["1", "234", "567"]
    assert group("12") == group("12", direction="l2r") == ["12"]
    assert group("") == []
    assert "foo".join(group("1234567")) == "1foo234foo567"


def test_pieces_of_the_card() -> None:
    assert R2L.split("a1234567b 1,234") == ["a", "1", "234", "567", "b ", "1", ",", "234"]
    assert R2L.split("٣٤٥٦٧") == ["٣٤", "٥٦٧"]
    assert R2L.split("１２３４５") == ["１２", "３４５"]
    assert R2L.split("007 0 -1234") == ["007", " ", "0", " -", "1", "234"]
    assert R2L.split("") == []


def test_scripts_that_mix_are_one_run() -> None:
    assert R2L.split("12٣٤") == ["1", "2٣٤"]


def test_digits_behind_a_point_are_grouped_from_it() -> None:
    assert R2L.split("12.3456") == ["12", ".", "345", "6"]
    assert DigitGroups(fraction="plain").split("12.3456") == ["12", ".", "3", "456"]
    assert R2L.split("2024.0512.1234") == ["2", "024", ".", "051", "2", ".", "123", "4"]
    assert R2L.split(".3456") == [".", "3", "456"], "no digit stands before the point"
    digits = "1234567" * 4
    assert R2L.split(f"1.{digits}")[2:] == [*group(digits[:18], direction="l2r"), *group(digits[18:])]


def test_what_a_digit_is() -> None:
    assert DigitGroups(1).split("1½²Ⅷ3") == ["1", "½²Ⅷ", "3"]
    assert DigitGroups(1, digits="N").split("1½²Ⅷ3") == ["1", "½", "²", "Ⅷ", "3"]


@given(st.text(alphabet="0123456789", max_size=40), st.integers(1, 9))
def test_pieces_of_a_run_are_its_groups(digits: str, size: int) -> None:
    for direction in ("l2r", "r2l"):
        assert DigitGroups(size, direction).split(digits) == group(digits, size, direction)
        assert "".join(group(digits, size, direction)) == digits


@pytest.mark.parametrize("policy", ["single", "l2r3", "r2l3", "r2l2", "l2r9"])
def test_policies_by_name(policy: str) -> None:
    groups = DigitGroups.parse(policy)
    assert groups is not None
    assert groups.policy == policy
    assert groups_of(groups.pattern) == groups


def test_any_is_no_policy_of_its_own() -> None:
    assert DigitGroups.parse("any") is None
    assert DigitGroups(3, "r2l", "plain").policy is None


@pytest.mark.parametrize("policy", ["", "r2l", "r2l0", "l2r10", "both", "R2L3"])
def test_unknown_policies_are_refused(policy: str) -> None:
    with pytest.raises(UsageError, match="single, l2r3, r2l3, any"):
        DigitGroups.parse(policy)


@pytest.mark.parametrize("change", [{"size": 0}, {"size": 10}, {"direction": "up"}, {"fraction": "x"}, {"digits": "L"}])
def test_wrong_values_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        DigitGroups(**change)  # type: ignore[arg-type]


@pytest.mark.parametrize("groups", [R2L, DigitGroups(3, "l2r"), DigitGroups(1)], ids=repr)
def test_tiktoken_reads_the_pattern_alike(groups: DigitGroups) -> None:
    ranks = {bytes([value]): value for value in range(256)}
    ranks |= {text.encode(): 256 + index for index, text in enumerate(number_strings(groups.size)[10:])}
    encoding = tiktoken.Encoding("digits", pat_str=groups.pattern, mergeable_ranks=ranks, special_tokens={})
    for text in ("1234567", "1", "12.345678", "1" * 511, "0" * 1200):
        pieces = [encoding.decode_single_token_bytes(each).decode() for each in encoding.encode_ordinary(text)]
        assert pieces == [piece for piece in groups.split(text) if piece != "."]


def merged(parts: list[bytes], ranks: dict[tuple[bytes, bytes], int]) -> list[bytes]:
    """What BPE makes of the parts: the pair of the lowest rank first, the leftmost of several."""
    while pairs := [(ranks[pair], at) for at, pair in enumerate(itertools.pairwise(parts)) if pair in ranks]:
        at = min(pairs)[1]
        parts = [*parts[:at], parts[at] + parts[at + 1], *parts[at + 2 :]]
    return parts


def test_every_number_becomes_one_token() -> None:
    for size, merges in ((3, 1_100), (4, 11_100)):
        assert len(number_strings(size)) == merges + 10
        pairs = number_merges(size)
        assert len(pairs) == len(set(pairs)) == merges
        ranks = {pair: rank for rank, pair in enumerate(pairs)}
        for text in itertools.islice(number_strings(size), 10, None, 1 if size == 3 else 7):
            assert merged([digit.encode() for digit in text], ranks) == [text.encode()]


def test_too_many_numbers_are_refused() -> None:
    with pytest.raises(UsageError, match="groups of 1 to 4"):
        number_merges(5)


def test_a_group_stays_whole_behind_a_splitter_that_would_cut_it() -> None:
    for base in (split.QWEN2, split.CL100K, split.SUPERBPE_PAPER_STAGE2, split.Regex((r"\d|\s",))):
        cutter = digits_first(DigitGroups(5, "r2l"), base)
        assert cutter.split("x 1234567")[-2:] == ["12", "34567"], base
        assert split.from_pre_tokenizer(cutter.to_pre_tokenizer()) == cutter
        assert leading_groups(cutter) == DigitGroups(5, "r2l")


def test_what_is_native_stays_native() -> None:
    for name, base in split.NAMED.items():
        cutter = digits_first(R2L, base)
        if base.native is not None:
            assert cutter.native == base.native | R2L.code, name
            read = split.from_pre_tokenizer(cutter.to_pre_tokenizer())
            assert read is not None
            assert read.native == cutter.native, name
            assert leading_groups(base) is None


def test_single_digits_of_tokenizers_are_native() -> None:
    steps = [{"type": "Digits", "individual_digits": True}, *[{"type": "ByteLevel", "add_prefix_space": False}]]
    read = split.from_pre_tokenizer({"type": "Sequence", "pretokenizers": steps})
    assert read is not None
    assert read.native == split.GPT2.native | DigitGroups(1, digits="N").code  # type: ignore[operator]


def test_other_splitters_cut_between_the_groups() -> None:
    cutter = digits_first(R2L, split.Lines())
    assert isinstance(cutter, DigitsFirst)
    assert cutter.split("a\n1234b\nc") == ["a\n", "1", "234", "b\n", "c"]
    described = cutter.to_pre_tokenizer()
    assert described is not None
    assert [step["pattern"]["Regex"] for step in described["pretokenizers"]] == [R2L.pattern, r"[^\n]*\n"]


@pytest.mark.parametrize(("name", "coverage"), [("gpt-2.json.gz", 10 + 100 + 777), ("cl100k_base.tiktoken.gz", 1110)])
def test_numbers_of_released_vocabularies(data_folder: Path, name: str, coverage: int) -> None:
    """The card's counts: 777 of the 1,000 strings of three digits are tokens of GPT-2."""
    assert number_coverage(Vocabulary.load(data_folder / "tokenizers" / name)) == coverage
