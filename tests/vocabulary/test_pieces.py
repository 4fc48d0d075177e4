"""Counting with engines and with little memory: the same counts, and samples that are what they say."""

from __future__ import annotations

import errno
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from naive_bpe import NaiveTrainer
from tokencraft import _native
from tokencraft.corpus import Corpus
from tokencraft.engine import Local
from tokencraft.errors import TokencraftError, TrainingError, UsageError
from tokencraft.learn import BPE, SuperBPE
from tokencraft.vocabulary import merges, piece_store, split

LITTLE = 2 << 20  # bytes: half is usable, 0.2 of that for a table of pieces, 0.55 / 12 of it tokens to learn from
WORDS = ["by", "the", "way", "sea", "naïve", "ığdır", "1234", "a_long_name_that_does_not_fit_inside_an_entry"]


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    """About 1.5 MB in 30,000 lines, most of them distinct."""
    draw = np.random.default_rng(0)
    lines = [
        " ".join(WORDS[k] for k in draw.integers(0, 8, 6)) + f" {draw.integers(0, 10**6)}\n" for _ in range(30_000)
    ]
    return Corpus.from_iterable(["".join(lines[k : k + 50]) for k in range(0, len(lines), 50)])


def small(corpus: Corpus) -> Corpus:
    """A small part of it."""
    return Corpus.from_iterable(list(corpus)[:8])


@pytest.mark.parametrize(
    "splitter",
    [split.WHOLE, split.GPT2, split.Lines(), split.Regex((r"[aeiou]+",))],
    ids=["whole", "gpt2", "lines", "regex"],
)
def test_engines_and_memory_do_not_change_counts(corpus: Corpus, splitter: split.Splitter) -> None:
    corpus = small(corpus) if splitter.native is None else corpus
    plain = merges.count(corpus, splitter, unit="line", max_doc_bytes=2000)
    little = merges.count(corpus, splitter, unit="line", max_doc_bytes=2000, memory=LITTLE)
    there = merges.count(corpus, splitter, unit="line", max_doc_bytes=2000, engine=Local(2), memory=LITTLE)
    assert plain.items() == little.items() == there.items()
    assert plain.fingerprint == little.fingerprint == there.fingerprint == corpus.fingerprint()
    assert plain.total_bytes == little.total_bytes == there.total_bytes


@pytest.mark.parametrize("splitter", [split.GPT2, split.Regex((r"[aeiou]+",))], ids=["native", "regex"])
def test_pieces_in_a_file_are_cut_as_those_in_memory(corpus: Corpus, splitter: split.Splitter) -> None:
    plain = merges.count(corpus, split.WHOLE, unit="line")
    little = merges.count(corpus, split.WHOLE, unit="line", memory=LITTLE)
    assert little.store.spilled_bytes > 0
    assert plain.store.spilled_bytes == 0
    assert little.recut(splitter).items() == plain.recut(splitter).items()
    assert little.recut(splitter).total_bytes == plain.total_bytes
    assert little.characters() == plain.characters() == sorted(set("".join(corpus)))


def test_pieces_that_outgrow_memory_when_they_are_cut(corpus: Corpus) -> None:
    plain = merges.count(corpus, split.WHOLE)
    documents = merges.count(corpus, split.WHOLE, memory=64 << 20)
    assert documents.store.spilled_bytes == 0
    documents.store.memory = LITTLE
    assert documents.recut(split.GPT2).items() == plain.recut(split.GPT2).items()


def test_no_table_grows_beyond_its_share(corpus: Corpus) -> None:
    pieces = merges.count(corpus, split.WHOLE, unit="line", memory=8 * LITTLE)
    assert pieces.store.counter.memory_bytes < 0.2 * 8 * LITTLE
    assert len(list(pieces.store.tables())) == _native.PieceCounter.SHARDS
    seen: set[bytes] = set()
    for table in pieces.store.tables():
        here = {piece for piece, _ in table.items()}
        assert not here & seen
        seen |= here


