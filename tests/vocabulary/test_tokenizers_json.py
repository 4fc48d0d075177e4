from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokenizers

from tokencraft.errors import VocabularyError
from tokencraft.vocabulary import TokenKind, Vocabulary, split
from tokencraft.vocabulary.tokenizers_json import parse

from .conftest import JSON_NAMES


def minimal(**model: Any) -> dict[str, Any]:
    """A byte-level tokenizer.json over "a", "b", "ab"."""
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    document: dict[str, Any] = dict.fromkeys(("truncation", "padding", "normalizer", "post_processor"))
    own = {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": [["a", "b"]], **model}
    return document | {
        "version": "1.0",
        "added_tokens": [],
        "pre_tokenizer": byte_level,
        "decoder": byte_level,
        "model": own,
    }


def added(identifier: int, content: str, **flags: bool) -> dict[str, Any]:
    defaults = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {"id": identifier, "content": content, **defaults, **flags}


def normal_form(tokenizer: tokenizers.Tokenizer) -> Any:
    """What the stock library makes of a tokenizer; an empty mark on parts of words is no mark."""
    document = json.loads(tokenizer.to_str())
    for mark in ("continuing_subword_prefix", "end_of_word_suffix"):
        if document["model"]["type"] == "BPE":
            document["model"][mark] = document["model"][mark] or None
    return document


def stock_of(document: dict[str, Any]) -> tokenizers.Tokenizer:
    return tokenizers.Tokenizer.from_str(json.dumps(document))


@pytest.mark.parametrize("name", JSON_NAMES)
class TestRealTokenizers:
    def test_encodes_as_tokenizers_does(
        self,
        name: str,
        real: Callable[[str], Vocabulary],
        stock: Callable[[str], tokenizers.Tokenizer],
        texts: list[str],
    ) -> None:
        vocabulary, reference = real(name), stock(name)
        for specials in ("none", "all"):
            reference.encode_special_tokens = specials == "none"
            expected = [each.ids for each in reference.encode_batch_fast(texts, add_special_tokens=False)]
            batch = vocabulary.encode_batch(texts, specials=specials)  # type: ignore[arg-type]
            different = [
                text for text, ids, wanted in zip(texts, batch, expected, strict=True) if ids.tolist() != wanted
            ]
            assert different == []
            for index in range(0, len(texts), 37):
                single = vocabulary.encode(texts[index], specials=specials)  # type: ignore[arg-type]
                assert single.tolist() == expected[index]

    def test_is_written_back_word_for_word(
        self,
        name: str,
        real: Callable[[str], Vocabulary],
        stock: Callable[[str], tokenizers.Tokenizer],
        tmp_path: Path,
    ) -> None:
        vocabulary = real(name)
        vocabulary.save(tmp_path / "tokenizer.json.gz")
        again = Vocabulary.load(tmp_path / "tokenizer.json.gz")
        assert again == vocabulary
        assert again.tokens == vocabulary.tokens
        assert again.kinds == vocabulary.kinds
        assert normal_form(vocabulary.to_tokenizers()) == normal_form(stock(name))

    def test_decodes_as_tokenizers_does(
        self,
        name: str,
        real: Callable[[str], Vocabulary],
        stock: Callable[[str], tokenizers.Tokenizer],
        texts: list[str],
    ) -> None:
        vocabulary, reference = real(name), stock(name)
        for text in texts[::5]:
            ids = vocabulary.encode(text)
            assert vocabulary.decode(ids) == reference.decode(ids.tolist(), skip_special_tokens=False)


def test_what_the_real_ones_are(real: Callable[[str], Vocabulary]) -> None:
    assert real("gpt-2").lossless
    assert not real("gpt-neox").lossless  # NFC
    assert not real("llama").lossless  # no way back from a leading "▁"
    assert {name: real(name).special_tokens.get("eos") for name in JSON_NAMES} == {
        "claude": 0,
        "gpt-2": 50256,
        "gpt-neox": 0,
        "llama": 2,
        "mistral": 2,
    }
    assert real("gpt-2").splitter == real("claude").splitter == split.GPT2


def test_families_compare_by_bytes(real: Callable[[str], Vocabulary]) -> None:
    for name in JSON_NAMES:
        vocabulary = real(name)
        for word in (b" the", b"\n", "é".encode(), b"the", b"\x80"):
            identifier = vocabulary.id_of(word)
            assert identifier is not None
            assert vocabulary.token_bytes(identifier) == word
        assert vocabulary.kinds[vocabulary.id_of(b"\x80") or 0] == TokenKind.BYTE


def test_an_added_token_that_the_model_lacks_gets_the_id_that_tokenizers_counts(
    real: Callable[[str], Vocabulary], stock: Callable[[str], tokenizers.Tokenizer]
) -> None:
    # The released file says 8 for a misspelt token; 8 is another token of its model.
    assert real("mistral").pieces[8] == "[TOOL_RESULTS]"
    assert real("mistral").special_tokens["[TOOL_RESULT]"] == stock("mistral").token_to_id("[TOOL_RESULT]") == 32768


def test_added_text_that_is_looked_for_in_normalized_text_brings_its_space(
    stock: Callable[[str], tokenizers.Tokenizer],
) -> None:
    document = json.loads(stock("llama").to_str())
    document["added_tokens"].append(added(32000, "xyzzy", special=False, normalized=True))
    vocabulary, reference = parse(document, "test"), stock_of(document)
    for text in ("a xyzzy b", "xyzzy", "a  xyzzyb"):
        ids = vocabulary.encode(text)
        assert ids.tolist() == reference.encode(text, add_special_tokens=False).ids
        assert 32000 in ids.tolist()
        assert vocabulary.decode(ids) == reference.decode(ids.tolist()) == text


class TestSmallModels:
    def test_ids_with_holes(self, tmp_path: Path) -> None:
        document = minimal(vocab={"a": 0, "b": 4, "ab": 9, "<x>": 6})
        document["added_tokens"] = [added(6, "<x>")]
        vocabulary = parse(document, "test")
        assert len(vocabulary) == 10
        assert [at for at, kind in enumerate(vocabulary.kinds) if kind == TokenKind.UNUSED] == [1, 2, 3, 5, 7, 8]
        assert vocabulary.encode("abba<x>", specials="all").tolist() == [9, 4, 0, 6]
        assert vocabulary.decode_bytes([1, 9]) == b"ab"
        vocabulary.save(tmp_path / "x.json")
        assert Vocabulary.load(tmp_path / "x.json") == vocabulary

    def test_old_files_declare_no_type_and_spell_merges_as_strings(self) -> None:
        document = minimal(merges=["a b"])
        del document["model"]["type"]
        assert parse(document, "test").encode("ab").tolist() == [2]

    def test_dropout_and_truncation_are_kept_but_do_not_touch_our_ids(self) -> None:
        document = minimal(dropout=0.9)
        document["truncation"] = {"max_length": 2, "stride": 0, "strategy": "LongestFirst", "direction": "Right"}
        document["padding"] = {
            "strategy": {"Fixed": 8},
            "direction": "Right",
            "pad_to_multiple_of": None,
            "pad_id": 0,
            "pad_type_id": 0,
            "pad_token": "a",
        }
        vocabulary = parse(document, "test")
        assert all(vocabulary.encode("ababab").tolist() == [2, 2, 2] for _ in range(20))
        assert normal_form(vocabulary.to_tokenizers()) == normal_form(stock_of(document))

    def test_a_prefix_space_is_not_lossless(self) -> None:
        document = minimal(vocab={"a": 0, "Ġ": 1, "Ġa": 2}, merges=[["Ġ", "a"]])
        document["pre_tokenizer"]["add_prefix_space"] = True
        vocabulary = parse(document, "test")
        assert vocabulary.encode("a").tolist() == [2] == stock_of(document).encode("a").ids
        assert not vocabulary.lossless

    def test_wordpiece(self) -> None:
        document = minimal() | {
            "pre_tokenizer": {"type": "Whitespace"},
            "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": False},
            "added_tokens": [added(0, "[UNK]"), added(1, "[CLS]")],
            "model": {
                "type": "WordPiece",
                "unk_token": "[UNK]",
                "continuing_subword_prefix": "##",
                "max_input_chars_per_word": 100,
                "vocab": {"[UNK]": 0, "[CLS]": 1, "play": 2, "##ing": 3, "##ed": 4, "un": 5, "[unused0]": 6},
            },
        }
        vocabulary = parse(document, "test")
        assert vocabulary.algorithm == "wordpiece"
        assert vocabulary.tokens[2:4] == (b" play", b"ing")
        assert vocabulary.kinds[6] == TokenKind.UNUSED
        assert vocabulary.special_tokens == {"unk": 0, "cls": 1}
        ids = vocabulary.encode("playing played what").tolist()
        assert ids == [2, 3, 2, 4, 0] == stock_of(document).encode("playing played what").ids
        assert vocabulary.decode([2, 3, 2, 4]) == "playing played" == stock_of(document).decode([2, 3, 2, 4])
        assert normal_form(vocabulary.to_tokenizers()) == normal_form(stock_of(document))

    def test_greedy_longest_match_over_bytes(self, tmp_path: Path) -> None:
        letters = {piece: at for at, piece in enumerate(["[UNK]", "a", "b", "aba", "ab", "Ġ"])}
        document = minimal() | {
            "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False},
            "model": {
                "type": "WordPiece",
                "unk_token": "[UNK]",
                "continuing_subword_prefix": "",
                "max_input_chars_per_word": 1000,
                "vocab": letters,
            },
        }
        vocabulary = parse(document, "test")
        assert vocabulary.algorithm == "greedy"
        assert vocabulary.encode("abab abaab").tolist() == [3, 2, 5, 3, 4]
        vocabulary.save(tmp_path / "x.json")
        assert Vocabulary.load(tmp_path / "x.json") == vocabulary

    def test_end_of_word_suffix(self) -> None:
        document = minimal(
            vocab={"a": 0, "b": 1, "b</w>": 2, "ab</w>": 3, "a</w>": 4},
            merges=[["a", "b</w>"]],
            end_of_word_suffix="</w>",
        )
        vocabulary = parse(document, "test")
        assert vocabulary.tokens[3] == b"ab "
        assert not vocabulary.lossless
        assert vocabulary.encode("abab").tolist() == stock_of(document).encode("abab").ids
        assert normal_form(vocabulary.to_tokenizers()) == normal_form(stock_of(document))


