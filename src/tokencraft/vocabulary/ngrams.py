"""Character n-grams of the words of concepts, all lengths: how much a string of letters belongs to a domain.

    G_S[g] = how often g occurs in the words of the concepts of type S;  G = sum of all G_S;  TF = sum of all G[g]

Steps 1 of the concept-aware vocabulary (arXiv 2406.14312).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping


def words_of(terms: Iterable[str]) -> Counter[str]:
    """How often each word occurs in terms: lower case, split at white space.

    Example:
        >>> words_of(["Aspirin", "aspirin tablet"])
        Counter({'aspirin': 2, 'tablet': 1})
    """
    return Counter(word for term in terms for word in term.lower().split())


def ngrams(word: str, *, tails_again: bool = False) -> Iterator[str]:
    """Every n-gram of a word by length, then by position.

    Args:
        word: the word.
        tails_again: count the tails that are shorter than n once more for every n, as the published code does.

    Example:
        >>> list(ngrams("abc")), list(ngrams("abc", tails_again=True))
        (['a', 'b', 'c', 'ab', 'bc', 'abc'], ['a', 'b', 'c', 'ab', 'bc', 'c', 'abc', 'bc', 'c'])
    """
    for size in range(1, len(word) + 1):
        for at in range(len(word) if tails_again else len(word) - size + 1):
            yield word[at : at + size]


def count_ngrams(words: Mapping[str, int], *, tails_again: bool = False) -> Counter[str]:
    """G_S: how often every n-gram occurs in words, each counted as often as the word.

    Args:
        words: counts by word.
        tails_again: as in :func:`ngrams`.

    Example:
        >>> count_ngrams({"ab": 2})["b"], count_ngrams({"ab": 2}, tails_again=True)["b"]
        (2, 4)
    """
    counts: Counter[str] = Counter()
    for word, times in words.items():
        if times == 1:
            counts.update(ngrams(word, tails_again=tails_again))
        else:
            for ngram in ngrams(word, tails_again=tails_again):
                counts[ngram] += times
    return counts
