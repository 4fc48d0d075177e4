"""The shared task's scores on numbers worked by hand, and vocabularies of every family on gold words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from tokencraft.errors import CorpusError, UsageError
from tokencraft.measure import MorphemeSegmentation, by_category, score_segmentation
from tokencraft.morphology import Segmented, read_segmentations
from tokencraft.vocabulary import Vocabulary, split

GOLD = [
    Segmented("varying", "vary @@ing", "100"),
    Segmented("congruity", "congruent @@ity", "010"),
    Segmented("of", "of", "000"),
]


class Table:
    """A segmenter that knows its words."""

    def __init__(self, **known: str) -> None:
        self.known = known

    def segment(self, words: Sequence[str]) -> list[list[str]]:
        return [self.known[word].split("|") for word in words]


def wordpiece(*pieces: str) -> Vocabulary:
    listed = ["[UNK]", *pieces]
    model = tokenizers.models.WordPiece({piece: k for k, piece in enumerate(listed)}, unk_token="[UNK]")
    stock = tokenizers.Tokenizer(model)
    stock.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    stock.decoder = tokenizers.decoders.WordPiece()
    return Vocabulary.from_tokenizer(stock)


def test_scores_by_hand() -> None:
    row = score_segmentation([["a", "b", "c"]], [["a", "c"]])
    assert (row.precision, row.distance) == (100, 2)
    assert row.recall == pytest.approx(66.67, abs=5e-3)
    assert row.f1 == pytest.approx(80)
    row = score_segmentation([["vary", "ing"]], [["var", "ying"]])
    assert (row.precision, row.recall, row.f1, row.distance, row.exact) == (0, 0, 0, 2, 0)


def test_gold_against_itself() -> None:
    pieces = [["vary", "ing"], ["of"]]
    row = score_segmentation(pieces, pieces)
    assert (row.precision, row.recall, row.f1, row.distance, row.exact) == (100, 100, 100, 0, 1)
    assert (row.pieces_per_word, row.gold_per_word) == (1.5, 1.5)


@settings(deadline=None)
@given(st.lists(st.tuples(*[st.lists(st.sampled_from("abc"), max_size=4)] * 2), min_size=1))
def test_f1_is_the_harmonic_mean(words: list[tuple[list[str], list[str]]]) -> None:
    row = score_segmentation([gold for gold, _ in words], [guess for _, guess in words])
    if row.precision + row.recall:
        assert row.f1 == pytest.approx(2 * row.precision * row.recall / (row.precision + row.recall))
    else:
        assert row.f1 == 0


def test_vocabulary_on_gold_words() -> None:
    vocabulary = wordpiece("vary", "##ing", "congru", "##ity", "o", "##f")
    measurement = MorphemeSegmentation().measure({"pieces": vocabulary}, GOLD)
    row = measurement.row(vocabulary="pieces")
    # vary|ing is right, congru|ity has "ity", o|f has nothing: 3 of 6 pieces, 3 of 5 gold morphemes.
    assert (row.pieces, row.gold, row.overlap) == (6, 5, 3)
    assert (row.precision, row.recall) == (50, 60)
    assert row.distance == pytest.approx((0 + 3 + 1) / 3)  # "ent" is missing, "|" is too many
    assert row.exact == pytest.approx(1 / 3)
    # Cuts as written: 2 gold (vary|ing, congru|ity), both found, and one more in "of".
    assert (row.boundary_precision, row.boundary_recall) == (pytest.approx(2 / 3), 1)
    ceiling = measurement.row(vocabulary="perfect cuts")
    assert (ceiling.boundary_f1, ceiling.overlap) == (1, 4)  # "congruent" cannot be cut out of "congruity"
    assert "data" not in [column.name for column in measurement.table().columns]


def test_segmenters_that_write_canonical_morphemes() -> None:
    canonical = Table(varying="vary|ing", congruity="congruent|ity", of="of")
    row = MorphemeSegmentation(ceiling=False).measure(canonical, GOLD).rows[0]
    assert (row.vocabulary, row.f1) == ("segmenter", 100)
    assert math.isnan(row.boundary_f1)  # no cuts of the words as written
    surface = Table(varying="vary|ing", congruity="congru|ity", of="of")
    row = MorphemeSegmentation(ceiling=False).measure({"x": surface}, GOLD).rows[0]
    assert row.boundary_f1 == 1


def test_lower_case() -> None:
    gold = [Segmented("Reaganites", "Reagan @@ite @@s")]
    lower = Table(Reaganites="reagan|ite|s")
    scores = [MorphemeSegmentation(lowercase=flag).measure(lower, gold).rows[0].overlap for flag in (False, True)]
    assert scores == [2, 3]


def test_categories() -> None:
    parts = by_category(GOLD)
    assert list(parts) == ["all", "000", "010", "100"]
    measurement = MorphemeSegmentation(ceiling=False).measure(wordpiece("of"), parts)
    assert [(row.data, row.words, row.f1) for row in measurement.rows[:2]] == [("all", 3, 25), ("000", 1, 100)]
    assert measurement.table().columns[0].name == "data"


def test_byte_level_words_stand_inside_a_sentence() -> None:
    vocabulary = Vocabulary.from_merges([], splitter=split.GPT2)
    row = MorphemeSegmentation(ceiling=False).measure(vocabulary, [Segmented("né", "né")]).rows[0]
    assert row.pieces == 3  # n and the two bytes of é; the space is no piece


def test_bad_calls() -> None:
    with pytest.raises(CorpusError, match="all: there are no gold words"):
        MorphemeSegmentation().measure(wordpiece("a"), [])
    with pytest.raises(UsageError, match="2 gold words and 1 guesses"):
        score_segmentation([["a"], ["b"]], [["a"]])
    with pytest.raises(UsageError, match="no vocabulary"):
        MorphemeSegmentation().measure({}, GOLD)


def test_gold_words_of_the_data(data_folder: Path) -> None:
    gold = list(read_segmentations(data_folder / "morphology" / "english_segmentation.dev.tsv.gz"))
    gpt2 = Vocabulary.load(data_folder / "tokenizers" / "gpt-2.json.gz")
    measurement = MorphemeSegmentation().measure({"gpt-2": gpt2}, gold[:5000])
    row, ceiling = measurement.rows
    assert ceiling.boundary_f1 == 1
    assert row.f1 < 50 < ceiling.f1 < 100  # no cutting writes canonical morphemes
    stock = gpt2.to_tokenizers()
    pieces = [stock.encode(f" {each.word}", add_special_tokens=False).tokens for each in gold[:5000]]
    assert row.pieces == sum(len(own) - (own[0] == "Ġ") for own in pieces)