class TestLiteralSpecials:
    """Text that spells a special token stays text even where the stock model would match it."""

    def test_unigram(self) -> None:
        pieces = [["<unk>", 0.0], ["<s>", 0.0], ["<", -3.0], ["s", -3.0], [">", -3.0], ["a", -2.0]]
        document = minimal() | {
            "pre_tokenizer": None,
            "decoder": {"type": "Fuse"},
            "added_tokens": [added(0, "<unk>"), added(1, "<s>")],
            "model": {"type": "Unigram", "unk_id": 0, "vocab": pieces, "byte_fallback": False},
        }
        vocabulary = parse(document, "test")
        assert vocabulary.algorithm == "unigram"
        assert vocabulary.scores is not None
        assert vocabulary.scores.tolist() == [0.0, 0.0, -3.0, -3.0, -3.0, -2.0]
        assert vocabulary.encode("a<s>é").tolist() == [5, 2, 3, 4, 0]
        assert vocabulary.encode("a<s>é", specials="all").tolist() == [5, 1, 0]
        assert normal_form(vocabulary.to_tokenizers()) == normal_form(stock_of(document))

    def test_whole_pieces(self) -> None:
        document = minimal(
            vocab={"a": 0, "b": 1, "ab": 2, "<": 3, ">": 4, "<a>": 5, "abb": 6}, ignore_merges=True, unk_token=None
        )
        document["pre_tokenizer"]["use_regex"] = False
        document["added_tokens"] = [added(5, "<a>")]
        vocabulary = parse(document, "test")
        assert vocabulary.encode("<a>").tolist() == [3, 0, 4]
        assert vocabulary.encode("<a>", specials="all").tolist() == [5]
        assert vocabulary.encode("abb").tolist() == [6]

    def test_wordpiece(self) -> None:
        document = minimal() | {
            "pre_tokenizer": {"type": "WhitespaceSplit"},
            "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": False},
            "added_tokens": [added(0, "[UNK]"), added(1, "[CLS]")],
            "model": {
                "type": "WordPiece",
                "unk_token": "[UNK]",
                "continuing_subword_prefix": "##",
                "max_input_chars_per_word": 100,
                "vocab": {"[UNK]": 0, "[CLS]": 1, "[": 2, "##C": 3, "##LS": 4, "##]": 5},
            },
        }
        vocabulary = parse(document, "test")
        assert vocabulary.encode("[CLS] x").tolist() == [2, 3, 4, 5, 0]
        assert vocabulary.encode("[CLS] x", specials="all").tolist() == [1, 0]


