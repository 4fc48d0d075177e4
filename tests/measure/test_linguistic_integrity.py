"""Linguistic integrity on the card's examples, by hand, and by properties that must hold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from tokencraft.corpus import Corpus
from tokencraft.errors import CorpusError, UsageError
from tokencraft.measure import IntegrityRow, LinguisticIntegrity, Unit
from tokencraft.morphology import Lexicon, PerWord
from tokencraft.vocabulary import Vocabulary

KITAP = Lexicon(["kitaplar"], ["kitap"], ["lar", "ın"], language="tr")


def whole_words(*words: str) -> Vocabulary:
    """A byte-level vocabulary with each string as one token, bytes for everything else."""
    printable = {chr(code): code for code in range(33, 127)}
    letters = sorted({*printable, *tokenizers.pre_tokenizers.ByteLevel.alphabet()})
    vocabulary = {letter: number for number, letter in enumerate(letters)}
    merges: list[tuple[str, str]] = []
    byte_level = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    for word in words:
        [(mapped, _)] = byte_level.pre_tokenize_str(word)
        for end in range(2, len(mapped) + 1):
            if mapped[:end] not in vocabulary:
                vocabulary[mapped[:end]] = len(vocabulary)
                merges.append((mapped[: end - 1], mapped[end - 1]))
    stock = tokenizers.Tokenizer(tokenizers.models.BPE(vocabulary, merges, ignore_merges=True))
    stock.pre_tokenizer = tokenizers.pre_tokenizers.Sequence(
        [tokenizers.pre_tokenizers.Split("|", "removed"), byte_level]
    )
    stock.decoder = tokenizers.decoders.ByteLevel()
    return Vocabulary.from_tokenizer(stock)


def measured(integrity: LinguisticIntegrity, *texts: str, words: Sequence[str]) -> IntegrityRow:
    return integrity.measure(whole_words(*words), Corpus.from_iterable(texts)).rows[0]


def test_tokens_of_the_papers_example() -> None:
    # Ca|ts|are|play|ing: three of the five tokens are words.
    words = ["Ca", "ts", "are", "play", "ing"]
    row = measured(LinguisticIntegrity(Lexicon(["are", "play", "ing"])), "|".join(words), words=words)
    assert row.tokens == 5
    assert row.word_token_percent == 60


def test_units_by_hand() -> None:
    # " kitap" and "kitap" are one unit.
    words = [" kitap", "kitap", "lar", "ın", "xq"]
    row = measured(LinguisticIntegrity(KITAP), "|".join(words), words=words)
    assert row.units == {
        "kitap": Unit(True, True, 2),
        "lar": Unit(True, True, 1),
        "xq": Unit(False, False, 1),
        "ın": Unit(True, True, 1),
    }
    assert (row.unique_units, row.word_percent, row.atom_percent) == (4, 75, 75)
    assert row.word_token_percent == 80
    assert row.units_table(failed=True).rows == (("xq", 1, False, False),)
    assert row.units_table().rows[0] == ("kitap", 2, True, True)


def test_words_that_are_no_atoms() -> None:
    row = measured(LinguisticIntegrity(KITAP), "KİTAPLAR|lar", words=["KİTAPLAR", "lar"])
    assert (row.word_percent, row.atom_percent) == (100, 50)


def test_a_token_of_several_words_gives_several_units() -> None:
    lexicon = Lexicon(["evet", "hayır"])
    row = measured(LinguisticIntegrity(lexicon), "evet hayır| x", words=["evet hayır", " x"])
    assert sorted(row.units) == ["evet", "hayır", "x"]
    assert row.word_percent == pytest.approx(200 / 3)
    assert row.word_token_percent == 50  # the first of two tokens


def test_white_space_is_no_unit_and_cut_characters_are_one() -> None:
    row = measured(LinguisticIntegrity(Lexicon(["a"])), "a \n\té", words=[])
    assert sorted(row.units) == ["a", "\ufffd"]
    assert (row.tokens, row.undecodable) == (6, 1)
    assert row.units["\ufffd"].tokens == 2
    only_space = measured(LinguisticIntegrity(Lexicon(["a"])), " \n", words=[])
    assert only_space.tokens == 2
    assert math.isnan(only_space.word_percent)
    assert math.isnan(only_space.atom_token_percent)
    assert math.isnan(only_space.fertility)


def test_single_letters_do_not_count_when_guarded() -> None:
    lexicon = Lexicon(roots=["ev", "e", "v"])
    rows = [measured(LinguisticIntegrity(lexicon, min_length=least), "ev|e|v|q", words=["ev"]) for least in (1, 2)]
    assert [row.word_percent for row in rows] == [75, 25]
    assert [row.word_token_percent for row in rows] == [75, 25]
    assert [row.guarded_word_token_percent for row in rows] == [25, 25]
    assert rows[0].percent("atom", min_length=3) == 0


def test_analyser_beside_a_lexicon() -> None:
    readings = {"evler": [("ev", ("ev", "ler"))], "ev": [("ev", ("ev",)), ("e", ("e", "v"))]}
    analyser = PerWord(lambda word: readings.get(word, []))
    words = ["ev", "evler", "ler"]
    alone = measured(LinguisticIntegrity(analyser=analyser), "|".join(words), words=words)
    assert {text: unit[:2] for text, unit in alone.units.items()} == {
        "ev": (True, True),
        "evler": (True, False),
        "ler": (False, False),
    }
    both = measured(LinguisticIntegrity(Lexicon(affixes=["ler"]), analyser), "|".join(words), words=words)
    assert both.units["ler"][:2] == (True, True)
    assert (both.word_percent, both.atom_percent) == (100, pytest.approx(200 / 3))


def test_special_tokens_are_no_units() -> None:
    stock = tokenizers.Tokenizer(tokenizers.models.WordPiece({"[UNK]": 0, "ev": 1, "##ler": 2}, unk_token="[UNK]"))
    stock.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    stock.add_special_tokens(["[UNK]"])
    integrity = LinguisticIntegrity(Lexicon(roots=["ev"], affixes=["ler"]))
    row = integrity.measure(Vocabulary.from_tokenizer(stock), Corpus.from_iterable(["evler zzz"])).rows[0]
    assert sorted(row.units) == ["ev", "ler"]  # the mark of WordPiece is gone
    assert row.tokens == 3
    assert row.word_percent == 100


def test_official_behaviour() -> None:
    lexicon = Lexicon(roots=["Risk", "ev"], case="exact")
    readings = {"evde": [("ev", ("ev", "de"))], "evler": [("ev", ("ev", "ler"))], "de": []}
    analyser = PerWord(lambda word: readings.get(word, []))
    words = ["ev", " Risk", "evde", "de", "EV"]
    row = measured(LinguisticIntegrity(lexicon, analyser, official=True), "|".join(words), words=words)
    # " Risk" misses the list, whose entry has no space; nothing is folded; "evde" is no root though it is a word.
    assert {text: unit[:2] for text, unit in row.units.items()} == {
        "EV": (False, False),
        "Risk": (False, False),
        "de": (False, False),
        "ev": (True, True),
        "evde": (True, False),
    }
    official = row.to_official_row()
    assert official["unique_token_count"] == 5
    assert (official["turkish_token_count"], official["turkish_token_percent"]) == (2, 0.4)
    assert (official["pure_token_count"], official["pure_token_percent"]) == (1, 0.2)
    assert official["time"] == row.official_seconds
    # Purity depends on the other units: "kök" counts since "kökler" is read beside it.
    readings |= {"kökler": [("kök", ("kök", "ler"))]}
    words = ["kök", "kökler"]
    row = measured(LinguisticIntegrity(lexicon, analyser, official=True), "|".join(words), words=words)
    assert row.units["kök"][:2] == (False, True)  # pure without being a word, as published tables have it


def test_official_counts_take_special_tokens_and_one_text() -> None:
    stock = whole_words("ev").to_tokenizers()
    stock.add_special_tokens(["<s>"])
    stock.post_processor = tokenizers.processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", stock.token_to_id("<s>"))]
    )
    vocabulary = Vocabulary.from_tokenizer(stock)
    corpus = Corpus.from_iterable(["ev", "ev"])
    lexicon = Lexicon(roots=["ev"], case="exact")
    official = LinguisticIntegrity(lexicon, official=True).measure(vocabulary, corpus).rows[0]
    assert official.tokens == 4  # <s> ev newline ev
    assert sorted(official.units) == ["<s>", "ev"]
    ours = LinguisticIntegrity(lexicon).measure(vocabulary, corpus).rows[0]
    assert (ours.tokens, sorted(ours.units)) == (2, ["ev"])


def test_gold_segmentations() -> None:
    gold = {"kitaplar": ("kitap", "lar"), "evde": ("ev", "de")}
    integrity = LinguisticIntegrity(KITAP, gold=gold)
    vocabulary = whole_words(" kitap", "lar", " evde")
    measurement = integrity.measure(vocabulary, Corpus.from_iterable(["x"]))
    row = measurement.rows[0]
    assert "boundary F1" in [column.name for column in measurement.table().columns]
    # kitap|lar: one cut of two is found, and no other; evde is one token, so recall over divided words is full.
    assert (row.boundary_precision, row.boundary_recall, row.morph_score) == (1, 0.5, 1)
    assert row.boundary_f1 == pytest.approx(2 / 3)
    with pytest.raises(UsageError, match=r"kitap\|ın do not add up to the word 'kitabın'"):
        LinguisticIntegrity(KITAP, gold={"kitabın": ("kitap", "ın")}).measure(vocabulary, Corpus.from_iterable(["x"]))


def test_domains_side_by_side() -> None:
    vocabularies = {"a": whole_words("kitap"), "b": whole_words("lar")}
    data = {"x": Corpus.from_iterable(["kitap"]), "y": Corpus.from_iterable(["lar"])}
    measurement = LinguisticIntegrity(KITAP).measure(vocabularies, data)
    assert [(row.data, row.vocabulary, row.unique_units) for row in measurement.rows] == [
        *(("x", "a", 1), ("x", "b", 5), ("y", "a", 3), ("y", "b", 1))
    ]
    names = [column.name for column in measurement.table().columns]
    assert names.index("tokens") == names.index("bytes") + 1
    assert "boundary F1" not in names


@settings(deadline=None)
@given(st.lists(st.text("kitaplrınxq ", min_size=1), min_size=1, max_size=4))
def test_order_and_copies_of_documents_do_not_matter(texts: list[str]) -> None:
    vocabulary = whole_words("kitap", "lar", " kitap")
    integrity = LinguisticIntegrity(KITAP, repeats=1)
    once = integrity.measure(vocabulary, Corpus.from_iterable(texts)).rows[0]
    twice = integrity.measure(vocabulary, Corpus.from_iterable([*reversed(texts), *texts])).rows[0]
    assert twice.tokens == 2 * once.tokens
    for name in ("word_percent", "atom_percent", "word_token_percent", "atom_token_percent"):
        assert getattr(twice, name) == pytest.approx(getattr(once, name), nan_ok=True)
    if once.units:
        assert once.atom_percent <= once.word_percent <= 100
        assert once.atom_token_percent <= once.word_token_percent <= 100


def test_a_vocabulary_of_morphemes_is_all_pure() -> None:
    atoms = ["kitap", "lar", "ın"]
    row = measured(LinguisticIntegrity(KITAP), "kitap|lar|ın kitap|lar", words=[*atoms, "ın kitap"])
    assert (row.word_percent, row.atom_percent, row.word_token_percent) == (100, 100, 100)


def test_bad_calls() -> None:
    with pytest.raises(UsageError, match="a lexicon, an analyser or both"):
        LinguisticIntegrity()
    with pytest.raises(UsageError, match="1 or more"):
        LinguisticIntegrity(KITAP, min_length=0)
    with pytest.raises(CorpusError, match="empty"):
        LinguisticIntegrity(KITAP).measure(whole_words(), Corpus.from_iterable([]))


@pytest.mark.parametrize(("good", "size", "percent"), [(3104, 6383, 48.63), (2365, 6383, 37.05), (4338, 8562, 50.67)])
def test_published_rows_are_of_this_form(good: int, size: int, percent: float) -> None:
    units = {str(k): Unit(k < good, k < good, 1) for k in range(size)}
    row = IntegrityRow("x", "all", 1, 1, 1, 1, 1, size, units, {}, 1, 1.0)
    assert round(row.word_percent, 2) == percent
    assert row.to_official_row()["turkish_token_percent"] == pytest.approx(percent / 100, abs=5e-5)


def test_real_vocabulary_against_its_own_tokenizer(data_folder: Path) -> None:
    lines = (data_folder / "text" / "ud" / "tr.test.txt").read_text(encoding="utf-8").splitlines()
    lexicon = Lexicon.from_conllu(data_folder / "morphology" / "tr_imst-train.conllu.gz", language="tr")
    gpt2 = Vocabulary.load(data_folder / "tokenizers" / "gpt-2.json.gz")
    row = LinguisticIntegrity(lexicon, repeats=1).measure(gpt2, Corpus.from_iterable(lines)).rows[0]
    stock = gpt2.to_tokenizers()
    ids = [number for line in lines if line for number in stock.encode(line, add_special_tokens=False).ids]
    units = {unit for number in set(ids) for unit in stock.decode([number]).split()}
    assert row.tokens == len(ids)
    assert set(row.units) == units
    assert row.word_percent == pytest.approx(100 * sum(map(lexicon.is_word, units)) / len(units))
    assert row.percent("word", min_length=2) < row.word_percent
