"""Efficiency against counts made by hand and by other means."""

from __future__ import annotations

import gzip
import json
import math
from collections import Counter
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from tokencraft.corpus import Corpus
from tokencraft.engine import Local
from tokencraft.errors import CorpusError, UsageError
from tokencraft.measure import Efficiency
from tokencraft.measure.efficiency import renyi_efficiency
from tokencraft.vocabulary import Vocabulary, split
from tokencraft.vocabulary import bytes as canonical

ID = {value: position for position, value in enumerate(canonical.BYTE_ORDER)}
A, B, SPACE = ID[ord("a")], ID[ord("b")], ID[ord(" ")]


def vocabulary() -> Vocabulary:
    """The bytes, "ab" (256), " ab" (257), and one special token that text never produces (258)."""
    return Vocabulary.from_merges([(A, B), (SPACE, 256)], splitter=split.GPT2, appended_tokens=("<end>",))


def test_counts_by_hand() -> None:
    # "ab ab é" -> ab | Ġab | Ġ | 0xC3 | 0xA9        "aab" -> a | ab
    row = Efficiency().measure(vocabulary(), Corpus.from_iterable(["ab ab é", "aab"])).rows[0]
    assert (row.vocabulary, row.data) == ("vocabulary", "all")
    assert (row.documents, row.bytes, row.characters, row.words) == (2, 11, 10, 4)
    assert (row.tokens, row.seen, row.fallback_tokens, row.unknown_tokens) == (7, 6, 2, 0)
    assert (row.vocab_size, row.producible) == (259, 258)
    assert row.lossless
    assert row.bytes_per_token == 11 / 7
    assert row.characters_per_token == 10 / 7
    assert row.tokens_per_word == 7 / 4
    assert row.tokens_per_document == 3.5
    assert row.used_share == 6 / 258
    assert row.fallback_share == 2 / 7
    # p = 2/7 for "ab", 1/7 for five others; sum of p^2.5 = (2^2.5 + 5) / 7^2.5
    entropy = math.log((2**2.5 + 5) / 7**2.5) / (1 - 2.5)
    assert row.renyi_efficiency == pytest.approx(entropy / math.log(258))
    assert row.seconds > 0
    assert row.megabytes_per_second == pytest.approx(11e-6 / row.seconds)
    assert row.encoder in ("gigatoken", "native", "tokenizers")


@pytest.mark.parametrize("batch_bytes", [1, 10, 1 << 20])
def test_batches_do_not_matter(batch_bytes: int) -> None:
    texts = ["ab " * k + "é" for k in range(1, 30)]
    row = Efficiency(batch_bytes=batch_bytes).measure(vocabulary(), Corpus.from_iterable(texts)).rows[0]
    tokens = Counter(identifier for text in texts for identifier in vocabulary().encode(text).tolist())
    assert row.tokens == tokens.total()
    assert row.seen == len(tokens)
    assert row.bytes == sum(len(text.encode()) for text in texts)


def test_processes_do_not_matter(tmp_path: Path) -> None:
    for k in range(5):
        (tmp_path / f"{k}.txt").write_text("ab é " * (50 * k + 1), encoding="utf-8")
    corpus = Corpus.from_files(tmp_path)
    rows = [Efficiency().measure(vocabulary(), corpus, engine=engine).rows[0] for engine in (None, Local(1), Local(2))]
    rows = [replace(row, seconds=0.0) for row in rows]
    assert rows[0] == rows[1] == rows[2]


def test_several_vocabularies_and_languages_side_by_side() -> None:
    vocabularies = {"bytes": Vocabulary.from_merges([], splitter=split.GPT2), "pairs": vocabulary()}
    data = {"x": Corpus.from_iterable(["ab ab"]), "y": Corpus.from_iterable(["zz", "z"])}
    measurement = Efficiency().measure(vocabularies, data)
    found = [(row.data, row.vocabulary, row.tokens) for row in measurement.rows]
    assert found == [("x", "bytes", 5), ("x", "pairs", 2), ("y", "bytes", 3), ("y", "pairs", 3)]
    assert measurement.row(data="x", vocabulary="pairs").bytes_per_token == 2.5
    with pytest.raises(UsageError, match="2 rows"):
        measurement.row(data="x")


