"""Answers to addition problems, scored: accuracy by the length of the answer, and the patterns of the errors.

The columns of the records are those of the paper's released answers, which :meth:`AdditionScores.read` takes as they
are.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

from tokencraft.errors import CorpusError, UsageError
from tokencraft.measure.addition_answers import AnswerErrors, ParsedAnswer, answer_errors, parse_answer
from tokencraft.measure.addition_problems import Addition
from tokencraft.measure.measurement import Measurement
from tokencraft.report import Column, Table, run_context
from tokencraft.vocabulary.number_format import style_parts

Part = Literal["all", "match", "mismatch"]


@dataclass(frozen=True)
class AnswerRow:
    """One answer.

    Args:
        problem_index: of the problem, the same in every format.
        problem: the operands.
        problem_msg: the question as the model saw it.
        response: what it wrote.
        problem_number_format, answer_number_format, repeat_style: styles of the numbers.
        num_spaces, num_trailing_spaces: around the signs and behind the ``=``.
        num_shots: examples before the question.
    """

    problem_index: int
    problem: Addition
    problem_msg: str
    response: str
    problem_number_format: str
    answer_number_format: str
    repeat_style: str | None = None
    num_spaces: int = 0
    num_trailing_spaces: int = 0
    num_shots: int = 0

    @cached_property
    def parsed(self) -> ParsedAnswer:
        """What was read from the response."""
        return parse_answer(
            self.response, self.answer_number_format, repeat_style=self.repeat_style, problem=self.problem
        )

    @property
    def answer_match(self) -> bool:
        """Whether the answer is right."""
        return self.parsed.value == self.problem.answer

    @cached_property
    def errors(self) -> AnswerErrors | None:
        """How the answer differs from the sum, in the groups of the style; None for an invalid one."""
        if self.parsed.value is None:
            return None
        return answer_errors(self.problem, self.parsed.value, style_parts(self.answer_number_format)[1])

    def to_record(self) -> dict[str, Any]:
        """The row under the names of the released files, with what was found out."""
        record = {key: value for key, value in vars(self).items() if key not in ("problem", "parsed", "errors")}
        return record | {
            "num1": self.problem.first,
            "num2": self.problem.second,
            "answer": self.parsed.value,
            "valid": self.parsed.valid,
            "padded": self.parsed.padded,
            "extraneous": self.parsed.extraneous,
            "format_match": self.parsed.format_match,
            "answer_match": self.answer_match,
            "len_match": self.problem.len_match,
        }


@dataclass(frozen=True)
class AccuracyRow:
    """Answers of one format.

    Args:
        problem_format, answer_format, repeat: styles.
        spaces, trailing_spaces, shots: see :class:`AnswerRow`.
        part: all problems, those whose answer is as long as an operand, or the others.
        answers: how many.
        right: how many are the sum.
        invalid: how many hold no number, or several.
        wrong: the errors of the others.
        true_lengths: digits of the sums of those.
    """

    problem_format: str
    answer_format: str
    repeat: str
    spaces: int
    trailing_spaces: int
    shots: int
    part: Part
    answers: int
    right: int
    invalid: int
    wrong: tuple[AnswerErrors, ...] = field(repr=False)

    @property
    def accuracy(self) -> float:
        """Share of right answers."""
        return self.right / self.answers

    @property
    def wrong_digits(self) -> Mapping[int, int]:
        """Wrong answers of the right length by the positions of their wrong digits, 1 from the left."""
        return Counter(at for each in self.wrong if each.right_length for at in each.wrong_digits)

    @property
    def commonest_digit(self) -> int | None:
        """The position that is wrong most often; the first digit of the second token in the paper."""
        return min(self.wrong_digits, key=lambda at: (-self.wrong_digits[at], at), default=None)

    @property
    def commonest_digit_share(self) -> float | None:
        """Share of all answers in which it is wrong."""
        return self.wrong_digits[self.commonest_digit] / self.answers if self.commonest_digit else None

    @property
    def right_length(self) -> int:
        """Wrong answers with as many digits as the sum."""
        return sum(each.right_length for each in self.wrong)

    @property
    def off_by_one(self) -> int:
        """Wrong answers that are one power of ten off."""
        return sum(each.off_by_one is not None for each in self.wrong)

    @property
    def dropped_digit(self) -> int:
        """Wrong answers that are the sum without one digit of one operand."""
        return sum(each.dropped_digit for each in self.wrong)

    @property
    def left_aligned(self) -> int:
        """Wrong answers that are the sum of the operands aligned at the left."""
        return sum(each.left_aligned for each in self.wrong)

    @property
    def chunk_wise(self) -> int:
        """Wrong answers that are groups added without carries."""
        return sum(each.chunk_wise for each in self.wrong)


COLUMNS = (
    ("problem_format", Column("problem")),
    ("answer_format", Column("answer")),
    ("repeat", Column("repeated")),
    ("spaces", Column("spaces")),
    ("trailing_spaces", Column("behind =", "spaces")),
    ("shots", Column("shots")),
    ("part", Column("answer's length")),
    ("answers", Column("answers")),
    ("accuracy", Column("right", "share")),
    ("invalid", Column("invalid")),
    ("right_length", Column("right length", "answers")),
    ("off_by_one", Column("off by 10^k", "answers")),
    ("dropped_digit", Column("dropped digit", "answers")),
    ("left_aligned", Column("left-aligned", "answers")),
    ("chunk_wise", Column("chunk-wise", "answers")),
    ("commonest_digit", Column("worst digit", "from the left")),
    ("commonest_digit_share", Column("it is wrong", "share")),
)


@dataclass(frozen=True)
class AdditionScores:
    """Scored answers.

    Args:
        rows: one an answer.
        context: versions, hardware, seed and command.
    """

    rows: tuple[AnswerRow, ...]
    context: Mapping[str, Any] = field(default_factory=run_context)

    def summary(self, *, drop_invalid: bool = False) -> Measurement[AccuracyRow]:
        """Accuracy and patterns of errors for each format and number of shots.

        Problems whose answer is longer than both operands have rows of their own: the mean over both hides the effect.

        Args:
            drop_invalid: leave out answers that cannot be read, which count as wrong otherwise.
        """

        def key(row: AnswerRow) -> tuple[str, str, str, int, int, int]:
            return (
                row.problem_number_format,
                row.answer_number_format,
                row.repeat_style or "",
                row.num_spaces,
                row.num_trailing_spaces,
                row.num_shots,
            )

        found = []
        for name, group in groupby(sorted(self.rows, key=key), key):
            rows = [row for row in group if row.parsed.valid or not drop_invalid]
            halves: dict[Part, list[AnswerRow]] = {
                "all": rows,
                "match": [row for row in rows if row.problem.len_match],
                "mismatch": [row for row in rows if not row.problem.len_match],
            }
            found += [_accuracy(name, part, half) for part, half in halves.items() if half]
        return Measurement("Addition by a language model", tuple(found), COLUMNS, self.context)

    def table(self) -> Table:
        """The summary's table."""
        return self.summary().table()

    def to_json(self) -> dict[str, Any]:
        """The summary's table in the JSON shape of all tables."""
        return self.summary().to_json()

    def to_records(self) -> list[dict[str, Any]]:
        """A dictionary for every answer, under the names of the released files; ``pandas.DataFrame`` takes them."""
        return [row.to_record() for row in self.rows]

    @classmethod
    def read(cls, path: str | Path, *, context: Mapping[str, Any] | None = None, **keep: str) -> AdditionScores:
        """Read answers from a CSV file with the columns of the released results.

        Args:
            path: a file with at least ``num1``, ``num2``, ``response`` and ``problem_number_format``.
            context: of the scores; found out where left out.
            keep: values of columns, as in ``model="gpt-3.5-turbo-0301"``; other rows are left out.

        Raises:
            CorpusError: the file cannot be read, or a column is missing.
        """
        csv.field_size_limit(1 << 24)  # log-probabilities stand in these files
        try:
            with Path(path).open(encoding="utf-8", newline="") as file:
                rows = _from_records(csv.DictReader(file), keep)
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise CorpusError(f"{path}: cannot be read as CSV: {error}") from error
        except (KeyError, ValueError) as error:
            raise CorpusError(f"{path}: no results of addition problems: {error!r}") from error
        return cls(tuple(rows)) if context is None else cls(tuple(rows), context)


