"""Addition put to a language model in several styles of writing numbers: does the direction of the groups matter?

A model whose vocabulary groups digits from the left is asked ``1234567+7654321=`` and ``1,234,567+7,654,321=``: the
commas make groups from the right of them. The paper's controls are styles too: the same separators from the left, and
spaces that add tokens without changing the groups.

Singh, Strouse, "Tokenization counts: the impact of tokenization on arithmetic in frontier LLMs", arXiv 2402.14903.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from tokencraft.errors import UsageError
from tokencraft.measure.addition_problems import Addition, Triple, by_operand_lengths, by_triples
from tokencraft.measure.addition_scores import AdditionScores, AnswerRow
from tokencraft.measure.arithmetic_tokenization import PAPER
from tokencraft.paper import Paper
from tokencraft.vocabulary.number_format import format_number, style_parts

SYSTEM_PROMPT = "You add whole numbers. Answer with the sum alone, written as in the examples."
Message = dict[str, str]


@dataclass(frozen=True)
class QueryFormat:
    """How a problem and its answer are written.

    Args:
        problem: style of the operands, see :data:`tokencraft.vocabulary.number_format.STYLES`.
        answer: style of the answer; that of the operands where left out.
        repeat: style in which the answer first repeats the problem, the paper's way to convert one style to another.
        spaces: around the ``+`` and before the ``=``: more tokens, the same groups.
        trailing_spaces: behind the ``=``.

    Raises:
        UsageError: there is no such style.

    Example:
        >>> QueryFormat("comma_r2l", spaces=1).query(Addition(1234, 56))
        '1,234 + 56 ='
    """

    problem: str = "nosep"
    answer: str | None = None
    repeat: str | None = None
    spaces: int = 0
    trailing_spaces: int = 0

    def __post_init__(self) -> None:
        """Check the arguments."""
        for style in (self.problem, self.answer, self.repeat):
            if style is not None:
                style_parts(style)
        if self.spaces < 0 or self.trailing_spaces < 0:
            raise UsageError("spaces and trailing_spaces are 0 or more")

    @property
    def answer_style(self) -> str:
        """Style of the answer."""
        return self.answer or self.problem

    def query(self, problem: Addition) -> str:
        """The problem up to the ``=``."""
        return self._written(problem, self.problem) + " " * self.trailing_spaces

    def reply(self, problem: Addition) -> str:
        """The right answer, as the examples show it."""
        repeated = "" if self.repeat is None else self._written(problem, self.repeat)
        return repeated + format_number(problem.answer, self.answer_style)

    def _written(self, problem: Addition, style: str) -> str:
        gap = " " * self.spaces
        return f"{format_number(problem.first, style)}{gap}+{gap}{format_number(problem.second, style)}{gap}="


@dataclass(frozen=True)
class Prompt:
    """One question with its examples.

    Args:
        index: of the problem.
        problem: what is asked.
        format: how it is written.
        shots: the examples.
        system_prompt: what stands before them.
    """

    index: int
    problem: Addition
    format: QueryFormat
    shots: tuple[Addition, ...]
    system_prompt: str = SYSTEM_PROMPT

    def messages(self) -> list[Message]:
        """For a chat model: system prompt, a question and an answer for each example, the question."""
        turns = [{"role": "system", "content": self.system_prompt}] if self.system_prompt else []
        for shot in self.shots:
            turns.append({"role": "user", "content": self.format.query(shot)})
            turns.append({"role": "assistant", "content": self.format.reply(shot)})
        return [*turns, {"role": "user", "content": self.format.query(self.problem)}]

    def text(self) -> str:
        """For a model that goes on with text: a line for each example, and the line to finish."""
        lines = [self.format.query(shot) + self.format.reply(shot) for shot in self.shots]
        return "\n".join([*lines, self.format.query(self.problem)])


@dataclass(frozen=True)
class AdditionBench:
    """Few-shot addition in several formats, by operand lengths or by the lengths of operands and answer.

    Args:
        formats: ways to write the same problems; a style stands for problem and answer in it.
        shots: numbers of examples; they have the digit lengths of the problem.
        lengths: digits of the operands, all pairs in turn.
        count: problems by operand lengths.
        triples: in place of ``lengths``: digits of both operands and of the answer.
        each: problems of a triple.
        system_prompt: for chat models.
        seed: of problems and examples.

    Raises:
        UsageError: there are no formats, no shots, or a value is out of its range.

    Example:
        >>> bench = AdditionBench(("nosep", "comma_r2l"), shots=(1,), lengths=(4,), count=2)
        >>> scores = bench.run(lambda prompts: [prompt.format.reply(prompt.problem) for prompt in prompts])
        >>> [row.accuracy for row in scores.summary().rows if row.part == "all"]
        [1.0, 1.0]
    """

    paper: ClassVar[Paper] = PAPER

    formats: tuple[QueryFormat | str, ...] = ("nosep", "comma_r2l")
    shots: tuple[int, ...] = (8,)
    lengths: tuple[int, ...] = (7, 8, 9)
    count: int = 90
    triples: tuple[Triple, ...] | None = None
    each: int = 100
    system_prompt: str = SYSTEM_PROMPT
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the arguments."""
        if not self.formats or not self.shots:
            raise UsageError("give at least one format and one number of shots")
        if min(self.shots) < 0 or self.count < 1 or self.each < 1:
            raise UsageError("shots are 0 or more, count and each 1 or more")
        object.__setattr__(
            self, "formats", tuple(QueryFormat(each) if isinstance(each, str) else each for each in self.formats)
        )

    @cached_property
    def problems(self) -> list[Addition]:
        """The problems, the same for every format."""
        return self._draw(0)

    def prompts(self) -> list[Prompt]:
        """Every problem in every format with every number of shots."""
        examples = [self._draw(draw) for draw in range(1, max(self.shots) + 1)]
        return [
            Prompt(index, problem, each, tuple(drawn[index] for drawn in examples[:shots]), self.system_prompt)
            for each in self.formats
            if isinstance(each, QueryFormat)
            for shots in self.shots
            for index, problem in enumerate(self.problems)
        ]

    def run(self, answer: Callable[[Sequence[Prompt]], Sequence[str]]) -> AdditionScores:
        """Ask and score.

        Args:
            answer: texts for prompts, for example :class:`tokencraft.measure.CausalAnswerer`.
        """
        return self.score(answer(self.prompts()))

    def score(self, responses: Sequence[str], *, context: Mapping[str, Any] | None = None) -> AdditionScores:
        """Score answers that were found elsewhere.

        Args:
            responses: in the order of :meth:`prompts`.
            context: seed, versions, hardware and command; found out where left out.

        Raises:
            UsageError: there are not as many as prompts.
        """
        prompts = self.prompts()
        if len(responses) != len(prompts):
            raise UsageError(f"there are {len(prompts)} prompts but {len(responses)} answers")
        rows = [
            AnswerRow(
                problem_index=prompt.index,
                problem=prompt.problem,
                problem_msg=prompt.format.query(prompt.problem),
                response=response,
                problem_number_format=prompt.format.problem,
                answer_number_format=prompt.format.answer_style,
                repeat_style=prompt.format.repeat,
                num_spaces=prompt.format.spaces,
                num_trailing_spaces=prompt.format.trailing_spaces,
                num_shots=len(prompt.shots),
            )
            for prompt, response in zip(prompts, responses, strict=True)
        ]
        return AdditionScores(tuple(rows)) if context is None else AdditionScores(tuple(rows), context)

    def _draw(self, draw: int) -> list[Addition]:
        if self.triples is not None:
            return by_triples(self.triples, self.each, seed=self.seed, draw=draw)
        return by_operand_lengths(self.lengths, self.count, seed=self.seed, draw=draw)
