"""A model adds on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from tokencraft.cli import main
from tokencraft.vocabulary import Vocabulary


@pytest.fixture(scope="module")
def model_folder(vocabulary_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    vocabulary = Vocabulary.load(vocabulary_file)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=128,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    vocabulary.save(folder)
    return folder


def test_a_model_adds(model_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["addition", str(model_folder), "--shots", "1", "--shots", "2", "--length", "2", "--count", "5"]
    assert main([*arguments, "--max-new-tokens", "3", "--json"]) == 0
    table = json.loads(capsys.readouterr().out)
    names = [column["name"] for column in table["columns"]]
    rows = [dict(zip(names, row, strict=True)) for row in table["rows"]]
    whole = [row for row in rows if row["answer's length"] == "all"]
    assert {(row["problem"], row["shots"], row["answers"]) for row in whole} == {
        (style, shots, 5) for style in ("nosep", "comma_r2l") for shots in (1, 2)
    }
    assert main([*arguments, "--style", "nosep", "--max-new-tokens", "2"]) == 0
    assert "Addition by a language model" in capsys.readouterr().out


def test_wrong_use_is_said(model_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["addition", str(model_folder), "--style", "points"]) == 2
    assert "no number style 'points'" in capsys.readouterr().err
    assert main(["addition", str(model_folder), "--shots", "40"]) == 1
    assert "use fewer shots" in capsys.readouterr().err
