"""WordPiece against a plain BPE of marked characters and against tokenizers."""

from __future__ import annotations

import gzip
import itertools
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from tokencraft.corpus import Corpus
from tokencraft.errors import CorpusError, TrainingError, UsageError
from tokencraft.learn import WordPiece
from tokencraft.vocabulary import Vocabulary

pytestmark = pytest.mark.filterwarnings("ignore:the vocabulary has")


def naive_pieces(words: Counter[str], merges: int) -> list[str]:
    """Pieces of merges on words that begin with a space, by counting afresh before every merge."""
    symbols = {word: [" ", *word] for word in words}
    made: list[str] = []
    for _ in range(merges):
        pairs: Counter[tuple[str, str]] = Counter()
        for word, count in words.items():
            own = symbols[word]
            for pair in itertools.pairwise(own):
                pairs[pair] += count
        if not pairs or max(pairs.values()) < 2:
            break
        best = max(pairs, key=lambda pair: pairs[pair])
        ties = [pair for pair in pairs if pairs[pair] == pairs[best]]
        if len(ties) > 1:
            break  # how ties are broken is another test's business
        made.append("".join(best))
        for word, own in symbols.items():
            at, new = 0, []
            while at < len(own):
                joined = tuple(own[at : at + 2]) == best
                new.append("".join(best) if joined else own[at])
                at += 2 if joined else 1
            symbols[word] = new
    return [piece[1:] if piece.startswith(" ") else f"##{piece}" for piece in made]


@settings(max_examples=40)
@given(st.lists(st.text("abcé", min_size=1, max_size=5), min_size=1, max_size=12))
def test_pieces_are_those_of_plain_merges(words: list[str]) -> None:
    learner = WordPiece(vocab_size=60, lowercase=False)
    vocabulary = learner.train(Corpus.from_iterable([" ".join(words)]))
    alphabet = sorted({c for word in words for c in word})
    expected = [*learner.special_tokens, *alphabet, *(f"##{c}" for c in alphabet)]
    assert list(vocabulary.pieces[: len(expected)]) == expected
    naive = [piece for piece in dict.fromkeys(naive_pieces(Counter(words), 40)) if piece and piece not in expected]
    assert list(vocabulary.pieces[len(expected) :])[: len(naive)] == naive


def test_text_is_cut_as_tokenizers_cuts_it(tmp_path: Path) -> None:
    vocabulary = WordPiece(vocab_size=90).train(Corpus.from_iterable(["The café, the CAT: 'the' hat's 漢字!"] * 3))
    vocabulary.save(tmp_path / "wordpiece")
    stock = Tokenizer.from_file(str(tmp_path / "wordpiece" / "tokenizer.json"))
    for text in ("The hat's CAFÉ 漢 ∂", "", "x" * 101):
        assert stock.encode(text, add_special_tokens=False).ids == vocabulary.encode(text).tolist()
    assert stock.encode("hat", "cat").tokens[0] == "[CLS]"
    assert Vocabulary.load(tmp_path / "wordpiece") == vocabulary
    assert vocabulary.to_transformers()("the cat", "hat")["token_type_ids"] == [0, 0, 0, 0, 1, 1]


def test_ids_are_the_same_in_every_run() -> None:
    corpus = Corpus.from_iterable(["the quick brown fox jumps over the lazy dog and the lazy cat"] * 5)
    first = WordPiece(vocab_size=100).train(corpus, threads=1)
    assert WordPiece(vocab_size=100).train(corpus, threads=2) == first


def test_brown_is_cut_about_as_well_as_with_tokenizers(data_folder: Path) -> None:
    from tokenizers import models, normalizers, pre_tokenizers, trainers

    with gzip.open(data_folder / "text" / "en" / "brown.txt.gz", "rt", encoding="utf-8") as stream:
        lines = stream.read(1_000_000).split("\n")
    train, held_out = lines[: len(lines) * 9 // 10], lines[len(lines) * 9 // 10 :]
    ours = WordPiece(vocab_size=3000).train(Corpus.from_iterable(train), threads=1)
    theirs = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    theirs.normalizer = normalizers.BertNormalizer()
    theirs.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    theirs.train_from_iterator(
        train, trainers.WordPieceTrainer(vocab_size=3000, special_tokens=["[UNK]"], show_progress=False)
    )
    own = len(ours.encode_batch(held_out).ids)
    other = sum(len(theirs.encode(line).ids) for line in held_out)
    assert abs(own / other - 1) < 0.01


def test_case_and_forms_are_options() -> None:
    corpus = Corpus.from_iterable(["The Café ﬁne"] * 3)
    assert "T" in WordPiece(vocab_size=60, lowercase=False).train(corpus).pieces
    plain = WordPiece(vocab_size=60).train(corpus).pieces
    assert "T" not in plain
    assert "é" not in plain  # BERT's uncased models strip accents
    assert "ﬁ" in plain
    assert "ﬁ" not in WordPiece(vocab_size=60, normalizer="nfkc").train(corpus).pieces


def test_rare_characters_are_left_out() -> None:
    vocabulary = WordPiece(vocab_size=40, max_characters=3, special_tokens=("[UNK]", "[CLS]", "[SEP]")).train(
        Corpus.from_iterable(["aab aab abc abc zq"])
    )
    assert vocabulary.pieces[3:9] == ("a", "b", "c", "##a", "##b", "##c")
    assert [vocabulary.pieces[number] for number in vocabulary.encode("zab ab")] == ["[UNK]", "ab"]
    assert not any("z" in piece for piece in vocabulary.pieces)


def test_wrong_use_is_said() -> None:
    corpus = Corpus.from_iterable(["abc"])
    with pytest.raises(TrainingError, match="smaller than its alphabet: 5 special tokens and 3 characters"):
        WordPiece(vocab_size=10).train(corpus)
    with pytest.raises(UsageError, match=r"needs the special tokens \[CLS\], \[SEP\]"):
        WordPiece(special_tokens=("[UNK]",)).train(corpus)
    with pytest.raises(UsageError, match="train takes a Corpus"):
        WordPiece().train("abc")  # type: ignore[arg-type]
    with pytest.raises(CorpusError):
        WordPiece().train(Corpus.from_iterable([]))
    with pytest.raises(CorpusError):
        WordPiece().train(Corpus.from_iterable(["\u200b  "]))


def test_it_does_not_depend_on_where_words_are_counted(tmp_path: Path) -> None:
    from tokencraft import engine

    path = tmp_path / "lines.txt"
    path.write_text("the quick brown fox\njumps over the lazy dog\n" * 20, encoding="utf-8")
    corpus = Corpus.from_files([path], documents="line")
    here = WordPiece(vocab_size=80).train(corpus)
    assert WordPiece(vocab_size=80).train(corpus, engine=engine.get("local", processes=2)) == here
