"""K-Tokeniser: which pieces join which base, by the method's description; the rest is tested with the vocabulary."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokencraft.corpus import Corpus
from tokencraft.errors import TrainingError, UsageError
from tokencraft.learn import BPE, KTokeniser, WordPiece
from tokencraft.learn.concept_pieces import candidates
from tokencraft.vocabulary import Vocabulary
from tokencraft.vocabulary.ngrams import NgramCounts, words_of

pytestmark = pytest.mark.filterwarnings("ignore:the vocabulary has")

TERMS = ["aspirin", "aspirin tablet", "amoxicillin", "ampicillin", "penicillin"]
LETTERS = "the quick brown fox jumps over a lazy dog"


@pytest.fixture(scope="module")
def base() -> Vocabulary:
    return WordPiece(vocab_size=57).train(Corpus.from_iterable([LETTERS]))


def test_pieces_are_the_most_valuable_that_the_base_lacks(base: Vocabulary) -> None:
    words = words_of(TERMS)
    values = candidates(words, NgramCounts(words))
    wanted = [(text if begins else f"##{text}", value) for (begins, text), value in values.items()]
    wanted.sort(
        key=lambda item: (-item[1], len(item[0].removeprefix("##")), item[0].removeprefix("##"), item[0][0] == "#")
    )
    expected = [piece for piece, value in wanted if value >= 2 and piece not in base.pieces]
    vocabulary = KTokeniser({"drug": TERMS}, base).train()
    assert list(vocabulary.pieces[len(base) :]) == expected
    fewer = KTokeniser({"drug": TERMS}, base, min_value=1, pieces_of={"drug": 10}).train()
    assert set(fewer.pieces[len(base) :]) == {piece for piece, _ in wanted[:10]} - set(base.pieces)


def test_types_share_pieces_and_keep_their_order(base: Vocabulary) -> None:
    vocabulary = KTokeniser({"x": TERMS, "y": ["penicillin", "penicillin", "zinc", "zinc"]}, base).train()
    x, y = vocabulary.choice.types["x"], vocabulary.choice.types["y"]
    assert list(x) == list(range(len(base), len(base) + len(x)))
    assert len(vocabulary) == len(base) + len(set(x) | set(y))
    assert set(y) <= set(range(len(base), len(vocabulary)))


def test_counts_are_those_of_the_texts_of_tokens(base: Vocabulary) -> None:
    vocabulary = KTokeniser({"x": TERMS, "y": ["zinc"]}, base).train()
    counts = NgramCounts(words_of([*TERMS, "zinc"]))
    assert (
        vocabulary.choice.total
        == counts.total
        == sum(len(word) * (len(word) + 1) // 2 for term in [*TERMS, "zinc"] for word in term.split())
    )
    for number, piece in enumerate(vocabulary.pieces):
        if not piece.startswith("["):
            assert vocabulary.choice.counts[number] == counts[piece.removeprefix("##")]


def test_threshold_scales_with_the_counts(base: Vocabulary) -> None:
    vocabulary = KTokeniser({"x": TERMS}, base).train()
    assert vocabulary.choice.threshold == pytest.approx(5e-5 * vocabulary.choice.total)
    assert KTokeniser({"x": TERMS}, base, threshold=1000).train().choice.threshold == 1000
    paper = KTokeniser.paper_settings({"x": TERMS, "y": TERMS}, base)
    assert (paper.pieces, dict(paper.pieces_of), paper.threshold) == (10_000, {"y": 3_000}, 1000.0)


def test_published_vocabularies_are_cut_by_the_alphabet(base: Vocabulary) -> None:
    official = KTokeniser({"x": TERMS}, base, official=True, min_value=0, pieces=8).train()
    values = candidates(words_of(TERMS), NgramCounts(words_of(TERMS), tails_again=True), official=True)
    spelled = sorted(text if begins else f"##{text}" for begins, text in values)
    assert list(official.pieces[len(base) :]) == [piece for piece in spelled[:8] if piece not in base.pieces]
    assert not official.choice.guard
    assert official.choice.total == 455


def test_sizes_add_up_as_published(base: Vocabulary) -> None:
    # 10,000 and 3,000 pieces chosen; those that the base has, and those that both types chose, join once
    terms = [f"{a}{b}{c}ol" for a in "bcdfg" for b in "aeiou" for c in "klmnp"]
    chosen = {"x": 40, "y": 15}
    both = KTokeniser({"x": terms, "y": terms[::2]}, base, pieces_of=chosen, official=True, min_value=0).train()
    new = {name: set(ids) for name, ids in both.choice.types.items()}
    assert all(len(new[name]) <= chosen[name] for name in chosen)
    assert len(both) == len(base) + len(new["x"] | new["y"])


def test_pieces_that_the_base_would_split_are_left_out(base: Vocabulary) -> None:
    vocabulary = KTokeniser({"x": ["5-fu-x", "5-fu-x", "café-x"]}, base, min_value=1).train()
    assert not any("-" in piece or "é" in piece for piece in vocabulary.pieces[len(base) :])
    assert vocabulary.unreachable() == {"x": ()}


def test_a_lossless_base_is_learned_where_none_is_given() -> None:
    text = "the penicillin and the ampicillin are good, the pencil too\n"
    corpus = Corpus.from_iterable([text] * 9)
    vocabulary = KTokeniser({"drug": TERMS}, vocab_size=290, special_tokens=("<s>",), threshold=0).train(corpus)
    bpe = BPE(vocab_size=290, special_tokens=("<s>",)).train(corpus)
    assert vocabulary.tokens[: len(bpe)] == bpe.tokens
    assert vocabulary.lossless
    assert b"cillin" not in vocabulary.tokens
    assert vocabulary.choose("Ġamoxicillin").taken.source == "drug"
    assert any(token.startswith(b" ") for token in vocabulary.tokens[len(bpe) :])


@settings(max_examples=60)
@given(st.text(max_size=60) | st.binary(max_size=30))
def test_a_lossless_base_keeps_any_text(text: str | bytes) -> None:
    vocabulary = LOSSLESS[0] if LOSSLESS else LOSSLESS.append(learn_lossless()) or LOSSLESS[0]
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    assert vocabulary.decode_bytes(vocabulary.encode(text)) == data


LOSSLESS: list[Vocabulary] = []


def learn_lossless() -> Vocabulary:
    texts = ["penicillin is not a pencil, été is summer\n\n  and  漢字 are letters"] * 5
    return KTokeniser({"drug": TERMS}, vocab_size=280, threshold=0).train(Corpus.from_iterable(texts))


def test_the_words_of_the_corpus_make_a_type(base: Vocabulary) -> None:
    corpus = Corpus.from_iterable(["Penicillin penicillin 500 mg, ampicillin's x2", "漢字"])
    vocabulary = KTokeniser(base=base, corpus_words=2).train(corpus)
    assert list(vocabulary.choice.types) == ["corpus"]
    counts = NgramCounts({"penicillin": 2, "ampicillin": 1})
    assert vocabulary.choice.total == counts.total
    assert vocabulary.origin.corpus == corpus.fingerprint()


def test_origin_says_how_it_was_made(base: Vocabulary) -> None:
    origin = KTokeniser({"drug": TERMS}, base, pieces=7).train().origin
    assert origin.method == "k-tokeniser"
    assert origin.hyperparameters["types"]["drug"]["words"] == 5
    assert origin.hyperparameters["types"]["drug"]["dead"] == 0
    assert origin.hyperparameters["base_size"] == len(base)
    json.dumps(origin.to_json())


def test_wrong_use_is_said(base: Vocabulary) -> None:
    corpus = Corpus.from_iterable([LETTERS])
    with pytest.raises(UsageError, match="a corpus is needed to learn the base vocabulary"):
        KTokeniser({"x": TERMS}).train()
    with pytest.raises(UsageError, match="a corpus is needed to learn the concepts"):
        KTokeniser(base=base).train()
    with pytest.raises(UsageError, match="nothing to learn from the corpus"):
        KTokeniser({"x": TERMS}, base).train(corpus)
    with pytest.raises(UsageError, match="pieces_of names 'y'"):
        KTokeniser({"x": TERMS}, base, pieces_of={"y": 3}).train()
    with pytest.raises(UsageError, match="lowercase, min_frequency cannot be set for a base") as caught:
        KTokeniser({"x": TERMS}, base, lowercase=True, min_frequency=2).train()
    assert caught
    with pytest.raises(TrainingError, match=r"the base is bpe-merges \(byte-level\)"):
        KTokeniser({"x": TERMS}, BPE(vocab_size=260).train(corpus)).train()
    with pytest.raises(UsageError, match="train takes a Corpus"):
        KTokeniser({"x": TERMS}).train("text")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="cannot be called 'base'"):
        KTokeniser({"base": TERMS}, base).train()


def test_pieces_from_the_entities_of_training_data(data_folder: Path) -> None:
    from tokencraft.vocabulary.concepts import read_tagged

    entities = read_tagged(data_folder / "bio" / "ncbi_disease.train.tsv")
    english = Corpus.from_files([data_folder / "text" / "en" / "wikitext2.valid.txt"], documents="line")
    base = WordPiece(vocab_size=4000).train(english, threads=1)
    vocabulary = KTokeniser(entities, base).train()
    seen = {term for terms in entities.values() for term in terms}
    test = read_tagged(data_folder / "bio" / "ncbi_disease.test.tsv")
    unseen = [term for terms in test.values() for term in terms if term not in seen]
    before, after = (sum(map(len, each.encode_batch(unseen))) for each in (base, vocabulary))
    assert after < 0.97 * before
