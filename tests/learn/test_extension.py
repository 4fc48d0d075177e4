from __future__ import annotations

from pathlib import Path

import pytest
import tokenizers

from naive_bpe import NaiveTrainer
from tokencraft.corpus import Corpus
from tokencraft.errors import TrainingError, UsageError
from tokencraft.learn import BPE, SuperBPE, extend
from tokencraft.vocabulary import Flags, TokenKind, Vocabulary, split
from tokencraft.vocabulary.numbers import DigitGroups

pytestmark = pytest.mark.filterwarnings("ignore:the vocabulary has")  # where a corpus is tiny on purpose

LINES = ["by the way, by the sea\n"] * 4 + ["in the end: the way of the sea\n"] * 3
CORPUS = Corpus.from_iterable(LINES)


@pytest.fixture
def base() -> Vocabulary:
    vocabulary = BPE(vocab_size=275, special_tokens=("<s>",)).train(CORPUS)
    return vocabulary.with_specials(["<late>"])


def test_ids_stay_and_new_ones_follow_the_added_tokens(base: Vocabulary) -> None:
    extended = extend(base, CORPUS, 285)
    assert len(extended) == 285
    assert extended.tokens[: len(base)] == base.tokens
    assert extended.kinds[: len(base)] == base.kinds
    assert extended.added_tokens == base.added_tokens
    assert extended.merges.tolist()[: len(base.merges)] == base.merges.tolist()
    assert extended.is_superword
    assert not any(b": " in token for token in extended.tokens)


def test_equals_the_naive_stage_2(base: Vocabulary) -> None:
    text = [b"" if kind == TokenKind.SPECIAL else token for token, kind in zip(base.tokens, base.kinds, strict=True)]
    pieces = [(piece.encode(), 1) for line in LINES for piece in split.SUPERBPE_V2_STAGE2.split(line)]
    naive = NaiveTrainer(pieces, text)
    naive.replay(
        (left, right, made) for (left, right), made in zip(base.merges.tolist(), base.merged.tolist(), strict=True)
    )
    expected, _ = naive.learn(10, 1, lambda left, right: b": " not in left + right and len((left + right).split()) <= 4)
    extended = extend(base, CORPUS, len(base) + 10)
    assert extended.merges.tolist()[len(base.merges) :] == [[left, right] for left, right, _ in expected]


def test_stock_tokenizers_encodes_the_same_and_round_trips(base: Vocabulary, tmp_path: Path) -> None:
    extended = extend(base, CORPUS, 290)
    extended.save(tmp_path / "tokenizer.json")
    stock = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    for text in (*LINES, "by the <late> way\n\n", "ığ 🙂 \t x"):
        assert extended.decode(extended.encode(text)) == text
        assert extended.encode(text, specials="all").tolist() == stock.encode(text, add_special_tokens=False).ids


def test_extending_the_stage_1_vocabulary_is_superbpe() -> None:
    stage1 = BPE(vocab_size=270, unit="line").train(CORPUS)
    whole = SuperBPE(vocab_size=285, transition=270).train(CORPUS)
    assert extend(stage1, CORPUS, 285).fingerprint() == whole.fingerprint()


def test_inheriting_fewer_merges_brings_tokens_back_into_use(base: Vocabulary) -> None:
    extended = extend(base, CORPUS, len(base) + 8, inherit=5)
    assert extended.merges.tolist()[:5] == base.merges.tolist()[:5]
    assert extended.tokens[: len(base)] == base.tokens
    made = extended.merged.tolist()[5:]
    assert any(identifier < len(base) for identifier in made), "an old token is made again under its old id"
    for text in LINES:
        assert extended.decode(extended.encode(text)) == text


@pytest.mark.parametrize("name", ["gpt-2", "gpt-neox", "claude"])
def test_real_vocabularies_can_be_extended(data_folder: Path, name: str) -> None:
    old = Vocabulary.load(data_folder / "tokenizers" / f"{name}.json.gz")
    if name == "gpt-neox":
        with pytest.raises(TrainingError, match="no token for byte 0xC0"):
            extend(old, CORPUS, len(old) + 8)
        return
    new = extend(old, CORPUS, len(old) + 8)
    assert len(new) == len(old) + 8
    assert new.tokens[: len(old)] == old.tokens
    text = "by the way, by the sea\n"
    assert len(new.encode(text)) < len(old.encode(text))
    assert new.decode(new.encode(text)) == text


def test_what_normalises_text_normalises_the_corpus(base: Vocabulary) -> None:
    corpus = Corpus.from_iterable(["by the ﬁne way"] * 3)
    new = extend(base.replace(normalizer={"type": "NFKC"}), corpus, 300)
    assert new.normalizer == {"type": "NFKC"}
    assert any(b"fine" in token for token in new.tokens)
    assert not any("ﬁ".encode() in token for token in new.tokens)


def test_digits_stay_cut_as_the_vocabulary_cuts_them() -> None:
    lines = Corpus.from_iterable(["in 1234 and 1234567", "in 1234 or 1234567"] * 3)
    groups = DigitGroups(3, "r2l")
    old = BPE(vocab_size=280, digits=groups, number_tokens=False).train(lines)
    new = extend(old, lines, 300)
    assert [new.decode(each) for each in new.encode("1234567").reshape(-1, 1)] == ["1", "234", "567"]
    left = extend(old, lines, 300, digits=DigitGroups(3, "l2r"))
    assert left.splitter is not None
    assert left.splitter.split("1234567") == ["123", "456", "7"]


def test_ranks_can_be_extended(data_folder: Path) -> None:
    path = data_folder / "tokenizers" / "cl100k_base.tiktoken.gz"
    old = Vocabulary.load(path)
    new = extend(old, CORPUS, len(old) + 10)
    assert new.algorithm == "bpe-merges"
    assert new.tokens[: len(old)] == old.tokens
    assert new.decode(new.encode(LINES[0])) == LINES[0]


def test_wrong_use_is_refused(base: Vocabulary) -> None:
    with pytest.raises(TrainingError, match=f"{len(base)} ids already"):
        extend(base, CORPUS, len(base))
    with pytest.raises(UsageError, match="inherit"):
        extend(base, CORPUS, 300, inherit=10_000)
    with pytest.raises(TrainingError, match="byte-level"):
        extend(base.replace(algorithm="unigram", scores=None), CORPUS, 300)
    with pytest.raises(TrainingError, match="cannot be extended"):
        extend(base.replace(flags=Flags(end_of_word_suffix="</w>")), CORPUS, 300)


def test_a_vocabulary_that_lacks_a_byte_is_refused(base: Vocabulary) -> None:
    lost = base.tokens.index(b"\xf5")
    kinds = [TokenKind.UNUSED if number == lost else kind for number, kind in enumerate(base.kinds)]
    with pytest.raises(TrainingError, match="0xF5"):
        extend(base.replace(kinds=tuple(kinds)), CORPUS, 300)
