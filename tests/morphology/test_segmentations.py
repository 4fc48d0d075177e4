"""Canonical morphemes as cuts, by the worked examples and against the procedure written plainly."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokencraft.errors import CorpusError, UsageError
from tokencraft.morphology import bio_to_segments, read_segmentations, segments_to_bio


@pytest.mark.parametrize(
    ("word", "segments", "bio"),
    [
        ("varying", "vary @@ing", "BIIIBII"),
        ("congruity", "congruent @@ity", "BIIIIIBII"),
        ("hepatalgia", "hepato @@algia", "BIIIIBIIII"),
        ("neurofollicular", "neuro @@follicle @@ar", "BIIIIBIIIIIIIBI"),
        ("studies", "study @@s", "BIIIBIB"),
        ("Varying", "Vary @@ing", "BIIIBII"),
        ("word", "word", "BIII"),
        ("a", "a", "B"),
        ("", "", ""),
        ("enthrallments", "en @@thrall @@ment @@s", "BIBIIIIIBIIIB"),
    ],
)
def test_worked_examples(word: str, segments: str, bio: str) -> None:
    assert segments_to_bio(word, segments) == bio


def test_digits_and_many_morphemes_do_not_collide_with_markers() -> None:
    assert bio_to_segments("2methyl1xen", segments_to_bio("2methyl1xen", "2 @@methyl @@1 @@xene")) == [
        "2",
        "methyl",
        "1",
        "xen",
    ]
    letters = "abcdefghijkl"
    segments = " @@".join(letters) + " @@mno"
    word = letters + "mn"
    assert bio_to_segments(word, segments_to_bio(word, segments)) == [*letters, "mn"]


def test_plurals_of_y() -> None:
    assert segments_to_bio("boys", "boy @@s") == "BIIB"
    assert segments_to_bio("boys", "boy @@s", official=True) == "BIBB"
    assert segments_to_bio("studies", "study @@s", official=True) == "BIIIBIB"


def test_where_the_first_morpheme_touches_the_last() -> None:
    # "ab" and "cd" touch since the middle one is not in the word
    assert segments_to_bio("abcd", "ab @@xx @@cd") == "BIBI"
    assert segments_to_bio("abcd", "ab @@xx @@cd", official=True) == "BIII"
    assert segments_to_bio("abxcd", "ab @@x @@cd", official=True) == "BIBBI"


words = st.text("abc1", min_size=1, max_size=9)


@given(words, st.lists(words, min_size=1, max_size=4), st.booleans())
def test_tags_are_valid_and_pieces_give_the_word_back(word: str, morphemes: list[str], official: bool) -> None:
    segments = " @@".join(morphemes)
    bio = segments_to_bio(word, segments, official=official)
    assert len(bio) == len(word)
    assert bio[0] == "B"
    assert set(bio) <= {"B", "I"}
    assert "".join(bio_to_segments(word, bio)) == word


@given(st.lists(words, min_size=1, max_size=5))
def test_morphemes_that_add_up_cut_exactly(morphemes: list[str]) -> None:
    word = "".join(morphemes)
    assert bio_to_segments(word, segments_to_bio(word, " @@".join(morphemes))) == morphemes


@given(words, st.lists(words, min_size=1, max_size=4))
def test_cuts_by_string_replacement(word: str, morphemes: list[str]) -> None:
    """The procedure as it is told, with characters of the private area for markers."""
    if "".join(morphemes) == word:
        return
    last = len(morphemes)

    def marked(index: int, text: str) -> str:
        return chr(0xE000 + index) * len(text)

    copy = word
    if copy.endswith(morphemes[-1]):
        copy = copy[: len(copy) - len(morphemes[-1])] + marked(last, morphemes[-1])
    if copy.startswith(morphemes[0]):
        copy = marked(0, morphemes[0]) + copy[len(morphemes[0]) :]
    for index, morpheme in enumerate(morphemes[1:-1], 1):
        copy = copy.replace(morpheme, marked(index, morpheme))
    kinds = [character if character >= "\ue000" else "" for character in copy]
    expected = "".join("I" if at and kinds[at] == kinds[at - 1] else "B" for at in range(len(word)))
    assert segments_to_bio(word, " @@".join(morphemes)) == expected


def test_a_wrong_number_of_tags_is_refused() -> None:
    with pytest.raises(UsageError, match="2 tags for the 3 letters of 'abc'"):
        bio_to_segments("abc", "BI")
    assert bio_to_segments("abc", "III") == ["abc"]
    assert bio_to_segments("", "") == []


def test_rows_of_files(tmp_path: Path) -> None:
    path = tmp_path / "rows.tsv"
    path.write_text("null\tnull\t000\nvarying\tvary @@ing\n", encoding="utf-8")
    assert [tuple(row) for row in read_segmentations(path)] == [("null", "null", "000"), ("varying", "vary @@ing", "")]
    commas = tmp_path / "rows.csv.gz"
    commas.write_bytes(gzip.compress(b"nan,nan,000\n\nstudies,study @@s,100\n"))
    assert [row.word for row in read_segmentations(commas)] == ["nan", "studies"]
    path.write_text("varying\n", encoding="utf-8")
    with pytest.raises(CorpusError, match="line 1: expected a word, a tab"):
        list(read_segmentations(path))
    with pytest.raises(CorpusError, match="cannot be read"):
        list(read_segmentations(tmp_path / "none"))


def test_gold_words_fall_apart_as_their_category_says(data_folder: Path) -> None:
    rows = list(read_segmentations(data_folder / "morphology" / "english_segmentation.dev.tsv.gz"))
    assert len(rows) > 20_000
    whole = [row for row in rows if row.category == "000"]
    assert all(len(row.segments.split()) == 1 for row in whole)
    exact = sum(
        bio_to_segments(row.word.lower(), segments_to_bio(row.word, row.segments))
        == row.segments.lower().replace("@@", "").split()
        for row in rows
        if "".join(row.segments.replace("@@", "").split()) == row.word
    )
    assert exact == sum("".join(row.segments.replace("@@", "").split()) == row.word for row in rows)
