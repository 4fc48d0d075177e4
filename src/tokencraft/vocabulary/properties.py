"""What follows from the fields of a vocabulary; the :class:`Vocabulary` keeps the answers."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tokencraft.errors import VocabularyError
from tokencraft.vocabulary import tokenizers_export
from tokencraft.vocabulary.kinds import TokenKind

if TYPE_CHECKING:
    from tokencraft.vocabulary.vocabulary import Vocabulary


def fingerprint(vocabulary: Vocabulary) -> str:
    """Hash of everything but the origin and the settings of ``tokenizer_config.json``."""
    everything = [
        vocabulary.algorithm,
        len(vocabulary),
        [int(kind) for kind in vocabulary.kinds],
        tokenizers_export.to_document(vocabulary),
        vocabulary.special_tokens,
        vocabulary.chat_template,
    ]
    text = json.dumps(everything, sort_keys=True)
    return hashlib.blake2b(text.encode("utf-8"), digest_size=16).hexdigest()


def ids_by_bytes(vocabulary: Vocabulary) -> dict[bytes, int]:
    """Ids by canonical bytes; of several, ordinary tokens come before bytes, bytes before specials, small ids first."""
    found: dict[bytes, int] = {}
    for wanted in (TokenKind.SPECIAL, TokenKind.BYTE, TokenKind.NORMAL):  # The last to write wins.
        for identifier in range(len(vocabulary) - 1, -1, -1):
            token = vocabulary.tokens[identifier]
            if vocabulary.kinds[identifier] == wanted and token:
                found[token] = identifier
    return found


def merged(vocabulary: Vocabulary) -> npt.NDArray[np.int32]:
    """The id that each merge makes, by the strings of its sides."""
    pieces = vocabulary.pieces
    ids = {piece: identifier for identifier, piece in enumerate(pieces) if piece}
    mark = len(vocabulary.flags.continuing_subword_prefix or "")
    made = [ids.get(pieces[left] + pieces[right][mark:], -1) for left, right in vocabulary.merges.tolist()]
    if -1 in made:
        raise VocabularyError(f"merge {made.index(-1)} makes no token of the vocabulary")
    return np.asarray(made, np.int32)


def is_lossless(vocabulary: Vocabulary) -> bool:
    """Byte-level with all bytes, and nothing that changes text on its way in."""
    if vocabulary.family != "byte-level" or vocabulary.normalizer is not None or vocabulary.splitter is None:
        return False
    if vocabulary.flags.end_of_word_suffix or vocabulary.flags.continuing_subword_prefix:
        return False
    for entry in vocabulary.added_tokens:
        if not entry.get("special") and (entry.get("lstrip") or entry.get("rstrip")):
            return False
    ids = (vocabulary.id_of(bytes([value])) for value in range(256))
    return all(each is not None and vocabulary.kinds[each] != TokenKind.SPECIAL for each in ids)


def has_superwords(vocabulary: Vocabulary) -> bool:
    """Whether some token holds a space between other characters."""
    return any(
        kind == TokenKind.NORMAL and b" " in token and " " in token.decode("utf-8", "replace").strip()
        for token, kind in zip(vocabulary.tokens, vocabulary.kinds, strict=True)
    )
