"""Samples drawn again from a sample, document by document, for the bootstrap."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tokencraft.corpus import Corpus

LEAST_DOCUMENTS = 20
"""Of fewer documents the lines are resampled instead."""


def resampled(corpus: Corpus, random: np.random.Generator) -> Corpus:
    """As many documents as there are, drawn with replacement; lines, where there are few documents.

    Args:
        corpus: the sample; it is read twice.
        random: where the draws come from.

    Example:
        >>> drawn = resampled(Corpus.from_iterable(["a\\n" "b\\n" "c\\n"]), np.random.default_rng(0))
        >>> sorted(set(drawn) - {"a\\n", "b\\n", "c\\n"})
        []
    """
    by_line = sum(1 for _, _ in zip(corpus, range(LEAST_DOCUMENTS), strict=False)) < LEAST_DOCUMENTS

    def parts() -> Iterator[str]:
        for text in corpus:
            yield from text.splitlines(keepends=True) if by_line else (text,)

    count = sum(1 for _ in parts())
    times = random.multinomial(count, np.full(count, 1 / count)).tolist()

    def drawn() -> Iterator[str]:
        for number, part in zip(times, parts(), strict=True):
            for _ in range(number):
                yield part

    return Corpus.from_iterable(drawn)
