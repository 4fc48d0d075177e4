"""The Less-is-Better learner: the published run, streams, variants, options."""

from __future__ import annotations

import json
import random
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naive_lib import NaiveLib
from tokencraft.corpus import Corpus
from tokencraft.errors import CorpusError, TrainingError, UsageError
from tokencraft.learn import LessIsBetter, LibRules, Reading, Step
from tokencraft.vocabulary import TokenKind, Vocabulary
from tokencraft.vocabulary.lexicon import as_greedy

pytestmark = pytest.mark.filterwarnings("ignore:a pass over the corpus is:UserWarning")

LINES = ["the cat ", "the dog ", "the cat ", "a cat and a dog ", "the end of the day ", "a day "] * 5


def lexicon_of(vocabulary: Vocabulary) -> list[str]:
    """The entries by rank: ordinary tokens in front of the bytes that the lexicon lacks."""
    count = vocabulary.flags.two_paths.lexicon if vocabulary.flags.two_paths else None
    ordinary = [
        token
        for token, kind in zip(vocabulary.tokens, vocabulary.kinds, strict=True)
        if kind in (TokenKind.NORMAL, TokenKind.BYTE)
    ]
    return [token.decode("utf-8", "replace") for token in ordinary[:count]]


def test_replays_the_published_demo(data_folder: Path) -> None:
    text = (data_folder / "text" / "child_speech.txt").read_text("utf-8")
    lines = [line + " " for line in text.splitlines()]
    steps: list[Step] = []
    demo = LessIsBetter(steps=501, article=200, life=3, unit="document", official=True)
    vocabulary = demo.train(Corpus.from_iterable(lines), on_step=steps.append)
    assert [steps[number].lexicon for number in range(0, 501, 100)] == [415, 2015, 2338, 2408, 2498, 2523]
    assert lexicon_of(vocabulary)[:6] == ["yeah ", "that ", "you ", "can you ", "the ", "and "]
    assert len(lexicon_of(vocabulary)) == 2420
    encoded = vocabulary.encode_batch(lines)
    assert (len(encoded.ids), len(set(encoded.ids.tolist()))) == (24_225, 2_266)
    assert [vocabulary.token_bytes(each) for each in encoded[0].tolist()] == [b"you want to ", b"see the book "]
    assert b"".join(map(vocabulary.decode_bytes, encoded)).decode() == "".join(lines)
    assert steps[0].characters == sum(map(len, lines[:200]))
    assert steps[-1].mean_chunk_length > 3 * steps[0].mean_chunk_length
    assert steps[-1].index > steps[0].index


def test_articles_follow_the_corpus_and_begin_again() -> None:
    """20 sentences in articles of 8: 8, 8, 4, then from the start."""
    lines = [f"{number} sentence" for number in range(20)]
    learner = LessIsBetter(steps=7, article=8, unit="document")
    naive = NaiveLib(out_rate=0.01)
    for begin in (0, 8, 16, 0, 8, 16, 0):
        naive.learn(lines[begin : begin + 8])
    naive.clean()
    assert lexicon_of(learner.train(Corpus.from_iterable(lines))) == naive.lexicon


@pytest.mark.parametrize("variant", ["2020", "2020+"])
def test_drawn_articles_equal_the_plain_learner(variant: Any) -> None:
    learner = LessIsBetter(variant=variant, steps=9, article=7, life=3, unit="document", seed=5)
    vocabulary = learner.train(Corpus.from_iterable(LINES))
    plus = variant == "2020+"
    naive = NaiveLib(
        out_rate=0.005 if plus else 0.01,
        update_rate=0.4 if plus else 0.2,
        life=3,
        second_sighting=True,
        max_length=16 if plus else 12,
        keep_characters=plus,
        no_space_at_end=plus,
        seed=5,
    )
    naive.admit("".join(LINES))
    draw = random.Random(5)
    articles = [LINES[begin : begin + 7] for begin in range(0, len(LINES), 7)]
    for _ in range(9):
        naive.learn(articles[draw.randrange(len(articles))])
    naive.clean()
    expected = as_greedy(vocabulary)
    assert vocabulary == expected  # read by the longest match
    assert lexicon_of(vocabulary)[: len(naive.lexicon)] == naive.lexicon
    if plus:
        assert not any(token.endswith(b" ") and len(token) > 1 for token in vocabulary.tokens)


def test_a_stream_can_be_stopped_and_gone_on_with() -> None:
    learner = LessIsBetter(in_rate=0.5, life=3, out_rate=0.05, seed=3)
    whole, first = learner.reading(), learner.reading()
    articles = [LINES[begin : begin + 4] for begin in range(0, len(LINES), 4)]
    for article in articles:
        whole.learn(article)
    for article in articles[:3]:
        first.learn(article)
    second = learner.reading(json.loads(json.dumps(first.state())))
    assert (second.steps, len(second)) == (3, len(first))
    assert second.probation() == first.probation()
    for article in articles[3:]:
        step = second.learn(article)
    assert step == Step(len(articles) - 1, len(whole), step.chunks, step.characters)
    assert second.state() == whole.state()
    assert learner.vocabulary(second) == learner.vocabulary(whole)
    assert set(second.lexicon()) | set(second.probation()) == set(second.lexicon(probation=True))
    trained = LessIsBetter(
        in_rate=0.5, life=3, out_rate=0.05, seed=3, article=4, steps=len(articles), unit="document"
    ).train(Corpus.from_iterable(LINES))
    assert trained == learner.vocabulary(whole)


