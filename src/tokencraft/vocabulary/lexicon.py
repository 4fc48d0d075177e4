"""Vocabularies that are a ranked lexicon: text is read by the longest match, or by the better of two paths.

Ids: the special tokens, the entries of the lexicon by rank, then the single bytes that the lexicon lacks, so that any
bytes can be spelled. Nothing cuts text before the tokens do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tokencraft.errors import VocabularyError
from tokencraft.vocabulary import byte_level, longest_match, specials
from tokencraft.vocabulary.bytes import BYTE_ORDER, to_printable
from tokencraft.vocabulary.kinds import Flags, Origin, TokenKind, TwoPaths
from tokencraft.vocabulary.split import WHOLE
from tokencraft.vocabulary.vocabulary import Vocabulary

if TYPE_CHECKING:
    from tokencraft.vocabulary.kinds import Algorithm

_ORDINARY = (TokenKind.NORMAL, TokenKind.BYTE)


def from_lexicon(
    lexicon: Iterable[str],
    *,
    two_paths: bool = False,
    official: bool = False,
    deeper: bool = False,
    special_tokens: Sequence[str] = (),
    normalizer: dict[str, Any] | None = None,
    origin: Origin | None = None,
) -> Vocabulary:
    """The vocabulary of a lexicon, lossless for any bytes.

    Args:
        lexicon: strings by rank. Those spelled like a special or a reserved token are left out, so that text never
            turns into one.
        two_paths: read text by the better of two paths (arXiv 2403.00417), which stock ``tokenizers`` cannot; else by
            the longest match, which it can.
        official, deeper: see :class:`~tokencraft.vocabulary.kinds.TwoPaths`; with ``two_paths`` alone.
        special_tokens: strings of the first ids.
        normalizer: of the ``tokenizer.json``.
        origin: how the lexicon was made.

    Raises:
        VocabularyError: an entry is empty or comes twice, or the special tokens do.

    Example:
        >>> vocabulary = from_lexicon(["a", "ab", "bc", "c", "abc", "cd", "d", "bcd"], two_paths=True)
        >>> [vocabulary.token_bytes(identifier) for identifier in vocabulary.encode("abcd").tolist()]
        [b'ab', b'cd']
    """
    if (official or deeper) and not two_paths:
        raise VocabularyError("official and deeper say how the better of two paths is found: set two_paths too")
    if repeated := specials.duplicates(special_tokens):
        raise VocabularyError(f"the special token {repeated[0]!r} is named twice")
    if "" in special_tokens:
        raise VocabularyError("a special token needs a string that is not empty")
    entries = [entry.encode("utf-8") for entry in lexicon]
    if len(set(entries)) != len(entries) or b"" in entries:
        raise VocabularyError("the entries of a lexicon are strings that are not empty, each once")
    kept = [entry for entry in entries if not _is_taken(to_printable(entry), special_tokens)]
    missing = [bytes([value]) for value in BYTE_ORDER if bytes([value]) not in set(kept)]
    tokens = (*(content.encode("utf-8") for content in special_tokens), *kept, *missing)
    kinds = tuple(
        TokenKind.SPECIAL if index < len(special_tokens) else TokenKind.BYTE if len(token) == 1 else TokenKind.NORMAL
        for index, token in enumerate(tokens)
    )
    added = tuple(specials.added_token(identifier, content) for identifier, content in enumerate(special_tokens))
    vocabulary = Vocabulary(
        algorithm="two-paths",
        tokens=tokens,
        kinds=kinds,
        splitter=WHOLE,
        normalizer=normalizer,
        pre_tokenizer=byte_level.pre_tokenizer(WHOLE),
        decoder=byte_level.decoder(),
        flags=Flags(two_paths=TwoPaths(len(kept), official, deeper)),
        special_tokens=specials.guess_roles({entry["content"]: entry["id"] for entry in added}, None),
        added_tokens=added,
        origin=origin or Origin(),
    )
    return vocabulary if two_paths else as_greedy(vocabulary)


def as_greedy(vocabulary: Vocabulary) -> Vocabulary:
    """The same tokens with the same ids, read by the longest match: what stock ``tokenizers`` can do exactly.

    Args:
        vocabulary: of the algorithm ``"two-paths"``, or greedy already.

    Raises:
        VocabularyError: it is of another kind.
    """
    if not is_lexicon(vocabulary):
        raise VocabularyError(f"only the vocabulary of a lexicon has a greedy form; this one is {vocabulary.algorithm}")
    if vocabulary.algorithm == "greedy":
        return vocabulary
    algorithm: Algorithm = "greedy"
    return vocabulary.replace(
        algorithm=algorithm,
        pre_tokenizer=longest_match.pre_tokenizer(vocabulary.tokens, vocabulary.kinds),
        flags=replace(vocabulary.flags, two_paths=None, ignore_merges=True),
    )


def is_lexicon(vocabulary: Vocabulary) -> bool:
    """Whether a vocabulary is one of :func:`from_lexicon`, as made or loaded again."""
    return vocabulary.algorithm == "two-paths" or (vocabulary.algorithm == "greedy" and vocabulary.flags.ignore_merges)


def ranks_of(vocabulary: Vocabulary) -> npt.NDArray[np.int64]:
    """The rank by id, int64 ``[n]``; -1 for tokens that are not looked for in text: specials, bytes of the fallback."""
    ordinary = [identifier for identifier, kind in enumerate(vocabulary.kinds) if kind in _ORDINARY]
    ranks = np.full(len(vocabulary), -1, np.int64)
    if vocabulary.flags.two_paths is not None:
        ordinary = ordinary[: vocabulary.flags.two_paths.lexicon]
    ranks[ordinary] = np.arange(len(ordinary))
    return ranks


def _is_taken(piece: str, special_tokens: Sequence[str]) -> bool:
    """Whether ``tokenizer.json`` would read a token with this spelling as another."""
    return piece in special_tokens or specials.is_reserved(piece)
