from __future__ import annotations

import subprocess
import sys
import textwrap

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naive_bpe import Merge, NaiveTrainer
from tokencraft import _native
from tokencraft.vocabulary.merges import byte_tokens

TOKENS = byte_tokens()
# Weights of very different sizes, so that learning goes through several rounds with falling thresholds.
WEIGHTS = st.one_of(st.integers(1, 3), st.integers(1, 10**7))
ALPHABETS = st.sampled_from([b"a", b"ab", b"ab ", b"abc \n", bytes(range(256))])


@st.composite
def weighted_pieces(draw: st.DrawFn) -> dict[bytes, int]:
    alphabet = draw(ALPHABETS)
    piece = st.lists(st.sampled_from(alphabet), min_size=1, max_size=40).map(bytes)
    return draw(st.dictionaries(piece, WEIGHTS, max_size=8))


def count(pieces: dict[bytes, int], threads: int = 2) -> _native.PieceCounter:
    counter = _native.PieceCounter(0, False, threads)
    counter.add(list(pieces), weights=list(pieces.values()))
    return counter


def learner(
    pieces: dict[bytes, int], tokens: list[bytes], merges: list[Merge], threads: int = 2
) -> _native.MergeLearner:
    return _native.MergeLearner(count(pieces, threads), tokens, np.array(merges, np.int32).reshape(-1, 3))


def test_worked_example_counts_overlapping_windows() -> None:
    # aaa holds (a, a) twice; once merged it holds (aa, a) once.
    merges, counts = learner({b"aaa": 3, b"ab": 5}, TOKENS, []).learn(3)
    a, b = TOKENS.index(b"a"), TOKENS.index(b"b")
    assert merges.tolist() == [[a, a, 256], [a, b, 257], [256, a, 258]]
    assert counts.tolist() == [6, 5, 3]


@settings(deadline=None, max_examples=300)
@given(weighted_pieces(), st.integers(0, 25), st.integers(1, 3))
def test_equals_the_naive_trainer(pieces: dict[bytes, int], new_tokens: int, threads: int) -> None:
    expected, expected_counts = NaiveTrainer(pieces.items(), TOKENS).learn(new_tokens)
    merges, counts = learner(pieces, TOKENS, [], threads).learn(new_tokens)
    assert merges.tolist() == [list(merge) for merge in expected]
    assert counts.tolist() == expected_counts


@settings(deadline=None, max_examples=300)
@given(
    weighted_pieces(),
    weighted_pieces(),
    st.integers(0, 12),
    st.sampled_from([[], [b"aa"], [b"b "], [b"\n"]]),
    st.sampled_from([0, 1, 2]),
    st.sampled_from([0, 3, 5]),
    st.sampled_from([1, 2, 50]),
)
def test_goes_on_from_merges_under_rules_like_the_naive_trainer(
    first: dict[bytes, int],
    second: dict[bytes, int],
    inherited: int,
    forbid: list[bytes],
    max_words: int,
    max_token_bytes: int,
    min_count: int,
) -> None:
    def allowed(left: bytes, right: bytes) -> bool:
        made = left + right
        words = len([word for word in made.split(b" ") if word])
        return (
            not any(part in made for part in forbid)
            and (not max_words or words <= max_words)
            and (not max_token_bytes or len(made) <= max_token_bytes)
        )

    stage1 = NaiveTrainer(first.items(), TOKENS)
    merges, _ = stage1.learn(inherited)
    stage2 = NaiveTrainer(second.items(), stage1.tokens)
    fired = stage2.replay(merges)
    expected, expected_counts = stage2.learn(15, min_count, allowed)
    native = learner(second, stage1.tokens, merges)
    assert native.fired.astype(bool).tolist() == fired
    learned, counts = native.learn(
        15, min_count=min_count, forbid=forbid, max_words=max_words, max_token_bytes=max_token_bytes
    )
    assert learned.tolist() == [list(merge) for merge in expected]
    assert counts.tolist() == expected_counts


@settings(deadline=None, max_examples=200)
@given(weighted_pieces(), st.data())
def test_tokens_with_several_derivations_keep_one_id(pieces: dict[bytes, int], data: st.DataObject) -> None:
    # BPE from nothing never makes a token twice; a foreign vocabulary, or one cut back, may.
    alphabet = sorted({byte for piece in pieces for byte in piece}) or [97]
    piece = st.lists(st.sampled_from(alphabet), min_size=2, max_size=4).map(bytes)
    tokens = TOKENS + data.draw(st.lists(piece, max_size=4, unique=True))
    text = st.sampled_from([token for token in tokens if token[0] in alphabet])
    merges: list[Merge] = []
    for left, right in data.draw(st.lists(st.tuples(text, text), max_size=4, unique=True)):
        if left + right not in tokens:
            tokens.append(left + right)
        merges.append((tokens.index(left), tokens.index(right), tokens.index(left + right)))
    naive = NaiveTrainer(pieces.items(), tokens)
    fired = naive.replay(merges)
    expected, expected_counts = naive.learn(15)
    native = learner(pieces, tokens, merges)
    assert native.fired.astype(bool).tolist() == fired
    learned, counts = native.learn(15)
    assert learned.tolist() == [list(merge) for merge in expected]
    assert counts.tolist() == expected_counts


