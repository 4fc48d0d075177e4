"""Files in, shards of ids out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tokencraft.cli import main
from tokencraft.corpus import Corpus
from tokencraft.vocabulary import Vocabulary
from tokencraft.vocabulary.shards import TokenShards


@pytest.mark.parametrize("format", ["npy", "parquet"])
def test_shards_decode_to_the_files(
    vocabulary_file: Path, corpus_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], format: str
) -> None:
    (tmp_path / "more.jsonl").write_text('{"body": "one record"}\n', encoding="utf-8")
    arguments = ["encode", str(vocabulary_file), "--corpus", str(corpus_file), str(tmp_path / "more.jsonl")]
    options = ["--format", format, "--text-field", "body", "--documents", "line", "--shard-tokens", "3000", "--json"]
    assert main([*arguments, *options, "--append", "<|endoftext|>", "--output", str(tmp_path / "out")]) == 0
    report = json.loads(capsys.readouterr().out)
    vocabulary = Vocabulary.load(vocabulary_file)
    texts = [*Corpus.from_files(corpus_file, documents="line"), "one record"]
    assert [vocabulary.decode(ids) for ids in TokenShards.open(tmp_path / "out")] == [
        f"{text}<|endoftext|>" for text in texts
    ]
    assert report["documents"] == len(texts)
    assert report["bytes"] == sum(len(text.encode()) for text in texts)
    assert len(report["shards"]) > 1


def test_table_for_people(
    vocabulary_file: Path, corpus_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["encode", str(vocabulary_file), "--corpus", str(corpus_file), "--output", str(tmp_path / "out")]
    assert main(arguments) == 0
    assert "00000.ids.npy" in capsys.readouterr().out
    assert main(arguments) == 1
    assert "not empty" in capsys.readouterr().err


def test_wrong_use(
    vocabulary_file: Path, corpus_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["encode", str(vocabulary_file), "--corpus", str(corpus_file), "--output", str(tmp_path / "out")]
    assert main([*arguments, "--append", "<none>"]) == 2
    assert "no special token '<none>'" in capsys.readouterr().err
    assert main([*arguments, "--format", "csv"]) == 2
    assert main([*arguments, "--shard-tokens", "0"]) == 2
    assert not (tmp_path / "out").exists()
