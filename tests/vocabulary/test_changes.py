from __future__ import annotations

from collections.abc import Callable

import pytest

from tokencraft.errors import VocabularyError
from tokencraft.vocabulary import TokenKind, Vocabulary, split

A, B = 64, 65


@pytest.fixture(scope="module")
def ab() -> Vocabulary:
    return Vocabulary.from_merges([(A, B)], splitter=split.GPT2)


def stock_ids(vocabulary: Vocabulary, text: str) -> list[int]:
    return vocabulary.to_tokenizers().encode(text, add_special_tokens=False).ids


def test_special_tokens_get_the_next_ids(ab: Vocabulary) -> None:
    grown = ab.with_specials(["<x>"], roles={"eos": "</s>", "bos": "<s>"})
    assert len(grown) == 260
    assert grown.special_tokens == {"eos": 258, "bos": 259, "<x>": 257}
    assert grown.encode("ab<x></s>", specials="all").tolist() == [256, 257, 258] == stock_ids(grown, "ab<x></s>")
    assert len(ab) == 257


def test_roles_can_move(ab: Vocabulary) -> None:
    grown = ab.with_specials(roles={"eos": "<e>"}).with_specials(roles={"eos": "<f>", "pad": "<e>"})
    assert grown.special_tokens == {"eos": 258, "pad": 257}


def test_a_reserved_place_becomes_a_real_special_token(ab: Vocabulary) -> None:
    grown = ab.pad_to(260).with_specials(roles={"pad": "<|unused_258|>"})
    assert len(grown) == 260
    assert grown.special_tokens == {"pad": 258}
    assert [grown.kinds[at] for at in (257, 258, 259)] == [TokenKind.UNUSED, TokenKind.SPECIAL, TokenKind.UNUSED]


def test_adding_what_is_there_changes_nothing(ab: Vocabulary) -> None:
    grown = ab.with_specials(["<x>"])
    assert grown.with_specials(["<x>"]) == grown
    assert ab.with_specials() == ab


@pytest.mark.parametrize("content", ["ab", "a"])
def test_tokens_that_text_makes_cannot_become_special(ab: Vocabulary, content: str) -> None:
    with pytest.raises(VocabularyError, match="ordinary token"):
        ab.with_specials([content])
    with pytest.raises(VocabularyError, match="not empty"):
        ab.with_specials([""])


def test_padding_is_unused_and_survives_saving(ab: Vocabulary, tmp_path) -> None:  # type: ignore[no-untyped-def]
    padded = ab.pad_to(300)
    assert len(padded) == 300
    assert set(padded.kinds[257:]) == {TokenKind.UNUSED}
    assert padded.special_tokens == ab.special_tokens
    assert padded.encode("abab").tolist() == [256, 256]
    padded.save(tmp_path / "tokenizer.json")
    assert Vocabulary.load(tmp_path / "tokenizer.json") == padded
    assert ab.pad_to(257) == ab
    with pytest.raises(VocabularyError, match="cannot pad to 256"):
        ab.pad_to(256)


def test_more_merges_keep_every_id(ab: Vocabulary) -> None:
    # An extension goes after the added tokens: 256 "ab", 257 "<x>", 258 "aba", 259 "abab", which "aba"+"b" makes again.
    grown = ab.with_specials(["<x>"]).with_merges([(256, A), (256, 256), (258, B)], splitter=split.WHOLE)
    assert grown.tokens[256:] == (b"ab", b"<x>", b"aba", b"abab")
    assert grown.merged.tolist() == [256, 258, 259, 259]
    assert grown.encode("ababab").tolist() == stock_ids(grown, "ababab")
    assert grown.encode("aba<x>", specials="all").tolist() == [258, 257] == stock_ids(grown, "aba<x>")
    assert grown.splitter == split.WHOLE
    assert ab.with_merges([]) == ab


def test_more_merges_for_real_vocabularies(real: Callable[[str], Vocabulary]) -> None:
    gpt2 = real("gpt-2")
    of, the = gpt2.id_of(b" of"), gpt2.id_of(b" the")
    assert of is not None
    assert the is not None
    grown = gpt2.with_merges([(of, the)], splitter=split.SUPERBPE_V2_STAGE2)
    assert grown.encode("one of the", specials="all").tolist()[-1] == 50257
    assert grown.tokens[:50257] == gpt2.tokens
    text = "most of the time, because of the<|endoftext|> rain"
    assert grown.encode(text, specials="all").tolist() == stock_ids(grown, text)
    ranks = real("cl100k_base")
    more = ranks.with_merges([(ranks.id_of(b" of"), ranks.id_of(b" the"))], splitter=split.SUPERBPE_V2_STAGE2)
    assert more.encode("one of the", specials="all").tolist()[-1] == 100277
    assert more.encode(text, specials="all").tolist() == stock_ids(more, text)
    with pytest.raises(VocabularyError, match="only a byte-level BPE"):
        real("llama").with_merges([(300, 301)])


def test_a_merge_cannot_spell_an_added_token(ab: Vocabulary) -> None:
    with pytest.raises(VocabularyError, match="spells the special token 'aa'"):
        ab.with_specials(["aa"]).with_merges([(A, A)])
