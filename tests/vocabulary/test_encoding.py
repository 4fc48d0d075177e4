"""The router: which encoder is used, and that it never gives other ids than the reference."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from tokencraft.vocabulary import Vocabulary, encoding, split
from tokencraft.vocabulary.batch import EncodedBatch
from tokencraft.vocabulary.encoding import EncoderSpec, GuardedEncoder, NativeEncoder, make_encoder
from tokencraft.vocabulary.stock import StockEncoder

SPECIAL = "<|end|>"
WORDS = ["the", "quick", "brown", "fox", "don't", "HTTPServer", "été", "日本", "x1", "1234", "!!", "//\n", "  ", "\n"]
TEXTS = [
    "the quick brown fox doesn't  jump over the lazy dog\n" * 3,
    "def f(x):\n    return x[1:]  # 12345 // 'quoted'\n",
    "Grüße, мир — 日本語 e\u0301 ½ 👍🏽",
    "",
]


def learnt(splitter: split.Splitter, merges: int = 300) -> Vocabulary:
    """A small vocabulary with superwords, whatever its splitter."""
    from tokencraft import _native
    from tokencraft.vocabulary.merges import byte_tokens

    counter = _native.PieceCounter(0, True, 1)
    counter.add([" ".join(WORDS) + "\n", *TEXTS, "the quick brown fox and the lazy dog\n" * 4])
    learned, _ = _native.MergeLearner(counter, byte_tokens(), np.zeros((0, 3), np.int32)).learn(merges)
    return Vocabulary.from_merges(learned[:, :2], splitter=splitter, appended_tokens=[SPECIAL])


def spec_of(vocabulary: Vocabulary) -> tuple[EncoderSpec, StockEncoder]:
    reference = StockEncoder(vocabulary, "none")
    merges = np.column_stack([vocabulary.merges, vocabulary.merged]).astype(np.int32)
    spec = EncoderSpec(reference.document, vocabulary.splitter, [*vocabulary.tokens[:-1], b""], merges)
    return spec, reference


@pytest.mark.parametrize("name", [name for name in split.NAMED if name != "lines"])
@pytest.mark.parametrize("specials", ["none", "all"])
def test_ids_are_those_of_tokenizers(name: str, specials: str) -> None:
    vocabulary = learnt(split.NAMED[name])
    document = json.loads(vocabulary.to_tokenizers().to_str())
    if specials == "none":
        document["added_tokens"] = []
    stock = tokenizers.Tokenizer.from_str(json.dumps(document))
    texts = [*TEXTS, SPECIAL, f"the{SPECIAL}{SPECIAL} fox", "it'ſ", "a\u088fb \u0378", "".join(WORDS)]
    expected = [stock.encode(text, add_special_tokens=False).ids for text in texts]
    for threads in (1, 2, 3, None):
        batch = vocabulary.encode_batch(texts, threads=threads, specials=specials)
        assert [ids.tolist() for ids in batch] == expected
    assert [vocabulary.encode(text, specials=specials).tolist() for text in texts] == expected
    assert batch.encoder in ("gigatoken", "native")


@pytest.mark.parametrize(
    ("splitter", "encoder"),
    [
        (split.GPT2, "gigatoken"),
        (split.CL100K, "gigatoken"),
        (split.O200K, "gigatoken"),
        (split.SUPERBPE_V2_STAGE1, "native"),
        (split.SUPERBPE_V2_STAGE2, "native"),
        (split.SUPERBPE_PAPER_STAGE2, "native"),
        (split.WHOLE, "native"),  # gigatoken loads it and cuts words all the same
        (split.Regex((r"\p{L}+|\p{N}",)), "native"),
        (split.Regex((r"\w+",)), "tokenizers"),  # engines differ in what \w is
    ],
)
def test_which_encoder_is_used(splitter: split.Splitter, encoder: str) -> None:
    vocabulary = learnt(splitter)
    assert vocabulary.encode_batch(TEXTS).encoder == encoder


@pytest.mark.parametrize("name", ["gpt-2", "gpt-neox", "llama", "mistral", "claude", "cl100k_base", "o200k_base"])
def test_real_vocabularies(name: str, real: Callable[[str], Vocabulary], texts: list[str]) -> None:
    vocabulary = real(name)
    reference = StockEncoder(vocabulary, "none")
    some = [text[:2000] for text in texts[::3]]
    batch = vocabulary.encode_batch(some, threads=2)
    expected = reference.encode_batch(some)
    assert np.array_equal(batch.ids, expected.ids)
    assert np.array_equal(batch.offsets, expected.offsets)
    assert batch.encoder == "gigatoken"


@settings(max_examples=40, deadline=None)
@given(texts=st.lists(st.text(st.sampled_from("ab AB'ſs1½\n/.!é日\u0301\u0378\ud800"), max_size=30), max_size=5))
def test_any_texts(texts: list[str]) -> None:
    vocabulary = VOCABULARY
    batch = vocabulary.encode_batch(texts, threads=2)
    assert len(batch) == len(texts)
    for text, ids in zip(texts, batch, strict=True):
        assert vocabulary.decode_bytes(ids) == text.encode("utf-8", "surrogatepass")
        assert ids.tolist() == vocabulary.encode(text).tolist()


VOCABULARY = learnt(split.LLAMA3)


def test_str_and_bytes_mix_and_any_bytes_come_back() -> None:
    texts = ["the fox", b"the fox", b"\xff\xfe the \xe2\x82", "a\ud800b", b""]
    batch = VOCABULARY.encode_batch(texts)
    assert batch[0].tolist() == batch[1].tolist()
    assert [VOCABULARY.decode_bytes(ids) for ids in batch] == [
        b"the fox",
        b"the fox",
        b"\xff\xfe the \xe2\x82",
        "a\ud800b".encode("utf-8", "surrogatepass"),
        b"",
    ]


class Wrong:
    """Gives right ids but for texts with an x."""

    name = "gigatoken"

    def __init__(self, right: encoding.Encoder, name: str = "gigatoken") -> None:
        self.right, self.name = right, name

    def encode_batch(self, texts: Sequence[str], threads: int | None = None) -> EncodedBatch:
        batch = self.right.encode_batch(texts, threads)
        lists = [ids[:-1] if "x" in text else ids for text, ids in zip(texts, batch, strict=True)]
        return EncodedBatch.from_lists(lists, self.name)


def test_a_wrong_encoder_is_never_used(monkeypatch: pytest.MonkeyPatch) -> None:
    spec, reference = spec_of(learnt(split.LLAMA3))
    assert make_encoder(spec, reference).name == "gigatoken"
    monkeypatch.setattr(encoding, "GigatokenEncoder", lambda document: Wrong(reference))
    assert make_encoder(spec, reference).name == "native"
    monkeypatch.setattr(encoding, "NativeEncoder", lambda spec: Wrong(reference, "native"))
    assert make_encoder(spec, reference) is reference


def test_an_encoder_that_fails_is_never_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> encoding.Encoder:
        raise RuntimeError("panic")

    spec, reference = spec_of(learnt(split.LLAMA3))
    monkeypatch.setattr(encoding, "GigatokenEncoder", broken)
    monkeypatch.setattr(encoding, "NativeEncoder", broken)
    assert make_encoder(spec, reference) is reference


def test_real_texts_join_the_sample() -> None:
    class OnlySomeTexts(Wrong):
        def encode_batch(self, texts: Sequence[str], threads: int | None = None) -> EncodedBatch:
            batch = self.right.encode_batch(texts, threads)
            lists = [ids[:-1] if "zebra" in text else ids for text, ids in zip(texts, batch, strict=True)]
            return EncodedBatch.from_lists(lists, self.name)

    spec, reference = spec_of(learnt(split.LLAMA3))
    assert "zebra" not in "".join(encoding.sample_texts(spec))
    sample = encoding.sample_texts(spec, ["a zebra here"])
    assert "a zebra here" in sample
    expected = reference.encode_batch(sample)
    assert not np.array_equal(OnlySomeTexts(reference).encode_batch(sample).ids, expected.ids)


def test_guarded_texts_keep_their_places() -> None:
    class Marked:
        def __init__(self, name: str, mark: int) -> None:
            self.name, self.mark, self.seen = name, mark, list[str]()

        def encode_batch(self, texts: Sequence[str], threads: int | None = None) -> EncodedBatch:
            self.seen += texts
            return EncodedBatch.from_lists([[self.mark, len(text)] for text in texts], self.name)

    def refused(texts: Sequence[str], threads: int | None) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        return np.fromiter(("!" in text for text in texts), np.bool_, len(texts))

    fast, slow = Marked("gigatoken", 1), Marked("native", 2)
    guarded = GuardedEncoder(fast, slow, refused)
    batch = guarded.encode_batch(["a", "b!b", "", "!"], 2)
    assert [ids.tolist() for ids in batch] == [[1, 1], [2, 3], [1, 0], [2, 1]]
    assert batch.encoder == guarded.name == "gigatoken"
    assert (fast.seen, slow.seen) == (["a", ""], ["b!b", "!"])


def test_native_encoder_needs_tokens() -> None:
    with pytest.raises(ValueError, match="native"):
        NativeEncoder(EncoderSpec({"added_tokens": []}, split.GPT2))


@pytest.fixture
def pool_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], int]:
    def size(variable: str) -> int:
        monkeypatch.setenv("RAYON_NUM_THREADS", variable)
        return encoding._pool_size()

    return size


def test_size_of_the_pool(pool_of: Callable[[str], int]) -> None:
    assert pool_of("3") == 3
    assert pool_of("0") == pool_of("") == pool_of("many") >= 1


@given(sizes=st.lists(st.integers(0, 50), min_size=1, max_size=30), parts=st.integers(1, 6))
def test_even_cuts(sizes: list[int], parts: int) -> None:
    cuts = encoding._even_cuts(sizes, parts)
    assert cuts[0] == 0
    assert cuts[-1] == len(sizes)
    assert cuts == sorted(cuts)
    assert len(cuts) == parts + 1
