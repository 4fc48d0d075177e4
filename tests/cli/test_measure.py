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


def test_words_and_morphemes(
    vocabulary_file: Path, corpus_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "roots.txt").write_text("cat\nhat\nmat\n")
    (tmp_path / "affixes.txt").write_text("-ly\n")
    (tmp_path / "tree.conllu").write_text("1\tnumber\tnumber\tNOUN\t_\t_\t0\troot\t_\t_\n")
    (tmp_path / "paradigms").write_text("sit\tsat\tV;PST\n")
    files = [tmp_path / "roots.txt", f"affixes={tmp_path / 'affixes.txt'}", tmp_path / "tree.conllu"]
    arguments = ["measure", f"a={vocabulary_file}", "--corpus", str(corpus_file), "--lexicon", *map(str, files)]
    assert main([*arguments, f"unimorph={tmp_path / 'paradigms'}", "--language", "en", "--json"]) == 0
    table = json.loads(capsys.readouterr().out)["linguistic_integrity"]
    row = dict(zip([column["name"] for column in table["columns"]], table["rows"][0], strict=True))
    from tokencraft.corpus import Corpus
    from tokencraft.measure import LinguisticIntegrity
    from tokencraft.morphology import Lexicon

    lexicon = Lexicon(["number", "sat"], ["cat", "hat", "mat", "number", "sit"], ["ly"])
    expected = LinguisticIntegrity(lexicon).measure(Vocabulary.load(vocabulary_file), Corpus.from_files(corpus_file))
    assert row["words"] == expected.rows[0].word_percent > 0
    assert main(["measure", str(vocabulary_file), "--lexicon", str(tmp_path / "roots.txt")]) == 2
    assert "--corpus must name text" in capsys.readouterr().err
    assert main([*arguments, f"stems={tmp_path / 'roots.txt'}"]) == 2
    assert "'stems'" in capsys.readouterr().err


def test_gold_morphemes_need_no_corpus(
    vocabulary_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gold = tmp_path / "gold.tsv"
    gold.write_text("cats\tcat @@s\t100\nhat\that\t000\n")
    assert main(["measure", f"a={vocabulary_file}", "--morphemes", str(gold), "--json"]) == 0
    table = json.loads(capsys.readouterr().out)["morpheme_segmentation"]
    assert [row[0] for row in table["rows"]] == ["a", "perfect cuts"]


def test_premiums_need_no_corpus(
    vocabulary_file: Path, corpus_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = tmp_path / "texts.json"
    texts.write_text(json.dumps({"eng": "the cat sat on the mat", "tur": "kedi paspasa oturdu, evet"}))
    page = tmp_path / "page.html"
    arguments = ["measure", f"a={vocabulary_file}", "--parallel", str(texts)]
    assert main([*arguments, "--html", str(page)]) == 0
    shown = capsys.readouterr().out
    assert "by vocabulary" in shown
    assert "premium per byte" in shown
    assert page.read_text(encoding="utf-8").count("<svg") == 1
    assert main([*arguments, "--corpus", str(corpus_file), "--html", str(page), "--json"]) == 0
    assert "premiums" in json.loads(capsys.readouterr().out)
    assert (tmp_path / "page.premiums.html").is_file()
    assert main([*arguments, "--reference", "deu"]) == 2
    assert "'deu' is not among the texts" in capsys.readouterr().err


def test_nothing_to_measure_on(vocabulary_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["measure", str(vocabulary_file)]) == 2
    assert "--corpus must name text" in capsys.readouterr().err


def test_numbers_need_no_corpus(vocabulary_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["measure", f"a={vocabulary_file}", "--numbers", "2", "--json"]) == 0
    table = json.loads(capsys.readouterr().out)["arithmetic_tokenization"]
    names = [column["name"] for column in table["columns"]]
    rows = [dict(zip(names, row, strict=True)) for row in table["rows"]]
    assert [(row["digits"], row["after space"], row["numbers"]) for row in rows] == [
        (1, False, 10),
        (1, True, 10),
        (2, False, 100),
        (2, True, 100),
    ]
    assert 0 < rows[2]["match probability"] <= rows[0]["match probability"] == 1
    assert main(["measure", str(vocabulary_file), "--numbers", "2"]) == 0
    assert "How numbers are cut" in capsys.readouterr().out
    assert main(["measure", str(vocabulary_file), "--numbers", "19"]) == 2
