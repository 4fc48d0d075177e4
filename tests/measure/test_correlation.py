"""Correlations against the card's table, recomputed."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tokencraft.errors import CorpusError, UsageError
from tokencraft.measure import Measurement, correlations, tr_mmlu_text
from tokencraft.report import Column


@dataclass(frozen=True)
class Row:
    vocabulary: str
    tokens: int
    unique: int
    words: float
    pure: float
    constant: float = 1.0


COLUMNS = tuple((name, Column(name)) for name in ("vocabulary", "tokens", "unique", "words", "pure", "constant"))
#: The published table of eight tokenizers, and the MMLU score of their models.
PUBLISHED = (
    (Row("gemma-2", 497_015, 6_383, 48.63, 37.05), 72.10),
    (Row("llama-3.1", 488_535, 6_823, 45.80, 30.91), 70.42),
    (Row("Qwen2.5", 561_866, 5_752, 40.33, 30.15), 61.68),
    (Row("aya-expanse", 434_526, 8_562, 50.67, 32.96), 70.66),
    (Row("EuroLLM", 497_173, 5_226, 47.01, 35.17), 51.29),
    (Row("Mistral-Nemo", 534_930, 4_354, 45.27, 36.08), 46.89),
    (Row("Phi-3.5", 803_971, 3_640, 43.93, 34.42), 29.37),
    (Row("gpt-4o", 491_137, 7_615, 42.14, 28.68), 84.84),
)


def measured(count: int) -> tuple[Measurement[Row], dict[str, float]]:
    chosen = PUBLISHED[:count]
    scores = {row.vocabulary: score for row, score in chosen}
    return Measurement("published", tuple(row for row, _ in chosen), COLUMNS, {}), scores


def test_published_correlations_of_four() -> None:
    table = correlations(*measured(4), metrics=["words", "pure"])
    by_name = {row[0]: row for row in table.rows}
    assert by_name["words"][1:4] == (4, pytest.approx(0.900, abs=5e-4), pytest.approx(0.10, abs=5e-3))
    assert by_name["pure"][2:4] == (pytest.approx(0.684, abs=5e-4), pytest.approx(0.32, abs=5e-3))
    assert "best" not in [column.name for column in table.columns]


def test_the_wider_table_does_not_bear_them_out() -> None:
    table = correlations(*measured(8))
    by_name = {row[0]: row for row in table.rows}
    assert by_name["words"][2:4] == (pytest.approx(0.10, abs=5e-3), pytest.approx(0.81, abs=5e-3))
    assert by_name["pure"][2] == pytest.approx(-0.51, abs=5e-3)
    assert by_name["unique"][2] == pytest.approx(0.89, abs=5e-3)
    assert by_name["tokens"][2] == pytest.approx(-0.79, abs=5e-3)
    assert [row[0] for row in table.rows] == ["unique", "tokens", "pure", "words"]  # and nothing for a constant
    assert [row[-1] for row in table.rows] == [True, False, False, False]


def test_no_winner_without_significance() -> None:
    measurement, scores = measured(8)
    table = correlations(measurement, scores, metrics=["words", "pure"])
    assert not any(row[-1] for row in table.rows)


def test_bad_calls() -> None:
    measurement, scores = measured(4)
    with pytest.raises(UsageError, match="2 vocabularies have a score"):
        correlations(measurement, dict(list(scores.items())[:2]))
    twice = Measurement("x", measurement.rows * 2, COLUMNS, {})
    with pytest.raises(UsageError, match="several rows"):
        correlations(twice, scores)


def test_text_of_the_benchmark() -> None:
    rows = [{"soru": "A?", "secenekler": ["b", "c"]}, {"soru": "D?", "secenekler": []}]
    assert tr_mmlu_text(rows) == "A?\nb\nc\nD?\n"
    with pytest.raises(CorpusError, match="row 0 lacks"):
        tr_mmlu_text([{"soru": "A?"}])
