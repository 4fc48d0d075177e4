"""The encoding kernel against BPE written down plainly."""

from __future__ import annotations

import itertools
import random
import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokencraft import _native

BYTES = [bytes([byte]) for byte in range(256)]
WHOLE, GPT2, V2_STAGE1, V2_STAGE2, PAPER_STAGE2 = 0, 1, 6, 7, 9
Merge = tuple[int, int, int]


def plain(data: bytes, tokens: Sequence[bytes], merges: Sequence[Merge], pattern: int) -> list[int]:
    """Lowest rank first, leftmost of equals, piece by piece."""
    rank = {(left, right): (at, result) for at, (left, right, result) in enumerate(merges)}
    byte_ids = {token: identifier for identifier, token in reversed(list(enumerate(tokens))) if len(token) == 1}
    ids: list[int] = []
    for start, end in itertools.pairwise([0, *_native.split(pattern, data).tolist()]):
        piece = [byte_ids[byte] for byte in (data[at : at + 1] for at in range(start, end)) if byte in byte_ids]
        while True:
            found = [(*rank[pair], at) for at, pair in enumerate(itertools.pairwise(piece)) if pair in rank]
            if not found:
                break
            _, result, at = min(found, key=lambda each: (each[0], each[2]))
            piece[at : at + 2] = [result]
        ids += piece
    return ids


def table(merges: Sequence[Merge]) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
    return np.asarray(merges, np.int32).reshape(-1, 3)


def encoded(encoder: _native.BPEEncoder, documents: list[bytes], **options: int) -> list[list[int]]:
    ids, offsets = encoder.encode_batch(documents, **options)
    assert offsets[0] == 0
    assert offsets[-1] == len(ids)
    return [ids[start:end].tolist() for start, end in itertools.pairwise(offsets.tolist())]


def random_rules(draw: random.Random, alphabet: bytes, count: int) -> tuple[list[bytes], list[Merge]]:
    """Random merges of random tokens, some making the same token twice; a third of the time in an impossible order."""
    tokens = list(BYTES)
    usable = list(alphabet)
    known = {token: identifier for identifier, token in enumerate(tokens)}
    merges: dict[tuple[int, int], int] = {}
    for _ in range(count):
        left, right = draw.choice(usable), draw.choice(usable)
        made = tokens[left] + tokens[right]
        if len(made) > 12:
            continue
        if made not in known:
            known[made] = len(tokens)
            tokens.append(made)
            usable.append(known[made])
        merges.setdefault((left, right), known[made])
    ordered = [(left, right, result) for (left, right), result in merges.items()]
    if draw.random() < 1 / 3:
        draw.shuffle(ordered)
    return tokens, ordered


@pytest.mark.parametrize("seed", range(24))
def test_random_rules_on_random_texts(seed: int) -> None:
    draw = random.Random(seed)
    alphabet = bytes(draw.sample(list(b"abAB .\n1("), draw.randint(2, 6)))
    tokens, merges = random_rules(draw, alphabet, draw.randint(1, 80))
    documents = [bytes(draw.choices(alphabet, k=draw.randrange(300))) for _ in range(40)]
    for pattern in (WHOLE, GPT2, V2_STAGE2):
        encoder = _native.BPEEncoder(tokens, table(merges), pattern)
        expected = [plain(document, tokens, merges, pattern) for document in documents]
        for threads in (1, 2, 1):  # the third time everything is remembered
            assert encoded(encoder, documents, threads=threads) == expected


@pytest.mark.parametrize("seed", range(12))
def test_scripts_without_spaces(seed: int) -> None:
    draw = random.Random(seed)
    characters = ["あ", "い", "ま", "の", "本", "語", "é", "я", "a", " "]
    tokens, merges = random_rules(draw, "".join(characters).encode(), draw.randint(20, 120))
    documents = ["".join(draw.choices(characters, k=draw.randrange(120))).encode() for _ in range(60)]
    for pattern in (WHOLE, V2_STAGE2):
        encoder = _native.BPEEncoder(tokens, table(merges), pattern)
        expected = [plain(document, tokens, merges, pattern) for document in documents]
        for threads in (1, 2, 1):
            assert encoded(encoder, documents, threads=threads) == expected


