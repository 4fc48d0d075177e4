r"""The linear program of mixture inference, with its inequalities found as they are violated.

.. math::

    \min_{\alpha, v, u \ge 0} \sum_t v_t + \sum_p u_p \quad \text{such that} \quad \sum_i \alpha_i = 1, \quad
    \sum_i \alpha_i \left(\hat c_{i, m_t}(t) - \hat c_{i, p}(t)\right) + v_t + u_p \ge 0 \quad \forall t, p \ne m_t

where :math:`\hat c_{i,p}(t)` is the count of pair p in category i after t merges, over the number of pairs in the
category before any. One row for every step and pair would be millions; few of them bind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tokencraft import _native
from tokencraft.errors import TokencraftError
from tokencraft.measure.pair_history import PairHistory, require_pairs
from tokencraft.report import OnProgress

if TYPE_CHECKING:
    import highspy

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_LEAST_SCALE = 1e-12
_LEAST_SCALE_SHARE = 1e-4  # of the competitor's frequency: keeps coefficients within what a solver can do
_FEASIBILITY = 1e-9
_ROWS_A_STEP = 8  # of more inequalities than this, and some thousands, those that do not bind are dropped
_LEAST_ROWS = 5000
_LOOSE = 1e-7
_FIXED_ROWS = 2  # the sum of the shares is 1; the sum of all slack, which has no bound at first


@dataclass(frozen=True, eq=False)
class Solution:
    """A mixture that explains a list of merges best.

    Args:
        shares: alpha, the share of each category in the pairs before any merge, float64 ``[n]``.
        objective: the sum of all slack; 0 where a mixture exists that is consistent with every step.
        step_slack: v, float64 ``[steps]``.
        pair_slack: u by (left, right) symbols, of the pairs where it is not 0.
        rows: how many inequalities were needed, int.
        passes: how often they were looked for.
    """

    shares: Floats
    objective: float
    step_slack: Floats
    pair_slack: Mapping[tuple[int, int], float]
    rows: int
    passes: int


class MixtureProgram:
    """The program of some categories and one list of merges.

    Late merges have relative counts near 1e-6, which is what solvers take for nothing; each row is divided by the
    frequency of what was merged, so that tolerances mean the same early and late.

    Args:
        histories: of the samples, by category.
        merges: (left, right, result) symbols, as replayed, int32 ``[steps, 3]``.
        start: the first step that is constrained; the merges before it are only applied.
        batch: most inequalities of a step that are added at once.
        rows_per_pass: how many new ones end a pass over the steps.
        tolerance: by how much an inequality may be missed, relative to the frequency of the merge.

    Example:
        >>> from tokencraft.measure.pair_history import Words, replay
        >>> merges = np.array([(2, 3, 6), (0, 1, 7), (4, 5, 8)], np.int32)  # cd, ab, ef
        >>> samples = {"A": Words.of({(0, 1): 3, (2, 3): 2}), "B": Words.of({(4, 5): 5})}
        >>> solution = MixtureProgram(replay(samples, merges), merges).solve()
        >>> [round(float(share), 6) for share in solution.shares], round(solution.objective, 6)
        ([0.625, 0.375], 0.125)
    """

    def __init__(
        self,
        histories: Mapping[str, PairHistory],
        merges: npt.NDArray[np.int32],
        *,
        start: int = 0,
        batch: int = 5,
        rows_per_pass: int = 100_000,
        tolerance: float = 1e-6,
    ) -> None:
        require_pairs(histories)
        self.counts = PairCounts(histories, merges)
        self.batch, self.rows_per_pass, self.tolerance = batch, rows_per_pass, tolerance
        self.of_merge = self.counts.at(np.arange(len(merges)), self.counts.merged)
        """The relative count of every merge in every category at its own step, float64 ``[steps, n]``."""
        self.constrained: npt.NDArray[np.bool_] = np.any(self.of_merge > 0, axis=1)
        """Steps whose merge occurs somewhere, from ``start`` on: the others say nothing, bool ``[steps]``."""
        self.constrained[:start] = False

    def solve(self, *, rows: tuple[Ints, Ints] | None = None, progress: OnProgress | None = None) -> Solution:
        """Find the mixture.

        Args:
            rows: (steps, pairs) of inequalities to begin with, as :attr:`rows` has them; none where left out.
            progress: called with the inequalities added so far.

        Raises:
            TokencraftError: the solver gave up.
        """
        self._begin(rows)
        return self._solved(progress)

    @property
    def rows(self) -> tuple[Ints, Ints]:
        """(steps, pairs) of the inequalities that the program holds after :meth:`solve`, int64 each."""
        return self._model.steps, self._model.pairs

    def ranges(self, solution: Solution, *, slack: float = 1e-7) -> Floats:
        """The mixtures in which each share is the least and the largest that it can be without a worse objective.

        Args:
            solution: of the last :meth:`solve`.
            slack: how much worse it may be, relative to the objective and to the frequency of a typical merge.

        Returns:
            Shares, float64 ``[n, 2, n]``: by category, least and largest.
        """
        model = self._model
        model.bound_objective(slack)
        found = np.empty((len(solution.shares), 2, len(solution.shares)))
        for category in range(len(solution.shares)):
            for side, cost in enumerate((1.0, -1.0)):
                model.ask_for(category, cost)
                found[category, side] = self._solved(None).shares
        return found

    def _begin(self, rows: tuple[Ints, Ints] | None) -> None:
        uniform = np.full(self.counts.categories, 1 / self.counts.categories)
        frequencies = self.of_merge[self.constrained] @ uniform
        unit = float(np.exp(np.log(frequencies).mean())) if len(frequencies) else 1.0
        self._steps = self.counts.finder()
        self._model = _Model(self.counts.categories, unit)
        if rows is not None and len(rows[0]):
            keep = self.constrained[rows[0]]
            steps, pairs = (np.ascontiguousarray(part[keep], np.int32) for part in rows)
            self._steps.mark(steps, pairs)
            self._add(steps, pairs, uniform)

    def _solved(self, progress: OnProgress | None) -> Solution:
        """Solve, look for what is violated, add it, until nothing is."""
        model, passes = self._model, 0
        if model.rows or model.bound:
            shares, step_slack, pair_slack = model.solve(len(self.of_merge), self.counts.size)
        else:  # begin in the middle, not in a corner
            shares = np.full(self.counts.categories, 1 / self.counts.categories)
            step_slack, pair_slack = np.zeros(len(self.of_merge)), np.zeros(self.counts.size)
        while True:
            passes += 1
            frequency = self.of_merge @ shares
            thresholds = frequency + step_slack + self.tolerance * np.maximum(frequency, _LEAST_SCALE)
            thresholds[~self.constrained] = np.inf
            weights = shares / self.counts.totals
            steps, pairs = self._steps.violated(weights, pair_slack, thresholds, self.batch, self.rows_per_pass)
            if not len(steps):
                break
            self._add(steps, pairs, shares)
            shares, step_slack, pair_slack = model.solve(len(self.of_merge), self.counts.size)
            self._drop_loose_rows()
            if progress is not None:
                progress("solving", model.added, None)
        slack = {self.counts.symbols(pair): float(pair_slack[pair]) for pair in np.flatnonzero(pair_slack).tolist()}
        objective = float(step_slack.sum() + pair_slack.sum())
        return Solution(shares, objective, step_slack, slack, model.rows, passes)

    def _drop_loose_rows(self) -> None:
        """Forget inequalities that the present mixture fulfils with room to spare; they may be found again.

        Only after the objective has risen, so that this ends: no set of rows comes up twice.
        """
        model = self._model
        few = model.rows <= _LEAST_ROWS + _ROWS_A_STEP * len(self.of_merge)
        if few or model.bound or not model.has_risen():
            return
        if model.drop_loose():
            self._steps.forget()
            self._steps.mark(model.steps.astype(np.int32), model.pairs.astype(np.int32))

    def _add(self, steps: npt.NDArray[np.int32], pairs: npt.NDArray[np.int32], shares: Floats) -> None:
        of_pair = self.counts.at(steps, pairs)
        scale = np.maximum.reduce(
            [self.of_merge[steps] @ shares, _LEAST_SCALE_SHARE * (of_pair @ shares), np.full(len(steps), _LEAST_SCALE)]
        )
        self._model.add(steps, pairs, self.of_merge[steps] - of_pair, scale)


class PairCounts:
    """The relative counts of all categories, by step and pair, under common numbers of the pairs.

    Args:
        histories: of the samples, by category.
        merges: (left, right, result) symbols, int32 ``[steps, 3]``.
    """

    def __init__(self, histories: Mapping[str, PairHistory], merges: npt.NDArray[np.int32]) -> None:
        self.categories = len(histories)
        self.totals = np.array([float(history.initial_pairs) for history in histories.values()])
        self.steps = len(merges)
        keys = [_keys(history.pairs) for history in histories.values()]
        own = _keys(merges)
        self._table, numbers = np.unique(np.concatenate([*keys, own]), return_inverse=True)
        self.size = len(self._table)
        places = np.split(numbers, np.cumsum([len(each) for each in keys]))
        self.merged = places[-1].astype(np.int32)
        """The pair that each step merges, int32 ``[steps]``."""
        self._by_pair: list[tuple[Ints, Ints]] = []  # of each category: pair * steps + step, ascending, and the count
        self._changes: list[tuple[Ints, Ints, Ints]] = []
        for history, place in zip(histories.values(), places, strict=False):
            step = np.repeat(np.arange(len(history)), np.diff(history.offsets))
            pair = place[history.ids]
            key = pair * self.steps + step
            order = np.argsort(key, kind="stable")
            key, counts = key[order], history.counts[order]
            before = np.concatenate([[0], counts[:-1]])
            before[np.flatnonzero(np.diff(key // max(1, self.steps), prepend=-1))] = 0
            self._by_pair.append((key, counts))
            self._changes.append((step[order], pair[order], counts - before))

    def symbols(self, pair: int) -> tuple[int, int]:
        """(left, right) of a pair by its number."""
        key = int(self._table[pair])
        return key >> 32, key & 0xFFFFFFFF

    def at(self, steps: npt.NDArray[Any], pairs: npt.NDArray[Any]) -> Floats:
        """Relative counts of pairs at steps in every category, float64 ``[k, n]``."""
        found = np.zeros((len(steps), self.categories))
        wanted = pairs.astype(np.int64) * self.steps + steps
        for category, (key, counts) in enumerate(self._by_pair):
            place = np.searchsorted(key, wanted, "right") - 1
            there = (place >= 0) & (key[place] // self.steps == pairs)
            found[there, category] = counts[place[there]] / self.totals[category]
        return found

    def finder(self) -> _native.MixtureSteps:
        """What finds violated inequalities."""
        sizes = [len(step) for step, _, _ in self._changes]
        step, pair, amount = (np.concatenate(parts) for parts in zip(*self._changes, strict=True))
        category = np.repeat(np.arange(self.categories, dtype=np.int32), sizes)
        order = np.argsort(step, kind="stable")
        offsets = np.searchsorted(step[order], np.arange(self.steps + 1)).astype(np.int64)
        return _native.MixtureSteps(
            self.size,
            self.categories,
            offsets,
            pair[order].astype(np.int32),
            category[order],
            amount[order],
            self.merged,
        )


@dataclass(eq=False)
class _Model:
    """The program as HiGHS has it; slack is counted in ``unit``, so that its costs are neither huge nor tiny."""

    categories: int
    unit: float
    solver: highspy.Highs = field(init=False)
    steps: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    pairs: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    added: int = 0  # rows, those included that were dropped since
    slack: dict[tuple[str, int], int] = field(default_factory=dict)  # column of ("v", step) or ("u", pair)
    bound: bool = False  # whether the objective has a bound and something else is asked for
    best: float = -1.0  # the objective at the last look

    def __post_init__(self) -> None:
        import highspy

        solver = highspy.Highs()
        solver.setOptionValue("output_flag", False)
        solver.setOptionValue("threads", 1)
        solver.setOptionValue("random_seed", 0)
        solver.setOptionValue("primal_feasibility_tolerance", _FEASIBILITY)
        solver.setOptionValue("dual_feasibility_tolerance", _FEASIBILITY)
        n = self.categories
        solver.addVars(n, np.zeros(n), np.ones(n))
        lower, upper = np.array([1.0, -highspy.kHighsInf]), np.array([1.0, highspy.kHighsInf])
        starts = np.array([0, n], np.int32)
        solver.addRows(_FIXED_ROWS, lower, upper, n, starts, np.arange(n, dtype=np.int32), np.ones(n))
        self.solver = solver

    @property
    def rows(self) -> int:
        """How many inequalities there are."""
        return len(self.steps)

    def add(self, steps: npt.NDArray[np.int32], pairs: npt.NDArray[np.int32], gains: Floats, scale: Floats) -> None:
        """Rows ``gains @ alpha + v + u >= 0``, each divided by its scale."""
        import highspy

        v = self._columns("v", steps)
        u = self._columns("u", pairs)
        coefficients = np.column_stack([gains / scale[:, None], self.unit / scale, self.unit / scale])
        shares = np.broadcast_to(np.arange(self.categories), gains.shape)
        index = np.column_stack([shares, v, u]).astype(np.int32)
        there = coefficients != 0
        starts = np.concatenate([[0], np.cumsum(there.sum(axis=1))[:-1]]).astype(np.int32)
        count = len(steps)
        lower, upper = np.zeros(count), np.full(count, highspy.kHighsInf)
        self.solver.addRows(count, lower, upper, int(there.sum()), starts, index[there], coefficients[there])
        self.added += count
        self.steps = np.concatenate([self.steps, steps])
        self.pairs = np.concatenate([self.pairs, pairs])

    def _columns(self, kind: str, numbers: npt.NDArray[np.int32]) -> list[int]:
        """The columns of slack, new ones where there are none."""
        import highspy

        new = [number for number in dict.fromkeys(numbers.tolist()) if (kind, number) not in self.slack]
        if new:
            first, count = self.categories + len(self.slack), len(new)
            self.slack |= {(kind, number): first + place for place, number in enumerate(new)}
            cost = np.full(count, 0.0 if self.bound else 1.0)
            starts, rows = np.arange(count, dtype=np.int32), np.full(count, 1, np.int32)
            upper = np.full(count, highspy.kHighsInf)
            self.solver.addCols(count, cost, np.zeros(count), upper, count, starts, rows, np.ones(count))
        return [self.slack[kind, number] for number in numbers.tolist()]

    def solve(self, steps: int, pairs: int) -> tuple[Floats, Floats, Floats]:
        """Shares, the slack of every step and of every pair."""
        import highspy

        self.solver.run()
        status = self.solver.getModelStatus()
        if status != highspy.HighsModelStatus.kOptimal:
            raise TokencraftError(
                f"HiGHS ended with {self.solver.modelStatusToString(status)} on {self.rows:,} inequalities; "
                "use fewer merges, or fewer categories"
            )
        values = np.asarray(self.solver.getSolution().col_value)
        shares = np.maximum(values[: self.categories], 0.0)
        step_slack, pair_slack = np.zeros(steps), np.zeros(pairs)
        for (kind, number), column in self.slack.items():
            (step_slack if kind == "v" else pair_slack)[number] = max(0.0, values[column]) * self.unit
        return shares / shares.sum(), step_slack, pair_slack

    def has_risen(self) -> bool:
        """Whether the objective is larger than when this was last asked."""
        before, self.best = self.best, float(self.solver.getObjectiveValue())
        return self.best > before * (1 + _LOOSE)

    def drop_loose(self) -> bool:
        """Leave out rows that are not tight, if they are many; the basis stays one."""
        import highspy

        basis = self.solver.getBasis()
        statuses = list(basis.row_status)
        basic = np.fromiter((status == highspy.HighsBasisStatus.kBasic for status in statuses), bool, len(statuses))
        loose = basic & (np.asarray(self.solver.getSolution().row_value) > _LOOSE)
        loose[:_FIXED_ROWS] = False
        if 4 * loose.sum() < len(loose):
            return False
        places = np.flatnonzero(loose).astype(np.int32)
        kept = highspy.HighsBasis()
        kept.col_status = basis.col_status
        kept.row_status = [status for status, gone in zip(statuses, loose.tolist(), strict=True) if not gone]
        kept.valid = True
        self.solver.deleteRows(len(places), places)
        self.solver.setBasis(kept)
        self.steps, self.pairs = self.steps[~loose[_FIXED_ROWS:]], self.pairs[~loose[_FIXED_ROWS:]]
        return True

    def bound_objective(self, slack: float) -> None:
        """Keep the objective where it is, and let shares be asked for instead of it."""
        import highspy

        best = self.solver.getObjectiveValue() if self.slack else 0.0
        self.solver.changeRowBounds(_FIXED_ROWS - 1, -highspy.kHighsInf, best * (1 + slack) + slack)
        columns = np.fromiter(self.slack.values(), np.int32, len(self.slack))
        self.solver.changeColsCost(len(columns), columns, np.zeros(len(columns)))
        self.bound = True

    def ask_for(self, category: int, cost: float) -> None:
        """Minimise ``cost`` times the share of a category."""
        n = self.categories
        costs = np.zeros(n)
        costs[category] = cost
        self.solver.changeColsCost(n, np.arange(n, dtype=np.int32), costs)


def _keys(table: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """One number for the first two columns."""
    return table[:, 0].astype(np.int64) << 32 | table[:, 1].astype(np.int64)
