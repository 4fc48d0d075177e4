"""What a model answered to an addition problem, read from its text; and how wrong a wrong answer is.

Singh, Strouse, "Tokenization counts: the impact of tokenization on arithmetic in frontier LLMs", arXiv 2402.14903.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby

from tokencraft.measure.addition_problems import Addition
from tokencraft.vocabulary.number_format import SEPARATORS, format_number
from tokencraft.vocabulary.numbers import Direction, group

_SEPARATOR = "|".join(re.escape(separator) for separator in SEPARATORS.values())
_NUMBER = re.compile(rf"[0-9](?:(?:{_SEPARATOR})*[0-9])*")


@dataclass(frozen=True)
class ParsedAnswer:
    """An answer read from text.

    Args:
        value: the number; None where the text holds none or several.
        padded: whether white space stood around the answer.
        extraneous: whether other text stood around the number.
        format_match: whether the number is written in the style that was asked for.
        operands_copied: for an answer that repeats the problem: whether each operand was copied; None for others.
    """

    value: int | None
    padded: bool
    extraneous: bool
    format_match: bool
    operands_copied: tuple[bool, bool] | None = None

    @property
    def valid(self) -> bool:
        """Whether there is exactly one number; an invalid answer counts as wrong."""
        return self.value is not None


def parse_answer(
    text: str, style: str = "nosep", *, repeat_style: str | None = None, problem: Addition | None = None
) -> ParsedAnswer:
    """Read an answer: digits with any of the six separators between them.

    A full stop is a separator too, so that ``12.5`` is 125: for whole numbers alone.

    Args:
        text: what the model wrote.
        style: that was asked for.
        repeat_style: the style in which the problem should come first, up to the last ``=``.
        problem: what should have been copied.

    Example:
        >>> parse_answer("The sum is 1,234.", "comma_r2l")
        ParsedAnswer(value=1234, padded=False, extraneous=True, format_match=True, operands_copied=None)
    """
    copied = None
    if repeat_style is not None:
        repeated, _, text = text.rpartition("=")
        if problem is not None:
            copied = _copied(repeated, problem)
    stripped = text.strip()
    found = _NUMBER.findall(stripped)
    if len(found) != 1:
        return ParsedAnswer(None, stripped != text, bool(stripped), False, copied)
    value = int("".join(filter(str.isdigit, found[0])))
    return ParsedAnswer(value, stripped != text, found[0] != stripped, format_number(value, style) == found[0], copied)


def _copied(repeated: str, problem: Addition) -> tuple[bool, bool]:
    """Whether the operands are in the text on both sides of its ``+``."""
    left, _, right = repeated.partition("+")
    values = [parse_answer(side).value for side in (left, right)]
    return values[0] == problem.first, values[1] == problem.second


@dataclass(frozen=True)
class AnswerErrors:
    """Where and how an answer is wrong; digits are numbered from the left, 1 first.

    Args:
        digit_errors: absolute difference of each digit, right-aligned, from the left of the longer of both numbers.
        wrong_digits: positions of the digits that differ.
        wrong_tokens: groups of the true answer, 1 first, that hold them; 0 is what stands before it.
        carries: 1 where a digit of the operands carries, from the left of the longer operand.
        longest_carry_chain: most carries in a row.
        off_by_one: position of the digit where the answer is one power of ten too large or small; None for others.
        right_length: whether the answer has as many digits as the sum.
        dropped_digit: whether it is the sum after one digit of one operand was left out.
        left_aligned: whether it is the sum with zeros behind the shorter operand.
        chunk_wise: whether groups were added without carries between them, aligned at either end.
    """

    digit_errors: tuple[int, ...]
    wrong_digits: tuple[int, ...]
    wrong_tokens: tuple[int, ...]
    carries: tuple[int, ...]
    longest_carry_chain: int
    off_by_one: int | None
    right_length: bool
    dropped_digit: bool
    left_aligned: bool
    chunk_wise: bool


def answer_errors(problem: Addition, answer: int, direction: Direction = "l2r", *, size: int = 3) -> AnswerErrors:
    """Compare an answer with the sum, digit by digit, and with sums that typical mistakes make.

    Args:
        problem: the operands.
        answer: 0 or more.
        direction: of the groups of digits that the model saw.
        size: digits of a group.

    Example:
        >>> errors = answer_errors(Addition(619, 620), 1240)
        >>> errors.digit_errors, errors.off_by_one, answer_errors(Addition(95, 7), 102).carries
        ((0, 0, 1, 9), 4, (1, 1))
    """
    true = str(problem.answer)
    width = max(len(true), len(str(answer)))
    pairs = zip(true.rjust(width, "0"), str(answer).rjust(width, "0"), strict=True)
    errors = tuple(abs(int(a) - int(b)) for a, b in pairs)
    extra = width - len(true)
    wrong = tuple(at - extra for at, error in enumerate(errors, 1) if error)
    tokens = [number for number, part in enumerate(group(true, size, direction), 1) for _ in part]
    carried = carries(problem)
    power = str(abs(answer - problem.answer))
    off = len(true) - len(power) + 1 if power.rstrip("0") == "1" else None
    wrong_answer = answer != problem.answer
    return AnswerErrors(
        digit_errors=errors,
        wrong_digits=wrong,
        wrong_tokens=tuple(sorted({tokens[at - 1] if at > 0 else 0 for at in wrong})),
        carries=carried,
        longest_carry_chain=max((len(list(run)) for carry, run in groupby(carried) if carry), default=0),
        off_by_one=off,
        right_length=len(str(answer)) == len(true),
        dropped_digit=wrong_answer and answer in _dropped(problem),
        left_aligned=wrong_answer and answer == _left_aligned(problem),
        chunk_wise=wrong_answer and str(answer) in _chunk_wise(problem, direction, size),
    )


def carries(problem: Addition) -> tuple[int, ...]:
    """1 for each digit of the longer operand, from the left, where the sum carries."""
    digits = max(problem.lengths[:2])
    return tuple(
        int(problem.first % 10**place + problem.second % 10**place >= 10**place) for place in range(digits, 0, -1)
    )


def _dropped(problem: Addition) -> set[int]:
    """Sums with one digit of one operand left out."""

    def shorter(number: int) -> set[int]:
        text = str(number)
        return {int(text[:at] + text[at + 1 :] or "0") for at in range(len(text))}

    return {x + problem.second for x in shorter(problem.first)} | {problem.first + y for y in shorter(problem.second)}


def _left_aligned(problem: Addition) -> int:
    """The sum of the operands with zeros behind the shorter one."""
    width = max(problem.lengths[:2])
    return sum(int(str(number).ljust(width, "0")) for number in (problem.first, problem.second))


def _chunk_wise(problem: Addition, direction: Direction, size: int) -> set[str]:
    """Sums of groups side by side, as they are or without what they would carry."""
    first, second = (group(str(number), size, direction) for number in (problem.first, problem.second))
    width = max(len(first), len(second))
    found = set()
    for left in (True, False):
        missing = [[""] * (width - len(groups)) for groups in (first, second)]
        a, b = ([*g, *m] if left else [*m, *g] for g, m in zip((first, second), missing, strict=True))
        for keep in (True, False):
            parts = []
            for x, y in zip(a, b, strict=True):
                places = max(len(x), len(y))
                total = int(x or "0") + int(y or "0")
                parts.append(f"{total if keep else total % 10**places:0{places}}")
            found.add("".join(parts).lstrip("0") or "0")
    return found
