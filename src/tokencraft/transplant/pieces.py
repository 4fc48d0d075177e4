"""The old tokens that a new token is made of."""

from __future__ import annotations

import numpy as np

from tokencraft.transplant.matching import Ids, Matching, is_ordinary, text_of
from tokencraft.vocabulary import TokenKind, Vocabulary


def pieces_of(matching: Matching) -> list[Ids]:
    """Old ids whose bytes concatenate to the bytes of each unique new token, in the order of ``matching.unique``.

    Text goes through the old vocabulary's own encoder. Where that does not give the bytes back (bytes that are no
    text, a space put in front, a normaliser), the longest old tokens that fit are laid end to end. Bytes that no old
    token holds are left out; a token of such bytes alone has no pieces.
    """
    old, new = matching.old, matching.new
    unique = matching.unique.tolist()
    texts = [text_of(new, identifier) for identifier in unique]
    found: dict[int, Ids] = {}
    # A vocabulary that puts a space before every text spells " the" when it is given "the".
    for strip in (False, True):
        asked = [
            (index, text[1:] if strip else text)
            for index, text in enumerate(texts)
            if text is not None and index not in found and (not strip or text.startswith(" "))
        ]
        if not asked:
            continue
        encoded = old.encode_batch([text for _, text in asked])
        for (index, _), ids in zip(asked, encoded, strict=True):
            pieces = ids.tolist()
            whole = b"".join(old.tokens[piece] for piece in pieces)
            if whole == new.tokens[unique[index]] and all(is_ordinary(old, piece) for piece in pieces):
                found[index] = np.asarray(ids, dtype=np.int64)
    longest = LongestMatch(old)
    return [
        found[index] if index in found else longest(new.tokens[identifier]) for index, identifier in enumerate(unique)
    ]


class LongestMatch:
    """Cuts bytes into the longest ordinary tokens of a vocabulary, from left to right.

    Args:
        vocabulary: whose tokens to use.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._ids: dict[bytes, int] = {}
        for kind in (TokenKind.BYTE, TokenKind.NORMAL):  # text tokens win over raw bytes
            for identifier in range(len(vocabulary) - 1, -1, -1):
                if vocabulary.kinds[identifier] == kind and is_ordinary(vocabulary, identifier):
                    self._ids[vocabulary.tokens[identifier]] = identifier
        self._longest = max(map(len, self._ids), default=0)

    def __call__(self, data: bytes) -> Ids:
        """The ids of the tokens, int64."""
        ids: list[int] = []
        at = 0
        while at < len(data):
            for end in range(min(len(data), at + self._longest), at, -1):
                identifier = self._ids.get(data[at:end])
                if identifier is not None:
                    ids.append(identifier)
                    at = end
                    break
            else:
                at += 1
        return np.array(ids, np.int64)
