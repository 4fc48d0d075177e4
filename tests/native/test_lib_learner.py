"""The native Less-is-Better learner equals the plain one, and the published run."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naive_lib import NaiveLib
from tokencraft._native import LibLearner

SENTENCES = st.lists(st.text("ab c é", max_size=14), max_size=8)
RULES = st.fixed_dictionaries(
    {
        "in_rate": st.sampled_from([0.25, 0.7, 1.0]),
        "out_rate": st.sampled_from([0.0001, 0.01, 0.3, 1.0]),
        "update_rate": st.sampled_from([0.0, 0.1, 0.5, 1.0]),
        "life": st.integers(1, 4),
        "max_length": st.sampled_from([0, 0, 3]),
        "max_long_chunks": st.sampled_from([0, 0, 6]),
        "inspect_context": st.booleans(),
        "second_sighting": st.booleans(),
        "keep_characters": st.booleans(),
        "no_space_at_end": st.booleans(),
    }
)


def state(learner: LibLearner) -> tuple[list[str], dict[str, Any]]:
    entries = learner.entries()
    return [text for text, _, _ in entries], {text: (life, context) for text, life, context in entries if life > 0}


@settings(deadline=None, max_examples=400)
@given(RULES, st.lists(SENTENCES, min_size=1, max_size=8), st.integers(0, 2**40))
def test_equals_the_plain_learner(rules: dict[str, Any], articles: list[list[str]], seed: int) -> None:
    native, naive = LibLearner(seed, **rules), NaiveLib(seed=seed, **rules)
    if rules["second_sighting"]:
        native.admit("ab ")  # and meets é as a stranger
        naive.admit("ab ")
    for article in articles:
        assert native.learn(article)[1] == sum(map(len, article))
        naive.learn(article)
        assert state(native) == (naive.lexicon, naive.probation)
    native.clean()
    naive.clean()
    assert state(native) == (naive.lexicon, {})


@pytest.mark.parametrize("second_sighting", [False, True])
def test_equals_the_plain_learner_on_real_sentences(data_folder: Path, second_sighting: bool) -> None:
    lines = child_speech(data_folder)[:600]
    rules: dict[str, Any] = {"in_rate": 0.25, "out_rate": 0.01, "update_rate": 0.2, "life": 4}
    native = LibLearner(7, second_sighting=second_sighting, **rules)
    naive = NaiveLib(seed=7, second_sighting=second_sighting, **rules)
    for learner in (native, naive):
        learner.admit("".join(lines) if second_sighting else "")
    for begin in range(0, 600, 60):
        native.learn(lines[begin : begin + 60])
        naive.learn(lines[begin : begin + 60])
        assert state(native) == (naive.lexicon, naive.probation)


def test_replays_the_published_run(data_folder: Path) -> None:
    """Sizes, the final lexicon's size and its first entries as the published code gives them with seed 0."""
    lines = child_speech(data_folder)
    assert (len(lines), sum(map(len, lines))) == (9790, 161788)
    learner = LibLearner(0, in_rate=0.25, out_rate=0.01, update_rate=0.1, life=3)
    sizes, at = [], 0
    for step in range(501):
        learner.learn(lines[at : at + 200])
        at = at + 200 if at + 200 < len(lines) else 0
        if step % 100 == 0:
            sizes.append(len(learner))
    assert sizes == [415, 2015, 2338, 2408, 2498, 2523]
    learner.clean()
    lexicon = state(learner)[0]
    assert len(lexicon) == 2420
    assert lexicon[:6] == ["yeah ", "that ", "you ", "can you ", "the ", "and "]


def test_traces_a_run_without_chance() -> None:
    """Worked by hand."""
    learner = LibLearner(0, in_rate=1.0, out_rate=0.01, update_rate=0.1, life=3)
    article = ["the cat ", "the dog ", "the cat "]
    learner.learn(article)
    assert state(learner)[0] == [
        *("t", "h", " ", "e", "c", "a", "at", "th", "e ", "t ", "he", "d", "o", "g", "g ", "the "),
        *("e c", "cat", "at "),
    ]
    learner.learn(article)
    lexicon = state(learner)[0]
    assert (len(lexicon), lexicon[-6:]) == (25, ["the cat", "cat ", "the d", "do", "og ", "the cat "])
    learner.learn(article)
    assert state(learner)[0] == ["t", " ", "the ", "the cat", "cat ", "the d", "do", "og ", "the cat ", "the dog "]
    learner.learn(article)
    lexicon, probation = state(learner)
    assert lexicon == ["t", " ", "the ", "the dog "]
    assert {chunk: life for chunk, (life, _) in probation.items()} == {"the dog ": 1}


