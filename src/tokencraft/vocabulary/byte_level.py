"""Byte-level BPE vocabularies from merges: what the trainers make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tokencraft.errors import VocabularyError
from tokencraft.vocabulary import specials
from tokencraft.vocabulary.bytes import BYTE_ORDER, to_printable
from tokencraft.vocabulary.kinds import Origin, TokenKind
from tokencraft.vocabulary.split import Splitter
from tokencraft.vocabulary.vocabulary import Vocabulary

_BYTE_MAP = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
_DECODER = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}

Merges = Sequence[tuple[int, int]] | npt.NDArray[np.int32]


def from_merges(
    merges: Merges,
    *,
    splitter: Splitter,
    special_tokens: Sequence[str],
    roles: Mapping[str, str] | None,
    appended_tokens: Sequence[str],
    origin: Origin,
) -> Vocabulary:
    """See :meth:`Vocabulary.from_merges`."""
    for content in (*special_tokens, *appended_tokens):
        if not content:
            raise VocabularyError("a special token needs a string that is not empty")
    if repeated := specials.duplicates((*special_tokens, *appended_tokens)):
        raise VocabularyError(f"the special token {repeated[0]!r} is named twice")
    tokens = [content.encode("utf-8") for content in special_tokens] + [bytes([value]) for value in BYTE_ORDER]
    kinds = [TokenKind.SPECIAL] * len(special_tokens) + [TokenKind.BYTE] * 256
    pairs = as_pairs(merges)
    known = {to_printable(token) for token in tokens[len(special_tokens) :]}
    _apply(pairs, tokens, kinds, known, reserved={*special_tokens, *appended_tokens})
    added = [specials.added_token(identifier, content) for identifier, content in enumerate(special_tokens)]
    added += [specials.added_token(len(tokens) + index, content) for index, content in enumerate(appended_tokens)]
    outside = frozenset(range(len(tokens), len(tokens) + len(appended_tokens)))
    tokens += [content.encode("utf-8") for content in appended_tokens]
    kinds += [TokenKind.SPECIAL] * len(appended_tokens)
    ids = {entry["content"]: entry["id"] for entry in added}
    for role, content in (roles or {}).items():
        if content not in ids:
            raise VocabularyError(f"the role {role!r} names {content!r}, which is none of the special tokens")
    named = specials.by_role(ids, roles) if roles is not None else specials.guess_roles(ids, None)
    return Vocabulary(
        algorithm="bpe-merges",
        tokens=tuple(tokens),
        kinds=tuple(kinds),
        merges=pairs,
        splitter=splitter,
        pre_tokenizer=pre_tokenizer(splitter),
        decoder=decoder(),
        special_tokens=named,
        added_tokens=tuple(added),
        outside_model=outside,
        origin=origin,
    )


def with_merges(vocabulary: Vocabulary, merges: Merges, splitter: Splitter | None) -> Vocabulary:
    """See :meth:`Vocabulary.with_merges`."""
    if vocabulary.algorithm not in ("bpe-merges", "bpe-ranks") or vocabulary.family != "byte-level":
        raise VocabularyError(
            f"only a byte-level BPE vocabulary can learn more merges; this one is {vocabulary.family} "
            f"with the algorithm {vocabulary.algorithm}"
        )
    if vocabulary.flags.continuing_subword_prefix or vocabulary.flags.end_of_word_suffix:
        raise VocabularyError("a vocabulary that marks the parts of words cannot learn more merges")
    tokens, kinds = list(vocabulary.tokens), list(vocabulary.kinds)
    pairs = as_pairs(merges)
    reserved = {entry["content"] for entry in vocabulary.added_tokens}
    _apply(pairs, tokens, kinds, known=set(vocabulary.pieces) - reserved, reserved=reserved)
    new = tuple(to_printable(token) for token in tokens[len(vocabulary) :])
    return vocabulary.replace(
        algorithm="bpe-merges",
        tokens=tuple(tokens),
        kinds=tuple(kinds),
        merges=np.concatenate([vocabulary.merges, pairs]),
        splitter=splitter or vocabulary.splitter,
        pre_tokenizer=pre_tokenizer(splitter) if splitter else vocabulary.pre_tokenizer,
        spelling=None if vocabulary.spelling is None else vocabulary.spelling + new,
    )


def pre_tokenizer(splitter: Splitter) -> dict[str, Any]:
    """The pre-tokenizer that cuts as the splitter does and then maps bytes; in this order, so that cuts see text."""
    cut = splitter.to_pre_tokenizer()
    if cut is None:
        return dict(_BYTE_MAP)
    steps = cut["pretokenizers"] if cut.get("type") == "Sequence" else [cut]
    return {"type": "Sequence", "pretokenizers": [*steps, dict(_BYTE_MAP)]}


def decoder() -> dict[str, Any]:
    """The decoder of every byte-level vocabulary."""
    return dict(_DECODER)


def as_pairs(merges: Merges) -> npt.NDArray[np.int32]:
    """Merges as int32 ``[m, 2]``."""
    try:
        return np.asarray(merges, np.int32).reshape(-1, 2) if len(merges) else np.zeros((0, 2), np.int32)
    except (OverflowError, ValueError) as error:
        raise VocabularyError(f"merges must be pairs of ids: {error}") from None


def _apply(
    pairs: npt.NDArray[np.int32], tokens: list[bytes], kinds: list[TokenKind], known: set[str], reserved: set[str]
) -> None:
    """Append what the merges make; a merge that makes a token of the model once more has that token's id."""
    for rank, (left, right) in enumerate(pairs.tolist()):
        if not (0 <= left < len(tokens) and 0 <= right < len(tokens)):
            raise VocabularyError(
                f"merge {rank} names the ids {left} and {right}, but only {len(tokens)} exist by then"
            )
        for identifier in (left, right):
            if kinds[identifier] not in (TokenKind.NORMAL, TokenKind.BYTE):
                raise VocabularyError(f"merge {rank} names id {identifier}, which is a special or unused token")
        made = tokens[left] + tokens[right]
        piece = to_printable(made)
        if piece in reserved:
            # One string can be one token only: text would turn into the special token.
            raise VocabularyError(f"merge {rank} spells the special token {piece!r}; veto it in training")
        if piece not in known:
            known.add(piece)
            tokens.append(made)
            kinds.append(TokenKind.NORMAL)