def test_a_vocabulary_in_between_does_not_change_the_reading() -> None:
    learner = LessIsBetter(life=3)
    one, other = learner.reading(), learner.reading()
    for _ in range(4):
        one.learn(LINES)
        learner.vocabulary(one)
        other.learn(LINES)
    assert one.state() == other.state()


def test_the_corpus_is_streamed_and_never_held() -> None:
    read = 0

    def texts() -> Iterator[str]:
        nonlocal read
        for line in LINES:
            read += 1
            yield line

    LessIsBetter(steps=2, article=4, unit="document").train(Corpus.from_iterable(texts))
    assert read <= len(LINES) + 9  # once to look at it, then no more than two articles and what was looked ahead


def test_lines_are_sentences_and_keep_their_ends() -> None:
    text = "".join(line.strip() + "\n" for line in LINES)
    vocabulary = LessIsBetter(steps=40, article=10, life=3).train(Corpus.from_iterable([text]))
    assert any(token.endswith(b"\n") and len(token) > 1 for token in vocabulary.tokens)
    assert not any(b"\n" in token[:-1] for token in vocabulary.tokens)
    by_document = LessIsBetter(steps=40, article=10, life=3, unit="document").train(Corpus.from_iterable([text]))
    assert any(b"\n" in token[:-1] for token in by_document.tokens)


@pytest.mark.parametrize("variant", ["2023", "2020", "2020+"])
def test_the_vocabulary_can_be_capped(variant: Any) -> None:
    corpus = Corpus.from_iterable(LINES)
    learner = LessIsBetter(variant=variant, steps=60, article=10, life=5, unit="document", special_tokens=("<s>",))
    free = learner.train(corpus)
    capped = LessIsBetter(**{**vars(learner), "vocab_size": 262}).train(corpus)
    assert len(free) > 262 >= len(capped) > 259
    assert capped.tokens[0] == b"<s>"


