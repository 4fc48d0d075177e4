from __future__ import annotations

import itertools
import json
import pickle
from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import regex
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from naive_bpe import NaiveTrainer
from tokencraft import _native
from tokencraft.corpus import Corpus
from tokencraft.engine import Local
from tokencraft.errors import UsageError
from tokencraft.learn import SuperBPE, Supertokens
from tokencraft.learn.recipes import RECIPES
from tokencraft.vocabulary import Vocabulary, merges, split
from tokencraft.vocabulary.numbers import DigitGroups
from tokencraft.vocabulary.pretoken_runs import PretokenRuns, joinable

pytestmark = pytest.mark.filterwarnings("ignore:the vocabulary has")  # where a corpus is tiny on purpose

LINES = ["by the way, by the way: by the sea in 1234\n", "By the way, the way by the sea is fooBar\n"] * 4
WORDS = ["of", "the", "way:", "Is", "12", "été", "x.y", "fooBar", "...", " ", "\n", "by the way"]
TEXTS = st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=20).map(" ".join), min_size=1, max_size=5)


def naive_runs(pretokens: list[str], known: frozenset[bytes]) -> list[str]:
    """The runs of two or more pretokens that are known."""
    marks = "".join("1" if each.encode() in known else "0" for each in pretokens)
    return ["".join(pretokens[run.start() : run.end()]) for run in regex.finditer("11+", marks)]


def table_of(vocabulary: Vocabulary) -> npt.NDArray[np.int32]:
    """(left, right, result) of the merges."""
    return np.column_stack([vocabulary.merges, vocabulary.merged]).astype(np.int32)


def becomes_one(token: bytes, tokens: list[bytes], ranked: list[tuple[int, int, int]]) -> bool:
    """Whether joining the pair of the lowest rank again and again makes one token of these bytes."""
    sequence = [tokens.index(bytes([byte])) for byte in token]
    ranks = {(left, right): (rank, result) for rank, (left, right, result) in reversed(list(enumerate(ranked)))}
    while len(sequence) > 1:
        found = [(ranks[pair], at) for at, pair in enumerate(itertools.pairwise(sequence)) if pair in ranks]
        if not found:
            return False
        (_, result), at = min(found)
        sequence[at : at + 2] = [result]
    return True


def naive_superbpe(learner: SuperBPE, texts: list[str]) -> list[tuple[bytes, bytes]]:
    """SuperBPE on runs by its definition, in plain Python."""
    units = [line for text in texts for line in text.splitlines(keepends=True)]
    pretokens = [RECIPES[str(learner.stage1)][0].split(unit) for unit in units]
    base = merges.byte_tokens()
    first = NaiveTrainer(Counter(piece.encode() for unit in pretokens for piece in unit).items(), base)
    first.learn(learner.transition_size - len(base))
    known = frozenset(
        token
        for token in first.tokens
        if regex.search(r"\p{L}", token.decode("utf-8", "ignore")) and becomes_one(token, first.tokens, first.merges)
    )
    runs = Counter(run.encode() for unit in pretokens for run in naive_runs(unit, known))
    second = NaiveTrainer(runs.items(), first.tokens)
    second.replay(first.merges)

    def allowed(left: bytes, right: bytes) -> bool:
        return b": " not in left + right and len((left + right).split()) <= 4

    if learner.transition_size < learner.vocab_size:
        second.learn(learner.vocab_size - len(first.tokens), 1, allowed)
    return [(second.tokens[left], second.tokens[right]) for left, right, _ in second.merges]


@settings(deadline=None, max_examples=60)
@given(TEXTS, st.integers(0, 40), st.integers(0, 20), st.sampled_from(["v2", "paper"]), st.integers(1, 3))
def test_equals_the_naive_trainer(texts: list[str], stage1: int, stage2: int, recipe: str, threads: int) -> None:
    learner = SuperBPE(vocab_size=256 + stage1 + stage2, transition=256 + stage1, stage1=recipe, stage2="pretoken-runs")
    vocabulary = learner.train(Corpus.from_iterable(texts), threads=threads)
    learned = [(vocabulary.tokens[left], vocabulary.tokens[right]) for left, right in vocabulary.merges.tolist()]
    assert learned == naive_superbpe(learner, texts)


