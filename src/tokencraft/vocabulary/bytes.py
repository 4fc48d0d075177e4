"""Tokens as bytes: the one form in which tokens of different vocabularies can be compared.

Families spell the same token in different ways: byte-level vocabularies through the GPT-2 map (``Ġthe``),
SentencePiece with a mark for the space (``▁the``) and ``<0xNN>`` for raw bytes, WordPiece with a mark inside words
(``##ing``). The canonical bytes of these are ``b" the"``, ``b" the"``, ``b"ing"``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from tokencraft.vocabulary.kinds import Flags

Family = Literal["byte-level", "sentencepiece", "wordpiece", "plain"]

SPACE_MARK = "▁"
_BYTE_PIECE = re.compile(r"<0x([0-9A-Fa-f]{2})>")


def _gpt2_map() -> dict[int, str]:
    """Printable bytes stand for themselves; the others take the code points from 256 on, in order."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {byte: chr(256 + index) for index, byte in enumerate(others)}


_CHARACTER = _gpt2_map()
_BYTE = {character: byte for byte, character in _CHARACTER.items()}
# latin-1 maps bytes to the code points 0..255, so two translate calls do the whole map in C.
_TO_PRINTABLE = dict(_CHARACTER)
_FROM_PRINTABLE = {ord(character): byte for character, byte in _BYTE.items()}

BYTE_ORDER: tuple[int, ...] = tuple(sorted(range(256), key=_CHARACTER.__getitem__))
"""The 256 byte values in the order of their mapped characters: the order of ids in a trained vocabulary."""


def to_printable(data: bytes) -> str:
    """Spell bytes with the GPT-2 map, one printable character a byte.

    >>> to_printable(b" the\\n")
    'ĠtheĊ'
    """
    return data.decode("latin-1").translate(_TO_PRINTABLE)


def from_printable(text: str) -> bytes:
    """Read bytes spelled with the GPT-2 map.

    Raises:
        ValueError: where a character is none of the map's 256.

    >>> from_printable("Ġthe")
    b' the'
    """
    try:
        return bytes(map(_BYTE.__getitem__, text))
    except KeyError as error:
        raise ValueError(f"{error.args[0]!r} is not a character of the byte-level alphabet") from None


def family_of(
    *,
    normalizer: Mapping[str, Any] | None,
    pre_tokenizer: Mapping[str, Any] | None,
    decoder: Mapping[str, Any] | None,
    model_type: str,
    byte_fallback: bool,
) -> Family:
    """Which way of spelling the parts of a ``tokenizer.json`` imply."""
    parts = [*components(normalizer), *components(pre_tokenizer), *components(decoder)]
    types = {part.get("type") for part in parts}
    if "ByteLevel" in types:
        return "byte-level"
    if "Metaspace" in types or byte_fallback or any(_marks_space(part) for part in parts):
        return "sentencepiece"
    return "wordpiece" if model_type == "WordPiece" or "WordPiece" in types else "plain"


def components(part: Mapping[str, Any] | None) -> Iterator[Mapping[str, Any]]:
    """The leaves of a ``tokenizer.json`` component, through any nesting of ``Sequence``, in order."""
    if not isinstance(part, Mapping):
        return
    if part.get("type") != "Sequence":
        yield part
        return
    for key in ("normalizers", "pretokenizers", "processors", "decoders"):
        for inner in part.get(key) or ():
            yield from components(inner)


def _marks_space(part: Mapping[str, Any]) -> bool:
    return part.get("type") == "Replace" and SPACE_MARK in (part.get("content"), _literal(part.get("pattern")))


def _literal(pattern: Any) -> Any:
    return pattern.get("String") if isinstance(pattern, Mapping) else pattern


def piece_bytes(piece: str, family: Family, flags: Flags) -> bytes:
    """Canonical bytes of a token of the model, given as its family spells it.

    A WordPiece token without the mark starts a word, which decodes to a space before it.

    >>> piece_bytes("▁the", "sentencepiece", Flags()), piece_bytes("<0x0A>", "sentencepiece", Flags(byte_fallback=True))
    (b' the', b'\\n')
    """
    suffix = flags.end_of_word_suffix
    ends_word = bool(suffix) and piece.endswith(suffix or "")
    if ends_word:
        piece = piece[: -len(suffix or "")]
    if family == "byte-level":
        try:
            data = from_printable(piece)
        except ValueError:
            data = _utf8(piece)  # Stock decoders show a token outside the alphabet as it is.
    elif family == "sentencepiece":
        raw = byte_piece(piece) if flags.byte_fallback else None
        data = _utf8(piece.replace(SPACE_MARK, " ")) if raw is None else bytes([raw])
    elif family == "wordpiece":
        mark = flags.continuing_subword_prefix or ""
        data = _utf8(piece[len(mark) :]) if mark and piece.startswith(mark) else b" " + _utf8(piece)
    else:
        data = _utf8(piece)
    return data + b" " if ends_word else data


def written_form(
    tokens: Sequence[bytes], added: Mapping[int, Mapping[str, Any]], family: Family
) -> tuple[str, ...] | None:
    """Strings of tokens where they follow from their bytes: the GPT-2 map, and added tokens as they are.

    None for other families, whose marks do not follow from bytes: ``<0x61>`` and ``a`` are both the byte ``a``.
    """
    if family != "byte-level":
        return None
    return tuple(
        added[identifier]["content"] if identifier in added else to_printable(token)
        for identifier, token in enumerate(tokens)
    )


def byte_piece(piece: str) -> int | None:
    """The byte that a byte-fallback token such as ``<0x0A>`` stands for; None for any other token."""
    match = _BYTE_PIECE.fullmatch(piece)
    return int(match[1], 16) if match else None


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