@pytest.fixture(scope="module")
def superbpe() -> tuple[list[bytes], list[Merge], int, Callable[[random.Random], bytes]]:
    """Superword rules learnt from the standard library's documentation, and a source of passages."""
    import pydoc_data.topics

    text = "\n".join(pydoc_data.topics.topics.values())[:400_000]
    tokens, merges = list(BYTES), []
    stages = ((V2_STAGE1, 1500, {}), (V2_STAGE2, 2000, {"forbid": [b": "], "max_words": 4}))
    transition = 0
    for pattern, size, rules in stages:
        counter = _native.PieceCounter(pattern, True, 1)
        counter.add([text])
        learner = _native.MergeLearner(counter, tokens, table(merges))
        learned, _ = learner.learn(size - len(tokens), **rules)
        transition = transition or len(learned)
        for left, right, result in learned.tolist():
            tokens.append(tokens[left] + tokens[right])
            merges.append((left, right, result))
    data = text.encode("utf-8")

    def passage(draw: random.Random) -> bytes:
        start = draw.randrange(len(data) - 1000)
        return data[start : start + draw.randrange(900)]

    return tokens, merges, transition, passage


@pytest.mark.parametrize("pattern", [V2_STAGE2, PAPER_STAGE2, WHOLE, V2_STAGE1])
def test_superwords_are_plain_bpe(
    pattern: int, superbpe: tuple[list[bytes], list[Merge], int, Callable[..., bytes]]
) -> None:
    tokens, merges, transition, passage = superbpe
    draw = random.Random(pattern)
    documents = [passage(draw) for _ in range(60)]
    documents += [draw.randbytes(draw.randrange(80)) for _ in range(20)]
    documents += [byte * draw.randrange(150) for byte in (b"a", b" ", b"\n", b"ab", b"0", b" the")]
    documents += ["Grüße, мир — 日本語 e\u0301 the the".encode() * 3, b""]
    encoder = _native.BPEEncoder(tokens, table(merges), pattern)
    expected = [plain(document, tokens, merges, pattern) for document in documents]
    assert encoded(encoder, documents, threads=2) == expected
    assert encoded(encoder, documents, threads=1) == expected
    if pattern in (PAPER_STAGE2, WHOLE):  # long pieces: level 2 begins near where superwords do
        assert encoder.threshold is not None
        assert 0.5 * transition < encoder.threshold < transition + 20


def test_ids_do_not_depend_on_what_came_before(
    superbpe: tuple[list[bytes], list[Merge], int, Callable[..., bytes]],
) -> None:
    tokens, merges, _, passage = superbpe
    draw = random.Random(3)
    documents = [passage(draw) * 6 for _ in range(60)]
    fresh = _native.BPEEncoder(tokens, table(merges), V2_STAGE2)
    together = encoded(fresh, documents, threads=2)
    used = _native.BPEEncoder(tokens, table(merges), V2_STAGE2)
    encoded(used, [b"x y" * 2000, bytes(range(256)) * 20])  # a plan for other texts
    assert [encoded(used, [document])[0] for document in documents] == together
    assert encoded(used, documents, threads=2) == together


def test_several_callers_at_once(superbpe: tuple[list[bytes], list[Merge], int, Callable[..., bytes]]) -> None:
    tokens, merges, _, passage = superbpe
    draw = random.Random(4)
    batches = [[passage(draw) * factor for _ in range(20)] for factor in (1, 2, 8, 30)] * 3
    alone = [encoded(_native.BPEEncoder(tokens, table(merges), V2_STAGE2), batch) for batch in batches]
    shared = _native.BPEEncoder(tokens, table(merges), V2_STAGE2)
    with ThreadPoolExecutor(4) as pool:  # plans change while others encode
        assert list(pool.map(lambda batch: encoded(shared, batch, threads=2), batches)) == alone


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=120), pattern=st.sampled_from([WHOLE, GPT2, V2_STAGE2]))
def test_any_bytes_come_back(data: bytes, pattern: int) -> None:
    tokens, merges = random_rules(random.Random(len(data)), bytes(range(256)), 400)
    encoder = _native.BPEEncoder(tokens, table(merges), pattern)
    (ids,) = encoded(encoder, [data])
    assert b"".join(tokens[identifier] for identifier in ids) == data
    assert ids == plain(data, tokens, merges, pattern)


