"""A corpus as token ids on disk: nothing lost, nothing half-written, a killed run goes on."""

from __future__ import annotations

import json
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tokencraft.corpus import Corpus
from tokencraft.errors import CorpusError, StageError, TokencraftError, UsageError
from tokencraft.vocabulary import Vocabulary, split
from tokencraft.vocabulary.shards import TokenShards, encode_to_shards

TEXTS = [f"document {k} " + "é ab" * (k % 7) for k in range(60)]


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary.from_merges([(64, 65)], splitter=split.GPT2, special_tokens=()).with_specials(
        ["<end>"], roles={"eos": "<end>"}
    )


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    (tmp_path / "data").mkdir()
    for k, text in enumerate(TEXTS):
        (tmp_path / "data" / f"{k:03d}.txt").write_text(text, encoding="utf-8")
    return Corpus.from_files(tmp_path / "data")


@pytest.mark.parametrize("format", ["npy", "parquet"])
@pytest.mark.parametrize("shard_tokens", [1, 50, 200, 1 << 20])
def test_every_document_comes_back(
    vocabulary: Vocabulary, corpus: Corpus, tmp_path: Path, format: str, shard_tokens: int
) -> None:
    folder = tmp_path / "out"
    written = encode_to_shards(vocabulary, corpus, folder, format=format, shard_tokens=shard_tokens)  # type: ignore[arg-type]
    assert [vocabulary.decode(ids) for ids in TokenShards.open(folder)] == TEXTS
    lengths = [len(vocabulary.encode(text)) for text in TEXTS]
    # Worked out apart: a shard ends with the document that fills it.
    expected, filled = [0], 0
    for length in lengths:
        if filled >= shard_tokens:
            expected.append(0)
            filled = 0
        expected[-1] += 1
        filled += length
    assert [shard.documents for shard in written.shards] == expected
    assert written.manifest["tokens"] == sum(lengths)
    assert written.manifest["bytes"] == sum(len(text.encode()) for text in TEXTS)
    assert sum(shard.bytes for shard in written.shards) == written.manifest["bytes"]
    named = {name for shard in written.shards for name in (shard.ids, shard.offsets) if name}
    assert {path.name for path in folder.iterdir()} == {"manifest.json", *named}


def test_files_are_plain(vocabulary: Vocabulary, corpus: Corpus, tmp_path: Path) -> None:
    encode_to_shards(vocabulary, corpus, tmp_path / "npy")
    ids = np.load(tmp_path / "npy" / "00000.ids.npy")
    offsets = np.load(tmp_path / "npy" / "00000.offsets.npy")
    assert (ids.dtype, offsets.dtype) == (np.uint16, np.int64)
    assert vocabulary.decode(ids[offsets[7] : offsets[8]]) == TEXTS[7]
    encode_to_shards(vocabulary, corpus, tmp_path / "parquet", format="parquet")
    table = pq.read_table(tmp_path / "parquet" / "00000.parquet")
    assert table.column("id")[3].as_py() == "data/003.txt#0"
    assert vocabulary.decode(table.column("ids")[3].as_py()) == TEXTS[3]
    assert table.column("bytes")[3].as_py() == len(TEXTS[3].encode())


def test_many_ids_need_four_bytes(vocabulary: Vocabulary, tmp_path: Path) -> None:
    encode_to_shards(vocabulary.pad_to(70_000), Corpus.from_iterable(["ab"]), tmp_path / "out")
    assert np.load(tmp_path / "out" / "00000.ids.npy").dtype == np.uint32


def test_end_of_document_by_role_or_string(vocabulary: Vocabulary, tmp_path: Path) -> None:
    eos = vocabulary.special_tokens["eos"]
    corpus = Corpus.from_iterable(["ab", "abc"])
    written = encode_to_shards(vocabulary, corpus, tmp_path / "out", append="eos")
    assert [ids.tolist() for ids in written] == [[*vocabulary.encode(text).tolist(), eos] for text in corpus]
    written = encode_to_shards(vocabulary, corpus, tmp_path / "string", append="<end>")
    assert written.manifest["tokens"] == sum(len(vocabulary.encode(text)) + 1 for text in corpus)
    with pytest.raises(UsageError, match="no special token 'ab'"):
        encode_to_shards(vocabulary, corpus, tmp_path / "other", append="ab")
    with pytest.raises(UsageError, match=r"no special token 'bos'; it has eos \(<end>\)"):
        encode_to_shards(vocabulary, corpus, tmp_path / "other", append="bos")