def test_characters_stay_where_they_must() -> None:
    """2020+ keeps every character of the corpus, also one that came once; the others forget it."""
    corpus = Corpus.from_iterable([*LINES, "語é"])
    options: dict[str, Any] = {"steps": 60, "article": 10, "life": 2, "out_rate": 0.1, "unit": "document"}
    kept = LessIsBetter(variant="2020+", **options).train(corpus)
    assert {"語".encode(), "é".encode()} <= set(kept.tokens)
    forgotten = LessIsBetter(variant="2023", order="corpus", in_rate=0.0, **options | {"life": 1}).train(corpus)
    assert "語".encode() not in forgotten.tokens
    assert forgotten.decode(forgotten.encode("語é")) == "語é"


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.text(st.characters(codec="utf-8"), max_size=20), min_size=1, max_size=8).filter(any),
    st.text(st.characters(codec="utf-8"), max_size=40),
    st.sampled_from(["2023", "2020", "2020+"]),
    st.sampled_from(["none", "nfc"]),
)
def test_any_text_round_trips(texts: list[str], text: str, variant: Any, normalizer: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        learner = LessIsBetter(variant=variant, in_rate=1.0, life=9, steps=4, normalizer=normalizer)
        vocabulary = learner.train(Corpus.from_iterable(texts))
    for each in (text, *texts):
        expected = each if normalizer == "none" else str(vocabulary_normalised(each))
        assert vocabulary.decode(vocabulary.encode(each)) == expected
    assert vocabulary.lossless == (normalizer == "none")


def vocabulary_normalised(text: str) -> str:
    """By stock tokenizers itself."""
    from tokenizers import normalizers

    return str(normalizers.NFC().normalize_str(text))


def test_shared_options_apply() -> None:
    corpus = Corpus.from_iterable(["The CAT\nthe cat\n" * 20, "X" * 50])
    vocabulary = LessIsBetter(lowercase=True, normalizer="nfkc", max_doc_bytes=40, steps=30, article=3).train(corpus)
    assert not any(character in token for token in vocabulary.tokens[:20] for character in b"TCAX")
    assert vocabulary.decode(vocabulary.encode("THE ﬁn")) == "the fin"
    origin = vocabulary.origin
    assert (origin.method, origin.hyperparameters["steps"], origin.hyperparameters["life"]) == (
        "less-is-better",
        30,
        10,
    )
    assert origin.hyperparameters["segmentation"] == "two-paths"
    assert len(origin.corpus) == 32


def test_the_same_seed_gives_the_same_and_another_another() -> None:
    corpus = Corpus.from_iterable(LINES)
    learner = LessIsBetter(steps=12, article=6, life=3, unit="document")
    again = LessIsBetter(**vars(learner)).train(corpus, threads=3)
    assert learner.train(corpus) == again
    assert LessIsBetter(**{**vars(learner), "seed": 1}).train(corpus) != again
    shuffled = LessIsBetter(**{**vars(learner), "shuffle": True})
    assert shuffled.train(corpus) == shuffled.train(corpus) != again
    drawn = LessIsBetter(**{**vars(learner), "shuffle": True, "order": "random"})
    assert drawn.train(corpus) == drawn.train(corpus)


def test_deeper_and_longest_have_the_same_tokens() -> None:
    corpus = Corpus.from_iterable(LINES)
    options: dict[str, Any] = {"steps": 20, "article": 10, "life": 3, "unit": "document"}
    plain = LessIsBetter(**options).train(corpus)
    deeper = LessIsBetter(**options, deeper=True).train(corpus)
    longest = LessIsBetter(**options, segmentation="longest").train(corpus)
    assert plain.tokens == deeper.tokens == longest.tokens
    assert longest == as_greedy(plain)
    assert len(deeper.encode("the cat and a dog ")) >= len(plain.encode("the cat and a dog "))


def test_a_life_as_long_as_a_pass_is_a_warning() -> None:
    with pytest.warns(UserWarning, match="keep accidents alive"):
        LessIsBetter(steps=4, article=30, unit="document").train(Corpus.from_iterable(LINES))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        LessIsBetter(steps=1, article=30, unit="document").train(Corpus.from_iterable(LINES))
        LessIsBetter(article=3, life=2, unit="document").train(Corpus.from_iterable(LINES))


def test_progress_is_reported() -> None:
    seen: list[tuple[str, int, int | None]] = []
    LessIsBetter(article=10, unit="document").train(
        Corpus.from_iterable(LINES), progress=lambda what, done, total: seen.append((what, done, total))
    )
    assert seen[-1] == ("learning", 30, 30)  # ten passes of three articles


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"variant": "2021"}, UsageError, "variant"),
        ({"order": "reverse"}, UsageError, "order"),
        ({"segmentation": "greedy"}, UsageError, "segmentation"),
        ({"unit": "word"}, UsageError, "unit"),
        ({"steps": 0}, UsageError, "steps"),
        ({"article": 0}, UsageError, "article"),
        ({"in_rate": 1.5}, UsageError, "in_rate"),
        ({"out_rate": -0.1}, UsageError, "out_rate"),
        ({"update_rate": 2.0}, UsageError, "update_rate"),
        ({"life": 0}, UsageError, "life"),
        ({"max_chunk_length": 0}, UsageError, "max_chunk_length"),
        ({"variant": "2020", "official": True}, UsageError, "official"),
        ({"segmentation": "longest", "deeper": True}, UsageError, "deeper"),
        ({"vocab_size": 200}, TrainingError, "smaller than its alphabet"),
        ({"vocab_size": 256}, TrainingError, "no room"),
    ],
)
def test_wrong_use_is_refused(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        LessIsBetter(**options)


def test_corpora_that_cannot_be_learned_from_are_refused() -> None:
    with pytest.raises(CorpusError, match="empty"):
        LessIsBetter().train(Corpus.from_iterable([]))
    with pytest.raises(CorpusError, match="the corpus is empty"):
        LessIsBetter().train(Corpus.from_iterable(["", ""]))
    with pytest.raises(UsageError, match="takes a Corpus"):
        LessIsBetter().train(["text"])  # type: ignore[arg-type]
    with pytest.raises(TrainingError, match="2 characters"):
        LessIsBetter(variant="2020+", vocab_size=257).train(Corpus.from_iterable(["é語"]))
    with pytest.raises(TrainingError, match="article 0"):
        Reading(LibRules()).learn(["\ud800"])
    for state in (
        {},
        {"steps": 1, "entries": [["a"]], "random_state": []},
        {"steps": 1, "entries": [], "random_state": [1]},
    ):
        with pytest.raises(UsageError, match="not the state"):
            Reading.resumed(LibRules(), state)
    with pytest.raises(UsageError, match="seed"):
        Reading(LibRules(), -1)


def test_paper_settings() -> None:
    rules = LessIsBetter.paper_settings().rules()
    assert (rules.in_rate, rules.out_rate, rules.life, rules.update_rate) == (0.25, 1e-4, 10, 0.1)
    rules = LessIsBetter.paper_settings("2020").rules()
    assert (rules.update_rate, rules.max_chunk_length, rules.second_sighting) == (0.2, 12, True)
    rules = LessIsBetter.paper_settings("2020+").rules()
    assert (rules.out_rate, rules.life, rules.max_chunk_length, rules.keep_characters) == (0.005, 50, 16, True)