@pytest.mark.parametrize(
    ("events", "rate", "expected"),
    [
        ([("j", 1)], 0.2, "abcdefgjhi"),
        ([("e", -1)], 0.2, "abcdfeghij"),
        ([("j", -1)], 0.2, "abcdefghi"),
        ([("a", 1), ("a", -1)], 0.2, "abcdefghij"),
        ([("h", 1), ("h", 1), ("c", -1)], 0.5, "ahbdecfgij"),
    ],
)
def test_moves_of_the_plain_learner(events: list[tuple[str, int]], rate: float, expected: str) -> None:
    """The worked moves, on the learner that the native one is compared with."""
    naive = NaiveLib(update_rate=rate, lexicon=list("abcdefghij"))
    for chunk, sign in events:
        naive.move(chunk, sign)
    assert "".join(naive.lexicon) == expected


def test_two_longest_of_the_plain_learner() -> None:
    naive = NaiveLib(lexicon=["a", "b", "c", "ab", "abc", "bc"])
    found = [naive.two_longest(text) for text in ("abcd", "abx", "b", "xyz")]
    assert found == [("ab", "abc"), ("a", "ab"), ("", "b"), ("", "")]


@pytest.mark.parametrize("seed", [0, 1, 12345, 2**32 - 1, 2**32, 2**64 - 1])
def test_random_numbers_are_those_of_python(seed: int) -> None:
    learner = LibLearner(seed, in_rate=0.5, out_rate=0.0, update_rate=0.1, life=3)
    expected = random.Random(seed)
    assert learner.random_state == list(expected.getstate()[1])
    learner.admit("ab")
    learner.learn(["ab"] * 400)  # one number for every chunk that is matched, enough to refill the state
    drawn = 0
    while list(expected.getstate()[1]) != learner.random_state:
        expected.random()
        drawn += 1
        assert drawn <= 800
    assert drawn > 624 // 2


def test_forgetting_makes_room_in_the_trie() -> None:
    """Many short-lived entries: numbers and nodes are used again."""
    learner = LibLearner(0, in_rate=1.0, out_rate=0.0, update_rate=0.1, life=1)
    naive = NaiveLib(in_rate=1.0, out_rate=0.0, update_rate=0.1, life=1)
    draw = random.Random(5)
    for _ in range(40):
        article = ["".join(draw.choices("abcdefghijklmnop", k=30)) for _ in range(4)]
        learner.learn(article)
        naive.learn(article)
        assert state(learner) == (naive.lexicon, naive.probation)


def test_ctrl_c_stops_it_in_the_middle_of_a_sentence() -> None:
    sentence = "".join(random.Random(3).choices("abcdefgh", k=3_000_000))
    learner = LibLearner(0, in_rate=0.25, out_rate=0.01, update_rate=0.1, life=3)
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        learner.learn([sentence])
    stopped = time.monotonic() - start
    assert stopped < 2.0


def test_wrong_use_is_refused() -> None:
    rules: dict[str, Any] = {"in_rate": 0.25, "out_rate": 0.01, "update_rate": 0.1, "life": 3}
    for wrong in ({"in_rate": 1.1}, {"out_rate": -0.1}, {"update_rate": float("nan")}, {"life": 0}):
        with pytest.raises(ValueError, match=r"rates are|life is"):
            LibLearner(0, **rules | wrong)
    learner = LibLearner(0, **rules)
    with pytest.raises(TypeError, match="expected str"):
        learner.learn([b"ab"])  # type: ignore[list-item]
    learner.learn(["ab"])
    with pytest.raises(ValueError, match="without entries"):
        learner.restore([("a", 0, None)], learner.random_state)
    fresh = LibLearner(0, **rules)
    for entries in ([("", 0, None)], [("a", -1, None)], [("a", 0, None), ("a", 1, None)]):
        with pytest.raises(ValueError, match="an entry"):
            fresh.restore(entries, fresh.random_state)
    with pytest.raises(ValueError, match="625"):
        fresh.restore([], [1, 2])


def child_speech(folder: Path) -> list[str]:
    """One utterance a line, every word followed by a space, as the published demo writes them."""
    return [line + " " for line in (folder / "text" / "child_speech.txt").read_text("utf-8").splitlines()]
