"""Character n-grams of the words of concepts, all lengths: how much a string of letters belongs to a domain.

    G_S[g] = how often g occurs in the words of the concepts of type S;  G = sum of all G_S;  TF = sum of all G[g]

Steps 1 to 4 of the concept-aware vocabulary (arXiv 2406.14312) on one native table (``src/native/concept_ngrams.hpp``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from tokencraft import _native


def words_of(terms: Iterable[str]) -> Counter[str]:
    """How often each word occurs in terms: lower case, split at white space.

    Example:
        >>> words_of(["Aspirin", "aspirin tablet"])
        Counter({'aspirin': 2, 'tablet': 1})
    """
    return Counter(word for term in terms for word in term.lower().split())


class NgramCounts:
    """G_S: how often every n-gram occurs in words, each counted as often as the word.

    Args:
        words: counts by word; words have at most 255 characters.
        tails_again: count the tails that are shorter than n once more for every n, as the published code does.

    Example:
        >>> counts = NgramCounts({"abc": 1})
        >>> counts["ab"], counts["cb"], counts.total
        (1, 0, 6)
        >>> NgramCounts({"abc": 1}, tails_again=True)["c"]
        3
    """

    def __init__(self, words: Mapping[str, int], *, tails_again: bool = False) -> None:
        self._counts = _native.ConceptNgrams(list(words), list(words.values()), tails_again)

    @property
    def total(self) -> int:
        """TF: the sum of all counts."""
        return self._counts.total

    def __len__(self) -> int:
        """How many different n-grams there are."""
        return len(self._counts)

    def __getitem__(self, ngram: str) -> int:
        return int(self._counts.counts([ngram])[0])

    def of(self, ngrams: Sequence[str]) -> npt.NDArray[np.int64]:
        """The count of each n-gram, int64 ``[n]``; 0 where it does not occur."""
        return self._counts.counts(list(ngrams))

    def cut(
        self,
        words: Sequence[str],
        *,
        merges: int = 20,
        longest: int = 5,
        threads: int | None = None,
        progress: Callable[[int], object] | None = None,
    ) -> list[list[str]]:
        """Words cut into pieces by merges among their own n-grams, which weigh as much as they were counted.

        The heaviest pair of symbols is merged, again and again, while it weighs at least 2; of equal ones that which is
        met first, n-grams being read by length, then by place. From the left the longest string that a merge made is a
        piece, else a single character is.

        Args:
            words: each of 1 to 255 characters.
            merges: most merges of a word.
            longest: most characters of a piece.
            threads: how many to use; all cores where left out.
            progress: called with the words done.

        Example:
            >>> NgramCounts({"aspirin": 2, "heparin": 1}).cut(["aspirin"], longest=4)
            [['aspi', 'rin']]
        """
        ends = self._counts.cut(list(words), merges, longest, threads or 0, progress)
        return [
            [word[begin:end] for begin, end in zip([0, *own], own, strict=False)]
            for word, own in zip(words, ends, strict=True)
        ]
