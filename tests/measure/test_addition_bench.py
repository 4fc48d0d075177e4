"""Addition as a benchmark: problems of exact lengths, questions as the card writes them, scores counted by hand."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokencraft.errors import CorpusError, UsageError
from tokencraft.measure import (
    Addition,
    AdditionBench,
    AdditionScores,
    QueryFormat,
    answer_errors,
    by_operand_lengths,
    by_triples,
    parse_answer,
)
from tokencraft.measure.addition_problems import TRIPLES
from tokencraft.vocabulary.number_format import STYLES, format_number

CARD = Addition(8_899_989, 1_654_321)


def test_triples_have_their_lengths() -> None:
    problems = by_triples(each=20, seed=3)
    assert [problem.lengths for problem in problems] == [triple for triple in TRIPLES for _ in range(20)]
    mismatches = {problem.lengths for problem in problems if not problem.len_match}
    assert mismatches == {(7, 7, 8), (8, 7, 9), (7, 8, 9), (8, 8, 9)}
    assert CARD.lengths == (7, 7, 8)
    assert not CARD.len_match


@given(st.integers(1, 25), st.integers(1, 25), st.booleans(), st.integers(0, 5))
def test_every_possible_triple(first: int, second: int, longer: bool, seed: int) -> None:
    triple = (first, second, max(first, second) + longer)
    assert {problem.lengths for problem in by_triples([triple], 3, seed=seed)} == {triple}


def test_all_problems_of_a_triple_are_drawn() -> None:
    possible = {(a, b) for a in range(1, 10) for b in range(1, 10) if a + b > 9}
    drawn = {(problem.first, problem.second) for problem in by_triples([(1, 1, 2)], 2_000)}
    assert drawn == possible


def test_a_problem_does_not_depend_on_how_many_there_are() -> None:
    assert by_operand_lengths(count=90)[:7] == by_operand_lengths(count=7)
    assert by_operand_lengths(count=7, seed=1) != by_operand_lengths(count=7)
    assert by_operand_lengths(count=7, draw=1) != by_operand_lengths(count=7)
    lengths = [problem.lengths[:2] for problem in by_operand_lengths(count=18)]
    assert lengths == [(a, b) for a in (7, 8, 9) for b in (7, 8, 9)] * 2


@pytest.mark.parametrize("triple", [(2, 2, 4), (3, 1, 2), (0, 1, 1)])
def test_impossible_lengths_are_refused(triple: tuple[int, int, int]) -> None:
    with pytest.raises(UsageError, match="no sum of"):
        by_triples([triple])


def test_questions_of_the_card() -> None:
    assert QueryFormat().query(CARD) == "8899989+1654321="
    assert QueryFormat("comma_r2l").query(CARD) == "8,899,989+1,654,321="
    assert QueryFormat(spaces=1, trailing_spaces=2).query(CARD) == "8899989 + 1654321 =  "
    assert QueryFormat("comma_r2l").reply(CARD) == "10,554,310"
    trick = QueryFormat(answer="comma_r2l", repeat="comma_r2l")
    assert trick.query(CARD) + trick.reply(CARD) == "8899989+1654321=8,899,989+1,654,321=10,554,310"


def test_prompts_show_examples_of_the_same_lengths() -> None:
    bench = AdditionBench(("nosep", "foo_r2l"), shots=(0, 2), triples=((2, 3, 4), (4, 4, 4)), each=2)
    prompts = bench.prompts()
    assert len(prompts) == 2 * 2 * 4
    for prompt in prompts:
        assert {shot.lengths for shot in prompt.shots} <= {prompt.problem.lengths}
        lines = prompt.text().split("\n")
        assert len(lines) == len(prompt.shots) + 1
        turns = prompt.messages()
        assert [turn["role"] for turn in turns] == ["system", *["user", "assistant"] * len(prompt.shots), "user"]
        assert [a["content"] + b["content"] for a, b in zip(turns[1:-1:2], turns[2::2], strict=True)] == lines[:-1]
        assert turns[-1]["content"] == lines[-1] == prompt.format.query(prompt.problem)
    assert "foo" in prompts[-1].text()


@given(st.integers(0, 10**12), st.sampled_from(STYLES))
def test_formatted_answers_are_read(value: int, style: str) -> None:
    parsed = parse_answer(format_number(value, style), style)
    assert (parsed.value, parsed.padded, parsed.extraneous, parsed.format_match) == (value, False, False, True)


def test_answers_are_read() -> None:
    assert parse_answer(" 12 \n").padded
    said = parse_answer("It is $1,234.", "comma_r2l")
    assert (said.value, said.extraneous, said.format_match) == (1234, True, True)
    assert not parse_answer("1,234", "nosep").format_match
    assert parse_answer("1#2foo3").value == 123
    assert parse_answer("12.5").value == 125, "a full stop is a separator"
    for invalid in ("", "none", "1 and 2", "1+2=3"):
        assert not parse_answer(invalid).valid, invalid
    repeated = parse_answer("12+30=42", repeat_style="nosep", problem=Addition(12, 31))
    assert (repeated.value, repeated.operands_copied) == (42, (True, False))


def test_errors_of_the_card() -> None:
    assert answer_errors(Addition(95, 7), 102).carries == (1, 1)
    errors = answer_errors(Addition(1000, 239), 1240)
    assert errors.digit_errors == (0, 0, 1, 9)
    assert errors.off_by_one == 4
    assert errors.wrong_digits == (3, 4)
    assert errors.wrong_tokens == (1, 2)
    assert answer_errors(Addition(1000, 239), 1240, "r2l").wrong_tokens == (2,)


def test_patterns_of_errors() -> None:
    assert answer_errors(Addition(123, 45), 168).off_by_one is None
    assert answer_errors(Addition(123, 45), 268).off_by_one == 1
    assert answer_errors(Addition(123, 45), 148).off_by_one is None, "20 is no power of ten"
    assert answer_errors(Addition(123, 45), 13 + 45).dropped_digit
    assert answer_errors(Addition(123, 45), 123 + 450).left_aligned
    assert not answer_errors(Addition(123, 450), 573).left_aligned, "it is the sum"
    # 123|4 + 567|8 from the left, 4 + 8 written as 12; the carry of 1|234 + 5|678 lost from the right.
    assert answer_errors(Addition(1234, 5678), 69012, "l2r").chunk_wise
    assert answer_errors(Addition(1234, 5978), 6212, "r2l").chunk_wise
    longer = answer_errors(Addition(5, 4), 19)
    assert (longer.digit_errors, longer.wrong_tokens, longer.right_length) == ((1, 0), (0,), False)
    assert answer_errors(Addition(0, 0), 0).digit_errors == (0,)
    assert answer_errors(Addition(10**40, 1), 10**40).off_by_one == 41, "no floating point"


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_carries_are_those_of_the_digit_sums(first: int, second: int) -> None:
    found = answer_errors(Addition(first, second), first + second)
    # Every carry makes nine less in the sum of the digits.
    digits = [sum(map(int, str(number))) for number in (first, second, first + second)]
    assert digits[0] + digits[1] - digits[2] == 9 * sum(found.carries)
    assert found.longest_carry_chain == max(map(len, "".join(map(str, found.carries)).split("0")))
    assert [found.dropped_digit, found.left_aligned, found.chunk_wise] == [False] * 3


def test_scores_are_counted() -> None:
    bench = AdditionBench(("nosep", "comma_r2l"), shots=(1,), triples=((2, 2, 2), (2, 2, 3)), each=10)
    generator = random.Random(0)
    responses = []
    for prompt in bench.prompts():
        wrong = prompt.problem.answer + 10 * (not prompt.problem.len_match and prompt.format.problem == "nosep")
        responses.append(format_number(wrong, prompt.format.answer_style))
    responses[0] = "no idea"
    scores = bench.score(responses)
    summary = scores.summary()
    plain = summary.row(problem_format="nosep", part="mismatch")
    assert (plain.answers, plain.accuracy, plain.off_by_one, plain.right_length) == (10, 0, 10, 10)
    assert plain.commonest_digit == 2
    assert plain.commonest_digit_share == 1
    matching = summary.row(problem_format="nosep", part="match")
    assert (matching.right, matching.invalid) == (9, 1)
    assert scores.summary(drop_invalid=True).row(problem_format="nosep", part="match").accuracy == 1
    assert summary.row(problem_format="comma_r2l", part="all").accuracy == 1
    assert scores.to_json()["rows"]
    assert "mismatch" in scores.table().to_text(250)
    generator.shuffle(responses)
    with pytest.raises(UsageError, match="40 prompts but 1"):
        bench.score(["1"])


def test_files_of_results_are_read(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    path.write_text(
        "problem_index,num1,num2,problem_msg,response,problem_number_format,answer_number_format,repeat_style,"
        "num_spaces,num_trailing_spaces,num_shots,model\n"
        '0,1234,1,"1,234+1=","1,235",comma_r2l,comma_r2l,,0,0,8,m\n'
        "1,5,6,5+6=,12,nosep,nosep,None,1,0,8,m\n"
        '2,5,6,5+6=,"5+6=11",nosep,nosep,nosep,1,0,8,other\n'
    )
    scores = AdditionScores.read(path, model="m")
    assert [row.answer_match for row in scores.rows] == [True, False]
    assert scores.rows[1].errors is not None
    assert scores.rows[1].errors.off_by_one == 2
    assert AdditionScores.read(path, model="other").rows[0].parsed.operands_copied == (True, True)
    record = scores.to_records()[0]
    assert (record["num1"], record["answer"], record["num_shots"], record["len_match"]) == (1234, 1235, 8, True)
    with pytest.raises(UsageError, match="no answers are left"):
        AdditionScores.read(path, model="none")
    path.write_text(
        "num1,num2,response,problem_number_format,repeat_problem_number_format,answer_number_format\n"
        '1234,1,"1,234 + 1 = 1,235",nosep,comma_r2l,comma_r2l\n'
    )
    (older,) = AdditionScores.read(path).rows
    assert (older.repeat_style, older.answer_match, older.parsed.format_match) == ("comma_r2l", True, True)
    path.write_text("a,b\n1,2\n")
    with pytest.raises(CorpusError, match="no results of addition problems"):
        AdditionScores.read(path)
    with pytest.raises(CorpusError, match="cannot be read"):
        AdditionScores.read(tmp_path / "absent.csv")


def test_wrong_values_are_refused() -> None:
    for wrong in ({"formats": ()}, {"shots": ()}, {"shots": (-1,)}, {"count": 0}):
        with pytest.raises(UsageError):
            AdditionBench(**wrong)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="no number style"):
        AdditionBench(("comma",))
    with pytest.raises(UsageError, match="0 or more"):
        QueryFormat(spaces=-1)
    with pytest.raises(UsageError, match="operands"):
        Addition(-1, 1)
