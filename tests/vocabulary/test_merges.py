from __future__ import annotations

import base64
import gzip
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from naive_bpe import NaiveTrainer
from tokencraft.corpus import Corpus
from tokencraft.errors import CorpusError, TrainingError, UsageError
from tokencraft.vocabulary import merges, split
from tokencraft.vocabulary.bytes import from_printable
from tokencraft.vocabulary.random_split import RandomChunks

TEXT = "The cat sat.\nThe cat ran, the cat ate 1234 mice!\n\n\nNaïve çiçek ığüşöç\t日本語 text\r\nlast line"


@pytest.mark.parametrize("unit", ["document", "line"])
@pytest.mark.parametrize(
    "splitter",
    [
        split.GPT2,
        split.SUPERBPE_V2_STAGE2,
        split.WHOLE,
        split.Lines(),
        split.Regex((r"[aeiou]+",)),  # no well-known pattern
        RandomChunks(seed=3),
    ],
    ids=lambda splitter: type(splitter).__name__,
)
def test_count_cuts_units_as_the_splitter_does(splitter: split.Splitter, unit: merges.Unit) -> None:
    units = TEXT.splitlines(keepends=True) if unit == "line" else [TEXT]
    expected = Counter(piece.encode() for part in units for piece in splitter.split(part))
    pieces = merges.count(Corpus.from_iterable([TEXT, TEXT]), splitter, unit=unit, threads=2)
    assert pieces.items() == {piece: 2 * count for piece, count in expected.items()}
    assert pieces.total_bytes == 2 * len(TEXT.encode())


@pytest.mark.parametrize("splitter", [split.GPT2, split.Regex((r"[aeiou]+",))])
def test_recut_of_lines_is_counting_by_lines(splitter: split.Splitter) -> None:
    corpus = Corpus.from_iterable([TEXT, TEXT[10:]])
    lines = merges.count(corpus, split.WHOLE, unit="line")
    assert lines.recut(splitter).items() == merges.count(corpus, splitter, unit="line").items()


@pytest.mark.parametrize(("limit", "kept"), [(1, ""), (2, "ı"), (3, "ı"), (4, "ığ"), (5, "ığa"), (100, "ığab")])
def test_documents_are_cut_off_between_characters(limit: int, kept: str) -> None:
    corpus = Corpus.from_iterable(["ığab", "z"])
    counted = merges.count(corpus, split.WHOLE, max_doc_bytes=limit).items()
    assert counted == {b"z": 1} | ({kept.encode(): 1} if kept else {})


def test_an_empty_corpus_is_an_error() -> None:
    with pytest.raises(CorpusError, match="empty"):
        merges.count(Corpus.from_iterable([]), split.GPT2)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"unit": "word"}, "unit"), ({"max_doc_bytes": 0}, "max_doc_bytes"), ({"threads": 0}, "threads")],
)
def test_options_that_do_not_exist_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        merges.count(Corpus.from_iterable(["a"]), split.GPT2, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options", [{"min_frequency": -1}, {"max_token_bytes": 0}, {"max_words": 0}, {"forbid": (b"",)}]
)
def test_rules_that_make_no_sense_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        merges.Rules(**options)  # type: ignore[arg-type]


def test_learn_replays_resumes_and_reports_progress() -> None:
    pieces = merges.count(Corpus.from_iterable([TEXT] * 3), split.GPT2)
    tokens = merges.byte_tokens(("<s>",))
    naive = NaiveTrainer(pieces.items().items(), tokens)
    expected, counts = naive.learn(30)
    seen: list[tuple[str, int, int | None]] = []
    first = merges.learn(pieces, 10, tokens=tokens, progress=lambda *report: seen.append(report))
    grown = list(tokens)
    for left, right, _ in first.merges.tolist():
        grown.append(grown[left] + grown[right])
    rest = merges.learn(pieces, 20, tokens=grown, merges=first.merges)
    assert np.concatenate([first.merges, rest.merges]).tolist() == [list(merge) for merge in expected]
    assert [*first.counts, *rest.counts] == counts
    assert rest.fired.all()
    assert rest.pairs.shape == (20, 2)


def test_merges_without_tokens_are_an_error() -> None:
    pieces = merges.count(Corpus.from_iterable(["ab"]), split.GPT2)
    with pytest.raises(TrainingError, match="256 bytes"):
        merges.learn(pieces, 1, tokens=[b"a"])


def test_a_special_token_spelled_like_a_byte_is_refused() -> None:
    for name in ("!", "Ġ"):
        with pytest.raises(TrainingError, match="longer name"):
            merges.byte_tokens((name,))
    assert merges.byte_tokens(("日",))[0] == b""  # no character of the byte alphabet


def test_recover_worked_example() -> None:
    # "ab" then "abc" = ab + c; "xyz" has no way to be made of two.
    ranks = {b"a": 0, b"b": 1, b"c": 2, b"x": 7, b"y": 8, b"z": 9, b"ab": 10, b"abc": 11, b"xyz": 12}
    assert merges.recover(ranks) == {10: (0, 1), 11: (10, 2)}


def test_recover_gives_back_learned_merges() -> None:
    pieces = merges.count(Corpus.from_iterable([TEXT * 4]), split.GPT2)
    tokens = merges.byte_tokens()
    learned = merges.learn(pieces, 60, tokens=tokens)
    for left, right, _ in learned.merges.tolist():
        tokens.append(tokens[left] + tokens[right])
    recovered = merges.recover({token: rank for rank, token in enumerate(tokens)})
    assert [recovered[256 + rank] for rank in range(60)] == [tuple(pair) for pair in learned.pairs.tolist()]


def test_recover_gives_back_the_merges_of_gpt2(data_folder: Path) -> None:
    with gzip.open(data_folder / "tokenizers" / "gpt-2.json.gz", "rt", encoding="utf-8") as file:
        model = json.load(file)["model"]
    vocab = model["vocab"]
    ranks = {from_printable(token): rank for token, rank in vocab.items() if token != "<|endoftext|>"}
    pairs = [pair.split(" ") if isinstance(pair, str) else pair for pair in model["merges"]]
    expected = {vocab[left + right]: (vocab[left], vocab[right]) for left, right in pairs}
    assert len(expected) == 50_000
    assert merges.recover(ranks, threads=2) == expected


def test_recovered_merges_make_every_token_of_cl100k(data_folder: Path) -> None:
    with gzip.open(data_folder / "tokenizers" / "cl100k_base.tiktoken.gz", "rb") as file:
        ranks = {base64.b64decode(line.split()[0]): int(line.split()[1]) for line in file.read().splitlines()}
    recovered = merges.recover(ranks)
    bytes_of = {rank: token for token, rank in ranks.items()}
    assert set(recovered) == {rank for rank, token in bytes_of.items() if len(token) > 1}
    assert all(bytes_of[left] + bytes_of[right] == bytes_of[rank] for rank, (left, right) in recovered.items())
