r"""Mixture inference: what a tokenizer was trained on, read off the order of its merges.

Hayase, Liu, Choi, Oh, Smith, "Data Mixture Inference: What do BPE Tokenizers Reveal about their Training Data?", arXiv
2407.16607 (2024). Each merge of BPE was the most frequent pair of the whole training text when its turn came. Given
samples of the categories that the text may be made of, that is a linear inequality in their shares:

.. math:: \sum_i \alpha_i \hat c_{i, m_t}(t) \ge \sum_i \alpha_i \hat c_{i, p}(t) \quad \text{for every step } t
          \text{ and pair } p

The shares that violate these least are the answer; see :mod:`tokencraft.measure.mixture_program`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from tokencraft.corpus import Corpus
from tokencraft.errors import UsageError
from tokencraft.measure.measurement import named_data, named_vocabularies
from tokencraft.measure.merge_list import MergeList
from tokencraft.measure.merge_words import WordScheme
from tokencraft.measure.mixture_program import MixtureProgram
from tokencraft.measure.mixture_report import COLUMNS, WEAK_BYTES, MixtureMeasurement, MixtureReport
from tokencraft.measure.mixture_resampling import resampled
from tokencraft.measure.pair_history import PairHistory, require_pairs
from tokencraft.measure.pair_history import replay as replay_merges
from tokencraft.paper import Paper
from tokencraft.report import OnProgress, run_context
from tokencraft.vocabulary import Vocabulary
from tokencraft.vocabulary.split import Splitter

Unit = Literal["bytes", "pairs", "characters", "words"]

_POINT = 1e-4  # shares whose range is narrower are known


@dataclass(frozen=True)
class MixtureInference:
    """The shares of categories in the text that a BPE vocabulary was trained on, from its merges and samples.

    It infers the training text of the tokenizer, which need not be that of the model. Of categories without a sample it
    knows nothing: the most similar ones take their share.

    Args:
        max_merges: how many merges to use at most, the first ones. The first thousands say most.
        start: the first merge that counts; earlier ones are only applied. For vocabularies that continue another one:
            the answer is the mixture of the continuation.
        splitter: how the tokenizer cut its training text; as the vocabulary says where left out.
        normalizer: JSON of ``tokenizers`` of what it did to the text before; as the vocabulary says where left out.
        unit: what the shares are of: ``"bytes"``, ``"pairs"`` of adjacent symbols (the unknowns of the program),
            ``"characters"`` or ``"words"``.
        drop_whitespace_runs: leave out merges of one white space character repeated, which some vocabularies had put in
            by hand.
        batch: most inequalities of a step that are added to the program at once.
        rows_per_pass: how many new inequalities end a pass over the steps. The result does not depend on it.
        tolerance: by how much an inequality may be missed, relative to the frequency of the merge.
        ranges: also find how far each share could move without a worse fit.
        leave_one_out: also infer the mixture without each category in turn.
        bootstrap: how many times to resample the documents of every sample for an interval; 20 is a good number.
        confidence: of the interval, more than 0 and less than 1.
        seed: of the bootstrap.

    Raises:
        UsageError: an argument is out of its range.

    Example:
        >>> from tokencraft.vocabulary import split
        >>> vocabulary = Vocabulary.from_merges([(64, 65), (66, 67)], splitter=split.GPT2)  # ab, then cd
        >>> samples = {"A": Corpus.from_iterable(["ab " * 9]), "B": Corpus.from_iterable(["cd " * 9])}
        >>> report = MixtureInference(ranges=True).measure(vocabulary, samples).reports["vocabulary"]
        >>> [round(bound, 3) for bound in report.ranges["A"]]
        [0.5, 0.529]
    """

    paper: ClassVar[Paper] = Paper(
        "mixture-inference",
        "Data Mixture Inference: What do BPE Tokenizers Reveal about their Training Data?",
        "2407.16607",
        2024,
    )

    max_merges: int = 30_000
    start: int = 0
    splitter: Splitter | None = None
    normalizer: Mapping[str, Any] | None = None
    unit: Unit = "bytes"
    drop_whitespace_runs: bool = False
    batch: int = 5
    rows_per_pass: int = 100_000
    tolerance: float = 1e-6
    ranges: bool = False
    leave_one_out: bool = False
    bootstrap: int = 0
    confidence: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the arguments."""
        if self.unit not in ("bytes", "pairs", "characters", "words"):
            raise UsageError(f"the unit is bytes, pairs, characters or words, not {self.unit!r}")
        for name, least in {"max_merges": 1, "start": 0, "batch": 1, "rows_per_pass": 1, "bootstrap": 0}.items():
            if getattr(self, name) < least:
                raise UsageError(f"{name} must be at least {least}, not {getattr(self, name)}")
        if self.start >= self.max_merges:
            raise UsageError(f"start {self.start} leaves none of the first {self.max_merges} merges")
        if not 0 < self.tolerance < 1 or not 0 < self.confidence < 1:
            raise UsageError("tolerance and confidence lie between 0 and 1")

    @classmethod
    def paper_settings(cls) -> MixtureInference:
        """The settings of the paper's experiments; the numbers of rows are those of its code."""
        return cls(max_merges=30_000, batch=10, rows_per_pass=100)

    def measure(
        self,
        vocabularies: Vocabulary | Mapping[str, Vocabulary],
        data: Corpus | Mapping[str, Corpus],
        *,
        threads: int | None = None,
        progress: OnProgress | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> MixtureMeasurement:
        """Infer the mixture of each vocabulary.

        Args:
            vocabularies: one, or several by name; BPE.
            data: a sample of text for each category by its name.
            threads: for counting and replaying; None takes every core.
            progress: called with what is being done and how much of it is done.
            context: seed, versions, hardware and command; found out where left out.

        Returns:
            One row for each vocabulary and category; ``reports`` holds the rest.

        Raises:
            CorpusError: a sample has no documents, or no pair of neighbouring symbols; the message names it.
            UsageError: a vocabulary has no merges, or not more than ``start``.
        """
        corpora = named_data(data)
        reports: dict[str, MixtureReport] = {}
        for name, vocabulary in named_vocabularies(vocabularies).items():
            began = time.perf_counter()
            merges = MergeList.of(vocabulary, drop_whitespace_runs=self.drop_whitespace_runs)
            scheme = WordScheme.of(vocabulary, splitter=self.splitter, normalizer=self.normalizer)
            words = {each: scheme.words(corpus, threads=threads, progress=progress) for each, corpus in corpora.items()}
            counted = time.perf_counter()
            used = merges.merges[: self.max_merges]
            histories = replay_merges(words, used, threads=threads, progress=progress)
            replayed = time.perf_counter()
            del words
            report = self.infer(merges, histories, progress=progress)
            interval = self._interval(scheme, corpora, used, threads, progress)
            timings = {"words": counted - began, "replay": replayed - counted, **report.timings}
            if interval:
                timings["bootstrap"] = time.perf_counter() - replayed - sum(report.timings.values())
            notes = (scheme.note,) if scheme.note else ()
            reports[name] = replace(report, interval=interval, timings=timings, notes=(*notes, *report.notes))
        rows = tuple(row for name, report in reports.items() for row in report.rows(name))
        shown = tuple(pair for pair in COLUMNS if self._shows(pair[0], len(reports)))
        shown = tuple((a, c._replace(unit=f"of {self.unit}") if a == "share" else c) for a, c in shown)
        return MixtureMeasurement(
            "Mixture of the training text", rows, shown, context or run_context(self.seed), reports
        )

    def infer(
        self, merges: MergeList, histories: Mapping[str, PairHistory], *, progress: OnProgress | None = None
    ) -> MixtureReport:
        """Infer a mixture from histories that were replayed before.

        Args:
            merges: those that were replayed, or more.
            histories: by category, all of the same merges.
            progress: called with the inequalities added so far.

        Raises:
            CorpusError: a category has no pairs.
            UsageError: there are no categories, or the histories do not fit each other or the merges.
        """
        require_pairs(histories)
        steps = len(next(iter(histories.values())))
        if steps > len(merges):
            raise UsageError(f"the histories have {steps} steps, but there are only {len(merges)} merges")
        if self.start >= steps:
            raise UsageError(f"start {self.start} leaves none of the {steps} merges of the vocabulary")
        began = time.perf_counter()
        used = merges.merges[:steps]
        names = list(histories)
        rates = _rates(histories, self.unit)
        program = self._program(histories, used)
        ranges: dict[str, tuple[float, float]] = {}
        if len(names) == 1:
            alpha, objective, step_slack, pair_slack = np.ones(1), math.nan, np.zeros(steps), {}
        else:
            solution = program.solve(progress=progress)
            alpha, objective, step_slack = solution.shares, solution.objective, solution.step_slack
            pair_slack = dict(sorted(solution.pair_slack.items(), key=lambda item: -item[1]))
            if self.ranges:
                ranges = _in_unit(program.ranges(solution), rates, names)
        solved = time.perf_counter()
        missing = np.flatnonzero(~(program.of_merge > 0).any(axis=1)).tolist()
        timings = {"solve": solved - began}
        without: dict[str, dict[str, float]] = {}
        if self.leave_one_out and len(names) > 2:
            for name in names:
                rest = {each: history for each, history in histories.items() if each != name}
                shares = self._program(rest, used).solve().shares
                without[name] = _shares(shares, np.delete(rates, names.index(name)), list(rest))
            timings["leave one out"] = time.perf_counter() - solved
        symbols = merges.symbols
        return MixtureReport(
            shares=_shares(alpha, rates, names),
            pair_shares=dict(zip(names, alpha.tolist(), strict=True)),
            unit=self.unit,
            merges=steps,
            constrained=int(program.constrained.sum()),
            objective=objective,
            step_slack=step_slack,
            pair_slack={(symbols[left], symbols[right]): slack for (left, right), slack in pair_slack.items()},
            missing_merges=tuple(f"{symbols[used[t, 0]]} {symbols[used[t, 1]]}" for t in missing),
            sizes={name: history.size for name, history in histories.items()},
            ranges=ranges,
            without=without,
            notes=tuple(self._notes(merges, histories, len(missing), ranges)),
            timings=timings,
        )

    def _program(self, histories: Mapping[str, PairHistory], used: npt.NDArray[np.int32]) -> MixtureProgram:
        return MixtureProgram(
            histories,
            used,
            start=self.start,
            batch=self.batch,
            rows_per_pass=self.rows_per_pass,
            tolerance=self.tolerance,
        )

    def _interval(
        self,
        scheme: WordScheme,
        corpora: Mapping[str, Corpus],
        used: npt.NDArray[np.int32],
        threads: int | None,
        progress: OnProgress | None,
    ) -> dict[str, tuple[float, float]]:
        """Percentiles of the shares over resampled samples."""
        if not self.bootstrap or len(corpora) == 1:
            return {}
        random = np.random.default_rng(self.seed)
        names = list(corpora)
        found = []
        for done in range(self.bootstrap):
            words = {name: scheme.words(resampled(corpora[name], random), threads=threads) for name in names}
            histories = replay_merges(words, used, threads=threads)
            shares = self._program(histories, used).solve().shares
            found.append([*_shares(shares, _rates(histories, self.unit), names).values()])
            if progress is not None:
                progress("resampling", done + 1, self.bootstrap)
        tail = 50 * (1 - self.confidence)
        bounds = np.percentile(found, [tail, 100 - tail], axis=0).T.tolist()
        return {name: (low, high) for name, (low, high) in zip(names, bounds, strict=True)}

    def _notes(
        self,
        merges: MergeList,
        histories: Mapping[str, PairHistory],
        missing: int,
        ranges: Mapping[str, tuple[float, float]],
    ) -> list[str]:
        """What to know before the numbers are believed."""
        notes = []
        steps = len(next(iter(histories.values())))
        if steps < self.max_merges:
            notes.append(f"{steps:,} merges were used, all that there are, and not {self.max_merges:,}")
        weak = [name for name, history in histories.items() if history.size.bytes < WEAK_BYTES]
        if weak:
            notes.append(f"samples of less than a megabyte are weak: {', '.join(weak)}")
        if missing:
            notes.append(f"{missing:,} merges occur in no sample when their turn comes, and say nothing")
        if merges.hand_added:
            notes.append(f"{len(merges.hand_added):,} tokens are made by no merge; they were added by hand")
        for first, second in _identical(histories):
            notes.append(f"the samples of {first} and {second} are the same: only the sum of their shares is known")
        loose = [name for name, (least, most) in ranges.items() if most - least > _POINT]
        if loose:
            notes.append(f"shares that could be others without a worse fit: {', '.join(loose)}")
        return notes

    def _shows(self, attribute: str, vocabularies: int) -> bool:
        """Whether a column says something."""
        asked = {"low": self.bootstrap > 0, "high": self.bootstrap > 0, "least": self.ranges, "most": self.ranges}
        asked |= {"vocabulary": vocabularies > 1, "pair_share": self.unit != "pairs"}
        return asked.get(attribute, True)


def _rates(histories: Mapping[str, PairHistory], unit: Unit) -> npt.NDArray[np.float64]:
    """How much of the unit goes with a pair, by category."""
    if unit == "pairs":
        return np.ones(len(histories))
    return np.array([getattr(history.size, unit) / history.initial_pairs for history in histories.values()])


def _shares(alpha: npt.NDArray[np.float64], rates: npt.NDArray[np.float64], names: list[str]) -> dict[str, float]:
    """Shares of pairs as shares of the unit."""
    amounts = alpha * rates
    total = amounts.sum()
    if not total > 0:
        raise UsageError("the samples do not say how large they are in this unit; ask for shares of pairs or bytes")
    return dict(zip(names, (amounts / total).tolist(), strict=True))


def _in_unit(
    ranges: npt.NDArray[np.float64], rates: npt.NDArray[np.float64], names: list[str]
) -> dict[str, tuple[float, float]]:
    """Ranges in the unit, from the mixtures that have the least and the largest share of each category in pairs.

    In pairs, and for two categories, these are the ends; in other units, mixtures that are as good, near the ends.
    """
    found = {}
    for place, name in enumerate(names):
        amounts = ranges[place] * rates
        least, most = amounts[:, place] / amounts.sum(axis=1)
        found[name] = (float(least), float(most))
    return found


def _identical(histories: Mapping[str, PairHistory]) -> list[tuple[str, str]]:
    """Categories whose relative counts are the same."""
    names, found = list(histories), []
    for place, first in enumerate(names):
        for second in names[place + 1 :]:
            a, b = histories[first], histories[second]
            if len(a.ids) == len(b.ids) and a.initial_pairs and np.array_equal(a.offsets, b.offsets):
                one, other = a.counts_at(0), b.counts_at(0)
                if one.keys() == other.keys() and all(
                    one[pair] * b.initial_pairs == other[pair] * a.initial_pairs for pair in one
                ):
                    found.append((first, second))
    return found
