"""The options that learners share: what each of them changes, and that it does what it says."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokencraft.corpus import Corpus
from tokencraft.engine import Local
from tokencraft.errors import TrainingError, UsageError
from tokencraft.learn import BPE, SuperBPE
from tokencraft.learn.options import CorpusOptions, TextOptions
from tokencraft.vocabulary import TokenKind, Vocabulary, merges, split
from tokencraft.vocabulary.numbers import DigitGroups, number_strings

pytestmark = pytest.mark.filterwarnings("ignore:the vocabulary has")

LINES = [
    "in 1234567 the 字符 of the café\n",
    "by 12.3456 the 字 of THE naïve ½ café\n",
    "ﬁne 2024 字符 🙂🙂 cafés\n",
] * 3
CORPUS = Corpus.from_iterable(LINES)
LEARNERS = [BPE, SuperBPE]


def test_fields_are_keyword_only_and_a_learners_own_come_first() -> None:
    assert BPE(300, split.GPT2).splitter == split.GPT2
    for each in dataclasses.fields(TextOptions):
        assert each.kw_only
    with pytest.raises(TypeError):
        TextOptions(("<s>",))  # type: ignore[misc]


@pytest.mark.parametrize("learner", LEARNERS)
@pytest.mark.parametrize("direction", ["l2r", "r2l"])
def test_numbers_are_cut_into_groups_that_are_tokens(learner: type, direction: str) -> None:
    groups = DigitGroups(3, direction)  # type: ignore[arg-type]
    vocabulary: Vocabulary = learner(vocab_size=1420, digits=groups).train(CORPUS)
    assert all(vocabulary.id_of(number.encode()) is not None for number in number_strings(3))
    tokens = [vocabulary.decode([each]) for each in vocabulary.encode("7654321 and 98.76543").tolist()]
    numbers = [token for token in tokens if token[0] in "0123456789"]
    expected = {"l2r": ["765", "432", "1", "98", "765", "43"], "r2l": ["7", "654", "321", "98", "765", "43"]}
    assert numbers == expected[direction]
    assert vocabulary.origin.hyperparameters["digits"] == groups.policy
    text = "x7654321 ½²12.345678\n"
    assert vocabulary.decode(vocabulary.encode(text)) == text
    assert vocabulary.to_tokenizers().encode(text, add_special_tokens=False).ids == vocabulary.encode(text).tolist()


@pytest.mark.parametrize("learner", LEARNERS)
def test_no_token_joins_digits_that_are_single(learner: type) -> None:
    vocabulary: Vocabulary = learner(vocab_size=320, digits=DigitGroups(1)).train(CORPUS)
    assert not any(sum(48 <= byte < 58 for byte in token) > 1 for token in vocabulary.tokens)
    assert len(vocabulary.encode("12345")) == 5


def test_left_out_the_splitter_decides() -> None:
    without = BPE(vocab_size=300, splitter=split.QWEN2).train(CORPUS)
    assert without.splitter == split.QWEN2
    assert "digits" in without.origin.hyperparameters
    assert without.origin.hyperparameters["digits"] is None


def test_number_tokens_need_room() -> None:
    with pytest.raises(TrainingError, match="1100 for the numbers, 1356 in all"):
        BPE(vocab_size=1000, digits=DigitGroups()).train(CORPUS)
    small = BPE(vocab_size=300, digits=DigitGroups(), number_tokens=False).train(CORPUS)
    assert len(small) == 300
    with pytest.raises(UsageError, match="number_tokens=False"):
        BPE(vocab_size=300, digits=DigitGroups(5)).train(CORPUS)


def test_superbpe_begins_stage_2_behind_what_must_be_there() -> None:
    vocabulary = SuperBPE(vocab_size=1400, transition=300, digits=DigitGroups()).train(CORPUS)
    assert vocabulary.origin.hyperparameters["transition"] == 1356
    kept = SuperBPE(vocab_size=1400, transition=1380, digits=DigitGroups(), drop_unreachable=True).train(CORPUS)
    assert all(kept.id_of(number.encode()) is not None for number in number_strings(3))


def character_tokens_end_between_characters(vocabulary: Vocabulary) -> None:
    """Every token is whole characters, or the beginning of one, or a byte."""
    for token, kind in zip(vocabulary.tokens, vocabulary.kinds, strict=True):
        if kind == TokenKind.NORMAL:
            whole = token.decode("utf-8", "ignore").encode("utf-8")
            assert whole in (token, b""), token


@pytest.mark.parametrize("learner", LEARNERS)
@settings(max_examples=25, deadline=None)
@given(texts=st.lists(st.text(alphabet="aé字符🙂\u0301 \n", min_size=1), min_size=1, max_size=6))
def test_tokens_of_characters_end_between_characters(learner: type, texts: list[str]) -> None:
    vocabulary: Vocabulary = learner(vocab_size=290, alphabet="character").train(
        Corpus.from_iterable([*texts, "aaa aaa"])
    )
    character_tokens_end_between_characters(vocabulary)
    for character in {*"".join(texts)}:
        assert len(vocabulary.encode(character)) == 1
    for text in (*texts, "ßüあい🙃", "".join(texts)[::-1]):
        assert vocabulary.decode(vocabulary.encode(text)) == text


def test_bytes_may_end_inside_characters() -> None:
    same_end = Corpus.from_iterable(["".join(chr(0x4E00 + 64 * at) + "b" for at in range(40))] * 4)
    bytewise = BPE(vocab_size=262).train(same_end)
    with pytest.raises(AssertionError):
        character_tokens_end_between_characters(bytewise)
    with pytest.raises(TrainingError, match="for the corpus's characters"):
        BPE(vocab_size=262, alphabet="character").train(same_end)
    character_tokens_end_between_characters(BPE(vocab_size=360, alphabet="character").train(same_end))
    with pytest.raises(UsageError, match="'byte' or 'character', not 'rune'"):
        BPE(alphabet="rune").train(same_end)  # type: ignore[arg-type]


@pytest.mark.parametrize("learner", LEARNERS)
def test_what_is_learned_is_normalised(learner: type) -> None:
    options = {"normalizer": "nfkc", "lowercase": True, "vocab_size": 300, "special_tokens": ("<|X|>",)}
    vocabulary: Vocabulary = learner(**options).train(CORPUS)
    prepared = learner(**options).prepared(CORPUS)
    assert list(prepared)[2] == "fine 2024 字符 🙂🙂 cafés\n"
    assert vocabulary.origin.corpus == prepared.fingerprint() != CORPUS.fingerprint()
    assert not any(b"A" <= token[:1] <= b"Z" for token in vocabulary.tokens if len(token) > 1 and b"<|" not in token)
    plain = dataclasses.replace(learner(**options), normalizer="none", lowercase=False).train(prepared)
    assert plain.merges.tolist() == vocabulary.merges.tolist()
    stock = vocabulary.to_tokenizers()
    for text in (*LINES[:3], "THE ﬁne Ｘ"):
        assert stock.encode(text, add_special_tokens=False).ids == vocabulary.encode(text).tolist()


def test_engines_learn_the_same_from_normalised_text(tmp_path: Path) -> None:
    for number, line in enumerate(LINES * 20):
        (tmp_path / f"{number:02}.txt").write_text(line * 5, encoding="utf-8")
    corpus = Corpus.from_files(tmp_path)
    options = {"vocab_size": 1500, "normalizer": "nfkd", "lowercase": True, "digits": DigitGroups()}
    for learner in LEARNERS:
        alone = learner(alphabet="character", **options).train(corpus, threads=1)
        shared = learner(alphabet="character", **options).train(corpus, engine=Local(2), memory=1 << 30)
        assert shared == alone
        assert shared.origin == alone.origin


def test_wrong_use_is_refused() -> None:
    with pytest.raises(UsageError, match="Corpus"):
        BPE().train("text")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="the normalizer is one of"):
        BPE(normalizer="x").train(CORPUS)  # type: ignore[arg-type]


def test_hyperparameters_are_json_without_resources() -> None:
    learner = SuperBPE(
        veto=lambda left, right: False, init_merges=((b"a", b"b"),), digits=DigitGroups(fraction="plain")
    )
    values = learner.hyperparameters()
    assert not {"veto", "init_merges", "special_tokens"} & set(values)
    assert values["digits"] == {"size": 3, "direction": "r2l", "fraction": "plain", "digits": "Nd"}
    assert values["forbid"] == [":Ġ"]
    assert set(CorpusOptions().hyperparameters()) == {"unit", "max_doc_bytes", "normalizer", "lowercase"}


def test_first_merges_put_characters_before_numbers_before_those_given() -> None:
    options = TextOptions(digits=DigitGroups(2), alphabet="character")
    pieces = merges.count(CORPUS, split.GPT2)
    tokens = merges.byte_tokens()
    table = options.first_merges(pieces, tokens, 10_000, [(b"c", b"a"), (b"1", b"2")])
    made = [tokens[result] for _, _, result in table.tolist()]
    assert made[-1] == b"ca"
    assert made[-101:-1] == [f"{value:02}".encode() for value in range(100)]
    assert {character.encode() for character in "éï字符🙂½ﬁ"} <= set(made[:-101])