def test_table_never_shows_tokens_without_bytes() -> None:
    measurement = Efficiency(alpha=2).measure(vocabulary(), Corpus.from_iterable(["ab"]))
    table = measurement.table()
    names = [column.name for column in table.columns]
    assert names.index("tokens") == names.index("bytes") + 1
    assert ("Rényi efficiency", "alpha = 2") in table.columns
    assert "data" not in names  # there is one only
    assert "unknown" not in names  # there are none
    assert measurement.to_json()["rows"][0][names.index("bytes")] == 2


def test_lossy_vocabulary_is_marked() -> None:
    tokenizers = pytest.importorskip("tokenizers")
    words = {"[UNK]": 0, "ab": 1}
    stock = tokenizers.Tokenizer(tokenizers.models.WordPiece(words, unk_token="[UNK]"))
    stock.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    stock.add_special_tokens(["[UNK]"])
    measurement = Efficiency().measure(Vocabulary.from_tokenizer(stock), Corpus.from_iterable(["ab zz zz ab"]))
    row = measurement.rows[0]
    assert not row.lossless
    assert (row.tokens, row.unknown_tokens, row.unknown_share) == (4, 2, 0.5)
    assert "unknown" in [column.name for column in measurement.table().columns]


def test_progress_adds_up_to_the_bytes() -> None:
    seen: list[tuple[str, int, int | None]] = []
    corpus = Corpus.from_iterable(["ab", "é", "xyz"])
    Efficiency(batch_bytes=4).measure(vocabulary(), corpus, progress=lambda *event: seen.append(event))
    assert seen == [("encoding", 4, None), ("encoding", 7, None)]


@given(st.lists(st.integers(0, 50), min_size=1, max_size=20).filter(any), st.floats(0.1, 5))
def test_renyi_entropy_lies_between_its_bounds(counts: list[int], alpha: float) -> None:
    value = renyi_efficiency(np.array(counts), len(counts) + 1, alpha)
    assert -1e-9 <= value <= 1 + 1e-9
    assert value <= renyi_efficiency(np.array(counts), len(counts) + 1, alpha / 2) + 1e-9  # falls with alpha


def test_renyi_entropy_of_order_one_is_shannons() -> None:
    counts = np.array([1, 2, 3, 0, 4])
    assert renyi_efficiency(counts, 8, 1) == pytest.approx(scipy.stats.entropy(counts) / np.log(8))
    assert renyi_efficiency(counts, 8, 1 + 1e-6) == pytest.approx(renyi_efficiency(counts, 8, 1), abs=1e-5)


def test_bad_calls() -> None:
    with pytest.raises(UsageError, match="more than 0"):
        Efficiency(alpha=0)
    with pytest.raises(UsageError, match="no vocabulary"):
        Efficiency().measure({}, Corpus.from_iterable(["x"]))
    with pytest.raises(UsageError, match="no data"):
        Efficiency().measure(vocabulary(), {})
    with pytest.raises(CorpusError, match=r"^the corpus is empty"):
        Efficiency().measure(vocabulary(), Corpus.from_iterable([]))
    with pytest.raises(CorpusError, match=r"^Turkish: the corpus is empty"):
        Efficiency().measure(vocabulary(), {"x": Corpus.from_iterable(["x"]), "Turkish": Corpus.from_iterable([])})
    with pytest.raises(FrozenInstanceError):
        Efficiency().alpha = 1  # type: ignore[misc]


def test_real_vocabulary_on_parallel_text(data_folder: Path) -> None:
    texts = json.loads(gzip.decompress((data_folder / "text" / "udhr.json.gz").read_bytes()))
    english, turkish = (" ".join(texts[name].split()) for name in ("eng", "tur"))
    gpt2 = Vocabulary.load(next((data_folder / "tokenizers").glob("*gpt*2*.json.gz")))
    data = {"English": Corpus.from_iterable([english]), "Turkish": Corpus.from_iterable([turkish])}
    rows = Efficiency().measure(gpt2, data).rows
    expected = [len(gpt2.to_tokenizers().encode(text, add_special_tokens=False).ids) for text in (english, turkish)]
    assert [row.tokens for row in rows] == expected
    assert rows[0].tokens_per_word < 2 < rows[1].tokens_per_word  # GPT-2 was made for English
