"""Concepts are read as their formats say; n-grams are counted as by hand and by brute force."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tokencraft.errors import CorpusError, UsageError
from tokencraft.vocabulary.concepts import read_column, read_obo, read_rrf, read_tagged, read_terms, read_types
from tokencraft.vocabulary.ngrams import NgramCounts, words_of

OBO = """format-version: 1.2

[Term]
id: X:1
name: disease
synonym: "illness" EXACT []
synonym: "trouble" RELATED []

[Term]
id: X:2
name: heart disease
is_a: X:1 ! disease
synonym: "cardiac \\"trouble\\"" EXACT [REF:1]

[Term]
id: X:3
name: valve disease
is_a: X:2 {source="x"} ! heart disease

[Term]
id: X:4
name: old name
is_a: X:1
is_obsolete: true

[Term]
id: X:5
name: drug

[Typedef]
id: part_of
name: part of
"""


@pytest.fixture
def obo(tmp_path: Path) -> Path:
    path = tmp_path / "small.obo"
    path.write_text(OBO, encoding="utf-8")
    return path


def test_all_terms_of_an_ontology(obo: Path) -> None:
    assert read_obo(obo) == ["disease", "illness", "heart disease", 'cardiac "trouble"', "valve disease", "drug"]
    assert "trouble" in read_obo(obo, synonyms=("EXACT", "RELATED"))


def test_terms_below_a_root_by_id_or_name(obo: Path) -> None:
    below = ["heart disease", 'cardiac "trouble"', "valve disease"]
    assert read_obo(obo, ["X:2"]) == below == read_obo(obo, ["heart disease"])
    assert read_types([f"heart={obo}#X:2", f"drug={obo}#drug"]) == {"heart": tuple(below), "drug": ("drug",)}


def test_an_unknown_root_is_named(obo: Path) -> None:
    with pytest.raises(CorpusError, match=r"small\.obo: holds no 'X:9'"):
        read_obo(obo, ["X:9"])
    with pytest.raises(CorpusError, match="no \\[Term\\]"):
        read_obo(write(obo.parent / "other.obo", "text"))


def test_umls_strings_by_semantic_type(tmp_path: Path) -> None:
    def strings(cui: str, language: str, text: str, suppress: str = "N") -> str:
        return f"{cui}|{language}|P|L1|PF|S1|Y|A1||||SRC|PT|C|{text}|0|{suppress}|256|\n"

    rows = [
        strings("C1", "ENG", "Aspirin"),
        strings("C1", "ENG", "Aspirin"),
        strings("C1", "GER", "Acetylsalicylsäure"),
        strings("C1", "ENG", "ASA old", "O"),
        strings("C2", "ENG", "Fever"),
    ]
    with gzip.open(tmp_path / "MRCONSO.RRF.gz", "wt", encoding="utf-8") as stream:
        stream.write("".join(rows))
    write(
        tmp_path / "MRSTY.RRF", "C1|T121|A1.4|Pharmacologic Substance|AT1|256|\nC2|T184|A2|Sign or Symptom|AT2|256|\n"
    )
    assert read_rrf(tmp_path) == ["Aspirin", "Fever"]
    assert read_rrf(tmp_path, ["T184"]) == ["Fever"] == read_rrf(tmp_path, ["Sign or Symptom"])
    assert read_rrf(tmp_path, ["T121"], language=None) == ["Aspirin", "Acetylsalicylsäure"]
    assert read_types([f"drug={tmp_path}#Pharmacologic Substance"]) == {"drug": ("Aspirin",)}
    with pytest.raises(CorpusError, match="holds no 'T999'"):
        read_rrf(tmp_path, ["T999"])
    with pytest.raises(CorpusError, match="line 1: 2 fields"):
        read_rrf(write(tmp_path / "bad" / "MRCONSO.RRF", "a|b\n"))


def test_columns_with_and_without_names(tmp_path: Path) -> None:
    named = write(tmp_path / "named.csv", 'code,name,other\n1,"aspirin, buffered",x\n2,ibuprofen,y\n')
    assert read_column(named) == ["aspirin, buffered", "ibuprofen"]
    assert read_column(named, "Other") == ["x", "y"] == read_terms(named, ["other"])
    assert read_column(write(tmp_path / "bare.tsv", "aspirin\t1\nibuprofen\t2\n")) == ["aspirin", "ibuprofen"]
    assert read_terms(write(tmp_path / "terms.txt", "aspirin\n\n ibuprofen \n")) == ["aspirin", "ibuprofen"]
    with pytest.raises(CorpusError, match="no column 'dose'; the first line has code, name, other"):
        read_column(named, "dose")


def test_a_table_and_tagged_text_name_their_types(tmp_path: Path) -> None:
    table = write(tmp_path / "all.csv", "type,term\ndrug,aspirin\ndisease,flu\ndrug,ibuprofen\n")
    assert read_types([str(table)]) == {"drug": ("aspirin", "ibuprofen"), "disease": ("flu",)}
    tagged = write(
        tmp_path / "notes.conll", "Lung\tB-dis\ncancer\tI-dis\nand\tO\nflu\tB-dis\n\npain\tI-dis\naspirin\tB-drug\n"
    )
    assert read_tagged(tagged) == {"dis": ["Lung cancer", "flu", "pain"], "drug": ["aspirin"]}
    assert read_types([str(tagged)])["drug"] == ("aspirin",)
    assert read_terms(tagged, ["drug"]) == ["aspirin"]
    with pytest.raises(UsageError, match=r"NAME="):
        read_types([str(write(tmp_path / "list.txt", "aspirin\n"))])


def test_damaged_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"x\.txt: there is no such file"):
        read_terms(tmp_path / "x.txt")
    (tmp_path / "y.txt").write_bytes(b"ok\n\xff\n")
    with pytest.raises(CorpusError, match=r"y\.txt, line 2: not UTF-8 at byte 0"):
        read_terms(tmp_path / "y.txt")
    (tmp_path / "z.txt.gz").write_bytes(gzip.compress(b"aspirin\n" * 1000)[:40])
    with pytest.raises(CorpusError, match="damaged or truncated"):
        read_terms(tmp_path / "z.txt.gz")
    with pytest.raises(CorpusError, match="line 2: expected a word and its tag"):
        read_tagged(write(tmp_path / "t.conll", "a O\nb\n"))


def test_entities_of_the_disease_corpus(data_folder: Path) -> None:
    entities = read_tagged(data_folder / "bio" / "ncbi_disease.train.tsv")
    assert set(entities) == {"Disease"} or set(entities) == {"entity"}
    (found,) = entities.values()
    assert any("cancer" in term for term in found)
    assert len(found) > 500


def test_ngrams_by_hand() -> None:
    def counts(word: str, tails_again: bool) -> dict[str, int]:
        found = NgramCounts({word: 1}, tails_again=tails_again)
        return {ngram: found[ngram] for ngram in ("a", "b", "c", "ab", "bc", "abc") if found[ngram]}

    assert counts("abc", False) == {"a": 1, "b": 1, "c": 1, "ab": 1, "bc": 1, "abc": 1}
    assert counts("abc", True) == {"a": 1, "b": 1, "c": 3, "ab": 1, "bc": 2, "abc": 1}
    assert counts("ab", True) == {"a": 1, "b": 2, "ab": 1}


def test_words_are_counted_in_lower_case() -> None:
    assert words_of(["Heart attack", "attack\tof  X"]) == {"heart": 1, "attack": 2, "of": 1, "x": 1}


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