def test_superbpe_layout() -> None:
    vocabulary = Vocabulary.from_merges([], splitter=split.SUPERBPE_V2_STAGE2, special_tokens=["<|endoftext|>"])
    document = normal_form(vocabulary.to_tokenizers())
    cut, mapped = document["pre_tokenizer"]["pretokenizers"]
    assert (cut["type"], cut["behavior"], cut["invert"]) == ("Split", "Isolated", False)
    assert (mapped["type"], mapped["add_prefix_space"], mapped["use_regex"]) == ("ByteLevel", False, False)
    assert document["decoder"]["type"] == "ByteLevel"
    assert document["model"]["type"] == "BPE"
    again = Vocabulary.from_tokenizer(vocabulary.to_tokenizers())
    assert again == vocabulary
    assert again.splitter == split.SUPERBPE_V2_STAGE2


def broken(**changes: Any) -> dict[str, Any]:
    document = copy.deepcopy(minimal())
    for name, value in changes.items():
        target, key = (
            (document["model"], name.removeprefix("model_")) if name.startswith("model_") else (document, name)
        )
        target[key] = value
    return document


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "without a model"),
        ({"model": []}, "without a model"),
        ({"model": {"type": "BPE"}}, "without a model and its vocab"),
        (broken(model_type="WordLevel"), "'WordLevel' is not supported"),
        (broken(model_type=7), "7 is not supported"),
        (broken(model_vocab=[]), "object of ids by token"),
        (broken(model_vocab={"a": 0, "b": 0, "ab": 2}), "'a' and 'b' share the id 0"),
        (broken(model_vocab={"a": "0"}), "'a' has the id '0'"),
        (broken(model_vocab={"a": -1}), "has the id -1"),
        (broken(model_vocab={"a": True}), "has the id True"),
        (broken(model_vocab={"a": 0, "b": 1, "ab": 4_000_000_000}), "largest id is 4,000,000,000 but there are only 3"),
        (broken(model_vocab={"a": 0, "b": 1, "ab": 2, "\ud800": 3}), "not valid Unicode"),
        (broken(model_merges=[["a", "c"]]), "merge 0 names 'c'"),
        (broken(model_merges=[["a", "b"], ["b", "a"]]), "merge 1 makes 'ba'"),
        (broken(model_merges=["a b c"]), "merge 0 is 'a b c', expected two tokens"),
        (broken(model_merges=[["a", 1]]), "expected two tokens"),
        (broken(model_merges=None), "merges must be a list"),
        (broken(model_dropout="much"), "model.dropout is 'much'"),
        (broken(added_tokens={}), None),
        (broken(added_tokens={"id": 1}), "added_tokens is a JSON dict"),
        (broken(added_tokens=[3]), "expected objects with an id"),
        (broken(added_tokens=[{"id": 5}]), "id 5 has no content"),
        (broken(added_tokens=[added(5, "x"), added(5, "y")]), "'x' and 'y' share the id 5"),
        (broken(added_tokens=[added(5, "x"), added(6, "x")]), "'x' stands twice"),
        (broken(pre_tokenizer="ByteLevel"), "pre_tokenizer is a JSON str"),
        (broken(pre_tokenizer={"type": "Split", "pattern": {"Regex": "("}, "behavior": "Isolated"}), "pre_tokenizer"),
        (broken(pre_tokenizer={"type": "Sequence"}), "pre_tokenizer is damaged"),
        (broken(model_vocab={"a": 0, "b": 1, "ab": 3}, added_tokens=[added(3, "x")]), "which the model's 'ab' has"),
    ],
)
def test_bad_documents(document: dict[str, Any], message: str | None) -> None:
    if message is None:
        parse(document, "file.json")
        return
    with pytest.raises(VocabularyError) as caught:
        parse(document, "file.json")
    assert message in str(caught.value)
    assert str(caught.value).startswith("file.json: ")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"vocab": {"a": 0}}, "a list of"),
        ({"vocab": [["a"]]}, "a list of"),
        ({"vocab": [["a", 0.0], ["a", 0.0]]}, "'a' stands twice"),
        ({"vocab": [["a", "x"]]}, "has the score 'x'"),
        ({"vocab": [["a", float("nan")]]}, "has the score nan"),
        ({"vocab": [["a", 0.0]], "unk_id": 3}, "unk_id 3"),
        ({"vocab": [["a", 0.0]], "unk_id": "a"}, "unk_id 'a'"),
    ],
)
def test_bad_unigram_models(model: dict[str, Any], message: str) -> None:
    with pytest.raises(VocabularyError, match=message):
        parse({"model": {"type": "Unigram", **model}}, "file.json")


def test_what_tokenizers_refuses_is_our_error() -> None:
    vocabulary = parse(minimal(), "test").replace(decoder={"type": "Nonsense"})
    with pytest.raises(VocabularyError, match="tokenizers refuses this vocabulary"):
        vocabulary.to_tokenizers()


def test_a_unigram_vocabulary_with_holes_cannot_be_written() -> None:
    vocabulary = Vocabulary(
        algorithm="unigram",
        tokens=(b"<unk>", b"", b"a"),
        kinds=(TokenKind.SPECIAL, TokenKind.UNUSED, TokenKind.NORMAL),
        scores=np.zeros(3),
        spelling=("<unk>", "", "a"),
    )
    with pytest.raises(VocabularyError, match="id 1 has no token"):
        vocabulary.to_tokenizers()
