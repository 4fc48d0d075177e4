"""What the methods of the room share."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tokencraft.corpus import Corpus
from tokencraft.errors import CorpusError, UsageError
from tokencraft.measure.measurement import Measurement, named_data, named_vocabularies
from tokencraft.report import Column
from tokencraft.vocabulary import Origin, Vocabulary, split


@dataclass(frozen=True)
class Row:
    name: str
    half: int

    @property
    def whole(self) -> int:
        return 2 * self.half


MEASUREMENT = Measurement(
    "Things", (Row("a", 1), Row("b", 2)), (("name", Column("name")), ("whole", Column("w", "m"))), {}
)


def test_table_reads_attributes_and_properties() -> None:
    assert MEASUREMENT.table().rows == (("a", 2), ("b", 4))
    assert MEASUREMENT.to_json()["columns"] == [{"name": "name", "unit": ""}, {"name": "w", "unit": "m"}]


def test_row_by_its_values() -> None:
    assert MEASUREMENT.row(name="b").whole == 4
    with pytest.raises(UsageError, match="0 rows"):
        MEASUREMENT.row(name="c")


def test_names() -> None:
    vocabulary = Vocabulary.from_merges([], splitter=split.GPT2)
    assert list(named_vocabularies(vocabulary)) == ["vocabulary"]
    assert list(named_vocabularies(vocabulary.replace(origin=Origin("bpe")))) == ["bpe"]
    assert list(named_data(Corpus.from_iterable(["x"]))) == ["all"]
    with pytest.raises(CorpusError, match="y: the corpus is empty"):
        named_data({"x": Corpus.from_iterable(["x"]), "y": Corpus.from_iterable([])})