def test_vocabularies_are_the_same_while_everything_fits(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    part = Corpus.from_iterable(list(corpus)[:120])
    learner = SuperBPE(vocab_size=400, drop_unreachable=True)
    expected = learner.train(part)
    monkeypatch.setattr(piece_store, "TABLE_SHARE", 0.001)
    for threads in (1, 2):
        little = learner.train(part, memory=64 * LITTLE, threads=threads)  # by way of the file, and all learned from
        assert little == expected
        assert little.origin == learner.train(part, engine=Local(2)).origin == expected.origin


def test_learning_from_a_file_is_learning_from_memory(corpus: Corpus) -> None:
    plain = merges.count(corpus, split.SUPERBPE_V2_STAGE2, unit="line")
    spilled = merges.count(corpus, split.SUPERBPE_V2_STAGE2, unit="line", memory=LITTLE)
    spilled.store.memory = 1 << 30  # the file stays, the learner has room
    tokens = merges.byte_tokens()
    expected, got = (merges.learn(pieces, 150, tokens=tokens) for pieces in (plain, spilled))
    assert got.merges.tolist() == expected.merges.tolist()
    assert got.counts.tolist() == expected.counts.tolist()
    assert got.sample is None


def test_a_sample_keeps_what_is_frequent_and_counts_in_expectation() -> None:
    frequent = {b"common %d" % k: 5_000 + k for k in range(5)}
    rare = {b"rare piece %d" % k: 1 + k % 3 for k in range(20_000)}
    counter = _native.PieceCounter(0, False, 2)
    counter.add([*frequent, *rare], weights=[*frequent.values(), *rare.values()])
    empty = np.zeros((0, 3), np.int32)
    total = sum(rare.values())
    estimates = []
    for seed in range(8):
        builder = _native.SequenceBuilder(merges.byte_tokens(), empty)
        assert builder.add(counter, 10, seed)
        estimates.append(10 * (builder.pieces - len(frequent)))
    # A piece counted w < 10 times is kept with probability w / 10 and weighs 10; six standard deviations of the mean.
    deviation = (sum(count * (10 - count) for count in rare.values()) / 8) ** 0.5
    assert abs(np.mean(estimates) - total) < 6 * deviation
    assert len(set(estimates)) > 1


def test_weights_tell_what_a_threshold_leaves() -> None:
    counter = _native.PieceCounter(0, False, 2)
    pieces = {b"piece %d" % k: 1 + k % 200 for k in range(3_000)}
    counter.add(list(pieces), weights=list(pieces.values()))
    empty = np.zeros((0, 3), np.int32)
    scale = _native.SequenceBuilder(merges.byte_tokens(), empty)
    scale.weigh(counter, 7)
    weights = scale.weights
    assert sum(cells for _, cells, _ in weights) == sum(len(piece) + 1 for piece in pieces)
    for threshold in (1, 2, 3, 50, 100, weights[-5][0]):
        builder = _native.SequenceBuilder(merges.byte_tokens(), empty)
        builder.add(counter, threshold, 7)
        assert builder.pieces == sum(number for least, _, number in weights if least >= threshold)
        assert builder.cells - 1 == sum(cells for least, cells, _ in weights if least >= threshold)


def test_too_many_pieces_are_sampled_and_it_is_said(corpus: Corpus) -> None:
    with pytest.warns(UserWarning, match="Allow more memory"):
        learned = SuperBPE(vocab_size=400, transition=300).train(corpus, memory=LITTLE)
    with pytest.warns(UserWarning, match="weighted sample"):
        assert SuperBPE(vocab_size=400, transition=300).train(corpus, memory=LITTLE, threads=1) == learned
    with pytest.warns(UserWarning, match="weighted sample"):
        assert SuperBPE(vocab_size=400, transition=300).train(corpus, memory=LITTLE, engine=Local(2)) == learned
    noted = learned.origin.hyperparameters
    assert noted["memory"] == LITTLE
    (sample,) = noted["samples"]
    assert 0 < sample["tokens"] < LITTLE / 2 * 0.55 / 12 < sample["of_tokens"]
    assert 0 < sample["pieces"] < sample["of_pieces"]
    assert learned.decode(learned.encode("by the way")) == "by the way"


def test_merges_of_a_sample_are_those_of_the_weighted_pieces() -> None:
    draw = np.random.default_rng(1)
    texts = ["".join("abcd "[k] for k in draw.integers(0, 5, draw.integers(20, 60))) for _ in range(3_000)]
    pieces = merges.count(Corpus.from_iterable(texts * 2 + texts[:500] * 3), split.WHOLE, memory=LITTLE)
    with pytest.warns(UserWarning, match="weighted sample"):
        learned = merges.learn(pieces, 12, tokens=merges.byte_tokens())
    assert learned.sample is not None
    threshold = learned.sample.threshold
    # Which pieces were kept is seen from a sample of each alone.
    kept = {}
    for piece, count in pieces.items().items():
        alone = _native.PieceCounter(0, False, 1)
        alone.add([piece], weights=[count])
        builder = _native.SequenceBuilder(merges.byte_tokens(), np.zeros((0, 3), np.int32))
        builder.add(alone, threshold, 0)
        if builder.pieces:
            kept[piece] = max(count, threshold)
    assert len(kept) == learned.sample.pieces
    assert sum(len(piece) + 1 for piece in kept) == learned.sample.tokens
    expected, counts = NaiveTrainer(kept.items(), merges.byte_tokens()).learn(12)
    assert learned.merges.tolist() == [list(merge) for merge in expected]
    assert learned.counts.tolist() == counts


def test_memory_for_nothing_at_all() -> None:
    pieces = merges.count(Corpus.from_iterable(["ab" * 80_000]), split.WHOLE, memory=LITTLE)
    with pytest.raises(TrainingError, match="not one piece"):
        merges.learn(pieces, 3, tokens=merges.byte_tokens())


def test_memory_in_the_wrong_unit() -> None:
    with pytest.raises(UsageError, match="in bytes"):
        BPE(vocab_size=300).train(Corpus.from_iterable(["a"]), memory=8)


def test_a_full_disk_is_explained(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(TokencraftError, match=r"No space left on device; set TMPDIR"):
        merges.count(corpus, split.WHOLE, unit="line", memory=LITTLE)


def test_a_corpus_that_cannot_be_cut_is_counted_here() -> None:
    texts = ["a b", "b c"]
    corpus = Corpus.from_iterable(lambda: iter(texts))  # no worker could be sent it
    assert merges.count(corpus, split.GPT2, engine=Local(2)).items() == {b"a": 1, b" b": 1, b"b": 1, b" c": 1}


def test_files_are_shared_out(tmp_path: Path) -> None:
    for k in range(20):
        (tmp_path / f"{k}.txt").write_text(f"file {k}\nline\n")
    corpus = Corpus.from_files(tmp_path)
    expected = Counter(line for text in corpus for line in text.encode().splitlines(keepends=True))
    assert merges.count(corpus, split.WHOLE, unit="line", engine=Local(2)).items() == expected


def test_written_pieces_that_are_damaged_are_refused() -> None:
    counter = _native.PieceCounter(0, False, 1)
    for written in (b"\x01", b"\x01\x05abc", b"\x00\x01a", b"\x01\x00", b"\xff" * 12):
        with pytest.raises(ValueError, match="damaged"):
            counter.read([written])
    with pytest.raises(IndexError):
        counter.write(_native.PieceCounter.SHARDS)
