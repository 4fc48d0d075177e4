"""A model onto another vocabulary from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tokencraft.cli import main
from tokencraft.vocabulary import Vocabulary


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory, vocabulary_file: Path) -> Path:
    from tokencraft.modeling.loading import save_model, small_llama

    folder = tmp_path_factory.mktemp("model") / "model"
    vocabulary = Vocabulary.load(vocabulary_file)
    vocabulary.save(folder)
    save_model(small_llama(len(vocabulary), hidden=64, layers=1), folder)
    return folder


@pytest.fixture(scope="module")
def new_vocabulary(tmp_path_factory: pytest.TempPathFactory, corpus_file: Path) -> Path:
    path = tmp_path_factory.mktemp("new") / "new.json"
    options = ["--vocab-size", "310", "--special-tokens", "<|endoftext|>", "--output", str(path)]
    assert main(["train", "superbpe", "--corpus", str(corpus_file), *options]) == 0
    return path


def test_output_loads_in_transformers_and_generates(
    model_folder: Path, new_vocabulary: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    arguments = [
        "transplant",
        str(model_folder),
        "--vocabulary",
        str(new_vocabulary),
        "--output",
        str(tmp_path / "out"),
    ]
    assert main([*arguments, "--set", "neighbours=5", "--set", "pad_to_multiple_of=64", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["method"], report["new_size"], report["rows"]) == ("tokenadapt", 310, 320)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    ids = tokenizer("the cat and the hat", return_tensors="pt").input_ids
    assert ids[0].tolist() == Vocabulary.load(new_vocabulary).encode("the cat and the hat").tolist()
    torch.manual_seed(0)
    made = model.generate(ids, max_new_tokens=5, do_sample=True)
    assert int(made.max()) < 310
    assert main(arguments) == 1
    assert "not empty" in capsys.readouterr().err


def test_baselines_and_tables(
    model_folder: Path, new_vocabulary: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "transplant",
        str(model_folder),
        "--vocabulary",
        str(new_vocabulary),
        "--output",
        str(tmp_path / "out"),
    ]
    assert main([*arguments, "--method", "mean"]) == 0
    assert "copied from the old vocabulary" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--method", "magic"], 2, "no method 'magic'; the methods are tokenadapt"),
        (["--set", "neighbors=5"], 2, "expected NAME=VALUE with one of"),
        (["--set", "neighbours=many"], 2, "--neighbours must be an integer"),
        (["--set", "neighbours=0"], 2, "neighbours"),
    ],
)
def test_wrong_use(
    model_folder: Path,
    new_vocabulary: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    code: int,
    message: str,
) -> None:
    arguments = [
        "transplant",
        str(model_folder),
        "--vocabulary",
        str(new_vocabulary),
        "--output",
        str(tmp_path / "out"),
    ]
    assert main([*arguments, *options]) == code
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_missing_model(new_vocabulary: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "transplant",
        str(tmp_path / "no"),
        "--vocabulary",
        str(new_vocabulary),
        "--output",
        str(tmp_path / "out"),
    ]
    assert main(arguments) == 1
    assert str(tmp_path / "no") in capsys.readouterr().err
