from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tokencraft.corpus import Corpus
from tokencraft.errors import UsageError, VocabularyError
from tokencraft.learn import SuperBPE, WordPiece
from tokencraft.vocabulary import Vocabulary, split
from tokencraft.vocabulary.dropout import DropoutEncoder
from tokencraft.vocabulary.shards import TokenShards, encode_to_shards

pytestmark = pytest.mark.filterwarnings("ignore:the vocabulary has")  # where a corpus is tiny on purpose

TEXTS = [f"By the way, the {n % 9} of the {n % 4} is at the end of the day été.\n" for n in range(60)]


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    learner = SuperBPE(vocab_size=330, transition=0.93, special_tokens=("<|endoftext|>",))
    return learner.train(Corpus.from_iterable(TEXTS))


def test_nothing_dropped_is_ordinary_encoding(vocabulary: Vocabulary) -> None:
    assert DropoutEncoder(vocabulary).encode_batch(TEXTS).ids.tolist() == vocabulary.encode_batch(TEXTS).ids.tolist()


@pytest.mark.parametrize("options", [{"merges": 0.3}, {"superwords": 0.3}, {"merges": 0.1, "superwords": 0.5}])
def test_the_text_stays_and_the_tokens_vary(vocabulary: Vocabulary, options: dict[str, float]) -> None:
    some = DropoutEncoder(vocabulary, seed=1, **options).encode_batch(TEXTS, threads=2)
    assert [vocabulary.decode(ids) for ids in some] == TEXTS
    assert len(some.ids) > len(vocabulary.encode_batch(TEXTS).ids)
    again = DropoutEncoder(vocabulary, seed=1, **options)
    parts = [again.encode_batch(TEXTS[:23]), again.encode_batch(TEXTS[23:], first=23, threads=1)]
    assert np.concatenate([part.ids for part in parts]).tolist() == some.ids.tolist()
    other = DropoutEncoder(vocabulary, seed=-2, **options)
    assert other.encode_batch(TEXTS).ids.tolist() != some.ids.tolist()


def test_without_superwords_it_is_the_vocabulary_that_lacks_their_merges(vocabulary: Vocabulary) -> None:
    spaced = [vocabulary.tokens[right].startswith(b" ") for _, right in vocabulary.merges.tolist()]
    assert any(spaced)
    kept = vocabulary.merges[~np.array(spaced)]
    # Ids differ, for the tokens of merges that are left out are gone, and what they make with them; so compare bytes.
    rest, ids = [], {token: number for number, token in enumerate(vocabulary.tokens[:257])}
    for left, right in kept.tolist():
        sides = vocabulary.tokens[left], vocabulary.tokens[right]
        if all(side in ids for side in sides):
            rest.append((ids[sides[0]], ids[sides[1]]))
            ids.setdefault(sides[0] + sides[1], len(ids))
    assert vocabulary.splitter is not None
    smaller = Vocabulary.from_merges(rest, splitter=vocabulary.splitter, special_tokens=("<|endoftext|>",))
    found = DropoutEncoder(vocabulary, superwords=1.0).encode_batch(TEXTS)
    expected = smaller.encode_batch(TEXTS)
    assert [vocabulary.tokens[number] for number in found.ids] == [smaller.tokens[number] for number in expected.ids]


def test_everything_dropped_leaves_bytes_and_special_tokens_stay_text(vocabulary: Vocabulary) -> None:
    (ids,) = DropoutEncoder(vocabulary, merges=1.0).encode_batch(["of <|endoftext|> the"])
    assert [vocabulary.tokens[number] for number in ids] == [bytes([byte]) for byte in b"of <|endoftext|> the"]


def test_what_normalises_and_what_splits_in_python_is_kept() -> None:
    vocabulary = SuperBPE(
        vocab_size=300,
        transition=0.93,
        stage1=split.Regex((r"[a-z]+",)),
        stage2=split.Regex((r"[,.]",)),
        lowercase=True,
    ).train(Corpus.from_iterable(TEXTS))
    some = DropoutEncoder(vocabulary, merges=0.2).encode_batch(TEXTS)
    assert [vocabulary.decode(ids) for ids in some] == [text.lower() for text in TEXTS]
    none = DropoutEncoder(vocabulary).encode_batch(TEXTS)
    assert none.ids.tolist() == vocabulary.encode_batch(TEXTS).ids.tolist()


def test_shards_are_encoded_so_and_a_run_goes_on_alike(vocabulary: Vocabulary, tmp_path: Path) -> None:
    corpus = Corpus.from_iterable(TEXTS)
    shards = encode_to_shards(vocabulary, corpus, tmp_path / "some", superword_dropout=0.5, seed=3, shard_tokens=90)
    assert (shards.manifest["superword_dropout"], shards.manifest["seed"]) == (0.5, 3)
    expected = DropoutEncoder(vocabulary, superwords=0.5, seed=3).encode_batch(TEXTS)
    assert [ids.tolist() for ids in TokenShards.open(tmp_path / "some")] == [ids.tolist() for ids in expected]
    assert "dropout" not in encode_to_shards(vocabulary, corpus, tmp_path / "all").manifest


def test_what_cannot_be_is_refused(vocabulary: Vocabulary) -> None:
    with pytest.raises(UsageError, match="between 0 and 1"):
        DropoutEncoder(vocabulary, merges=-0.1)
    with pytest.raises(UsageError, match="between 0 and 1"):
        DropoutEncoder(vocabulary, superwords=1.5)
    words = WordPiece(vocab_size=200).train(Corpus.from_iterable(TEXTS))
    with pytest.raises(VocabularyError, match="byte-level BPE"):
        DropoutEncoder(words, merges=0.1)
