"""Vocabularies made from vocabularies: more special tokens, padding."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tokencraft.errors import VocabularyError
from tokencraft.vocabulary import lexicon, specials
from tokencraft.vocabulary.kinds import TokenKind
from tokencraft.vocabulary.vocabulary import Vocabulary


def with_specials(vocabulary: Vocabulary, tokens: Iterable[str], roles: Mapping[str, str]) -> Vocabulary:
    """See :meth:`Vocabulary.with_specials`."""
    ids = {piece: identifier for identifier, piece in enumerate(vocabulary.pieces) if piece}
    missing: list[str] = []
    promoted: list[int] = []
    for content in dict.fromkeys((*tokens, *roles.values())):
        if not content:
            raise VocabularyError("a special token needs a string that is not empty")
        if content not in ids:
            missing.append(content)
        elif vocabulary.kinds[ids[content]] != TokenKind.SPECIAL:
            promoted.append(ids[content])
    if promoted:
        vocabulary = _promote(vocabulary, promoted)
    grown = _append(vocabulary, missing, TokenKind.SPECIAL)
    ids |= {content: len(vocabulary) + index for index, content in enumerate(missing)}
    taken = {ids[content] for content in roles.values()}
    named = {
        role: identifier
        for role, identifier in grown.special_tokens.items()
        if role not in roles and (role in specials.ROLES or identifier not in taken)
    }
    named |= {content: ids[content] for content in missing if ids[content] not in taken}
    return grown.replace(special_tokens={role: ids[content] for role, content in roles.items()} | named)


def _promote(vocabulary: Vocabulary, identifiers: list[int]) -> Vocabulary:
    """Ordinary or reserved tokens that become special; not those that merging needs, for text would become them."""
    needed = {*vocabulary.merges.ravel().tolist(), *vocabulary.merged.tolist()}
    if lexicon.is_lexicon(vocabulary):  # Text becomes any of its tokens, and their ranks hang on the ids.
        needed |= {identifier for identifier, kind in enumerate(vocabulary.kinds) if kind == TokenKind.NORMAL}
    kinds = list(vocabulary.kinds)
    for identifier in identifiers:
        if identifier in needed or kinds[identifier] == TokenKind.BYTE:
            raise VocabularyError(
                f"{vocabulary.pieces[identifier]!r} is an ordinary token (id {identifier}) that text can produce; "
                "choose another string for the special token"
            )
        kinds[identifier] = TokenKind.SPECIAL
    known = {entry["id"]: dict(entry) for entry in vocabulary.added_tokens}
    known |= {
        identifier: {**specials.added_token(identifier, vocabulary.pieces[identifier]), **known.get(identifier, {})}
        | {"special": True}
        for identifier in identifiers
    }
    return vocabulary.replace(kinds=tuple(kinds), added_tokens=tuple(known[identifier] for identifier in sorted(known)))


def pad_to(vocabulary: Vocabulary, size: int) -> Vocabulary:
    """See :meth:`Vocabulary.pad_to`."""
    if size < len(vocabulary):
        raise VocabularyError(f"cannot pad to {size} ids: the vocabulary has {len(vocabulary)} already")
    names = [specials.padding_name(identifier) for identifier in range(len(vocabulary), size)]
    return _append(vocabulary, names, TokenKind.UNUSED)


def _append(vocabulary: Vocabulary, contents: list[str], kind: TokenKind) -> Vocabulary:
    """Added tokens with the next ids."""
    if not contents:
        return vocabulary
    first = len(vocabulary)
    added = tuple(specials.added_token(first + index, content) for index, content in enumerate(contents))
    return vocabulary.replace(
        tokens=vocabulary.tokens + tuple(content.encode("utf-8") for content in contents),
        kinds=vocabulary.kinds + (kind,) * len(contents),
        added_tokens=vocabulary.added_tokens + added,
        outside_model=vocabulary.outside_model | frozenset(range(first, first + len(contents))),
        spelling=None if vocabulary.spelling is None else (*vocabulary.spelling, *contents),
    )
