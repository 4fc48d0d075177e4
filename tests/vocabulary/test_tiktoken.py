"""Ranks in and out: ``tiktoken_ranks.py`` and ``tiktoken_export.py``."""

from __future__ import annotations

import base64
import gzip
import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
import tiktoken
from hypothesis import given, settings
from hypothesis import strategies as st

from tokencraft.corpus import Corpus
from tokencraft.errors import VocabularyError
from tokencraft.learn import BPE
from tokencraft.vocabulary import Origin, TokenKind, Vocabulary, split
from tokencraft.vocabulary.numbers import DigitGroups

from .conftest import TIKTOKEN_NAMES

A, B, C, SPACE = 64, 65, 66, 220
ALL_BYTES = {bytes([value]): value for value in range(256)}


def write_ranks(path: Path, ranks: dict[bytes, int], **meta: object) -> Path:
    path.write_text("".join(f"{base64.b64encode(token).decode()} {rank}\n" for token, rank in ranks.items()))
    meta_path = path.with_name(path.name.removesuffix(".tiktoken") + ".meta.json")
    meta_path.write_text(json.dumps({"pattern": split.GPT2.patterns[0], "special_tokens": {}} | meta))
    return path


def reference(folder: Path, name: str) -> tiktoken.Encoding:
    """The encoding as tiktoken itself would build it from the two files."""
    meta = json.loads((folder / f"{name}.meta.json").read_text("utf-8"))
    lines = gzip.decompress((folder / f"{name}.tiktoken.gz").read_bytes()).splitlines()
    ranks = {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in lines if line)}
    return tiktoken.Encoding(
        name, pat_str=meta["pattern"], mergeable_ranks=ranks, special_tokens=meta["special_tokens"]
    )


@pytest.mark.parametrize("name", TIKTOKEN_NAMES)
class TestRealRanks:
    def test_encodes_as_tiktoken_does(
        self, name: str, real: Callable[[str], Vocabulary], tokenizers_folder: Path, texts: list[str]
    ) -> None:
        vocabulary, encoding = real(name), reference(tokenizers_folder, name)
        plain = zip(vocabulary.encode_batch(texts), encoding.encode_ordinary_batch(texts), texts, strict=True)
        assert [text for ids, wanted, text in plain if ids.tolist() != wanted] == []
        cut = zip(
            vocabulary.encode_batch(texts, specials="all"),
            encoding.encode_batch(texts, allowed_special="all"),
            texts,
            strict=True,
        )
        assert [text for ids, wanted, text in cut if ids.tolist() != wanted] == []
        for text in texts[::41]:
            assert vocabulary.encode(text).tolist() == encoding.encode_ordinary(text)

    def test_merges_are_recovered_for_every_token_and_go_back(
        self, name: str, real: Callable[[str], Vocabulary], tokenizers_folder: Path
    ) -> None:
        vocabulary, encoding = real(name), reference(tokenizers_folder, name)
        assert vocabulary.algorithm == "bpe-ranks"
        assert len(vocabulary.merges) == len(encoding._mergeable_ranks) - 256
        for (left, right), made in zip(vocabulary.merges[::97].tolist(), vocabulary.merged[::97].tolist(), strict=True):
            assert vocabulary.tokens[left] + vocabulary.tokens[right] == vocabulary.tokens[made]
            assert max(left, right) < made
        again = vocabulary.to_tiktoken()
        assert again._mergeable_ranks == encoding._mergeable_ranks
        assert again._special_tokens == encoding._special_tokens

    def test_goes_through_tokenizer_json(self, name: str, real: Callable[[str], Vocabulary], texts: list[str]) -> None:
        vocabulary = real(name)
        stock = vocabulary.to_tokenizers()
        assert {content: stock.token_to_id(content) for content in ("<|endoftext|>", "<|endofprompt|>")} == {
            content: vocabulary.pieces.index(content) for content in ("<|endoftext|>", "<|endofprompt|>")
        }
        sample = texts[::9]
        expected = [each.ids for each in stock.encode_batch_fast(sample, add_special_tokens=False)]
        assert [ids.tolist() for ids in vocabulary.encode_batch(sample, specials="all")] == expected

    def test_is_lossless(self, name: str, real: Callable[[str], Vocabulary], texts: list[str]) -> None:
        vocabulary = real(name)
        assert vocabulary.lossless
        for text, ids in zip(texts, vocabulary.encode_batch(texts), strict=True):
            assert vocabulary.decode(ids) == text
        data = bytes(range(256)) * 3
        assert vocabulary.decode_bytes(vocabulary.encode(data)) == data


def test_holes_and_roles_of_a_real_one(real: Callable[[str], Vocabulary]) -> None:
    vocabulary = real("cl100k_base")
    assert len(vocabulary) == 100277
    assert [at for at, kind in enumerate(vocabulary.kinds) if kind == TokenKind.UNUSED] == [
        100256,
        *range(100261, 100276),
    ]
    assert vocabulary.special_tokens["eos"] == 100257
    assert vocabulary.decode_bytes([100256, 100261]) == b""


