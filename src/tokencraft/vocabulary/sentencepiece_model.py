"""SentencePiece models, BPE and Unigram, as the vocabularies that encode like them through ``tokenizers``.

What SentencePiece does to text before encoding (its character map, white space, the space it puts in front) becomes a
normalizer, so the vocabulary exports to a ``tokenizer.json`` that stock ``tokenizers`` reads. One difference is known:
``tokenizers`` applies the character map cluster by cluster, so a few combinations of accents normalize otherwise.
"""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tokencraft.errors import VocabularyError
from tokencraft.vocabulary import bytes as canonical
from tokencraft.vocabulary import files, specials, split
from tokencraft.vocabulary.bytes import SPACE_MARK
from tokencraft.vocabulary.kinds import Flags, TokenKind
from tokencraft.vocabulary.vocabulary import Vocabulary

_NORMAL, _UNKNOWN, _CONTROL, _USER_DEFINED, _UNUSED, _BYTE = 1, 2, 3, 4, 5, 6
_UNIGRAM, _BPE = 1, 2


def read(path: Path) -> Vocabulary:
    """The vocabulary in a SentencePiece model.

    Raises:
        VocabularyError: where the file is damaged, or the model does what ``tokenizers`` cannot.
    """
    model = _parse(files.read_bytes(path), path)
    _check(model, path)
    trainer, rules = model.trainer_spec, model.normalizer_spec
    pieces = [entry.piece for entry in model.pieces]
    types = [entry.type for entry in model.pieces]
    flags = Flags(
        unk_token=pieces[types.index(_UNKNOWN)],
        byte_fallback=trainer.byte_fallback,
        fuse_unk=trainer.model_type == _BPE,
    )
    scores = np.asarray([entry.score for entry in model.pieces], np.float64)
    named = {"bos": trainer.bos_id, "eos": trainer.eos_id, "pad": trainer.pad_id, "unk": trainer.unk_id}
    roles = {role: pieces[identifier] for role, identifier in named.items() if 0 <= identifier < len(pieces)}
    user_defined = [piece for piece, kind in zip(pieces, types, strict=True) if kind == _USER_DEFINED]
    pre_tokenizer = _words(pieces, types)
    return Vocabulary(
        algorithm="bpe-merges" if trainer.model_type == _BPE else "unigram",
        tokens=tuple(_token(piece, kind, flags) for piece, kind in zip(pieces, types, strict=True)),
        kinds=tuple(_kind(piece, kind) for piece, kind in zip(pieces, types, strict=True)),
        merges=_merges(pieces, types, scores) if trainer.model_type == _BPE else np.zeros((0, 2), np.int32),
        scores=scores if trainer.model_type == _UNIGRAM else None,
        splitter=None if pre_tokenizer else split.WHOLE,
        normalizer=_normalizer(rules, user_defined),
        pre_tokenizer=pre_tokenizer,
        decoder=_decoder(rules.add_dummy_prefix),
        flags=flags,
        special_tokens=specials.by_role(
            {piece: at for at, piece in enumerate(pieces) if types[at] in (_UNKNOWN, _CONTROL)}, roles
        ),
        added_tokens=tuple(
            specials.added_token(at, piece)
            | {"special": types[at] != _USER_DEFINED, "normalized": types[at] == _USER_DEFINED}
            for at, piece in enumerate(pieces)
            if types[at] in (_UNKNOWN, _CONTROL, _USER_DEFINED)
        ),
        spelling=tuple(pieces),
    )


def _parse(data: bytes, path: Path) -> Any:
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # protobuf has no stubs
    from sentencepiece import sentencepiece_model_pb2

    model = sentencepiece_model_pb2.ModelProto()
    try:
        model.ParseFromString(data)
    except DecodeError as error:
        raise VocabularyError(f"{path}: no SentencePiece model, or a damaged one: {error}") from None
    if not model.pieces or not model.HasField("trainer_spec") or not model.HasField("normalizer_spec"):
        raise VocabularyError(f"{path}: no SentencePiece model: it has no pieces or no description of its training")
    return model