def test_long_pieces() -> None:
    # 200 kB without a cut, and overlaps: aa, then aaaa, of an odd number of letters.
    tokens = [*BYTES, b"aa", b"aaaa", b"ab"]
    a, b = ord("a"), ord("b")
    merges = [(a, a, 256), (256, 256, 257), (a, b, 258)]
    encoder = _native.BPEEncoder(tokens, table(merges), WHOLE)
    (ids,) = encoded(encoder, [b"a" * 200_001 + b"b"])
    assert ids == [257] * 50_000 + [258]


def test_bytes_without_a_token_vanish() -> None:
    # As in tokenizers: their neighbours meet, across what would be a cut too.
    tokens = [b"a", b"b", b"ab", b" "]
    merges = [(0, 1, 2)]
    encoder = _native.BPEEncoder(tokens, table(merges), WHOLE)
    documents = [b"axb", b"x", b"xaxxbx ab", b"a\xffb" * 700]
    expected = [plain(document, tokens, merges, WHOLE) for document in documents]
    assert expected[0] == [2]
    assert encoded(encoder, documents) == expected


def test_a_piece_that_is_a_token_comes_first() -> None:
    # "abc" cannot be reached by the merges: bc joins first.
    tokens = [*BYTES, b"bc", b"ab", b"abc"]
    merges = [(ord("b"), ord("c"), 256), (ord("a"), ord("b"), 257)]
    documents = [b"abc", b"abc abc", b"xabc"]
    by_merges = _native.BPEEncoder(tokens, table(merges), GPT2)
    assert encoded(by_merges, documents)[0] == [ord("a"), 256]
    by_pieces = _native.BPEEncoder(tokens, table(merges), GPT2, True)
    assert encoded(by_pieces, documents) == [[258], [258, 32, ord("a"), 256], [ord("x"), ord("a"), 256]]


def test_ranks_join_whatever_makes_a_token() -> None:
    # tiktoken: any two neighbours whose bytes are a token, the lowest id first.
    tokens = [*BYTES, b"bc", b"ab", b"abc", b"abcabc"]
    encoder = _native.BPEEncoder(tokens, None, WHOLE)
    assert encoded(encoder, [b"abcab", b"ababc"]) == [[258, 257], [257, 258]]


def test_piece_ends_override_the_pattern() -> None:
    tokens = [*BYTES, b"ab"]
    encoder = _native.BPEEncoder(tokens, table([(ord("a"), ord("b"), 256)]), WHOLE)
    ends = [np.asarray([1, 4], np.uint32), np.asarray([], np.uint32)]
    ids, offsets = encoder.encode_batch([b"abab", b""], ends=ends)
    assert (ids.tolist(), offsets.tolist()) == ([ord("a"), ord("b"), 256], [0, 3, 3])
    for wrong in ([2, 2, 4], [3], [5]):
        with pytest.raises(ValueError, match="end"):
            encoder.encode_batch([b"abab"], ends=[np.asarray(wrong, np.uint32)])
    with pytest.raises(ValueError, match="one array"):
        encoder.encode_batch([b"abab"], ends=[])