@settings(max_examples=80, deadline=None)
@given(
    tokens=st.lists(
        st.binary(min_size=2, max_size=5).map(lambda data: bytes(b"abc"[x % 3] for x in data)), unique=True
    ),
    texts=st.lists(st.text("abc ", max_size=30), min_size=1, max_size=5),
)
def test_any_ranks_encode_as_tiktoken_encodes_them(
    tokens: list[bytes], texts: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Also tokens that no merge reaches, which tiktoken finds as whole pieces only."""
    ranks = ALL_BYTES | {token: 256 + at for at, token in enumerate(tokens)}
    path = write_ranks(tmp_path_factory.mktemp("ranks") / "any.tiktoken", ranks)
    vocabulary = Vocabulary.load(path)
    encoding = tiktoken.Encoding("any", pat_str=split.GPT2.patterns[0], mergeable_ranks=ranks, special_tokens={})
    for text in texts:
        assert vocabulary.encode(text).tolist() == encoding.encode_ordinary(text)


class TestExport:
    @pytest.mark.parametrize("splitter", [split.GPT2, split.SUPERBPE_V2_STAGE2, split.WHOLE, split.Regex((r"\d",))])
    def test_encodes_as_ours(self, splitter: split.Splitter, texts: list[str]) -> None:
        merges = [(SPACE + 1, A + 1), (83 + 1, 71 + 1), (258, 68 + 1), (SPACE + 1, 259), (68 + 1, 260)]
        vocabulary = Vocabulary.from_merges(
            merges, splitter=splitter, special_tokens=["<|endoftext|>"], appended_tokens=["<|pad|>"]
        )
        encoding = vocabulary.to_tiktoken()
        for text in texts[::7]:
            assert encoding.encode_ordinary(text) == vocabulary.encode(text).tolist()
            everything = encoding.encode(text, allowed_special="all")
            assert everything == vocabulary.encode(text, specials="all").tolist()
            assert encoding.decode(everything) == text

    def test_real_gpt2(self, real: Callable[[str], Vocabulary], texts: list[str]) -> None:
        encoding = real("gpt-2").to_tiktoken()
        for text in texts[::11]:
            assert encoding.encode_ordinary(text) == real("gpt-2").encode(text).tolist()

    @pytest.mark.parametrize("name", ["x.tiktoken", "x.tiktoken.gz"])
    def test_files_round_trip(self, name: str, tmp_path: Path) -> None:
        vocabulary = Vocabulary.from_merges(
            [(A + 1, B + 1), (257, C + 1)],
            splitter=split.SUPERBPE_V2_STAGE1,
            special_tokens=["<s>"],
            appended_tokens=["<|x|>"],
            roles={"bos": "<s>", "eos": "<s>"},
            origin=Origin("bpe", {"vocab_size": 260}, "c0ffee"),
        ).replace(chat_template="{{ messages }}")
        vocabulary.save(tmp_path / name)
        again = Vocabulary.load(tmp_path / name)
        assert again.tokens == vocabulary.tokens
        assert again.kinds == vocabulary.kinds
        assert again.merges.tolist() == vocabulary.merges.tolist()
        assert again.splitter == vocabulary.splitter
        assert again.special_tokens == vocabulary.special_tokens
        assert (again.origin, again.chat_template) == (vocabulary.origin, vocabulary.chat_template)

    def test_refusals_say_why(self, real: Callable[[str], Vocabulary]) -> None:
        def refused(vocabulary: Vocabulary, reason: str) -> None:
            with pytest.raises(VocabularyError, match=f"(?s)tiktoken cannot hold this vocabulary: .*{reason}"):
                vocabulary.to_tiktoken()

        ab = Vocabulary.from_merges([(A, B)], splitter=split.GPT2)
        refused(real("llama"), "sentencepiece bpe-merges vocabulary, not a byte-level BPE")
        refused(real("claude"), "normalizes text .NFKC.")
        refused(ab.replace(normalizer={"type": "NFC"}), "NFC")
        refused(real("gpt-neox").replace(normalizer=None), "always cut out of text")
        paper = Vocabulary.from_merges([], splitter=split.SUPERBPE_PAPER_STAGE2)
        refused(paper, "2 patterns one after another")
        # Either merge alone is fine, but ids are no longer priorities.
        swapped = Vocabulary.from_merges([(A, B), (B, C)], splitter=split.GPT2)
        refused(swapped.replace(merges=swapped.merges[::-1].copy()), "merge 1 makes id 256 after merge 0 made 257")
        # "ab" is there and "abc" is made of "a" and "bc": ranks would make it of "ab" and "c".
        other = Vocabulary.from_merges([(A, B), (B, C), (A, 257)], splitter=split.GPT2)
        refused(other, "would merge b'ab' and b'c' into id 258")
        unreachable = ab.replace(
            tokens=(*ab.tokens, b"zzz"), kinds=(*ab.kinds, TokenKind.NORMAL), added_tokens=(), spelling=None
        )
        refused(unreachable, "no merge reaches the token b'zzz'")
        missing = ab.replace(kinds=(TokenKind.UNUSED, *ab.kinds[1:]))
        refused(missing, "no token for the byte 0x21")
        stripped = ab.with_specials(["<x>"])
        entry = {**stripped.added_tokens[0], "lstrip": True}
        refused(stripped.replace(added_tokens=(entry,)), "takes white space with it")
        assert ab.pad_to(300).to_tiktoken().encode_ordinary("abab") == [256, 256]


class TestBadFiles:
    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", "the file is empty"),
            (b"\n\n", "holds no ranks"),
            (b"YQ== 0\nYg==\n", "line 2: b'Yg==' is no rank line"),
            (b"YQ== 0\nYg== x\n", "line 2: .* is no rank line"),
            (b"YQ== 0\nYg== -1\n", "line 2: .* is no rank line"),
            (b"YQ== 0\n!!!! 1\n", "line 2: b'!!!!' is no base64"),
            (b"YQ== 0\nYg= 1\n", "line 2: b'Yg=' is no base64"),
            (b"YQ== 0\nYQ== 1\n", "line 2: the token b'a' has the rank 0 already"),
            (b"YQ== 0\nYg== 0\n", "line 2: the rank 0 stands on line 1 already"),
            (b"YQ== 0\nYg== 99999999999999999999\n", "line 2: .* is no rank line"),
            (b"YQ== 0\nYg== 999999999\n", "largest id is 999,999,999 but there are only 2 tokens"),
            (b'{"model": {}}', "line 1: .* is no rank line"),
        ],
    )
    def test_ranks(self, content: bytes, message: str, tmp_path: Path) -> None:
        path = write_ranks(tmp_path / "x.tiktoken", ALL_BYTES)
        path.write_bytes(content)
        with pytest.raises(VocabularyError, match=message) as caught:
            Vocabulary.load(path)
        assert str(path) in str(caught.value)

    def test_missing_meta(self, tmp_path: Path) -> None:
        path = write_ranks(tmp_path / "x.tiktoken", ALL_BYTES)
        (tmp_path / "x.meta.json").unlink()
        with pytest.raises(VocabularyError, match=r"put them beside it into x\.meta\.json as \{\"pattern\""):
            Vocabulary.load(path)

    @pytest.mark.parametrize(
        ("meta", "message"),
        [
            ({"pattern": None}, "needs the split pattern"),
            ({"pattern": "("}, "not a regular expression"),
            ({"special_tokens": ["<s>"]}, "must be an object of ids by token"),
            ({"special_tokens": {"<s>": "1"}}, "must be an object of ids by token"),
            ({"special_tokens": {"<s>": 97}}, "'<s>' has the id 97, which is taken"),
            ({"special_tokens": {"<s>": 300, "<t>": 300}}, "'<t>' has the id 300, which is taken"),
            ({"special_tokens": {"<s>": 3_000_000_000}}, "largest id is 3,000,000,000"),
        ],
    )
    def test_bad_meta(self, meta: dict[str, object], message: str, tmp_path: Path) -> None:
        path = write_ranks(tmp_path / "x.tiktoken", ALL_BYTES, **meta)
        with pytest.raises(VocabularyError, match=message):
            Vocabulary.load(path)

    def test_a_byte_without_token_is_an_error_when_it_comes(self, tmp_path: Path) -> None:
        path = write_ranks(tmp_path / "x.tiktoken", {b"a": 0, b"b": 1, b"ab": 2})
        vocabulary = Vocabulary.load(path)
        assert not vocabulary.lossless
        assert vocabulary.encode("ab").tolist() == [2]
        with pytest.raises(VocabularyError, match="no token for the byte 0xFF"):
            vocabulary.encode(b"ab\xff")


@pytest.mark.filterwarnings("ignore:the vocabulary has")
@pytest.mark.parametrize("name", [name for name, each in split.NAMED.items() if each.native is not None])
@pytest.mark.parametrize("groups", [DigitGroups(1), DigitGroups(3), DigitGroups(2, digits="N")], ids=repr)
def test_digit_groups_and_a_pattern_become_one_pattern(name: str, groups: DigitGroups) -> None:
    corpus = Corpus.from_iterable(["in 1234567  or 12.3456789\n\n2024-05\t12345 \n 678 ½²12 its'S end/ //\n"] * 3)
    learner = BPE(vocab_size=300, splitter=split.NAMED[name], digits=groups, number_tokens=False)
    vocabulary = learner.train(corpus)
    if name.startswith("superbpe_paper"):
        with pytest.raises(VocabularyError, match="patterns one after another"):
            vocabulary.to_tiktoken()
        return
    encoding = vocabulary.to_tiktoken()
    draw = random.Random(5)
    for _ in range(200):
        text = "".join(draw.choices("11234567  .\n\tab'sS½²é/", k=40))
        assert encoding.encode_ordinary(text) == vocabulary.encode(text).tolist(), text