@settings(deadline=None, max_examples=80)
@given(
    st.text(st.sampled_from("ab .\né"), max_size=60), st.sets(st.sampled_from(["a", " a", "ab", " b", "é", "b", "."]))
)
def test_runs_and_single_bytes_cover_the_text(text: str, known: set[str]) -> None:
    pieces = frozenset(each.encode() for each in known)
    data = text.encode()
    ends = PretokenRuns(split.GPT2, pieces).spans(data).tolist()
    cut = [data[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]
    assert b"".join(cut) == data
    runs = [run.encode() for run in naive_runs(split.GPT2.split(text), pieces)]
    assert [piece for piece in cut if len(piece) > 1] == runs


@pytest.mark.parametrize("pretokens", [split.GPT2, split.Regex((r" ?[a-z]+",))], ids=["native", "in Python"])
@pytest.mark.parametrize("unit", ["line", "document"])
def test_runs_are_counted_wherever_pretokens_are_cut(pretokens: split.Regex, unit: merges.Unit) -> None:
    known = frozenset(word.encode() for word in ("by", "By", " the", " way", " by", " sea", "the", " in"))
    units = ["".join(LINES)] if unit == "document" else LINES
    expected = Counter(run.encode() for text in units for run in naive_runs(pretokens.split(text), known))
    corpus = Corpus.from_iterable(["".join(LINES)])
    for threads in (1, 3):
        pieces = merges.count(corpus, PretokenRuns(pretokens, known), unit=unit, threads=threads).items()
        assert {piece: count for piece, count in pieces.items() if len(piece) > 1} == expected


@pytest.mark.parametrize("stage1", ["v2", "paper", split.GPT2])
def test_superwords_are_whole_words_without_punctuation(stage1: str | split.Splitter) -> None:
    learner = SuperBPE(vocab_size=300, transition=282, stage1=stage1, stage2="pretoken-runs", special_tokens=("<s>",))
    vocabulary = learner.train(Corpus.from_iterable(LINES))
    superwords = vocabulary.tokens[282:]
    assert superwords
    cut = RECIPES[stage1][0] if isinstance(stage1, str) else stage1
    known = joinable([b"", *vocabulary.tokens[1:282]], table_of(vocabulary)[: 282 - 257])
    for token in superwords:
        pretokens = cut.split(token.decode())
        assert len(pretokens) > 1
        assert all(pretoken.encode() in known for pretoken in pretokens)
        assert not regex.search(r"[\n\d,:]", token.decode())
    assert b"by the way" in superwords


def test_encoding_cuts_as_the_recipe_of_stage_1_does() -> None:
    learner = SuperBPE(vocab_size=300, transition=282, stage2="pretoken-runs")
    vocabulary = learner.train(Corpus.from_iterable(LINES))
    assert vocabulary.splitter == split.SUPERBPE_V2_STAGE2
    assert vocabulary.origin.hyperparameters["stage2"] == "pretoken-runs"
    stock = vocabulary.to_tokenizers()
    for text in [*LINES, "by the way 12345 by the sea\n\nBy", ""]:
        ids = vocabulary.encode(text).tolist()
        assert ids == stock.encode(text, add_special_tokens=False).ids
        assert vocabulary.decode(ids) == text
    other = SuperBPE(vocab_size=300, transition=282, stage1=split.GPT2, stage2="pretoken-runs")
    assert other.train(Corpus.from_iterable(LINES)).splitter == split.WHOLE


def test_digit_groups_and_a_memory_limit_go_with_runs() -> None:
    learner = SuperBPE(
        vocab_size=300, transition=282, stage2="pretoken-runs", digits=DigitGroups(), number_tokens=False
    )
    free = learner.train(Corpus.from_iterable(LINES))
    assert free.token_bytes(int(free.encode("1234")[0])) == b"1"
    assert learner.train(Corpus.from_iterable(LINES), memory=1 << 30, threads=2) == free
    assert isinstance(json.loads(free.to_tokenizers().to_str()), dict)


def test_other_processes_count_the_same(tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / f"{number}.txt").write_text("".join(LINES[number:]), "utf-8")
    corpus = Corpus.from_files(tmp_path)
    for learner in (
        SuperBPE(vocab_size=300, transition=282, stage2="pretoken-runs"),
        Supertokens(vocab_size=300, squeeze_runs=True),
    ):
        assert learner.train(corpus, engine=Local(2)) == learner.train(corpus)


@pytest.mark.parametrize("ends", [[], [2, 2, 4], [3, 2, 4], [2], [2, 5]])
def test_the_kernel_checks_the_ends_of_pretokens(ends: list[int]) -> None:
    with pytest.raises(ValueError, match="end"):
        _native.PretokenRuns([b"te"]).cut([b"text"], [np.array(ends, np.uint32)])
    with pytest.raises(ValueError, match="one array of ends per text"):
        _native.PretokenRuns([]).cut([b"text"], [])


def test_the_splitter_can_be_sent_and_does_not_export() -> None:
    runs = PretokenRuns(split.GPT2, frozenset([b"by", b" the"]))
    assert runs.split("by the sea") == ["by the", " ", "s", "e", "a"]
    sent = pickle.loads(pickle.dumps(runs))
    assert sent == runs
    assert sent.split("by the sea") == runs.split("by the sea")
    with pytest.raises(UsageError, match="tokenizers"):
        runs.to_pre_tokenizer()


def test_a_token_that_its_bytes_never_become_is_not_joinable() -> None:
    ids = {byte: number for number, byte in enumerate(merges.byte_tokens())}
    a, b, c = (ids[letter] for letter in (b"a", b"b", b"c"))
    pairs = [(a, b), (b, c), (a, 257)]  # ab, bc, abc
    vocabulary = Vocabulary.from_merges(pairs, splitter=split.WHOLE)
    found = joinable(vocabulary.tokens, table_of(vocabulary))
    assert b"bc" in found
    assert b"abc" not in found
    stock = vocabulary.to_tokenizers()
    assert isinstance(stock, tokenizers.Tokenizer)
    assert stock.encode("abc").tokens == ["ab", "c"]


def test_official_cannot_be_had_with_runs() -> None:
    for learner in (
        SuperBPE(vocab_size=300, stage2="pretoken-runs", official=True),
        SuperBPE(vocab_size=300, stage2="pretoken-runs", drop_unreachable=True),
        SuperBPE(vocab_size=300, stage2="pretokens"),
    ):
        with pytest.raises(UsageError, match="pretoken-runs"):
            learner.train(Corpus.from_iterable(LINES))
