"""How many tokens the terms of a trade take, and how long the tokens of a vocabulary are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tokencraft.errors import UsageError
from tokencraft.measure.measurement import named_vocabularies
from tokencraft.report import Column, Table
from tokencraft.vocabulary import TokenKind, Vocabulary

_LONGEST = 16  # characters; longer tokens are counted together


def tokens_per_term(
    vocabularies: Vocabulary | Mapping[str, Vocabulary],
    terms: Iterable[str],
    *,
    after_space: bool = True,
    context: Mapping[str, Any] | None = None,
) -> Table:
    """Tokens of each term under each vocabulary, and their mean in the last row.

    No special token is put around a term, which would favour the vocabularies that have none.

    Args:
        vocabularies: one, or several by name.
        terms: such as ``certiorari`` or ``EBITDA``.
        after_space: count a term as it stands inside a sentence, the space before it included.
        context: seed, versions, hardware and command; found out where left out.

    Returns:
        One row a term, one column a vocabulary.

    Raises:
        UsageError: there is no term.

    Example:
        >>> from tokencraft.vocabulary import split
        >>> vocabulary = Vocabulary.from_merges([(64, 65)], splitter=split.GPT2)
        >>> tokens_per_term(vocabulary, ["ab", "abc"], after_space=False).rows
        (('ab', 1), ('abc', 2), ('mean', 1.5))
    """
    named = named_vocabularies(vocabularies)
    listed = list(terms)
    if not listed:
        raise UsageError("there is no term to count the tokens of")
    texts = [f" {term}" if after_space else term for term in listed]
    counts = np.array([[len(ids) for ids in vocabulary.encode_batch(texts)] for vocabulary in named.values()])
    rows: list[list[Any]] = [[term, *column] for term, column in zip(listed, counts.T.tolist(), strict=True)]
    rows.append(["mean", *counts.mean(axis=1).tolist()])
    return Table("Tokens per term", ["term", *(Column(name, "tokens") for name in named)], rows, context)


def length_histogram(
    vocabularies: Vocabulary | Mapping[str, Vocabulary], *, context: Mapping[str, Any] | None = None
) -> Table:
    """How many of the tokens that text can produce have each length in characters.

    Args:
        vocabularies: one, or several by name.
        context: seed, versions, hardware and command; found out where left out.

    Returns:
        One row a length from 1 to 15 and one for all longer ones, one column a vocabulary. A token that is a part of a
        character counts as one character.
    """
    named = named_vocabularies(vocabularies)
    columns = []
    for vocabulary in named.values():
        lengths = [
            min(max(sum(byte & 0xC0 != 0x80 for byte in token), 1), _LONGEST)
            for token, kind in zip(vocabulary.tokens, vocabulary.kinds, strict=True)
            if kind in (TokenKind.NORMAL, TokenKind.BYTE)
        ]
        columns.append(np.bincount(lengths, minlength=_LONGEST + 1)[1:].tolist())
    names = [*map(str, range(1, _LONGEST)), f"{_LONGEST} and more"]
    rows = [[name, *counts] for name, *counts in zip(names, *columns, strict=True)]
    heads = [Column("length", "characters"), *(Column(name, "entries") for name in named)]
    return Table("Lengths of tokens", heads, rows, context)
