"""The description length against the table of the method's description, and by hand."""

from __future__ import annotations

from collections import Counter
from math import log2
from pathlib import Path

import pytest

from tokencraft.corpus import Corpus
from tokencraft.errors import UsageError
from tokencraft.learn import BPE, LessIsBetter
from tokencraft.measure import DescriptionLength
from tokencraft.measure.description_length import code_length
from tokencraft.vocabulary import split
from tokencraft.vocabulary.lexicon import from_lexicon


def test_numbers_of_the_published_demo(data_folder: Path) -> None:
    """Tokens and kilobits that the description of the method gives for four vocabularies of one text."""
    text = (data_folder / "text" / "child_speech.txt").read_text("utf-8")
    corpus = Corpus.from_iterable([line + " " for line in text.splitlines()])
    words = split.Regex((r"[^ ]* ",))
    measured = DescriptionLength().measure(
        {
            "words": from_lexicon(dict.fromkeys(word + " " for word in text.split())),
            "LiB": LessIsBetter(steps=501, article=200, life=3, unit="document", official=True).train(corpus),
            "BPE in words": BPE(vocab_size=256 + 2420 - 28, splitter=words).train(corpus),
            "BPE": BPE(vocab_size=256 + 2420 - 28, splitter=split.WHOLE).train(corpus),
        },
        corpus,
    )
    rows = {row.vocabulary: row for row in measured.rows}
    assert rows["words"].tokens == 33_377
    assert rows["words"].entries == 1_380
    assert rows["LiB"].tokens == 24_225
    assert rows["BPE in words"].tokens == pytest.approx(33_433, abs=5)  # which merge is the last differs
    assert rows["BPE"].tokens == pytest.approx(22_978, abs=5)
    kilobits = {"words": 301.0, "BPE in words": 317.9, "BPE": 308.1, "LiB": 326.1}
    assert {name: row.kilobits for name, row in rows.items()} == pytest.approx(kilobits, abs=0.2)
    lengths = {"words": 4.85, "BPE in words": 4.84, "BPE": 7.04, "LiB": 6.68}
    assert {name: row.mean_length for name, row in rows.items()} == pytest.approx(lengths, abs=0.006)
    assert rows["LiB"].types == 2_266
    assert rows["words"].superword_share == 0.0
    assert len(measured.to_json()["rows"]) == 4


def test_by_hand() -> None:
    vocabulary = from_lexicon(["ab", "a b", "c"], special_tokens=["<s>"])
    measured = DescriptionLength(batch_bytes=3).measure({"x": vocabulary}, {"one": Corpus.from_iterable(["abab", "é"])})
    row = measured.row(vocabulary="x")
    assert (row.entries, row.tokens, row.types, row.characters) == (4, 4, 3, 5)  # ab, a b, and two bytes of é
    assert (row.superwords, row.unused) == (1, 1)
    assert row.corpus_bits == pytest.approx(2 * 1 + 2 * 2)
    symbols = Counter("ab" + "a b" + "é".encode().decode("latin-1"))
    assert row.lexicon_bits == pytest.approx(-sum(f * log2(f / 7) for f in symbols.values()))
    assert row.kilobits == pytest.approx((row.lexicon_bits + row.corpus_bits) / 1000)
    assert row.index == pytest.approx(5 / 4 / 2)


def test_code_length_of_little() -> None:
    assert code_length([]) == 0.0
    assert code_length([7]) == 0.0
    assert code_length([1, 1, 0]) == 2.0


def test_wrong_use_is_refused() -> None:
    with pytest.raises(UsageError, match="batch_bytes"):
        DescriptionLength(batch_bytes=0)
