"""Whether a measure goes with results downstream: correlations that always show how many vocabularies they rest on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tokencraft.errors import UsageError
from tokencraft.measure.measurement import Measurement
from tokencraft.report import Column, Table

FEWEST_FOR_A_WINNER = 6
"""With fewer vocabularies no measure is called the best: four points correlate at 0.9 by chance one time in ten."""


def correlations(
    measurement: Measurement[Any], scores: Mapping[str, float], metrics: Sequence[str] | None = None
) -> Table:
    """Pearson's and Spearman's correlation of each metric with scores of the models, with n and p-values.

    Args:
        measurement: rows with a ``vocabulary``, one for each that has a score.
        scores: the result downstream by name of the vocabulary; others are left out.
        metrics: attributes of the rows; all numeric columns of the table where left out.

    Returns:
        One row a metric, the strongest Pearson correlation first. Only with six vocabularies or more the first row is
        marked as the best, and only where its p-value is below 0.05.

    Raises:
        UsageError: fewer than three vocabularies have a score, or one has several rows.
    """
    from scipy import stats

    rows = [row for row in measurement.rows if row.vocabulary in scores]
    names = [row.vocabulary for row in rows]
    if len(set(names)) != len(names):
        raise UsageError("a vocabulary has several rows; measure one part of the data, or choose its rows")
    if len(rows) < 3:
        raise UsageError(f"{len(rows)} vocabularies have a score; a correlation needs 3")
    heads = {attribute: column.heading for attribute, column in measurement.columns}
    results = [scores[name] for name in names]
    found: list[tuple[str, float, float, float, float]] = []
    for metric in metrics if metrics is not None else [name for name in heads if _numeric(rows, name)]:
        values = [float(getattr(row, metric)) for row in rows]
        if any(map(math.isnan, values)) or min(values) == max(values):
            continue
        pearson, spearman = stats.pearsonr(values, results), stats.spearmanr(values, results)
        numbers = (float(pearson.statistic), float(pearson.pvalue), float(spearman.statistic), float(spearman.pvalue))
        found.append((heads.get(metric, metric), *numbers))
    found.sort(key=lambda each: -abs(each[1]))
    columns: list[Column | str] = ["metric", "n", "Pearson", "p", "Spearman", "p of Spearman"]
    body: list[list[Any]] = [[name, len(rows), *numbers] for name, *numbers in found]
    if len(rows) >= FEWEST_FOR_A_WINNER:
        columns.append("best")
        for position, row in enumerate(body):
            row.append(position == 0 and row[3] < 0.05)
    return Table(f"Correlation with {len(rows)} scores", columns, body, measurement.context)


def _numeric(rows: Sequence[Any], name: str) -> bool:
    values = [getattr(row, name) for row in rows]
    return all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