def test_learning_in_two_steps_is_learning_in_one() -> None:
    pieces = {b"abcabcabd": 7, b"aabbaabb": 90_000, b"xyz": 1, b"cabcab": 40}
    at_once, _ = learner(pieces, TOKENS, []).learn(12)
    native = learner(pieces, TOKENS, [])
    first, _ = native.learn(5)
    second, _ = native.learn(7)
    assert np.concatenate([first, second]).tolist() == at_once.tolist()


def test_long_pieces_replay_like_the_naive_trainer() -> None:
    # Chunks beyond the short ones are merged through a queue.
    piece = bytes(np.random.default_rng(0).choice(list(b"ab"), 400).tolist())
    naive = NaiveTrainer([(piece, 1)], TOKENS)
    merges, _ = naive.learn(60)
    fresh = NaiveTrainer([(piece[::-1], 2)], naive.tokens)
    fired = fresh.replay(merges)
    expected, _ = fresh.learn(20)
    native = learner({piece[::-1]: 2}, naive.tokens, merges)
    assert native.fired.astype(bool).tolist() == fired
    assert native.learn(20)[0].tolist() == [list(merge) for merge in expected]


def test_counts_beyond_32_bits_are_exact() -> None:
    merges, counts = learner({b"ab": 2**40, b"bc": 2**40 + 1}, TOKENS, []).learn(2)
    a, b, c = (TOKENS.index(letter) for letter in (b"a", b"b", b"c"))
    assert merges.tolist() == [[b, c, 256], [a, b, 257]]
    assert counts.tolist() == [2**40 + 1, 2**40]


def test_a_veto_sees_both_sides_and_discards_for_good() -> None:
    seen: list[tuple[bytes, bytes]] = []

    def veto(left: bytes, right: bytes) -> bool:
        seen.append((left, right))
        return left == b"a"

    merges, _ = learner({b"abc": 5}, TOKENS, []).learn(4, veto=veto)
    assert merges.tolist() == [[TOKENS.index(b"b"), TOKENS.index(b"c"), 256]]
    assert seen[:2] == [(b"a", b"b"), (b"b", b"c")]


def test_an_error_in_a_veto_or_in_progress_is_raised() -> None:
    def broken(*_: object) -> bool:
        raise KeyError("my own error")

    with pytest.raises(KeyError, match="my own error"):
        learner({b"abc": 5}, TOKENS, []).learn(4, veto=broken)
    # Progress is asked every 50 ms, so the work must last longer.
    slow = learner({bytes([65 + n % 26, 65 + n // 26 % 26, n % 256]): n + 1 for n in range(200)}, TOKENS, [])

    def wait(*_: object) -> bool:
        import time

        time.sleep(0.01)
        return False

    with pytest.raises(KeyError, match="my own error"):
        slow.learn(200, veto=wait, progress=broken)


def test_reserved_spellings_are_never_made() -> None:
    merges, _ = learner({b"abc": 5}, TOKENS, []).learn(4, reserved=[b"ab", b"abc"])
    assert merges.tolist() == [[TOKENS.index(b"b"), TOKENS.index(b"c"), 256]]


@pytest.mark.parametrize(
    ("tokens", "merges", "message"),
    [
        (TOKENS[1:], [], "256 bytes"),
        (TOKENS, [(0, 1, 256)], "has no bytes"),
        ([*TOKENS, b"ab"], [(0, 1, 256)], "bytes of its token"),
        ([*TOKENS, b""], [(0, 256, 1)], "has no bytes"),
        (TOKENS, [(-1, 0, 1)], "has no bytes"),
    ],
)
def test_merges_that_do_not_fit_the_tokens_are_refused(tokens: list[bytes], merges: list[Merge], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        learner({b"ab": 1}, tokens, merges)


def test_ctrl_c_stops_learning() -> None:
    program = """
        import os, signal, threading
        import numpy as np
        from tokencraft import _native
        from tokencraft.vocabulary.merges import byte_tokens

        counter = _native.PieceCounter(0, False, 2)
        random = np.random.default_rng(0)
        counter.add([random.integers(0, 256, 3_000_000, dtype=np.uint8).tobytes() for _ in range(2)])
        learner = _native.MergeLearner(counter, byte_tokens(), np.zeros((0, 3), np.int32))
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            learner.learn(10_000_000)
        except KeyboardInterrupt:
            print("stopped")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "stopped\n", done.stderr
