"""How numbers are cut: the card's figures of GPT-2, and vocabularies whose cuts are known."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from tokencraft.errors import UsageError
from tokencraft.measure import ArithmeticTokenization
from tokencraft.measure.number_row import spelled
from tokencraft.vocabulary import Vocabulary, split
from tokencraft.vocabulary.digit_split import digits_first
from tokencraft.vocabulary.numbers import DigitGroups, number_merges


@pytest.fixture(scope="module")
def gpt2(data_folder: Path) -> Vocabulary:
    return Vocabulary.load(data_folder / "tokenizers" / "gpt-2.json.gz")


def test_figures_of_the_paper(gpt2: Vocabulary) -> None:
    measurement = ArithmeticTokenization().measure({"GPT-2": gpt2})
    three = measurement.row(digits=3, after_space=False)
    assert three.partitions[3,] == 777
    assert three.match_probability == pytest.approx(0.636, abs=0.0005)
    four = measurement.row(digits=4, after_space=False)
    assert four.partitions == {(2, 2): 6502, (1, 3): 2815, (3, 1): 559, (4,): 94, (1, 2, 1): 30}
    assert four.match_probability == pytest.approx(0.505, abs=0.0005)
    assert (four.commonest, four.commonest_share, four.policies) == ("[12][34]", 0.6502, ())
    assert three.coverage == 10 + 100 + 777
    assert four.partition_table().column("partition")[-1] == "[1][23][4]"


def test_released_vocabularies_and_their_directions(data_folder: Path) -> None:
    names = {
        "cl100k_base.tiktoken.gz": ("l2r3", 1110),
        "llama.json.gz": ("single", 10),
    }
    audit = ArithmeticTokenization(max_digits=4)
    loaded = {name: Vocabulary.load(data_folder / "tokenizers" / name) for name in names}
    measurement = audit.measure(loaded)
    for (name, (policy, coverage)), space in product(names.items(), (False, True)):
        row = measurement.row(vocabulary=name, digits=4, after_space=space)
        assert (row.policies, row.match_probability, row.coverage) == ((policy,), 1.0, coverage)


@pytest.mark.parametrize("direction", ["l2r", "r2l"])
def test_groups_are_recognised(direction: str) -> None:
    cutter = digits_first(DigitGroups(3, direction), split.GPT2)  # type: ignore[arg-type]
    ids = {bytes([value]): value for value in range(256)}
    base = Vocabulary.from_merges([], splitter=cutter)
    ids = {token: base.id_of(token) or 0 for token in ids}
    merges = []
    for left, right in number_merges(3):
        merges.append((ids[left], ids[right]))
        ids[left + right] = len(ids)
    vocabulary = Vocabulary.from_merges(merges, splitter=cutter)
    measurement = ArithmeticTokenization(max_digits=7, sample=50).measure(vocabulary)
    assert [row.digits for row in measurement.rows if f"{direction}3" in row.policies] == [
        length for length in range(1, 8) for _ in range(2)
    ]
    seven = measurement.row(digits=7, after_space=True)
    assert seven.policies == (f"{direction}3",)
    assert (seven.numbers, seven.exhaustive, seven.tokens_per_number) == (50, False, 4)
    assert measurement.row(digits=3, after_space=False).single_token_share == 1
    again = ArithmeticTokenization(max_digits=7, sample=50).measure(vocabulary)
    assert again.rows == measurement.rows


def test_tokens_that_lose_the_digits_are_unreadable(gpt2: Vocabulary) -> None:
    unknown = Vocabulary.from_tokenizer(_without_digits())
    row = ArithmeticTokenization(max_digits=1).measure(unknown).rows[0]
    assert row.commonest == "unreadable"
    assert row.single_token_share == 0


def _without_digits() -> object:
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordPiece({"[UNK]": 0, "a": 1, "##a": 2}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return tokenizer


def test_partitions_are_spelled() -> None:
    assert spelled((1, 2, 1)) == "[1][23][4]"
    assert spelled((9, 3)) == "[123456789][012]"


def test_wrong_values_are_refused() -> None:
    with pytest.raises(UsageError, match="max_digits is 1 to 18"):
        ArithmeticTokenization(max_digits=19)
    with pytest.raises(UsageError, match="sample is 1 or more"):
        ArithmeticTokenization(sample=0)
