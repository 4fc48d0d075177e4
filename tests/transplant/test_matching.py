"""Which tokens are the same: by role, string and bytes, across families."""

from __future__ import annotations

from pathlib import Path

import pytest
import tokenizers

from tokencraft.errors import UsageError
from tokencraft.transplant.matching import match
from tokencraft.vocabulary import TokenKind, Vocabulary
from transplant.conftest import END, vocabulary_of


def sentencepiece_like() -> Vocabulary:
    """A byte-fallback BPE with marked spaces, as Llama 2 has it."""
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", "t", "h", "e", "a", "\n"]
    merges = [("t", "h"), ("th", "e"), ("▁", "the")]
    pieces += ["".join(pair) for pair in merges]
    tokenizer = tokenizers.Tokenizer(
        tokenizers.models.BPE(
            {piece: index for index, piece in enumerate(pieces)}, merges, unk_token="<unk>", byte_fallback=True
        )
    )
    normalizers = tokenizers.normalizers
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    decoders = tokenizers.decoders
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    return Vocabulary.from_tokenizer(tokenizer)


def test_families_meet_in_their_bytes() -> None:
    old, new = sentencepiece_like(), vocabulary_of([" the"])
    matching = match(old, new)

    def taken(data: bytes) -> str:
        identifier = new.id_of(data)
        assert identifier is not None
        return old.pieces[matching.source[identifier]]

    assert taken(b" the") == "▁the"
    assert taken(b"t") == "t"  # bytes that are text take the text token's row...
    assert taken(b"\xff") == "<0xFF>"  # ...others that of the raw byte
    assert taken(b" ") == "▁"
    assert old.pieces[matching.source[new.special_tokens["eos"]]] == "</s>"
    back = match(new, old)
    for piece in ("t", "<0x74>"):
        assert new.tokens[back.source[old.pieces.index(piece)]] == b"t"


def test_raw_bytes_prefer_raw_bytes() -> None:
    one = sentencepiece_like()
    matching = match(one, one)
    assert matching.source.tolist() == list(range(len(one)))


def test_roles_come_before_strings() -> None:
    old = vocabulary_of([], specials=["<s>", "</s>", "<pad>"], roles={"bos": "<s>", "eos": "</s>", "pad": "<pad>"})
    new = vocabulary_of([], specials=["</s>", "<s>"], roles={"bos": "</s>", "eos": "<s>"})
    assert match(old, new).source[:2].tolist() == [0, 1]


def test_strings_and_stand_ins() -> None:
    old = vocabulary_of([], specials=["<|im_start|>", END], roles={"eos": END})
    new = vocabulary_of(
        [], specials=["<b>", "<e>", "<p>", "<|im_start|>", "<|new|>"], roles={"bos": "<b>", "eos": "<e>", "pad": "<p>"}
    )
    matching = match(old, new)
    # bos and pad have no counterpart: eos stands in; the chat marker goes by its string; nothing is known of the last
    assert matching.source[:5].tolist() == [1, 1, 1, 0, -1]
    assert matching.unique.tolist() == [4]


def test_special_map_comes_first() -> None:
    old = vocabulary_of([" user"], specials=["<s>", "</s>"], roles={"bos": "<s>", "eos": "</s>"})
    new = vocabulary_of([], specials=["<|user|>", "<s>"], roles={"bos": "<s>"})
    mapped = match(old, new, {"<|user|>": " user", "<s>": "</s>"})
    assert mapped.source[:2].tolist() == [old.id_of(b" user"), 1]
    with pytest.raises(UsageError, match=r"'<\|none\|>', which is no token of the old"):
        match(old, new, {"<s>": "<|none|>"})
    with pytest.raises(UsageError, match=r"'<\|none\|>', which is no token of the new"):
        match(old, new, {"<|none|>": "<s>"})


def test_special_strings_are_not_text() -> None:
    """A token of the text ``<s>`` is not the special token of that spelling."""
    old = vocabulary_of(["<s>"], specials=[END])
    new = vocabulary_of([], specials=["<s>", "</s>"], roles={"eos": "</s>"})
    matching = match(old, new)
    assert matching.source[1] == 0
    assert matching.source[0] == old.id_of(b"<s>")  # with nothing better, the text is what the model knows of it
    back = match(new, old)
    assert back.source[old.id_of(b"<s>")] == -1


def test_unused_tokens_are_padding() -> None:
    old, new = vocabulary_of(["ab"]), vocabulary_of(["cd"]).pad_to(300)
    matching = match(old, new)
    assert matching.unused.tolist() == list(range(258, 300))
    assert all(new.kinds[identifier] == TokenKind.UNUSED for identifier in matching.unused)
    assert [new.tokens[identifier] for identifier in matching.unique] == [b"cd"]


def test_fragments_are_told() -> None:
    matching = match(vocabulary_of([]), vocabulary_of([b"\xf0\x9f\x98", "ab"]))
    assert [matching.new.tokens[i] for i in matching.fragments] == [b"\xf0\x9f", b"\xf0\x9f\x98"]


@pytest.mark.parametrize("names", [("gpt-2", "gpt-neox"), ("llama", "mistral")])
def test_real_vocabularies(data_folder: Path, names: tuple[str, str]) -> None:
    old, new = (Vocabulary.load(data_folder / "tokenizers" / f"{name}.json.gz") for name in names)
    matching = match(old, new)
    shared = matching.shared
    ordinary = [i for i in shared.tolist() if new.kinds[i] == TokenKind.NORMAL]
    assert all(new.tokens[i] == old.tokens[matching.source[i]] for i in ordinary)
    expected = set(old.tokens) & {
        token for token, kind in zip(new.tokens, new.kinds, strict=True) if kind == TokenKind.NORMAL
    }
    assert {new.tokens[i] for i in ordinary} >= {token for token in expected if old.id_of(token) is not None}
    assert (match(old, old).source == range(len(old))).mean() > 0.9999
