"""Superwords for a vocabulary that exists, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tokencraft.cli import main
from tokencraft.corpus import Corpus
from tokencraft.learn import extend
from tokencraft.vocabulary import Vocabulary
from tokencraft.vocabulary.numbers import DigitGroups


def test_options_reach_the_function(
    corpus_file: Path, vocabulary_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "new.json"
    arguments = ["extend", str(vocabulary_file), "--corpus", str(corpus_file), "--vocab-size", "320", "-o", str(output)]
    assert main([*arguments, "--max-words", "2", "--digits", "single", "--unit", "document", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    old = Vocabulary.load(vocabulary_file)
    expected = extend(old, Corpus.from_files(corpus_file), 320, max_words=2, digits=DigitGroups(1), unit="document")
    assert Vocabulary.load(output) == expected
    assert report["origin"]["method"] == "superbpe-extension"
    assert report["superwords"]
    assert expected.tokens[: len(old)] == old.tokens


def test_it_shows_superwords(
    corpus_file: Path, vocabulary_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["extend", str(vocabulary_file), "--corpus", str(corpus_file), "--vocab-size", "320"]
    assert main([*arguments, "-o", str(tmp_path / "folder")]) == 0
    assert "Superwords" in capsys.readouterr().out
    assert len(Vocabulary.load(tmp_path / "folder")) == 320


def test_wrong_use(
    corpus_file: Path, vocabulary_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["extend", str(vocabulary_file), "--corpus", str(corpus_file), "-o", str(tmp_path / "x.json")]
    assert main(arguments) == 2
    assert "--vocab-size" in capsys.readouterr().err
    assert main([*arguments, "--vocab-size", "300"]) == 1
    assert "300 ids already" in capsys.readouterr().err
    assert main(["extend", str(tmp_path / "none.json"), *arguments[2:], "--vocab-size", "320"]) == 1
    assert "none.json" in capsys.readouterr().err
