"""Methods whose input is more than text: concepts, a base vocabulary, a segmenter, each by a path."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tokencraft.cli import main
from tokencraft.cli.train import trainers, trainers_with_resources
from tokencraft.vocabulary import Vocabulary
from tokencraft.vocabulary.concept_vocabulary import ConceptVocabulary

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "notes.txt").write_text("the patient was given a penicillin for more of it, quick as can be\n" * 4)
    (tmp_path / "drugs.csv").write_text("code,name\n1,Aspirin\n2,penicillin\n3,ampicillin\n4,amoxicillin\n")
    (tmp_path / "diseases.txt").write_text("hepatitis\nbronchitis\narthritis\n")
    (tmp_path / "gold.tsv").write_text("unkind\tun @@kind\t010\nunlike\tun @@like\t010\nundo\tun @@do\t010\n" * 8)
    (tmp_path / "terms.txt").write_text("unkind things\nunlike them\nunkind\n")
    assert (
        main(
            [
                "train",
                "wordpiece",
                "--corpus",
                str(tmp_path / "notes.txt"),
                "--vocab-size",
                "70",
                "-o",
                str(tmp_path / "base"),
            ]
        )
        == 0
    )
    return tmp_path


def run(folder: Path, *arguments: str) -> Vocabulary:
    given = [str(folder / word) if (folder / word).exists() or word == "new" else word for word in arguments]
    assert main(["train", *given]) == 0
    return Vocabulary.load(folder / "new")


def test_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--help"]) == 0
    shown = capsys.readouterr().out
    assert {"ktokeniser", "wordpiece"} <= set(trainers())
    assert set(trainers_with_resources()) == {"morphemevocabulary"}
    assert all(name in shown for name in (*trainers(), *trainers_with_resources()))


def test_concepts_on_a_base_need_no_corpus(folder: Path) -> None:
    drugs, diseases = f"drug={folder / 'drugs.csv'}", f"disease={folder / 'diseases.txt'}"
    vocabulary = run(
        folder,
        "ktokeniser",
        "--concepts",
        drugs,
        diseases,
        "--base",
        "base",
        "--threshold",
        "0",
        "--pieces-of",
        "drug=2",
        "-o",
        "new",
    )
    assert isinstance(vocabulary, ConceptVocabulary)
    assert list(vocabulary.choice.types) == ["drug", "disease"]
    assert len(vocabulary.choice.types["drug"]) <= 2
    assert vocabulary.choose("gastritis").taken.source == "disease"
    assert vocabulary.pieces[:70] == Vocabulary.load(folder / "base").pieces


def test_concepts_with_a_corpus_and_the_corpus_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vocabulary = run(
        folder,
        "ktokeniser",
        "--corpus",
        "notes.txt",
        "--concepts",
        f"drug={folder / 'drugs.csv'}#name",
        "--vocab-size",
        "300",
        "-o",
        "new",
    )
    assert isinstance(vocabulary, ConceptVocabulary)
    assert vocabulary.lossless
    output = folder / "alone.json"
    capsys.readouterr()
    assert (
        main(
            [
                "train",
                "ktokeniser",
                "--corpus",
                str(folder / "notes.txt"),
                "--vocab-size",
                "300",
                "-o",
                str(output),
                "--json",
            ]
        )
        == 0
    )
    report = json.loads(capsys.readouterr().out)
    assert report["origin"]["hyperparameters"]["types"]["corpus"]["words"] > 10
    alone = Vocabulary.load(output)
    assert isinstance(alone, ConceptVocabulary)
    assert alone.fingerprint() == report["fingerprint"]


def test_morphemes_from_a_table_or_a_saved_segmenter(folder: Path) -> None:
    from tokencraft.morphology import MorphemeSegmenter, read_segmentations

    made = run(
        folder, "morphemevocabulary", "--corpus", "terms.txt", "--segmenter", "gold.tsv", "--base", "base", "-o", "new"
    )
    MorphemeSegmenter.fit(read_segmentations(folder / "gold.tsv")).save_pretrained(folder / "segmenter")
    again = folder / "again"
    arguments = [
        "--corpus",
        str(folder / "terms.txt"),
        "--segmenter",
        str(folder / "segmenter"),
        "--base",
        str(folder / "base"),
    ]
    assert main(["train", "morphemevocabulary", *arguments, "-o", str(again)]) == 0
    assert Vocabulary.load(again) == made
    assert made.origin.method == "biomedical-segmentation"


def test_wrong_use_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new, notes, base = str(folder / "new"), str(folder / "notes.txt"), str(folder / "base")
    drugs = f"drug={folder / 'drugs.csv'}"
    for arguments, message in (
        (["--concepts", drugs], "a corpus is needed to learn the base vocabulary"),
        (["--concepts", drugs, "--base", base, "--corpus", notes], "nothing to learn from the corpus"),
        (["--concepts", str(folder / "diseases.txt"), "--base", base], "say which semantic type its terms have"),
        (["--concepts", drugs, "--base", base, "--pieces-of", "drug"], "expected NAME=INTEGER"),
    ):
        assert main(["train", "ktokeniser", *arguments, "-o", new]) == 2
        assert message in capsys.readouterr().err
    assert main(["train", "ktokeniser", "--concepts", "drug=nowhere.csv", "--base", base, "-o", new]) == 1
    assert "nowhere.csv: there is no such file" in capsys.readouterr().err
    assert main(["train", "bpe", "-o", new]) == 2  # all others need their corpus
    assert main(["train", "morphemevocabulary", "--corpus", notes, "--base", base, "-o", new]) == 2
