"""Normalisation against ``tokenizers``, and encoding behind it against the exported file."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, normalizers

from tokencraft.corpus import Corpus
from tokencraft.errors import UsageError
from tokencraft.learn import BPE
from tokencraft.vocabulary import Vocabulary
from tokencraft.vocabulary.normalization import Normalizer, normalizer_json

pytestmark = pytest.mark.filterwarnings("ignore:the vocabulary has")

STEPS = {"nfc": normalizers.NFC, "nfd": normalizers.NFD, "nfkc": normalizers.NFKC, "nfkd": normalizers.NFKD}
WHOLE = {
    (form, lowercase): normalizers.Sequence([STEPS[form]()] + ([normalizers.Lowercase()] if lowercase else []))
    for form in STEPS
    for lowercase in (False, True)
}
TEXTS = st.text(
    alphabet=st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("ae\u0301\u0327 Aﬁ½ſΣİ가각"))
)


@settings(max_examples=300, deadline=None)
@given(text=TEXTS)
@example(text="e\u0301 \u0301e\u0301 x\u0327\u0301")
@example(text="PLAIN Text, ÉTÉ and " + "漢字ＡＢ" * 40 + " END")
@example(text="ΣΑΣ İI ſ ﬁ ½ \u1100\u1161\u11a8 \u32ff A\u030a\n\u0344")
def test_runs_are_normalised_as_the_whole_text_is(text: str) -> None:
    for (form, lowercase), stock in WHOLE.items():
        description = normalizer_json(form, lowercase=lowercase)  # type: ignore[arg-type]
        assert description is not None
        assert Normalizer(description)(text) == stock.normalize_str(text), (form, lowercase)
    assert Normalizer({"type": "Lowercase"})(text) == normalizers.Lowercase().normalize_str(text)


def test_every_code_point_alone_and_in_a_word() -> None:
    points = "".join(f"a{chr(code)}\u0301b " for code in range(0x110000) if not 0xD800 <= code < 0xE000)
    for form in ("nfc", "nfkd"):
        assert Normalizer({"type": form.upper()})(points) == STEPS[form]().normalize_str(points)


def test_other_normalizers_go_through_tokenizers() -> None:
    assert Normalizer({"type": "Prepend", "prepend": "_"})("ab") == "_ab"
    with pytest.raises(UsageError, match="tokenizers cannot make"):
        Normalizer({"type": "Unknown"})("ab")


def test_description_and_pickling() -> None:
    assert normalizer_json() is None
    both = normalizer_json("nfd", lowercase=True)
    assert both == {"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "Lowercase"}]}
    copy = pickle.loads(pickle.dumps(Normalizer(both)))
    assert copy == Normalizer(both)
    assert copy("É") == "e\u0301"
    with pytest.raises(UsageError, match="nfkc, nfkd, not 'NFC'"):
        normalizer_json("NFC")  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    corpus = Corpus.from_iterable(["The ﬁrst CAFÉ, the ﬁnal café: ½ of the cafe\u0301"] * 3)
    return BPE(vocab_size=300, normalizer="nfkc", lowercase=True, special_tokens=("<|end|>", "<|END|>")).train(corpus)


HARD = ["", "The ﬁrst", "CAFE\u0301", "x<|end|>y", "x<|END|>y", "＜|end|＞", "<|eNd|>", "a \u0301b", "\x00 ½ΣΣ"]


@pytest.mark.parametrize("specials", ["none", "all"])
def test_ids_are_those_of_the_exported_file(vocabulary: Vocabulary, specials: str) -> None:
    stock = vocabulary.to_tokenizers()
    stock.encode_special_tokens = specials == "none"
    batch = vocabulary.encode_batch(HARD * 3, specials=specials)  # type: ignore[arg-type]
    assert batch.encoder == "native"
    for text, ids in zip(HARD * 3, batch, strict=True):
        assert list(ids) == stock.encode(text, add_special_tokens=False).ids, text


def test_added_tokens_are_found_before_and_behind_the_normalizer(vocabulary: Vocabulary) -> None:
    document = vocabulary.to_tokenizers()
    document.add_tokens([AddedToken("fi", normalized=True), AddedToken("RAW", normalized=False)])
    extended = Vocabulary.from_tokenizer(document)
    texts = ["ﬁne fine RAW raw ﬁ", "ＲＡＷ", "plain"]
    for text, ids in zip(texts, extended.encode_batch(texts, specials="all"), strict=True):
        assert list(ids) == document.encode(text, add_special_tokens=False).ids, text


def test_a_vocabulary_that_normalises_is_not_lossless(vocabulary: Vocabulary) -> None:
    assert not vocabulary.lossless
    assert vocabulary.decode(vocabulary.encode("The ﬁnal CAFE\u0301")) == "the final café"