def _accuracy(name: tuple[str, str, str, int, int, int], part: Part, rows: Sequence[AnswerRow]) -> AccuracyRow:
    right = sum(row.answer_match for row in rows)
    wrong = tuple(row.errors for row in rows if row.errors is not None and not row.answer_match)
    return AccuracyRow(*name, part, len(rows), right, len(rows) - right - len(wrong), wrong)


def _from_records(records: Iterable[Mapping[str, str]], keep: Mapping[str, str]) -> list[AnswerRow]:
    rows = []
    for number, record in enumerate(records):
        if any(record[key] != value for key, value in keep.items()):
            continue
        repeat = record.get("repeat_style", record.get("repeat_problem_number_format"))  # the older files' name
        style = record["problem_number_format"]
        rows.append(
            AnswerRow(
                problem_index=int(record.get("problem_index") or number),
                problem=Addition(int(record["num1"]), int(record["num2"])),
                problem_msg=record.get("problem_msg") or "",
                response=record["response"],
                problem_number_format=style,
                answer_number_format=record.get("answer_number_format") or style,
                repeat_style=None if repeat in (None, "", "None", "nan") else repeat,
                num_spaces=int(record.get("num_spaces") or 0),
                num_trailing_spaces=int(record.get("num_trailing_spaces") or 0),
                num_shots=int(record.get("num_shots") or 0),
            )
        )
    if not rows:
        raise UsageError(f"no answers are left of the file with {dict(keep)}")
    return rows
