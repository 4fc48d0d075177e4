"""Learning a vocabulary from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tokencraft.cli import main
from tokencraft.cli.options import bytes_of
from tokencraft.cli.train import trainers
from tokencraft.corpus import Corpus
from tokencraft.learn import BPE, SuperBPE
from tokencraft.vocabulary import Vocabulary, split
from tokencraft.vocabulary.numbers import DigitGroups


def train(method: str, corpus: Path, output: Path, *options: str) -> int:
    return main(["train", method, "--corpus", str(corpus), "--output", str(output), *options])


def test_commands_are_the_classes_of_the_room() -> None:
    assert trainers()["bpe"] is BPE
    assert trainers()["superbpe"] is SuperBPE


def test_options_reach_the_method(corpus_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = [
        "--vocab-size",
        "290",
        "--splitter",
        "gpt2",
        "--special-tokens",
        "<a>",
        "--special-tokens",
        "<b>",
        "--json",
    ]
    assert train("bpe", corpus_file, tmp_path / "x.json", *options) == 0
    expected = BPE(vocab_size=290, splitter=split.GPT2, special_tokens=("<a>", "<b>"))
    assert Vocabulary.load(tmp_path / "x.json") == expected.train(Corpus.from_files(corpus_file))
    report = json.loads(capsys.readouterr().out)
    assert (report["vocab_size"], report["lossless"], report["superwords"]) == (290, True, False)
    assert report["fingerprint"] == Vocabulary.load(tmp_path / "x.json").fingerprint()
    assert report["origin"]["method"] == "bpe"


def test_shared_options_reach_the_method(corpus_file: Path, tmp_path: Path) -> None:
    options = ["--vocab-size", "1500", "--digits", "r2l3", "--normalizer", "nfkc", "--lowercase"]
    options += ["--alphabet", "character", "--unit", "document", "--max-doc-bytes", "5000"]
    assert train("superbpe", corpus_file, tmp_path / "x.json", *options) == 0
    expected = SuperBPE(
        vocab_size=1500,
        digits=DigitGroups(3, "r2l"),
        normalizer="nfkc",
        lowercase=True,
        alphabet="character",
        unit="document",
        max_doc_bytes=5000,
    )
    assert Vocabulary.load(tmp_path / "x.json") == expected.train(Corpus.from_files(corpus_file))


def test_resources_do_not_change_the_vocabulary(corpus_file: Path, tmp_path: Path) -> None:
    assert train("bpe", corpus_file, tmp_path / "x.json", "--vocab-size", "290") == 0
    options = ["--vocab-size", "290", "--engine", "local", "--threads", "2", "--memory", "1GiB"]
    assert train("bpe", corpus_file, tmp_path / "y.json", *options) == 0
    assert Vocabulary.load(tmp_path / "x.json") == Vocabulary.load(tmp_path / "y.json")


@pytest.mark.parametrize(
    ("text", "size"), [("8GiB", 8 << 30), ("1_000", 1000), ("2 MB", 2_000_000), ("0.5kib", 512), ("7b", 7)]
)
def test_sizes(text: str, size: int) -> None:
    assert bytes_of(text) == size


@pytest.mark.parametrize("transition", ["0.9", "280"])
def test_superbpe_shows_its_superwords(
    corpus_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], transition: str
) -> None:
    options = ["--vocab-size", "310", "--transition", transition]
    assert train("superbpe", corpus_file, tmp_path / "x.json", *options) == 0
    assert "Superwords" in capsys.readouterr().out
    size = float(transition) if "." in transition else int(transition)
    expected = SuperBPE(vocab_size=310, transition=size).train(Corpus.from_files(corpus_file))
    assert Vocabulary.load(tmp_path / "x.json") == expected


def test_folder_for_transformers(corpus_file: Path, tmp_path: Path) -> None:
    assert train("bpe", corpus_file, tmp_path / "new" / "folder", "--vocab-size", "280") == 0
    names = {path.name for path in (tmp_path / "new" / "folder").iterdir()}
    assert {"tokenizer.json", "tokenizer_config.json"} <= names
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["folder"]


def test_nothing_is_overwritten_unasked(corpus_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "x.json"
    output.write_text("precious")
    assert train("bpe", corpus_file, output, "--vocab-size", "280") == 1
    assert output.read_text() == "precious"
    assert "pass --overwrite to replace it" in capsys.readouterr().err
    assert train("bpe", corpus_file, output, "--vocab-size", "280", "--overwrite") == 0
    assert len(Vocabulary.load(output)) == 280
    assert train("bpe", corpus_file, tmp_path, "--vocab-size", "280") == 1
    assert "not empty" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--vocab-size", "100"], 1, "smaller than its alphabet: 256 are needed"),
        (["--vocab-size", "many"], 2, "--vocab-size must be an integer, not 'many'"),
        (["--splitter", "gpt3"], 2, "--splitter must be one of"),
        (["--encoding-errors", "ignore"], 2, "ignore"),
        (["--threads", "0"], 2, "threads"),
        (["--digits", "both"], 2, "--digits: digits are cut by one of single, l2r3, r2l3, any, not 'both'"),
        (["--normalizer", "NFC"], 2, "--normalizer must be one of none, nfc, nfd, nfkc, nfkd, not 'NFC'"),
        (["--memory", "8 bananas"], 2, "--memory must be a size such as 8GiB"),
        (["--memory", "1kB"], 2, "memory"),
        (["--engine", "spark"], 2, "spark"),
        (["--digits", "r2l3", "--vocab-size", "1000"], 1, "1100 for the numbers, 1356 in all"),
    ],
)
def test_bad_options(
    corpus_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], code: int, message: str
) -> None:
    assert train("bpe", corpus_file, tmp_path / "x.json", *options) == code
    assert message in capsys.readouterr().err
    assert not (tmp_path / "x.json").exists()


def test_small_corpus_is_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.txt").write_text("abab")
    assert train("bpe", tmp_path / "x.txt", tmp_path / "x.json", "--vocab-size", "1000") == 0
    assert "tokencraft: warning: the vocabulary has" in capsys.readouterr().err


def test_bad_corpus(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.txt").write_text("")
    assert train("bpe", tmp_path / "x.txt", tmp_path / "x.json") == 1
    assert "the corpus is empty" in capsys.readouterr().err
    (tmp_path / "x.txt").write_bytes(b"good\xff")
    assert train("bpe", tmp_path / "x.txt", tmp_path / "x.json") == 1
    assert "x.txt: invalid UTF-8 at byte 4" in capsys.readouterr().err
    (tmp_path / "y.txt").write_text("good text")
    corpus = [str(tmp_path / "x.txt"), str(tmp_path / "y.txt")]
    arguments = ["train", "bpe", "--corpus", *corpus, "-o", str(tmp_path / "x.json"), "--vocab-size", "257"]
    assert main([*arguments, "--encoding-errors", "skip"]) == 0
    assert "left out as not text: x.txt#0" in capsys.readouterr().err
