from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import pre_tokenizers

from tokencraft.vocabulary.bytes import (
    BYTE_ORDER,
    byte_piece,
    components,
    from_printable,
    piece_bytes,
    to_printable,
)
from tokencraft.vocabulary.kinds import Flags


def test_map_agrees_with_tokenizers_on_every_byte_of_utf8() -> None:
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    for code_point in [*range(0x800), *range(0x800, 0xD800, 97), *range(0xE000, 0x110000, 997)]:
        [(mapped, _)] = byte_level.pre_tokenize_str(chr(code_point))
        assert to_printable(chr(code_point).encode()) == mapped


def test_order_of_bytes_is_that_of_their_characters() -> None:
    assert sorted(pre_tokenizers.ByteLevel.alphabet()) == [to_printable(bytes([value])) for value in BYTE_ORDER]
    # The places that the SuperBPE paper's trainer gives to these four.
    assert [BYTE_ORDER.index(value) for value in (ord("!"), ord('"'), ord("\n"), ord(" "))] == [0, 1, 198, 220]


@given(st.binary())
def test_map_round_trips(data: bytes) -> None:
    assert from_printable(to_printable(data)) == data


def test_characters_outside_the_alphabet_are_refused() -> None:
    with pytest.raises(ValueError, match="' ' is not a character"):
        from_printable("a b")


@pytest.mark.parametrize(
    ("piece", "family", "flags", "expected"),
    [
        ("Ġthe", "byte-level", Flags(), b" the"),
        ("Ã©", "byte-level", Flags(), "é".encode()),
        ("Ã", "byte-level", Flags(), b"\xc3"),
        ("▁the", "sentencepiece", Flags(byte_fallback=True), b" the"),
        ("▁▁", "sentencepiece", Flags(), b"  "),
        ("<0x0A>", "sentencepiece", Flags(byte_fallback=True), b"\n"),
        ("<0xE2>", "sentencepiece", Flags(byte_fallback=True), b"\xe2"),
        ("<0x0A>", "sentencepiece", Flags(), b"<0x0A>"),
        ("the", "wordpiece", Flags(continuing_subword_prefix="##"), b" the"),
        ("##ing", "wordpiece", Flags(continuing_subword_prefix="##"), b"ing"),
        ("the</w>", "byte-level", Flags(end_of_word_suffix="</w>"), b"the "),
        ("th", "byte-level", Flags(end_of_word_suffix="</w>"), b"th"),
        ("thé", "plain", Flags(), "thé".encode()),
    ],
)
def test_tokens_of_all_families_have_canonical_bytes(piece: str, family: str, flags: Flags, expected: bytes) -> None:
    assert piece_bytes(piece, family, flags) == expected  # type: ignore[arg-type]


def test_byte_pieces() -> None:
    assert byte_piece("<0xff>") == 255
    assert byte_piece("<0xfff>") is None
    assert byte_piece("x<0xff>") is None


def test_components_of_nested_sequences_come_in_order() -> None:
    inner = {"type": "Sequence", "decoders": [{"type": "B"}, {"type": "C"}]}
    nested = {"type": "Sequence", "decoders": [{"type": "A"}, inner]}
    assert [part["type"] for part in components(nested)] == ["A", "B", "C"]
    assert list(components(None)) == []
