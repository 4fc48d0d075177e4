"""Lexicons and lower case, against words chosen by hand."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tokencraft.errors import CorpusError, UsageError
from tokencraft.morphology import Lexicon, PerWord, fold

TREEBANK = """# text = Evlerdeydi 3 .
1-2\tEvlerdeydi\t_\t_\t_\t_\t_\t_\t_\t_
1\tEvlerde\tev\tNOUN\tNoun\t_\t0\troot\t_\t_
2\tydi\ti\tAUX\tZero\t_\t1\tcop\t_\t_
3\t3\t3\tNUM\tNum\t_\t1\tnummod\t_\t_
3.1\tgizli\tgizli\tADJ\tAdj\t_\t1\tdep\t_\t_
4\t.\t.\tPUNCT\tPunc\t_\t1\tpunct\t_\t_

"""


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("IŞIK", "tr", "ışık"),
        ("İzmir", "tr", "izmir"),
        ("ISPARTA", "tr", "ısparta"),
        ("I\u0307zmir", "tr", "izmir"),  # decomposed: a capital I and a combining dot
        ("ISPARTA", "az", "ısparta"),
        ("ISPARTA", "", "isparta"),
        ("Cafe\u0301", "fr", "café"),
        ("", "tr", ""),
    ],
)
def test_lower_case_of_a_language(text: str, language: str, expected: str) -> None:
    assert fold(text, language) == expected
    assert fold(expected, language) == expected


def test_words_and_atoms() -> None:
    lexicon = Lexicon(["kitaplar"], ["Kitap"], ["lar", ""], language="tr")
    assert [lexicon.is_word(text) for text in ("KITAP", "KİTAP", "kitaplar", "lar", "xq", "")] == [
        *(False, True, True, True, False, False)
    ]
    assert [lexicon.is_atom(text) for text in ("kitap", "lar", "kitaplar")] == [True, True, False]
    assert len(lexicon) == 3


def test_exact_case() -> None:
    lexicon = Lexicon(roots=["risk"], case="exact")
    assert lexicon.is_atom("risk")
    assert not lexicon.is_atom("Risk")


def test_union() -> None:
    both = Lexicon(["a"], ["b"], language="tr") | Lexicon(affixes=["c"], language="tr")
    assert (both.words, both.roots, both.affixes) == ({"a"}, {"b"}, {"c"})
    with pytest.raises(UsageError, match="different kinds"):
        both | Lexicon(["d"])


def test_lists(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("\ufeffkitap\r\n\n  ev \n", encoding="utf-8")
    assert Lexicon.from_list(path).roots == {"kitap", "ev"}
    assert Lexicon.from_list(path, "words").words == {"kitap", "ev"}
    path.write_text("-lar\n+ın\nge-\n", encoding="utf-8")
    assert Lexicon.from_list(path, "affixes").affixes == {"lar", "ın", "ge"}
    with pytest.raises(UsageError, match="'stems'"):
        Lexicon.from_list(path, "stems")  # type: ignore[arg-type]


def test_treebank(tmp_path: Path) -> None:
    path = tmp_path / "tr.conllu.gz"
    path.write_bytes(gzip.compress(TREEBANK.encode()))
    lexicon = Lexicon.from_conllu(path, language="tr")
    assert lexicon.words == {"evlerdeydi", "evlerde", "ydi"}
    assert lexicon.roots == {"ev", "i"}


def test_paradigms(tmp_path: Path) -> None:
    path = tmp_path / "tur"
    path.write_text("kitap\tkitaplar\tN;NOM;PL\nkitap\tkitabı\tN;ACC;SG\n\n", encoding="utf-8")
    lexicon = Lexicon.from_unimorph(path)
    assert lexicon.words == {"kitaplar", "kitabı"}
    assert lexicon.roots == {"kitap"}


def test_from_analyses() -> None:
    readings = {"evler": [("ev", ("ev", "ler"))], "kitabın": [("kitap", ("kitab", "ın"))], "": [("", ())]}
    lexicon = Lexicon.from_analyses(PerWord(lambda word: readings.get(word, [])), ["evler", "kitabın", "xq", ""])
    assert lexicon.words == {"evler", "kitabın"}
    assert lexicon.roots == {"ev", "kitab"}
    assert lexicon.affixes == {"ler", "ın"}


def test_bad_files(tmp_path: Path) -> None:
    empty = tmp_path / "empty.txt"
    empty.write_text("\n")
    with pytest.raises(CorpusError, match="no entry"):
        Lexicon.from_list(empty)
    with pytest.raises(CorpusError, match="no word"):
        Lexicon.from_conllu(empty)
    with pytest.raises(CorpusError, match="cannot be read"):
        Lexicon.from_list(tmp_path / "absent")
    bad = tmp_path / "bad"
    bad.write_bytes(b"kitap\n\xff\n")
    with pytest.raises(CorpusError, match="not UTF-8"):
        Lexicon.from_list(bad)
    bad.write_text("1\tkitap\n")
    with pytest.raises(CorpusError, match="line 1: 2 columns"):
        Lexicon.from_conllu(bad)
    bad.write_text("kitap\n")
    with pytest.raises(CorpusError, match="line 1: expected lemma"):
        Lexicon.from_unimorph(bad)
    with pytest.raises(UsageError, match="several strings"):
        Lexicon(words="kitap")
    with pytest.raises(UsageError, match="'fold' or 'exact'"):
        Lexicon(case="lower")  # type: ignore[arg-type]


def test_treebank_of_the_data(data_folder: Path) -> None:
    lexicon = Lexicon.from_conllu(data_folder / "morphology" / "tr_imst-dev.conllu.gz", language="tr")
    assert lexicon.is_atom("Kim")
    assert lexicon.is_word("adı")
    assert not lexicon.is_word(".")
