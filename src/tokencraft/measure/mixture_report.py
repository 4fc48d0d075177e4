"""What mixture inference found: shares of categories, how sure they are, and what did not fit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from tokencraft.measure.measurement import Measurement
from tokencraft.measure.pair_history import SampleSize
from tokencraft.report import Column, Table

WEAK_BYTES = 1_000_000
"""A sample below this many bytes is called weak."""

_TOP = 20


@dataclass(frozen=True)
class MixtureRow:
    """The share of one category in what one vocabulary was trained on.

    Args:
        vocabulary, data: names of the vocabulary and the category.
        share: of the unit asked for; the shares of a vocabulary add up to 1.
        pair_share: alpha of the formula, the share of adjacent pairs of symbols.
        low, high: interval of the bootstrap; NaN without.
        least, most: what the share could be as well without a worse objective; NaN unless asked for.
        bytes: of the sample.
        weak: whether that is less than a million.
    """

    vocabulary: str
    data: str
    share: float
    pair_share: float
    low: float
    high: float
    least: float
    most: float
    bytes: int
    weak: bool


COLUMNS = (
    ("vocabulary", Column("vocabulary")),
    ("data", Column("category")),
    ("share", Column("share")),
    ("low", Column("low")),
    ("high", Column("high")),
    ("least", Column("least")),
    ("most", Column("most")),
    ("pair_share", Column("share", "of pairs")),
    ("bytes", Column("sample", "bytes")),
    ("weak", Column("weak sample")),
)


@dataclass(frozen=True, eq=False)
class MixtureReport:
    """The mixture of one vocabulary.

    Args:
        shares: share of each category in the unit asked for.
        pair_shares: alpha, the same in adjacent pairs of symbols.
        unit: what the shares are of.
        merges: how many merges were replayed.
        constrained: how many of them said something: those that occur in a sample, from ``start`` on.
        objective: the sum of all slack, in relative counts; NaN for a single category.
        step_slack: how far each step is from what the mixture explains, float64 ``[merges]``.
        pair_slack: how far single pairs are, by (left, right) as shown, the farthest first.
        missing_merges: merges that occur in no sample when their turn comes, as shown.
        sizes: of the samples.
        ranges: (least, most) of each share without a worse objective; empty unless asked for.
        interval: (low, high) of each share by the bootstrap; empty without.
        without: shares where a category is left out, by that category; empty unless asked for.
        notes: what to know before the numbers are believed.
        timings: seconds of each part of the work.
    """

    shares: Mapping[str, float]
    pair_shares: Mapping[str, float]
    unit: str
    merges: int
    constrained: int
    objective: float
    step_slack: npt.NDArray[np.float64]
    pair_slack: Mapping[tuple[str, str], float]
    missing_merges: tuple[str, ...]
    sizes: Mapping[str, SampleSize]
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    interval: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    without: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    timings: Mapping[str, float] = field(default_factory=dict)

    @property
    def misfit(self) -> float:
        """Slack a constrained merge, in relative counts; 0 where a mixture exists that explains every step."""
        return self.objective / self.constrained if self.constrained else 0.0

    def rows(self, vocabulary: str) -> list[MixtureRow]:
        """One row a category."""
        nothing = (math.nan, math.nan)
        return [
            MixtureRow(
                vocabulary,
                name,
                share,
                self.pair_shares[name],
                *self.interval.get(name, nothing),
                *self.ranges.get(name, nothing),
                self.sizes[name].bytes,
                self.sizes[name].bytes < WEAK_BYTES,
            )
            for name, share in self.shares.items()
        ]

    def slack_table(self, top: int = _TOP, context: Mapping[str, Any] | None = None) -> Table:
        """The pairs that fit worst: a wrong guess of how the tokenizer cuts text shows here first."""
        rows = [[left, right, slack] for (left, right), slack in list(self.pair_slack.items())[:top]]
        return Table(
            "Pairs that would have been merged", ["left", "right", Column("slack", "share of pairs")], rows, context
        )

    def without_table(self, context: Mapping[str, Any] | None = None) -> Table:
        """The shares where each category in turn is missing: where would an absent category have gone?"""
        names = list(self.shares)
        rows = [[left_out, *(shares.get(name) for name in names)] for left_out, shares in self.without.items()]
        return Table("Shares without one category", ["left out", *names], rows, context)

    def to_json(self) -> dict[str, Any]:
        """Everything but the slack of single steps as JSON values."""
        return {
            "unit": self.unit,
            "shares": dict(self.shares),
            "pair_shares": dict(self.pair_shares),
            "interval": {name: list(each) for name, each in self.interval.items()},
            "ranges": {name: list(each) for name, each in self.ranges.items()},
            "without": {name: dict(each) for name, each in self.without.items()},
            "merges": self.merges,
            "constrained": self.constrained,
            "objective": None if math.isnan(self.objective) else self.objective,
            "misfit": None if math.isnan(self.misfit) else self.misfit,
            "pair_slack": [[*pair, slack] for pair, slack in list(self.pair_slack.items())[:_TOP]],
            "missing_merges": list(self.missing_merges),
            "sizes": {name: dict(size.__dict__) for name, size in self.sizes.items()},
            "notes": list(self.notes),
            "timings": dict(self.timings),
        }


@dataclass(frozen=True)
class MixtureMeasurement(Measurement[MixtureRow]):
    """The mixtures of some vocabularies.

    Args:
        reports: all that is known of each, by the name of the vocabulary.
    """

    reports: Mapping[str, MixtureReport] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The table in the JSON shape of all tables, and ``reports``."""
        return {**super().to_json(), "reports": {name: report.to_json() for name, report in self.reports.items()}}