def test_interrupted_run_goes_on(
    vocabulary: Vocabulary, corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tokencraft.vocabulary.shards._BATCH_BYTES", 100)
    whole = encode_to_shards(vocabulary, corpus, tmp_path / "whole", shard_tokens=100)
    encoded: list[str] = []
    original = Vocabulary.encode_batch

    def fragile(self: Vocabulary, texts: list[str], **options: object) -> object:
        if len(encoded) > 30:
            raise KeyboardInterrupt
        encoded.extend(texts)
        return original(self, texts, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Vocabulary, "encode_batch", fragile)
    with pytest.raises(KeyboardInterrupt):
        encode_to_shards(vocabulary, corpus, tmp_path / "out", shard_tokens=100)
    with pytest.raises(TokencraftError, match=r"manifest\.json: cannot be read"):
        TokenShards.open(tmp_path / "out")
    (tmp_path / "out" / ".00009.ids.npy.0123.tmp").write_bytes(b"half")
    encoded.clear()
    monkeypatch.setattr(Vocabulary, "encode_batch", original)
    done: list[int] = []
    again = encode_to_shards(
        vocabulary, corpus, tmp_path / "out", shard_tokens=100, progress=lambda _what, size, _total: done.append(size)
    )
    assert again.manifest == whole.manifest
    assert [ids.tolist() for ids in again] == [ids.tolist() for ids in whole]
    assert done == sorted(done)
    assert done[-1] == whole.manifest["bytes"] == corpus.size_bytes
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted(
        p.name for p in (tmp_path / "whole").iterdir()
    )


def test_full_disk_is_named_and_the_run_goes_on(vocabulary: Vocabulary, tmp_path: Path) -> None:
    corpus = Corpus.from_iterable(["ab" * 40, "x" * 5000])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, limits[1]))
    try:
        with pytest.raises(TokencraftError, match=r"00001\.ids\.npy: cannot be written"):
            encode_to_shards(vocabulary, corpus, tmp_path / "out", shard_tokens=10)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert sorted(p.name for p in (tmp_path / "out").glob("*.npy")) == ["00000.ids.npy", "00000.offsets.npy"]
    again = encode_to_shards(vocabulary, corpus, tmp_path / "out", shard_tokens=10)
    assert [vocabulary.decode(ids) for ids in again] == list(corpus)


def test_unfinished_run_with_other_arguments_is_refused(
    vocabulary: Vocabulary, corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> Iterator[object]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Vocabulary, "encode_batch", broken)
        with pytest.raises(KeyboardInterrupt):
            encode_to_shards(vocabulary, corpus, tmp_path / "out")
    with pytest.raises(StageError, match="unfinished encoding with another shard_tokens and append"):
        encode_to_shards(vocabulary, corpus, tmp_path / "out", shard_tokens=7, append="eos")
    (tmp_path / "data" / "000.txt").write_text("changed")
    with pytest.raises(StageError, match="another corpus"):
        encode_to_shards(vocabulary, Corpus.from_files(tmp_path / "data"), tmp_path / "out")


def test_finished_or_foreign_folder_is_refused(vocabulary: Vocabulary, corpus: Corpus, tmp_path: Path) -> None:
    encode_to_shards(vocabulary, corpus, tmp_path / "out")
    before = json.loads((tmp_path / "out" / "manifest.json").read_bytes())
    with pytest.raises(StageError, match="not empty"):
        encode_to_shards(vocabulary, corpus, tmp_path / "out")
    with pytest.raises(StageError, match="not empty"):
        encode_to_shards(vocabulary, corpus, tmp_path / "data")
    assert json.loads((tmp_path / "out" / "manifest.json").read_bytes()) == before


def test_bad_calls(vocabulary: Vocabulary, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="empty"):
        encode_to_shards(vocabulary, Corpus.from_iterable([]), tmp_path / "out")
    with pytest.raises(UsageError, match="'npy' or 'parquet'"):
        encode_to_shards(vocabulary, Corpus.from_iterable(["x"]), tmp_path / "out", format="csv")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="at least 1 token"):
        encode_to_shards(vocabulary, Corpus.from_iterable(["x"]), tmp_path / "out", shard_tokens=0)
    assert not (tmp_path / "out").exists()
