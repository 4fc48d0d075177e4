"""The transformers tokenizer of two paths: our ids, and all that a fast tokenizer has."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer, DataCollatorForLanguageModeling

from tokencraft.errors import VocabularyError
from tokencraft.vocabulary import Vocabulary
from tokencraft.vocabulary.lexicon import as_greedy, from_lexicon
from tokencraft.vocabulary.two_path_tokenizer import TwoPathTokenizer

LEXICON = ["a", "ab", "bc", "c", "abc", "cd", "d", "bcd", "é語", "語", " the", " the e"]
VOCABULARY = from_lexicon(LEXICON, two_paths=True, special_tokens=("<s>", "</s>", "<pad>", "<mask>"))
TOKENIZER = VOCABULARY.to_transformers()
TEXT = st.text(st.one_of(st.sampled_from("abcd é語the"), st.characters(codec="utf-8")), max_size=40)


@settings(deadline=None, max_examples=200)
@given(TEXT)
def test_ids_and_offsets(text: str) -> None:
    encoded = TOKENIZER(text, add_special_tokens=False, return_offsets_mapping=True)
    assert encoded["input_ids"] == VOCABULARY.encode(text, specials="all").tolist()
    assert TOKENIZER.decode(encoded["input_ids"]) == text
    for identifier, (begin, end) in zip(encoded["input_ids"], encoded["offset_mapping"], strict=True):
        covered = text[begin:end].encode()
        token = VOCABULARY.token_bytes(identifier)
        assert token == covered or (end - begin == 1 and token in covered)


def test_what_a_fast_tokenizer_has() -> None:
    assert TOKENIZER.is_fast
    batch = TOKENIZER(["abcd", "bcdab<s> x"], padding=True, add_special_tokens=False, return_tensors="pt")
    assert batch["input_ids"].shape == (2, 5)
    assert batch["attention_mask"].tolist() == [[1, 1, 0, 0, 0], [1, 1, 1, 1, 1]]
    ids = TOKENIZER("abcd" * 10, truncation=True, max_length=5, add_special_tokens=False)["input_ids"]
    assert ids == VOCABULARY.encode("abcd" * 10).tolist()[:5]
    assert TOKENIZER.tokenize("abcd") == ["ab", "cd"]
    assert (TOKENIZER.bos_token, TOKENIZER.pad_token_id, len(TOKENIZER)) == ("<s>", 2, len(VOCABULARY))
    assert TOKENIZER.decode(VOCABULARY.encode("ab<s>", specials="all"), skip_special_tokens=True) == "ab"
    words = TOKENIZER(["abcd", " the"], is_split_into_words=True, add_special_tokens=False)
    assert words.word_ids() == [0, 0, 1]
    collated = DataCollatorForLanguageModeling(TOKENIZER, mlm=False)([TOKENIZER("abcd"), TOKENIZER("ab")])
    assert collated["labels"].tolist()[1][-1] == -100


def test_copies_and_folders_encode_alike(tmp_path: Path) -> None:
    text = "abcd the e é語 x<s>bcdab"
    expected = TOKENIZER(text)["input_ids"]
    assert pickle.loads(pickle.dumps(TOKENIZER))(text)["input_ids"] == expected
    assert copy.deepcopy(TOKENIZER)(text)["input_ids"] == expected
    TOKENIZER.save_pretrained(tmp_path / "theirs")
    VOCABULARY.save(tmp_path / "ours")
    for name in ("theirs", "ours"):
        assert TwoPathTokenizer.from_pretrained(tmp_path / name)(text)["input_ids"] == expected
        assert AutoTokenizer.from_pretrained(tmp_path / name)(text)["input_ids"] == expected
        assert Vocabulary.load(tmp_path / name).encode(text, specials="all").tolist() == expected
    assert Vocabulary.load(tmp_path / "ours") == VOCABULARY
    assert Vocabulary.from_tokenizer(TOKENIZER) == VOCABULARY


def test_works_inside_a_map_over_a_dataset() -> None:
    texts = ["abcd", "bcdab the e", ""]
    mapped = Dataset.from_dict({"text": texts}).map(lambda batch: dict(TOKENIZER(batch["text"])), batched=True)
    assert mapped["input_ids"][:] == [VOCABULARY.encode(text).tolist() for text in texts]


def test_other_vocabularies_are_refused() -> None:
    with pytest.raises(VocabularyError, match="PreTrainedTokenizerFast"):
        TwoPathTokenizer.from_vocabulary(as_greedy(VOCABULARY))
    with pytest.raises(VocabularyError, match="needs a folder"):
        TwoPathTokenizer()


def test_the_longest_match_is_a_stock_tokenizer(tmp_path: Path) -> None:
    as_greedy(VOCABULARY).save(tmp_path / "greedy")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "greedy")
    assert type(tokenizer) is not TwoPathTokenizer
    text = "abcd the e é語 x<s>bcdab"
    assert tokenizer(text)["input_ids"] == as_greedy(VOCABULARY).encode(text, specials="all").tolist()
