"""Which token of the old vocabulary a token of the new one is: by role, by special string, by canonical bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from tokencraft.errors import UsageError, VocabularyError
from tokencraft.vocabulary import TokenKind, Vocabulary

Ids = npt.NDArray[np.int64]

ROLE_FALLBACKS: dict[str, tuple[str, ...]] = {
    "bos": ("bos", "eos"),
    "eos": ("eos", "bos"),
    "pad": ("pad", "eos", "bos"),
    "unk": ("unk",),
    "mask": ("mask",),
    "sep": ("sep",),
    "cls": ("cls",),
}
"""Old roles that may stand in for a role, best first."""


@dataclass(frozen=True, eq=False)
class Matching:
    """What the new vocabulary shares with the old one.

    Args:
        old: the vocabulary the model has.
        new: the vocabulary it gets.
        source: int64 ``[len(new)]``, the old id whose row a new token takes as it is; -1 where there is none.
    """

    old: Vocabulary
    new: Vocabulary
    source: Ids

    @cached_property
    def shared(self) -> Ids:
        """New ids that have an old row."""
        return np.flatnonzero(self.source >= 0)

    @cached_property
    def unique(self) -> Ids:
        """New ids whose row has to be made, unused ones left out."""
        used = np.array([kind != TokenKind.UNUSED for kind in self.new.kinds], bool)
        return np.flatnonzero((self.source < 0) & used)

    @cached_property
    def unused(self) -> Ids:
        """New ids that mean nothing and had no old row: they are treated as padding."""
        holes = np.array([kind == TokenKind.UNUSED for kind in self.new.kinds], bool)
        return np.flatnonzero((self.source < 0) & holes)

    @cached_property
    def fragments(self) -> Ids:
        """Those of :attr:`unique` whose bytes are not valid UTF-8 on their own."""
        return np.array([i for i in self.unique.tolist() if text_of(self.new, i) is None], np.int64)

    def new_id_of(self, old_id: int) -> int | None:
        """The new token that took the row of ``old_id``; the lowest where there are several."""
        found = np.flatnonzero(self.source == old_id)
        return int(found[0]) if len(found) else None


def match(old: Vocabulary, new: Vocabulary, special_map: Mapping[str, str] | None = None) -> Matching:
    """Finds every new token that is an old one.

    Special tokens come first: what ``special_map`` says, the same role, the same string, a role that can stand in
    (pad for eos and the like). Ordinary tokens match by canonical bytes, so that ``Ġthe`` and ``▁the`` are one token.

    Args:
        old: the vocabulary the model has.
        new: the vocabulary it gets.
        special_map: string of an old token for the string of a new special token.

    Raises:
        UsageError: if ``special_map`` names a string that its vocabulary does not have.
    """
    source = np.full(len(new), -1, np.int64)
    for new_string, old_string in (special_map or {}).items():
        source[_named(new, new_string, "new")] = _named(old, old_string, "old")
    for fallbacks in (False, True):
        for role, candidates in ROLE_FALLBACKS.items():
            identifier = new.special_tokens.get(role)
            if identifier is None or source[identifier] >= 0:
                continue
            found = [
                old.special_tokens[name]
                for name in candidates[: None if fallbacks else 1]
                if name in old.special_tokens
            ]
            if found:
                source[identifier] = found[0]
        if not fallbacks:
            _match_strings(old, new, source)
    _match_bytes(old, new, source)
    return Matching(old, new, source)


def text_of(vocabulary: Vocabulary, identifier: int) -> str | None:
    """A token as text; None where its bytes are not valid UTF-8 on their own."""
    try:
        return vocabulary.tokens[identifier].decode("utf-8")
    except UnicodeDecodeError:
        return None


def is_ordinary(vocabulary: Vocabulary, identifier: int) -> bool:
    """Whether text can produce the token."""
    return vocabulary.kinds[identifier] in (TokenKind.NORMAL, TokenKind.BYTE) and bool(vocabulary.tokens[identifier])


def _named(vocabulary: Vocabulary, string: str, which: str) -> int:
    """The id of a special token, else of any token, by its string."""
    data = string.encode("utf-8")
    for special in (True, False):
        for identifier, token in enumerate(vocabulary.tokens):
            if token == data and is_ordinary(vocabulary, identifier) != special:
                return identifier
    raise UsageError(f"special_map names {string!r}, which is no token of the {which} vocabulary")


def _match_strings(old: Vocabulary, new: Vocabulary, source: Ids) -> None:
    """Special and unused tokens by their string."""
    known: dict[bytes, int] = {}
    for identifier in range(len(old) - 1, -1, -1):
        if not is_ordinary(old, identifier) and old.tokens[identifier]:
            known[old.tokens[identifier]] = identifier
    for identifier in range(len(new)):
        if source[identifier] < 0 and not is_ordinary(new, identifier) and new.tokens[identifier]:
            source[identifier] = known.get(new.tokens[identifier], -1)


def _match_bytes(old: Vocabulary, new: Vocabulary, source: Ids) -> None:
    """Ordinary tokens, and special ones that were ordinary before, by their bytes."""
    by_kind: dict[TokenKind, dict[bytes, int]] = {TokenKind.NORMAL: {}, TokenKind.BYTE: {}}
    for identifier in range(len(old) - 1, -1, -1):
        if is_ordinary(old, identifier):
            by_kind[old.kinds[identifier]][old.tokens[identifier]] = identifier
    texts = {token for token, kind in zip(new.tokens, new.kinds, strict=True) if kind == TokenKind.NORMAL}
    for identifier, (token, kind) in enumerate(zip(new.tokens, new.kinds, strict=True)):
        if source[identifier] >= 0 or kind == TokenKind.UNUSED or not token:
            continue
        # A raw byte beside a text token of the same byte is a fallback that text hardly ever produces. The bytes of a
        # byte-level vocabulary stand alone and are text.
        raw = kind == TokenKind.BYTE and token in texts
        first, second = (TokenKind.BYTE, TokenKind.NORMAL) if raw else (TokenKind.NORMAL, TokenKind.BYTE)
        source[identifier] = by_kind[first].get(token, by_kind[second].get(token, -1))


def require_rows(vocabulary: Vocabulary, rows: int) -> None:
    """Makes sure that the model has a row for every id of its vocabulary.

    Raises:
        VocabularyError: if it has fewer.
    """
    if rows < len(vocabulary):
        raise VocabularyError(
            f"the old vocabulary has {len(vocabulary)} tokens and the model only {rows} embedding rows: "
            "they do not belong together"
        )
