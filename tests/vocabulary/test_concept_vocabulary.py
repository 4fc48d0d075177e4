"""A vocabulary with a localised choice: as a vocabulary, as a file, and as a tokenizer of transformers."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer, DataCollatorForTokenClassification

from tokencraft.corpus import Corpus
from tokencraft.errors import UsageError, VocabularyError
from tokencraft.learn import BPE, KTokeniser, WordPiece
from tokencraft.vocabulary import Vocabulary
from tokencraft.vocabulary.concept_tokenizer import ConceptTokenizer
from tokencraft.vocabulary.concept_vocabulary import ConceptVocabulary, attach, side_file

TEXT = "the patient was given a single tablet of it, in the morning; zinc, vex, quick jab, fry and"
CONCEPTS = {
    "drug": ["penicillin", "ampicillin", "amoxicillin", "aspirin tablet", "Heparin"],
    "disease": ["hepatitis", "bronchitis", "arthritis", "gastritis", "dermatitis"],
}
SENTENCE = "The patient was given Ampicillin (500) for bronchitis, NOT dermatitis."


@pytest.fixture(scope="module")
def base() -> Vocabulary:
    return WordPiece(vocab_size=80, min_frequency=2).train(Corpus.from_iterable([TEXT] * 3))


@pytest.fixture(scope="module")
def vocabulary(base: Vocabulary) -> ConceptVocabulary:
    return KTokeniser(CONCEPTS, base, threshold=0).train()


@pytest.fixture(scope="module")
def tokenizer(vocabulary: ConceptVocabulary) -> ConceptTokenizer:
    return vocabulary.to_transformers()


def sure(base: Vocabulary, **settings: object) -> ConceptVocabulary:
    return KTokeniser(CONCEPTS, base, threshold=0, **settings).train()  # type: ignore[arg-type]


def test_it_makes_a_choice(vocabulary: ConceptVocabulary) -> None:
    assert vocabulary.choose("cloxacillin").taken.source == "drug"
    assert vocabulary.choose("cystitis").taken.source == "disease"
    assert vocabulary.choose("patient").taken.ids == vocabulary.choose("patient").base.ids


def test_no_concept_is_used_at_f_0(base: Vocabulary) -> None:
    never = sure(base, fertility_limit=0.0)
    for specials in ("none", "all"):
        for text in (TEXT, SENTENCE, "penicillin [MASK] hepatitis", "", "né ∂x 漢字"):
            assert never.encode(text, specials=specials).tolist() == base.encode(text, specials=specials).tolist()


def test_without_types_it_is_the_base(base: Vocabulary) -> None:
    empty = KTokeniser({"none": []}, base, threshold=0).train()
    assert len(empty) == len(base)
    assert empty.encode(SENTENCE).tolist() == base.encode(SENTENCE).tolist()


def test_ids_of_the_base_keep_their_meaning(base: Vocabulary, vocabulary: ConceptVocabulary) -> None:
    assert vocabulary.tokens[: len(base)] == base.tokens
    assert vocabulary.pieces[: len(base)] == base.pieces
    ids = base.encode(TEXT)
    assert vocabulary.decode(ids) == base.decode(ids)
    added = sorted({number for numbers in vocabulary.choice.types.values() for number in numbers})
    assert added == list(range(len(base), len(vocabulary)))


def test_every_new_piece_can_be_reached(vocabulary: ConceptVocabulary) -> None:
    assert vocabulary.unreachable() == {"drug": (), "disease": ()}


@given(text=st.text("aceiprtthsln ABM", max_size=40))
def test_pieces_spell_the_words(vocabulary: ConceptVocabulary, text: str) -> None:
    for word in text.split():
        ids = vocabulary.encode(word).tolist()
        pieces = [vocabulary.pieces[number] for number in ids]
        if "[UNK]" not in pieces:
            assert "".join(piece.removeprefix("##") for piece in pieces) == word.lower()


def test_a_batch_is_its_texts(vocabulary: ConceptVocabulary) -> None:
    texts = [SENTENCE, "", TEXT, "penicillin"]
    batch = vocabulary.encode_batch(texts, threads=2)
    assert [ids.tolist() for ids in batch] == [vocabulary.encode(text).tolist() for text in texts]
    assert batch.encoder == "tokencraft"


def test_sources_of_words_by_hand(vocabulary: ConceptVocabulary) -> None:
    rows = {row[0]: row[1] for row in vocabulary.sources(["cystitis and cloxacillin in it", "12"]).rows}
    assert (rows["words by drug"], rows["words by disease"]) == (1, 1)
    assert rows["words by drug"] + rows["words by disease"] + rows["words by base"] == 6
    assert rows["sequences that kept the base's"] == 0


def test_files_give_the_vocabulary_back(vocabulary: ConceptVocabulary, tmp_path: Path) -> None:
    for name in ("folder", "one.json", "two.json.gz"):
        vocabulary.save(tmp_path / name)
        loaded = Vocabulary.load(tmp_path / name)
        assert isinstance(loaded, ConceptVocabulary)
        assert loaded == vocabulary
        assert loaded.encode(SENTENCE).tolist() == vocabulary.encode(SENTENCE).tolist()
        assert loaded.origin.method == ("k-tokeniser" if name == "folder" else "")
    with pytest.raises(VocabularyError, match="tiktoken ranks cannot hold a choice"):
        vocabulary.save(tmp_path / "x.tiktoken")


def test_the_choice_is_part_of_what_a_vocabulary_is(base: Vocabulary, vocabulary: ConceptVocabulary) -> None:
    assert sure(base, strip_prefix=True) != vocabulary
    assert sure(base) == vocabulary
    assert vocabulary != vocabulary.replace(special_tokens={})
    assert pickle.loads(pickle.dumps(vocabulary)) == vocabulary


def test_a_choice_of_another_vocabulary_is_refused(
    vocabulary: ConceptVocabulary, base: Vocabulary, tmp_path: Path
) -> None:
    path = tmp_path / "a.json"
    vocabulary.save(path)
    beside = side_file(path)
    base.save(path)
    with pytest.raises(VocabularyError, match=r"a\.concepts\.json: belongs to another a\.json; delete it"):
        Vocabulary.load(path)
    beside.write_text(json.dumps({"schema": 1}), encoding="utf-8")
    with pytest.raises(VocabularyError, match="damaged"):
        Vocabulary.load(path)
    beside.write_text(json.dumps({"schema": 9}), encoding="utf-8")
    with pytest.raises(VocabularyError, match="has the schema 9"):
        Vocabulary.load(path)


def test_more_special_tokens_change_nothing_else(vocabulary: ConceptVocabulary) -> None:
    grown = vocabulary.with_specials(["[NOTE]"])
    assert isinstance(grown, ConceptVocabulary)
    assert grown.encode(SENTENCE).tolist() == vocabulary.encode(SENTENCE).tolist()
    assert grown.encode("[NOTE] it", specials="all")[0] == len(vocabulary)


def test_only_longest_match_can_choose(vocabulary: ConceptVocabulary) -> None:
    bpe = BPE(vocab_size=260).train(Corpus.from_iterable([TEXT]))
    with pytest.raises(VocabularyError, match="needs longest match, not bpe-merges"):
        attach(bpe, vocabulary.choice)
    lossless = KTokeniser(vocab_size=270).train(Corpus.from_iterable([TEXT]))
    with pytest.raises(UsageError, match="keeps case"):
        attach(Vocabulary.from_tokenizer(lossless.to_tokenizers()), vocabulary.choice)


def test_every_word_must_have_some_token(base: Vocabulary, vocabulary: ConceptVocabulary) -> None:
    flags = dataclasses.replace(base.flags, unk_token=None)
    silent = attach(base.replace(flags=flags), dataclasses.replace(vocabulary.choice, types={}))
    with pytest.raises(VocabularyError, match="there is no unknown token"):
        silent.encode("penicillin")


def test_long_words_are_not_remembered() -> None:
    lossless = KTokeniser(vocab_size=270).train(Corpus.from_iterable([TEXT]))
    text = "ab" * 100_000
    assert lossless.decode(lossless.encode(text)) == text
    assert lossless.segmenter.choose("ab" * 40, "ab" * 40).taken.lengths
    assert lossless.segmenter._remembered.cache_info().currsize <= len(TEXT)


# As a tokenizer of transformers ---------------------------------------------------------------------------------------


def test_the_tokenizer_has_the_same_ids(vocabulary: ConceptVocabulary, tokenizer: ConceptTokenizer) -> None:
    for text in (SENTENCE, TEXT, "x [MASK] penicillin", ""):
        assert (
            tokenizer(text, add_special_tokens=False)["input_ids"] == vocabulary.encode(text, specials="all").tolist()
        )
    assert tokenizer(SENTENCE).tokens()[0] == "[CLS]"
    assert Vocabulary.from_tokenizer(tokenizer) == vocabulary


def test_offsets_are_those_of_the_text(tokenizer: ConceptTokenizer) -> None:
    text = "Pénicillin, the AMPICILLIN [MASK] of bronchitis"
    encoded = tokenizer(text, return_offsets_mapping=True, add_special_tokens=False)
    words = encoded.word_ids()
    stock = [text[slice(*encoded.word_to_chars(number))] for number in sorted(set(words))]
    assert stock == ["Pénicillin", ",", "the", "AMPICILLIN", "[MASK]", "of", "bronchitis"]
    for token, (begin, end) in zip(encoded.tokens(), encoded["offset_mapping"], strict=True):
        if token != "[UNK]":
            assert text[begin:end].lower().replace("é", "e") in (token.removeprefix("##"), "[mask]")


def test_words_that_are_split_already(tokenizer: ConceptTokenizer, vocabulary: ConceptVocabulary) -> None:
    words = [["The", "cloxacillin", "for-bronchitis"], ["zinc"]]
    batch = tokenizer(words, is_split_into_words=True, padding=True)
    for row, own in enumerate(words):
        ids = [
            number
            for number, word in zip(batch["input_ids"][row], batch.word_ids(row), strict=True)
            if word is not None
        ]
        assert ids == vocabulary.encode(" ".join(own)).tolist()
    assert set(batch.word_ids(0)) == {None, 0, 1, 2}
    assert len(batch["input_ids"][0]) == len(batch["input_ids"][1])


def test_one_decision_for_a_whole_sequence_of_words(base: Vocabulary) -> None:
    limited = sure(base, fertility_limit=0.01)
    words = ["the", "patient", "dermatitis"]
    assert limited.choose("dermatitis").taken.ids != limited.choose("dermatitis").base.ids
    split = limited.to_transformers()(words, is_split_into_words=True, add_special_tokens=False)["input_ids"]
    assert split == limited.encode(" ".join(words)).tolist()


def test_truncation_pairs_and_padding(tokenizer: ConceptTokenizer) -> None:
    cut = tokenizer(SENTENCE, truncation=True, max_length=6)
    assert len(cut["input_ids"]) == len(cut.word_ids()) == 6
    assert cut.tokens()[-1] == "[SEP]"
    windows = tokenizer(SENTENCE, truncation=True, max_length=8, stride=2, return_overflowing_tokens=True)
    assert len(windows["input_ids"]) > 2
    pair = tokenizer(["penicillin"], ["for bronchitis"], padding="max_length", max_length=20)
    assert pair["token_type_ids"][0].count(1) == len(tokenizer.tokenize("for bronchitis")) + 1
    assert len(pair["input_ids"][0]) == 20
    tensors = tokenizer([SENTENCE, "it"], padding=True, pad_to_multiple_of=8, return_tensors="pt")
    assert tensors["input_ids"].shape[1] % 8 == 0
    assert tensors["attention_mask"].sum(1).tolist() == [len(tokenizer(text)["input_ids"]) for text in (SENTENCE, "it")]
    left = tokenizer([SENTENCE, "it"], padding=True, padding_side="left")
    assert left["input_ids"][1][0] == tokenizer.pad_token_id


def test_a_collator_takes_it(tokenizer: ConceptTokenizer) -> None:
    rows = []
    for words in (["the", "bronchitis"], ["penicillin"]):
        encoded = tokenizer(words, is_split_into_words=True)
        labels = [-100 if word is None else word for word in encoded.word_ids()]
        rows.append({"input_ids": encoded["input_ids"], "labels": labels})
    batch = DataCollatorForTokenClassification(tokenizer)(rows)
    assert batch["input_ids"].shape == batch["labels"].shape


def test_saved_tokenizers_are_found_by_their_class(
    tokenizer: ConceptTokenizer, vocabulary: ConceptVocabulary, tmp_path: Path
) -> None:
    tokenizer.save_pretrained(tmp_path / "a")
    vocabulary.save(tmp_path / "b")
    for folder in (tmp_path / "a", tmp_path / "b"):
        for loaded in (ConceptTokenizer.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)):
            assert isinstance(loaded, ConceptTokenizer)
            assert loaded(SENTENCE)["input_ids"] == tokenizer(SENTENCE)["input_ids"]
            assert loaded.mask_token == "[MASK]"
    (tmp_path / "a" / "tokenizer.concepts.json").unlink()
    with pytest.raises(VocabularyError, match=r"no tokenizer\.concepts\.json beside it"):
        ConceptTokenizer.from_pretrained(tmp_path / "a")


def test_copies_and_pickles(tokenizer: ConceptTokenizer) -> None:
    for other in (copy.deepcopy(tokenizer), pickle.loads(pickle.dumps(tokenizer))):
        assert other(SENTENCE)["input_ids"] == tokenizer(SENTENCE)["input_ids"]
    assert tokenizer.backend_tokenizer.to_str() == tokenizer.backend_tokenizer.to_str()


def test_new_tokens_and_decoding(vocabulary: ConceptVocabulary) -> None:
    own = vocabulary.to_transformers()
    assert own.add_tokens(["<drug>"], special_tokens=True) == 1
    ids = own("it <drug> bronchitis", add_special_tokens=False)["input_ids"]
    assert len(vocabulary) in ids
    assert own.decode(ids) == "it <drug> bronchitis"
    assert np.array_equal(own("bronchitis", add_special_tokens=False)["input_ids"], vocabulary.encode("bronchitis"))


def test_a_model_learns_with_it(tokenizer: ConceptTokenizer) -> None:
    import torch
    from transformers import BertConfig, BertForTokenClassification

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64
    )
    model = BertForTokenClassification(config)
    words = [["the", "cloxacillin", "was", "given"], ["bronchitis", "in", "the", "patient"]]
    rows = []
    for own in words:
        encoded = tokenizer(own, is_split_into_words=True)
        is_drug = [-100 if word is None else int(own[word] == "cloxacillin") for word in encoded.word_ids()]
        rows.append({"input_ids": encoded["input_ids"], "labels": is_drug})
    batch = DataCollatorForTokenClassification(tokenizer)(rows)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    losses = []
    for _ in range(15):
        loss = model(**batch).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


@pytest.fixture(scope="module")
def both(base: Vocabulary) -> tuple[Any, Any]:
    """The stock tokenizer of the base, and ours where it never chooses."""
    return base.to_transformers(), sure(base, fertility_limit=0.0).to_transformers()


WORDS = [["The", "patient's", "bronchitis", "[MASK]"], ["x"], ["a", "single", "tablet", "in", "the", "morning"] * 3]
OPTIONS: list[dict[str, object]] = [
    {},
    {"padding": True},
    {"padding": "max_length", "max_length": 24, "truncation": True},
    {"padding": True, "truncation": True, "max_length": 14, "stride": 3, "return_overflowing_tokens": True},
    {"padding": True, "pad_to_multiple_of": 16, "padding_side": "left"},
    {"add_special_tokens": False, "return_length": True},
    {"truncation": True, "max_length": 5, "return_special_tokens_mask": True},
    {"split_special_tokens": True},
]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize("pair", [False, True])
def test_without_a_choice_it_is_the_stock_tokenizer(
    both: tuple[Any, Any], options: dict[str, object], split: bool, pair: bool
) -> None:
    stock, ours = both
    first = WORDS if split else [" ".join(words) for words in WORDS]
    second = first[::-1] if pair else None
    given = {"is_split_into_words": split, "return_offsets_mapping": True, "return_token_type_ids": True, **options}
    expected, found = stock(first, second, **given), ours(first, second, **given)
    assert dict(found) == dict(expected)
    for row in range(len(expected["input_ids"])):
        assert found.word_ids(row) == expected.word_ids(row)
        assert found.tokens(row) == expected.tokens(row)
        assert found.sequence_ids(row) == expected.sequence_ids(row)
    single = ours(first[0], **given)
    assert dict(single) == dict(stock(first[0], **given))
