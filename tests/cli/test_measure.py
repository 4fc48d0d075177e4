"""Vocabularies side by side from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tokencraft.cli import main
from tokencraft.cli.measure import _grouped, _named
from tokencraft.vocabulary import Vocabulary


def test_names_of_data() -> None:
    assert _grouped(["a", "b"], False) == {"all": ["a", "b"]}
    assert _grouped(["a", "b"], True) == {"a": ["a"], "b": ["b"]}
    assert _grouped(["x=a", "b", "y=c"], False) == {"x": ["a", "b"], "y": ["c"]}
    assert _grouped(["x=a", "y=c", "x=d"], False) == {"x": ["a", "d"], "y": ["c"]}


def test_names_of_vocabularies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert _named(["gpt-2.json.gz", "mine=x/y.json"]) == {"gpt-2": "gpt-2.json.gz", "mine": "x/y.json"}
    assert _named(["model/tokenizer.json", "x.model"]) == {"model": "model/tokenizer.json", "x": "x.model"}
    assert _named(["a/v.json", "b/v.json"]) == {"v": "a/v.json", "b/v.json": "b/v.json"}
    (tmp_path / "a=b.json").write_text("")
    assert _named(["a=b.json"]) == {"a=b": "a=b.json"}


def test_numbers_agree_with_the_vocabulary(
    vocabulary_file: Path, corpus_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other.txt").write_text("the cat")
    page = tmp_path / "report.html"
    data = [f"mats={corpus_file}", f"cat={tmp_path / 'other.txt'}"]
    assert (
        main(
            ["measure", f"a={vocabulary_file}", str(vocabulary_file), "--corpus", *data, "--json", "--html", str(page)]
        )
        == 0
    )
    table = json.loads(capsys.readouterr().out)
    names = [column["name"] for column in table["columns"]]
    rows = [dict(zip(names, row, strict=True)) for row in table["rows"]]
    assert [(row["data"], row["vocabulary"]) for row in rows] == [
        ("mats", "a"),
        ("mats", "small"),
        ("cat", "a"),
        ("cat", "small"),
    ]
    vocabulary = Vocabulary.load(vocabulary_file)
    assert rows[0]["tokens"] == len(vocabulary.encode(corpus_file.read_text(encoding="utf-8")))
    assert rows[2]["tokens"] == len(vocabulary.encode("the cat"))
    assert rows[2]["bytes"] == 7
    html = page.read_text(encoding="utf-8")
    assert html.count("<svg") == 2
    assert "The same text in tokens: mats" in html


def test_table_for_people(vocabulary_file: Path, corpus_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["measure", str(vocabulary_file), "--corpus", str(corpus_file)]) == 0
    shown = capsys.readouterr()
    assert "compression" in shown.out
    assert "bytes/token" in shown.out
    assert shown.err == ""


def test_noise_is_measured_beside(vocabulary_file: Path, corpus_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["measure", f"a={vocabulary_file}", "--corpus", str(corpus_file), "--noise", "0.3"]
    assert main([*arguments, "--json"]) == 0
    table = json.loads(capsys.readouterr().out)
    names = [column["name"] for column in table["boundary_stability"]["columns"]]
    row = dict(zip(names, table["boundary_stability"]["rows"][0], strict=True))
    assert row["vocabulary"] == "a"
    assert row["edits"] > 0
    assert 0 < row["boundary F1"] < 1
    assert main(arguments) == 0
    shown = capsys.readouterr().out
    assert shown.index("Encoding efficiency") < shown.index("Boundary stability under noise")
    assert main([*arguments[:-1], "2"]) == 2
    assert "rate is a probability" in capsys.readouterr().err
