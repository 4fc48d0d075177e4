"""Boundary stability against the definition in plain Python, and against examples worked by hand."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokencraft.corpus import Corpus
from tokencraft.errors import CorpusError, UsageError
from tokencraft.measure import BoundaryStability, Noisy, OCRNoise, StabilityRow, length_histogram, tokens_per_term
from tokencraft.vocabulary import Vocabulary, split
from tokencraft.vocabulary import bytes as canonical

ID = {value: position for position, value in enumerate(canonical.BYTE_ORDER)}
A, B, C, SPACE = (ID[ord(char)] for char in "abc ")
CHARACTERS = Vocabulary.from_merges([], splitter=split.WHOLE)
# ab 256, " ab" 257, abc 258, é 259, the last byte of é with a space 260
MERGED = Vocabulary.from_merges(
    [(A, B), (SPACE, 256), (256, C), (ID[0xC3], ID[0xA9]), (ID[0xA9], SPACE)], splitter=split.WHOLE
)
SUBSTITUTIONS = OCRNoise(rate=0.3, confusion=1, insertion=0, deletion=0, transposition=0)


@dataclass(frozen=True)
class Given:
    """Noise written down: what each clean character became, with what was put in behind it."""

    parts: tuple[str, ...]
    edits: int

    def apply(self, text: str) -> Noisy:
        sizes = np.array([len(part) for part in self.parts])
        begins = np.cumsum(sizes) - sizes
        return Noisy(text, "".join(self.parts), self.edits, begins, begins + np.minimum(sizes, 1))


def measure(vocabulary: Vocabulary, texts: list[str], noise: object) -> StabilityRow:
    return BoundaryStability(noise).measure(vocabulary, Corpus.from_iterable(texts)).rows[0]  # type: ignore[arg-type]  # any noise


def naive(vocabulary: Vocabulary, texts: list[Noisy]) -> Counter[str]:
    """The counts by their definition, text by text and byte by byte."""
    counts: Counter[str] = Counter()
    for each in texts:
        clean, noisy = tokens_of(vocabulary, each.clean), tokens_of(vocabulary, each.text)
        start_of: dict[int, int | None] = {}
        end_of: dict[int, int | None] = {}
        at = 0
        for char, begin, end in zip(each.clean, each.begins.tolist(), each.ends.tolist(), strict=True):
            size, there = len(char.encode()), len(each.text[:begin].encode())
            same = each.text[begin:end] == char
            for inside in range(size):
                start_of[at + inside] = there + inside if same or inside == 0 else None
                end_of[at + inside + 1] = there + inside + 1 if same else None
            end_of[at + size] = len(each.text[:end].encode())
            at += size
        mapped = {end_of[end] for _, _, end in clean} - {None}
        noisy_ends = {end for _, _, end in noisy}
        counts["ends"] += len(mapped) + sum(end_of[end] is None for _, _, end in clean)
        counts["noisy_ends"] += len(noisy_ends)
        counts["common_ends"] += len(mapped & noisy_ends)
        counts["tokens"] += len(clean)
        counts["noisy_tokens"] += len(noisy)
        data = each.clean.encode()
        for identifier, start, end in clean:
            if (identifier, start_of[start], end_of[end]) not in set(noisy):
                counts["disturbed_tokens"] += 1
                counts["disturbed_characters"] += sum(byte & 0xC0 != 0x80 for byte in data[start:end])
    return counts


def tokens_of(vocabulary: Vocabulary, text: str) -> list[tuple[int, int, int]]:
    at, found = 0, []
    for identifier in vocabulary.encode(text).tolist():
        found.append((identifier, at, at := at + len(vocabulary.tokens[identifier])))
    return found


TEXTS = st.lists(st.text(st.sampled_from("abc éü€\n😀"), min_size=1, max_size=40), min_size=1, max_size=4)


@settings(deadline=None, max_examples=150)
@given(TEXTS, st.floats(0, 1), st.integers(0, 5), st.sampled_from([CHARACTERS, MERGED]))
def test_counts_are_those_of_the_definition(texts: list[str], rate: float, seed: int, vocabulary: Vocabulary) -> None:
    noise = OCRNoise(rate, confusion=0.4, insertion=0.2, deletion=0.2, transposition=0.2, seed=seed)
    row = measure(vocabulary, texts, noise)
    expected = naive(vocabulary, [noise.apply(text) for text in texts])
    assert {name: getattr(row, name) for name in expected} == expected
    assert (row.documents, row.characters) == (len(texts), sum(map(len, texts)))
    assert row.edits == sum(noise.apply(text).edits for text in texts)


def test_worked_by_hand() -> None:
    # ab| ab|c  ->  ab| a|c|c: the ends 2 and 5 (mapped to 5), 6; the noisy ends 2, 4, 5, 6
    noise = Given(("a", "b", " ", "a", "c", "c"), edits=1)
    row = measure(MERGED, ["ab abc"], noise)
    assert MERGED.encode("ab abc").tolist() == [256, 257, C]
    assert MERGED.encode("ab acc").tolist() == [256, SPACE, A, C, C]
    assert (row.tokens, row.noisy_tokens, row.edits) == (3, 5, 1)
    assert (row.ends, row.noisy_ends, row.common_ends) == (3, 5, 3)
    assert row.boundary_f1 == 6 / 8
    assert row.inflation == 5 / 3
    assert (row.disturbed_tokens_per_edit, row.disturbed_characters_per_edit) == (1, 3)
    assert row.characters_per_token == 2


def test_insertion_deletion_and_bytes_of_characters() -> None:
    row = measure(MERGED, ["abab"], Given(("a", "b ", "a", "b"), edits=1))  # ab|ab -> ab| ab
    assert (row.common_ends, row.noisy_ends, row.disturbed_tokens) == (2, 2, 1)
    row = measure(MERGED, ["cab"], Given(("", "a", "b"), edits=1))  # c is lost
    assert (row.disturbed_tokens, row.disturbed_characters, row.noisy_tokens) == (1, 1, 1)
    # Ã|© with its space: the second token begins inside a character; it moves with it, and is lost where it changes.
    only = Vocabulary.from_merges([(ID[0xA9], SPACE)], splitter=split.WHOLE)
    row = measure(only, ["xé "], Given(("x ", "é", " "), edits=1))
    assert (row.tokens, row.disturbed_tokens) == (3, 0)
    row = measure(only, ["xé "], Given(("x", "e", " "), edits=1))
    assert (row.tokens, row.ends, row.disturbed_tokens, row.disturbed_characters) == (3, 3, 2, 2)


@pytest.mark.parametrize("vocabulary", [CHARACTERS, MERGED])
def test_no_noise_changes_nothing(vocabulary: Vocabulary) -> None:
    row = measure(vocabulary, ["ab abc é", "cab"], OCRNoise(rate=0))
    assert (row.boundary_f1, row.inflation, row.edits) == (1, 1, 0)
    assert (row.disturbed_characters_per_edit, row.disturbed_tokens_per_edit) == (0, 0)


def test_a_substitution_disturbs_one_character_of_a_vocabulary_of_characters() -> None:
    row = measure(CHARACTERS, ["colonel in the sun " * 50], SUBSTITUTIONS)
    assert row.edits > 100
    assert (row.boundary_f1, row.inflation, row.disturbed_characters_per_edit) == (1, 1, 1)
    merged = Vocabulary.from_merges([(ID[ord("o")], ID[ord("n")]), (256, ID[ord("e")])], splitter=split.WHOLE)
    assert measure(merged, ["colonel in the sun " * 50], SUBSTITUTIONS).disturbed_characters_per_edit > 1


def test_vocabularies_that_change_text_are_measured_in_characters() -> None:
    texts = ["ab abc cab", "abcab ab"]
    normalised = MERGED.replace(normalizer={"type": "NFKC"})
    assert not normalised.lossless
    expected, found = (measure(each, texts, OCRNoise(rate=0.3)) for each in (MERGED, normalised))
    assert found == expected
    row = measure(MERGED.replace(normalizer={"type": "Lowercase"}), ["AB é ab"], Given(tuple("ab é ab"), edits=2))
    assert (row.boundary_f1, row.inflation, row.disturbed_tokens) == (1, 1, 0)  # it does not see the case


def test_vocabularies_and_data_by_name() -> None:
    data = {"x": Corpus.from_iterable(["ab ab"]), "y": Corpus.from_iterable(["cc", "abc"])}
    seen: list[tuple[str, int, int | None]] = []
    measurement = BoundaryStability(batch_bytes=3).measure(
        {"bytes": CHARACTERS, "merged": MERGED}, data, progress=lambda *each: seen.append(each)
    )
    assert [(row.data, row.vocabulary) for row in measurement.rows] == [
        ("x", "bytes"),
        ("x", "merged"),
        ("y", "bytes"),
        ("y", "merged"),
    ]
    assert seen[-1] == ("encoding", 10, None)
    assert measurement.table().columns[0].name == "data"
    assert "boundary F1" in measurement.table().to_text()
    with pytest.raises(CorpusError, match="empty"):
        BoundaryStability().measure(CHARACTERS, Corpus.from_iterable([]))


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=200), st.floats(0, 1), st.integers(-3, 3))
def test_noise_knows_where_characters_went(text: str, rate: float, seed: int) -> None:
    noisy = OCRNoise(rate, confusion=0.4, insertion=0.3, deletion=0.2, transposition=0.1, seed=seed).apply(text)
    assert noisy.clean == text
    assert len(noisy.begins) == len(noisy.ends) == len(text)
    places = list(zip(noisy.begins.tolist(), noisy.ends.tolist(), strict=True))
    assert all(0 <= end - begin <= 1 for begin, end in places)
    assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(places))
    moved = sum(noisy.text[begin:end] != char for char, (begin, end) in zip(text, places, strict=True))
    lost = sum(begin == end for begin, end in places)
    inserted = len(noisy.text) - len(text) + lost
    # Each substitution and loss changes one character, each transposition two.
    assert moved / 2 + inserted <= noisy.edits + lost / 2 + 1e-9
    assert noisy.edits <= moved + inserted


def test_noise_by_its_shares() -> None:
    text = "e" * 40_000
    assert OCRNoise(rate=0).apply(text).text == text
    for share in ("confusion", "insertion", "deletion"):
        shares = dict.fromkeys(("confusion", "insertion", "deletion", "transposition"), 0.0) | {share: 0.5}
        noisy = OCRNoise(rate=0.1, **shares).apply(text)
        assert noisy.edits == pytest.approx(0.05 * len(text), rel=0.1)
        changed = {
            "confusion": len(text) - noisy.text.count("e"),
            "insertion": noisy.text.count(" "),
            "deletion": len(text) - len(noisy.text.replace(" ", "")),
        }
        if share == "deletion":
            changed["confusion"] -= changed["deletion"]
        assert changed.pop(share) == noisy.edits
        assert not any(changed.values())
    swapped = OCRNoise(rate=1, confusion=0, insertion=0, deletion=0, transposition=1).apply("abcde")
    assert (swapped.text, swapped.edits) == ("badce", 2)
    assert OCRNoise(rate=1, transposition=1, confusion=0, insertion=0, deletion=0).apply("aab").edits == 0
    assert OCRNoise(seed=1).apply(text).text == OCRNoise(seed=1).apply(text).text != OCRNoise(seed=2).apply(text).text


def test_wrong_noise_is_refused() -> None:
    with pytest.raises(UsageError, match="rate is a probability"):
        OCRNoise(rate=1.5)
    with pytest.raises(UsageError, match="more than 1"):
        OCRNoise(confusion=0.9, insertion=0.2)


def test_terms_and_lengths() -> None:
    named = {"bytes": CHARACTERS, "merged": MERGED}
    table = tokens_per_term(named, ["ab", "abc"])
    assert table.rows == (("ab", 3, 1), ("abc", 4, 2), ("mean", 3.5, 1.5))
    with pytest.raises(UsageError, match="no term"):
        tokens_per_term(named, [])
    lengths = length_histogram(named)
    assert list(lengths.rows[:4]) == [("1", 256, 258), ("2", 0, 1), ("3", 0, 2), ("4", 0, 0)]
    assert lengths.rows[-1][0] == "16 and more"
