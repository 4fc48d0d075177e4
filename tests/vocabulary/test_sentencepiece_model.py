from __future__ import annotations

import io
import unicodedata
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
from sentencepiece import sentencepiece_model_pb2

from tokencraft.errors import VocabularyError
from tokencraft.vocabulary import TokenKind, Vocabulary

RECIPES: dict[str, dict[str, Any]] = {
    "default": {},
    "identity": {"normalization_rule_name": "identity"},
    "case-folding": {"normalization_rule_name": "nmt_nfkc_cf"},
    "llama-like": {
        "normalization_rule_name": "identity",
        "byte_fallback": True,
        "remove_extra_whitespaces": False,
        "allow_whitespace_only_pieces": True,
        "split_digits": True,
    },
    "gemma-like": {
        "normalization_rule_name": "identity",
        "byte_fallback": True,
        "remove_extra_whitespaces": False,
        "add_dummy_prefix": False,
        "user_defined_symbols": ["<sep>"],
        "pad_id": 3,
    },
    "user symbols": {"normalization_rule_name": "identity", "user_defined_symbols": ["<sep>", "(a)"]},
    "across words": {"normalization_rule_name": "identity", "split_by_whitespace": False},
}


@pytest.fixture(scope="module")
def train(udhr: dict[str, str]):  # type: ignore[no-untyped-def]
    """Trains a small model with a recipe, once each."""
    lines = [line for name in ("eng", "fra", "deu") for line in udhr[name].splitlines() if line.strip()]
    models: dict[tuple[str, str], bytes] = {}

    def trained(kind: str, recipe: str) -> bytes:
        if (kind, recipe) not in models:
            stream = io.BytesIO()
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=iter(lines),
                model_writer=stream,
                vocab_size=700,
                model_type=kind,
                character_coverage=0.99,
                minloglevel=2,
                **RECIPES[recipe],
            )
            models[kind, recipe] = stream.getvalue()
        return models[kind, recipe]

    return trained


def load(model: bytes, folder: Path) -> Vocabulary:
    (folder / "tokenizer.model").write_bytes(model)
    return Vocabulary.load(folder / "tokenizer.model")


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_encodes_as_sentencepiece_does(kind: str, recipe: str, train: Any, texts: list[str], tmp_path: Path) -> None:
    model = train(kind, recipe)
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    vocabulary = load(model, tmp_path)
    assert len(vocabulary) == processor.get_piece_size()
    tries = [*texts[:388:2], *texts[-12:-3], "<s>", "x<sep>y <sep> z(a)", "<sep>x", " a ", "a" * 500]
    if recipe in ("default", "case-folding"):
        # tokenizers maps characters cluster by cluster; see the top of sentencepiece_model.py.
        tries = [text for text in tries if not any(map(unicodedata.combining, text))]
        assert len(tries) > 100
    different = [text for text in tries if vocabulary.encode(text).tolist() != processor.encode(text)]
    assert different == []
    plain = [text for text in tries if "▁" not in text and "<" not in text]
    for text in plain[::10]:
        ids = processor.encode(text)
        if processor.unk_id() not in ids and recipe == "llama-like":
            assert vocabulary.decode(ids) == processor.decode(ids) == text


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_exports_to_tokenizer_json(kind: str, train: Any, texts: list[str], tmp_path: Path) -> None:
    vocabulary = load(train(kind, "llama-like"), tmp_path)
    vocabulary.save(tmp_path / "tokenizer.json")
    assert Vocabulary.load(tmp_path / "tokenizer.json") == vocabulary
    stock = vocabulary.to_tokenizers()
    for text in texts[::20]:
        expected = stock.encode(text, add_special_tokens=False).ids
        assert vocabulary.encode(text, specials="all").tolist() == expected
    with pytest.raises(VocabularyError, match="read, not written"):
        vocabulary.save(tmp_path / "again.model")
    with pytest.raises(VocabularyError, match="not a byte-level BPE"):
        vocabulary.to_tiktoken()


def test_kinds_roles_and_bytes(train: Any, tmp_path: Path) -> None:
    vocabulary = load(train("bpe", "gemma-like"), tmp_path)
    assert vocabulary.special_tokens == {"bos": 1, "eos": 2, "pad": 3, "unk": 0}
    assert [vocabulary.kinds[at] for at in range(4)] == [TokenKind.SPECIAL] * 4
    assert vocabulary.pieces[4] == "<sep>"
    assert vocabulary.kinds[4] == TokenKind.NORMAL
    newline = vocabulary.id_of(b"\n")
    assert newline is not None
    assert (vocabulary.pieces[newline], vocabulary.kinds[newline]) == ("<0x0A>", TokenKind.BYTE)
    the = vocabulary.id_of(b" the")
    assert the is not None
    assert vocabulary.pieces[the] == "▁the"
    assert not vocabulary.lossless
    with pytest.raises(VocabularyError, match="not UTF-8 at byte 2"):
        vocabulary.encode(b"ab\xff")
    with pytest.raises(VocabularyError, match="half a surrogate pair at character 1"):
        vocabulary.encode("a\ud800")


def test_scores_decide_the_order_of_merges(train: Any, tmp_path: Path) -> None:
    model = train("bpe", "identity")
    proto = sentencepiece_model_pb2.ModelProto.FromString(model)
    scores = {entry.piece: entry.score for entry in proto.pieces}
    vocabulary = load(model, tmp_path)
    made = [scores[vocabulary.pieces[identifier]] for identifier in vocabulary.merged.tolist()]
    assert made == sorted(made, reverse=True)


class TestBadModels:
    def refused(self, model: bytes, message: str, folder: Path) -> None:
        with pytest.raises(VocabularyError, match=message) as caught:
            load(model, folder)
        assert "tokenizer.model" in str(caught.value)

    def test_no_model_at_all(self, tmp_path: Path) -> None:
        self.refused(b"", "the file is empty", tmp_path)
        self.refused(b"{}" * 100, "no SentencePiece model", tmp_path)
        self.refused(b"\x00" * 64, "no SentencePiece model", tmp_path)
        self.refused(b"IQ== 0\n", "no SentencePiece model", tmp_path)

    def test_truncated(self, train: Any, tmp_path: Path) -> None:
        self.refused(train("bpe", "identity")[:-40], "no SentencePiece model|damaged", tmp_path)
        self.refused(train("bpe", "identity")[:500], "no SentencePiece model|damaged", tmp_path)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda model: setattr(model.trainer_spec, "model_type", 3), "only .* unigram and bpe"),
            (lambda model: setattr(model.trainer_spec, "treat_whitespace_as_suffix", True), "spaces as suffixes"),
            (lambda model: setattr(model.pieces[0], "type", 3), "one piece of type unknown, found 0"),
            (lambda model: setattr(model.pieces[9], "type", 5), "is switched off"),
            (lambda model: setattr(model.pieces[9], "piece", model.pieces[8].piece), "stands twice"),
            (lambda model: setattr(model.pieces[9], "piece", ""), "a piece is empty"),
            (lambda model: setattr(model.pieces[9], "score", float("nan")), "no number"),
        ],
    )
    def test_what_cannot_be_kept(self, change: Any, message: str, train: Any, tmp_path: Path) -> None:
        proto = sentencepiece_model_pb2.ModelProto.FromString(train("unigram", "identity"))
        change(proto)
        self.refused(proto.SerializeToString(), message, tmp_path)
