"""The vocabulary of morphemes by its recipe, with a segmenter that is known."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokencraft.corpus import Corpus
from tokencraft.errors import CorpusError, TrainingError, UsageError
from tokencraft.learn import BPE, MorphemeVocabulary, WordPiece
from tokencraft.vocabulary import Vocabulary

pytestmark = pytest.mark.filterwarnings("ignore:the vocabulary has")


class Known:
    """Cuts before the endings it knows."""

    def __init__(self, *endings: str) -> None:
        self.endings = endings

    def segment(self, words: Sequence[str]) -> list[list[str]]:
        return [self._cut(word) for word in words]

    def _cut(self, word: str) -> list[str]:
        for ending in self.endings:
            if word.endswith(ending) and word != ending:
                return [word.removesuffix(ending), ending]
        return [word]


@pytest.fixture(scope="module")
def base() -> Vocabulary:
    return WordPiece(vocab_size=40).train(Corpus.from_iterable(["the cat hid a hat itself"] * 3))


SEGMENTER = Known("itis", "osis")
TERMS = {"Hepatitis B": 3, "gastritis, chronic": 1, "fibrosis": 1, "cirrhosis": 1, "itis": 5, "zoster": 2, "x2itis": 9}


def test_counts_pieces_as_often_as_their_words(base: Vocabulary) -> None:
    vocabulary = MorphemeVocabulary(SEGMENTER, base).train(TERMS)
    new = vocabulary.pieces[len(base) :]
    # 4 x ##itis, 3 x hepat, 2 x ##osis; gastr, fibr and cirrh come once
    assert new[:3] == ("##itis", "hepat", "##osis")
    assert not {"gastr", "fibr", "cirrh", "x"} & set(new[:3])
    rare = MorphemeVocabulary(SEGMENTER, base, min_count=1).train(TERMS)
    assert {"gastr", "fibr", "cirrh"} <= set(rare.pieces)


def test_the_words_of_terms(base: Vocabulary) -> None:
    words = MorphemeVocabulary(SEGMENTER, base).words(TERMS)
    # 5 to 28 letters a to z; whole words stay words, punctuation ends them
    assert words == {"hepatitis": 3, "zoster": 2, "chronic": 1, "cirrhosis": 1, "fibrosis": 1, "gastritis": 1}
    corpus = Corpus.from_iterable(["Hepatitis", "hepatitis x"])
    assert MorphemeVocabulary(SEGMENTER, base).words(corpus) == {"hepatitis": 2}
    assert MorphemeVocabulary(SEGMENTER, base).words({"b" * 28: 1, "b" * 29: 1}) == {"b" * 28: 1}


def test_ids_of_the_base_stay_and_every_letter_is_there(base: Vocabulary) -> None:
    vocabulary = MorphemeVocabulary(SEGMENTER, base).train(TERMS)
    assert vocabulary.pieces[: len(base)] == base.pieces
    assert len(set(vocabulary.pieces)) == len(vocabulary.pieces)
    letters = {letter for word in MorphemeVocabulary(SEGMENTER, base).words(TERMS) for letter in word}
    assert {*letters, *(f"##{letter}" for letter in letters)} <= set(vocabulary.pieces)
    assert MorphemeVocabulary(SEGMENTER, base).train(TERMS) == vocabulary


@given(word=st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=20))
def test_no_word_of_letters_is_unknown(base: Vocabulary, word: str) -> None:
    alphabet = {"abcdefghijklm": 1, "nopqrstuvwxyz": 1}
    vocabulary = MorphemeVocabulary(SEGMENTER, base).train(alphabet)
    pieces = [vocabulary.pieces[number] for number in vocabulary.encode(word)]
    assert "".join(piece.removeprefix("##") for piece in pieces) == word


def test_without_words_that_fall_apart_only_letters_join(base: Vocabulary) -> None:
    vocabulary = MorphemeVocabulary(Known(), base).train({"theta": 9})
    assert vocabulary == base


def test_the_alphabet_of_the_base_alone(base: Vocabulary) -> None:
    vocabulary = MorphemeVocabulary(SEGMENTER, base, tokens_kept="alphabet").train(TERMS)
    assert vocabulary.pieces[:5] == base.pieces[:5]
    assert "the" in base.pieces
    assert "the" not in vocabulary.pieces
    tokenizer = vocabulary.to_transformers()
    assert tokenizer.tokenize("hepatitis") == ["hepat", "##itis"]
    assert tokenizer("hepatitis").tokens()[0] == "[CLS]"
    assert tokenizer.unk_token == "[UNK]"


def test_words_that_are_more_frequent_in_the_domain(base: Vocabulary) -> None:
    general = {"zoster": 1, "chronic": 90, "gastritis": 9}
    domain = {"zoster": 40, "chronic": 50, "gastritis": 10, "hepatitis": 30}
    learner = MorphemeVocabulary(SEGMENTER, base, general=general, domain=domain)
    # zoster: 2 * 39 / 41 = 1.90; hepatitis: 3 * 30 / 31 = 2.90; gastritis: 10 / 130 is less than 9 / 100
    assert list(learner.words(TERMS)) == ["hepatitis", "zoster"]
    with pytest.raises(UsageError, match="give both"):
        MorphemeVocabulary(SEGMENTER, base, general=general).train(TERMS)


def test_wrong_use_is_said(base: Vocabulary) -> None:
    corpus = Corpus.from_iterable(["hepatitis"])
    with pytest.raises(TrainingError, match="must be a WordPiece vocabulary; this one is bpe-merges"):
        MorphemeVocabulary(SEGMENTER, BPE(vocab_size=257).train(corpus)).train(corpus)
    with pytest.raises(CorpusError, match="no word of 5 to 28 letters"):
        MorphemeVocabulary(SEGMENTER, base).train({"ab 12": 3})
    with pytest.raises(UsageError, match="tokens_kept is"):
        MorphemeVocabulary(SEGMENTER, base, tokens_kept="some").train(corpus)  # type: ignore[arg-type]
