"""Vocabularies of a ranked lexicon: encoding, files, stock tokenizers."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from naive_lib import read
from tokencraft.errors import UsageError, VocabularyError
from tokencraft.vocabulary import TokenKind, Vocabulary
from tokencraft.vocabulary.lexicon import as_greedy, from_lexicon, is_lexicon, ranks_of

RANKED = ["a", "ab", "bc", "c", "abc", "cd", "d", "bcd", "é語", "語", " the", " the e", "<s"]
SPECIALS = ("<s>", "<pad>")
TEXT = st.text(st.one_of(st.sampled_from("abcd é語<s>the"), st.characters(codec="utf-8")), max_size=60)


def make(two_paths: bool, specials: tuple[str, ...] = SPECIALS) -> Vocabulary:
    return from_lexicon(RANKED, two_paths=two_paths, special_tokens=specials)


def tokens_of(vocabulary: Vocabulary, text: str) -> list[str]:
    return [vocabulary.token_bytes(each).decode("utf-8", "replace") for each in vocabulary.encode(text).tolist()]


VOCABULARIES = {True: make(True), False: make(False)}
STOCK = VOCABULARIES[False].to_tokenizers()


@settings(deadline=None, max_examples=300)
@given(TEXT, st.booleans())
def test_round_trips_and_reads_as_described(text: str, two_paths: bool) -> None:
    vocabulary = VOCABULARIES[two_paths]
    ids = vocabulary.encode(text)
    assert vocabulary.decode(ids) == text
    expected = []
    for chunk in read(RANKED, text, two_paths=two_paths):
        known = vocabulary.id_of(chunk.encode()) if chunk in RANKED else None
        expected += [vocabulary.id_of(bytes([value])) for value in chunk.encode()] if known is None else [known]
    assert ids.tolist() == expected


@settings(deadline=None, max_examples=300)
@given(TEXT)
def test_stock_tokenizers_reads_the_longest_match_alike(text: str) -> None:
    vocabulary = VOCABULARIES[False]
    assert STOCK.encode(text, add_special_tokens=False).ids == vocabulary.encode(text, specials="all").tolist()
    assert STOCK.decode(vocabulary.encode(text, specials="all").tolist(), skip_special_tokens=False) == text


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=40), st.booleans(), st.sampled_from(["none", "all"]))
def test_any_bytes_round_trip(data: bytes, two_paths: bool, specials: str) -> None:
    vocabulary = VOCABULARIES[two_paths]
    assert vocabulary.decode_bytes(vocabulary.encode(data, specials=specials)) == data  # type: ignore[arg-type]


def test_ids_are_specials_then_ranks_then_missing_bytes() -> None:
    vocabulary = make(True)
    assert [token.decode() for token in vocabulary.tokens[: 2 + len(RANKED)]] == [*SPECIALS, *RANKED]
    assert sorted(token for token in vocabulary.tokens if len(token) == 1) == [bytes([value]) for value in range(256)]
    assert ranks_of(vocabulary)[[0, 2, 2 + len(RANKED) - 1, len(vocabulary) - 1]].tolist() == [
        *(-1, 0, len(RANKED) - 1, -1)
    ]
    assert vocabulary.lossless
    assert vocabulary.special_tokens == {"bos": 0, "pad": 1}
    assert is_lexicon(vocabulary)
    assert not is_lexicon(Vocabulary.from_merges([], splitter=vocabulary.splitter))  # type: ignore[arg-type]


@pytest.mark.parametrize("two_paths", [True, False])
@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer.json.gz", "folder"])
def test_files_bring_it_back(two_paths: bool, name: str, tmp_path: Path) -> None:
    vocabulary = make(two_paths).with_specials(["<more>"]).pad_to(300)
    vocabulary = vocabulary.replace(special_tokens={"bos": 0, "pad": 1, "<more>": vocabulary.special_tokens["<more>"]})
    vocabulary.save(tmp_path / name)
    loaded = Vocabulary.load(tmp_path / name)
    assert loaded == vocabulary
    assert loaded.algorithm == vocabulary.algorithm
    assert loaded.flags == vocabulary.flags
    assert loaded.splitter == vocabulary.splitter
    text = "abcd the e<s> é語<more>"
    assert loaded.encode(text, specials="all").tolist() == vocabulary.encode(text, specials="all").tolist()
    assert pickle.loads(pickle.dumps(loaded)).encode(text).tolist() == vocabulary.encode(text).tolist()


def test_official_and_deeper_are_kept(tmp_path: Path) -> None:
    vocabulary = from_lexicon(["to", "day", "today", "x"], two_paths=True, official=True, deeper=True)
    vocabulary.save(tmp_path / "x.json")
    loaded = Vocabulary.load(tmp_path / "x.json")
    assert loaded == vocabulary
    assert loaded != from_lexicon(["to", "day", "today", "x"], two_paths=True, official=True)
    assert tokens_of(loaded, "today") == ["to", "day"]


def test_special_tokens_become_ids_only_where_asked() -> None:
    for vocabulary in VOCABULARIES.values():
        assert 0 not in vocabulary.encode("ab<s>cd")
        assert vocabulary.encode("ab<s>cd", specials="all").tolist().count(0) == 1
        batch = vocabulary.encode_batch(["abcd", "a<pad><s>", b"\xff<s>", ""], specials="all", threads=2)
        assert batch.encoder == "native"
        assert [vocabulary.decode_bytes(ids) for ids in batch] == [b"abcd", b"a<pad><s>", b"\xff<s>", b""]
        assert [int(ids[-1]) for ids in list(batch)[1:3]] == [0, 0]
        with pytest.raises(UsageError, match="specials"):
            vocabulary.encode("a", specials="some")  # type: ignore[arg-type]


def test_paths_do_not_cross_special_tokens() -> None:
    vocabulary = make(True)
    assert tokens_of(vocabulary, "abc") == ["abc"]
    ids = vocabulary.encode("ab<s>c", specials="all").tolist()
    assert [vocabulary.tokens[identifier] for identifier in ids] == [b"ab", b"<s>", b"c"]


def test_stock_tokenizers_refuses_two_paths(tmp_path: Path) -> None:
    vocabulary = make(True)
    with pytest.raises(VocabularyError, match="as_greedy"):
        vocabulary.to_tokenizers()
    vocabulary.save(tmp_path / "x.json")
    with pytest.raises(Exception, match=r"TwoPaths|variant|untagged"):
        tokenizers.Tokenizer.from_file(str(tmp_path / "x.json"))
    greedy = as_greedy(vocabulary)
    assert greedy == make(False)
    assert as_greedy(greedy) is greedy
    with pytest.raises(VocabularyError, match="only the vocabulary of a lexicon"):
        as_greedy(Vocabulary.from_merges([], splitter=vocabulary.splitter))  # type: ignore[arg-type]


def test_a_normalizer_is_applied_as_stock_does() -> None:
    description = {"type": "Sequence", "normalizers": [{"type": "NFKC"}, {"type": "Lowercase"}]}
    texts = ["ABCD ﬁ é語", "e\u0301語 THE", "<s>AB"]
    for two_paths in (True, False):
        vocabulary = from_lexicon(RANKED, two_paths=two_paths, special_tokens=SPECIALS, normalizer=description)
        assert not vocabulary.lossless
        stock = as_greedy(vocabulary).to_tokenizers()
        if not two_paths:
            for text in texts:
                assert vocabulary.encode(text, specials="all").tolist() == stock.encode(text).ids
        assert vocabulary.decode(vocabulary.encode("ABCD ﬁ")) == "abcd fi"
        assert vocabulary.decode_bytes(vocabulary.encode(b"AB\xffCD")) == b"ab\xffcd"


def test_a_text_of_any_length_takes_stock_linear_time() -> None:
    """WordPiece would need hours for this."""
    text = "abcd é語 the e" * 5_000
    assert STOCK.encode(text).ids == VOCABULARIES[False].encode(text).tolist()


def test_tokens_that_text_becomes_cannot_become_special() -> None:
    for vocabulary in VOCABULARIES.values():
        with pytest.raises(VocabularyError, match="ordinary token"):
            vocabulary.with_specials(["ab"])


def test_entries_spelled_like_other_tokens_are_left_out() -> None:
    vocabulary = from_lexicon(["<s>", "ab", "[unused7]", "b"], special_tokens=["<s>"])
    assert [token for token, kind in zip(vocabulary.tokens, vocabulary.kinds, strict=True) if kind == 0] == [b"ab"]
    assert TokenKind.UNUSED not in vocabulary.kinds


@pytest.mark.parametrize(
    ("lexicon", "options", "message"),
    [
        (["a", "a"], {}, "each once"),
        (["a", ""], {}, "not empty"),
        (["a"], {"special_tokens": ["x", "x"]}, "named twice"),
        (["a"], {"special_tokens": [""]}, "not empty"),
        (["a"], {"deeper": True}, "two_paths"),
    ],
)
def test_wrong_lexicons_are_refused(lexicon: list[str], options: dict[str, object], message: str) -> None:
    with pytest.raises(VocabularyError, match=message):
        from_lexicon(lexicon, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "message"),
    [({"lexicon": -1}, "lexicon"), ({"lexicon": 5_000}, "more than"), ({"official": 1}, "official")],
)
def test_damaged_files_are_refused(change: dict[str, object], message: str, tmp_path: Path) -> None:
    make(True).save(tmp_path / "x.json")
    document = json.loads((tmp_path / "x.json").read_text("utf-8"))
    document["model"] |= change
    (tmp_path / "x.json").write_text(json.dumps(document))
    with pytest.raises(VocabularyError, match=message):
        Vocabulary.load(tmp_path / "x.json")