def _check(model: Any, path: Path) -> None:
    """Refuse what the exported vocabulary could not do in the same way."""
    trainer, rules = model.trainer_spec, model.normalizer_spec
    if trainer.model_type not in (_UNIGRAM, _BPE):
        raise VocabularyError(
            f"{path}: only SentencePiece models of type unigram and bpe can be read, not word or char"
        )
    if trainer.treat_whitespace_as_suffix or not rules.escape_whitespaces:
        raise VocabularyError(f"{path}: a SentencePiece model with spaces as suffixes or unescaped cannot be read")
    types = [entry.type for entry in model.pieces]
    if types.count(_UNKNOWN) != 1:
        raise VocabularyError(f"{path}: expected one piece of type unknown, found {types.count(_UNKNOWN)}")
    if _UNUSED in types:
        piece = model.pieces[types.index(_UNUSED)].piece
        raise VocabularyError(f"{path}: the piece {piece!r} is switched off, which tokenizer.json cannot say")
    if repeated := specials.duplicates(entry.piece for entry in model.pieces):
        raise VocabularyError(f"{path}: the piece {repeated[0]!r} stands twice in the model")
    if any(not entry.piece for entry in model.pieces):
        raise VocabularyError(f"{path}: a piece is empty")
    if any(entry.score != entry.score for entry in model.pieces):
        raise VocabularyError(f"{path}: a piece has no number as its score")


def _token(piece: str, kind: int, flags: Flags) -> bytes:
    if kind in (_NORMAL, _BYTE):
        return canonical.piece_bytes(piece, "sentencepiece", flags)
    return piece.encode("utf-8") if kind != _USER_DEFINED else piece.replace(SPACE_MARK, " ").encode("utf-8")


def _kind(piece: str, kind: int) -> TokenKind:
    if specials.is_reserved(piece):
        return TokenKind.UNUSED
    special = {_UNKNOWN: TokenKind.SPECIAL, _CONTROL: TokenKind.SPECIAL, _BYTE: TokenKind.BYTE}
    return special.get(kind, TokenKind.NORMAL)


def _merges(pieces: list[str], types: list[int], scores: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
    """All pairs of pieces that make a piece, best score first: SentencePiece merges whichever two are neighbours."""
    ids = {piece: at for at, piece in enumerate(pieces) if types[at] == _NORMAL}
    pairs = [
        (-scores[made], ids[piece[:cut]], ids[piece[cut:]])
        for piece, made in ids.items()
        for cut in range(1, len(piece))
        if piece[:cut] in ids and piece[cut:] in ids
    ]
    # Within one score, that is one piece, the order does not matter: only one of its pairs is ever side by side.
    pairs.sort()
    return np.asarray([pair[1:] for pair in pairs], np.int32).reshape(-1, 2)


def _words(pieces: list[str], types: list[int]) -> dict[str, Any] | None:
    """Cut before every space mark where no piece has one inside, which changes no result and keeps pieces short."""
    inside = any(SPACE_MARK in piece[1:] for piece, kind in zip(pieces, types, strict=True) if kind == _NORMAL)
    if inside:
        return None
    return {"type": "Split", "pattern": {"String": SPACE_MARK}, "behavior": "MergedWithNext", "invert": False}


def _normalizer(rules: Any, user_defined: list[str]) -> dict[str, Any]:
    """The steps of SentencePiece's own normalizer, in its order."""
    steps: list[dict[str, Any]] = []
    if rules.precompiled_charsmap:
        charsmap = base64.b64encode(rules.precompiled_charsmap).decode("ascii")
        steps.append({"type": "Precompiled", "precompiled_charsmap": charsmap})
    if rules.remove_extra_whitespaces:
        steps += [_replace({"Regex": r"\A +| +\z"}, ""), _replace({"Regex": " {2,}"}, " ")]
    if rules.add_dummy_prefix and user_defined:
        # User-defined symbols are looked for in normalized text, and tokenizers normalizes the symbols too: alone, they
        # must not get the mark of a text's start.
        alone = "|".join(re.escape(symbol) for symbol in user_defined)
        steps.append(_replace({"Regex": rf"\A(?!(?:{alone})\z)(?=[\s\S])"}, SPACE_MARK))
    elif rules.add_dummy_prefix:
        steps.append({"type": "Prepend", "prepend": SPACE_MARK})
    steps.append(_replace({"String": " "}, SPACE_MARK))
    return {"type": "Sequence", "normalizers": steps}


def _decoder(prefixed: bool) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [_replace({"String": SPACE_MARK}, " "), {"type": "ByteFallback"}, {"type": "Fuse"}]
    if prefixed:
        steps.append({"type": "Strip", "content": " ", "start": 1, "stop": 0})
    return {"type": "Sequence", "decoders": steps}


def _replace(pattern: dict[str, str], content: str) -> dict[str, Any]:
    return {"type": "Replace", "pattern": pattern, "content": content}