def test_dropout_is_seeded_and_keeps_the_text(
    superbpe: tuple[list[bytes], list[Merge], int, Callable[..., bytes]],
) -> None:
    tokens, merges, _, passage = superbpe
    draw = random.Random(5)
    documents = [passage(draw) for _ in range(50)]
    encoder = _native.BPEEncoder(tokens, table(merges), V2_STAGE2)

    def dropped(threads: int = 1, seed: int = 1, **options: float) -> list[list[int]]:
        ids, offsets = encoder.encode_batch(documents, threads, seed=seed, **options)
        return [ids[start:end].tolist() for start, end in itertools.pairwise(offsets.tolist())]

    whole = encoded(encoder, documents)
    some = dropped(dropout=0.2)
    assert some == dropped(threads=2, dropout=0.2)
    assert some != dropped(seed=2, dropout=0.2)
    assert [b"".join(tokens[each] for each in ids) for ids in some] == documents
    assert sum(map(len, some)) > sum(map(len, whole))
    assert dropped(dropout=1.0) == [list(document) for document in documents]
    # A later batch goes on where this one ends.
    ids, offsets = encoder.encode_batch(documents[20:], dropout=0.2, seed=1, first_document=20)
    assert ids[: offsets[1]].tolist() == some[20]


def test_superword_dropout_spares_what_is_inside_words(
    superbpe: tuple[list[bytes], list[Merge], int, Callable[..., bytes]],
) -> None:
    tokens, merges, _, passage = superbpe
    draw = random.Random(6)
    documents = [passage(draw) for _ in range(50)]
    encoder = _native.BPEEncoder(tokens, table(merges), V2_STAGE2)
    ids, offsets = encoder.encode_batch(documents, superword_dropout=1.0, seed=1)
    found = [ids[start:end].tolist() for start, end in itertools.pairwise(offsets.tolist())]
    # With certainty: BPE without the merges whose right operand starts with a space.
    kept = [merge for merge in merges if not tokens[merge[1]].startswith(b" ")]
    assert found == [plain(document, tokens, kept, V2_STAGE2) for document in documents]


def test_bad_rules_and_documents() -> None:
    for wrong in ([(97, 98, 99)], [(97, 98, 300)], [(-1, 98, 256)]):
        with pytest.raises(ValueError, match="merge 0"):
            _native.BPEEncoder([*BYTES, b"ab"], table(wrong), WHOLE)
    with pytest.raises(ValueError, match="pattern"):
        _native.BPEEncoder(BYTES, table([]), 99)
    encoder = _native.BPEEncoder(BYTES, table([]), WHOLE)
    with pytest.raises(TypeError):
        encoder.encode_batch([b"a", 5])  # type: ignore[list-item]
    with pytest.raises(UnicodeEncodeError):
        encoder.encode_batch(["a\ud800"])
    ids, offsets = encoder.encode_batch([])
    assert (ids.tolist(), offsets.tolist()) == ([], [0])


def encode_for_long(
    encoder: _native.BPEEncoder, documents: list[bytes], progress: Callable[[int], object], times: int = 100
) -> None:
    for _ in range(times):
        encoder.encode_batch(documents, 2, progress=progress)


def test_progress_and_control_c() -> None:
    encoder = _native.BPEEncoder(BYTES, table([]), GPT2)
    documents = [b"some words " * 20_000] * 600
    seen: list[int] = []
    threading.Timer(0.15, signal.raise_signal, [signal.SIGINT]).start()
    start = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        encode_for_long(encoder, documents, seen.append)
    assert time.perf_counter() - start < 5
    assert seen
    assert all(0 <= done <= 600 * len(documents[0]) for done in seen)


def test_control_c_in_one_long_piece() -> None:
    """Nothing is cut between equal bytes, so 20 MB go through one heap, which takes seconds."""
    tokens = [*BYTES, b"aa", b"aaaa", b"aaaaaaaa"]
    encoder = _native.BPEEncoder(tokens, table([(97, 97, 256), (256, 256, 257), (257, 257, 258)]), WHOLE)
    threading.Timer(0.3, signal.raise_signal, [signal.SIGINT]).start()
    start = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        encode_for_long(encoder, [b"a" * 20_000_000], lambda done: None, times=2)
    assert time.perf_counter() - start < 2.5
