"""Where a vocabulary cuts words, against where their morphemes meet."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np

from tokencraft.errors import UsageError
from tokencraft.measure.token_spans import token_spans
from tokencraft.vocabulary import Vocabulary

Cuts = tuple[int, ...]
"""Places inside a word, in bytes of its UTF-8, in order."""


@dataclass(frozen=True)
class Boundaries:
    """Cuts inside words that were found and those that should have been.

    Args:
        words: how many were cut.
        gold, found, common: cuts of the gold segmentation, of the vocabulary, of both.
        divided: words of several tokens that have a gold cut.
        recall_of_divided: the sum over these words of the share of their gold cuts that were found.
    """

    words: int
    gold: int
    found: int
    common: int
    divided: int
    recall_of_divided: float

    @property
    def precision(self) -> float:
        """Share of the cuts that are gold; NaN without cuts."""
        return self.common / self.found if self.found else math.nan

    @property
    def recall(self) -> float:
        """Share of the gold cuts that were found; NaN where there are none."""
        return self.common / self.gold if self.gold else math.nan

    @property
    def f1(self) -> float:
        """Harmonic mean of both over all words together; NaN where there are no cuts at all."""
        return 2 * self.common / (self.gold + self.found) if self.gold + self.found else math.nan

    @property
    def morph_score(self) -> float:
        """Recall over words of several tokens alone, one word as much as another, as MorphScore has it."""
        return self.recall_of_divided / self.divided if self.divided else math.nan

    @classmethod
    def of(cls, gold: Sequence[Cuts], found: Sequence[Cuts]) -> Boundaries:
        """The counts over words.

        Example:
            >>> Boundaries.of([(3,), (2, 4)], [(3,), (4, 5)]).f1  # 2 of 3 found, 2 of 3 gold
            0.6666666666666666
        """
        golds, founds = ([set(cuts) for cuts in each] for each in (gold, found))
        pairs = list(zip(golds, founds, strict=True))
        divided = [(a, b) for a, b in pairs if a and b]
        return cls(
            words=len(pairs),
            gold=sum(map(len, golds)),
            found=sum(map(len, founds)),
            common=sum(len(a & b) for a, b in pairs),
            divided=len(divided),
            recall_of_divided=math.fsum(len(a & b) / len(a) for a, b in divided),
        )


def token_cuts(
    vocabulary: Vocabulary, words: Sequence[str], *, after_space: bool = True, threads: int | None = None
) -> list[Cuts]:
    """Where the tokens of words meet.

    Marks of the family (``##``, ``▁``, ``Ġ``) and special tokens play no part, since places are compared, not strings;
    a token that holds nothing but the space before the word makes no cut.

    Args:
        vocabulary: what to encode with.
        words: of one character or more.
        after_space: take the words as inside a sentence, with a space before them.
        threads: at most this many; all cores where left out.

    Example:
        >>> from tokencraft.vocabulary import split
        >>> token_cuts(Vocabulary.from_merges([(64, 65)], splitter=split.GPT2), ["abc", "ab"], after_space=False)
        [(2,), ()]
    """
    lead = " " if after_space else ""
    if not words:
        return []
    sizes = np.array([len(word.encode("utf-8")) for word in words], np.int64)
    heads = np.cumsum([0, *(sizes + len(lead) + 1)])[:-1] + len(lead)  # where each word begins among the joined texts
    spans = token_spans(vocabulary, [lead + word for word in words], threads=threads)
    places = np.unique(np.concatenate([spans.starts, spans.ends]))
    owner = np.searchsorted(heads, places, side="right") - 1
    inner = (owner >= 0) & (places > heads[owner]) & (places < heads[owner] + sizes[owner])
    owner, local = owner[inner], (places - heads[owner])[inner].tolist()
    firsts = np.searchsorted(owner, np.arange(len(words) + 1)).tolist()
    return [tuple(local[start:end]) for start, end in pairwise(firsts)]


def morpheme_cuts(word: str, morphemes: Sequence[str]) -> Cuts:
    """Where the morphemes of a word meet.

    Raises:
        UsageError: they do not add up to the word.

    Example:
        >>> morpheme_cuts("kitabın", ("kitab", "ın"))
        (5,)
    """
    if "".join(morphemes) != word:
        raise UsageError(f"the morphemes {'|'.join(morphemes)} do not add up to the word {word!r}")
    return tuple(accumulate(len(morpheme.encode("utf-8")) for morpheme in morphemes if morpheme))[:-1]


def pieces_of(word: str, cuts: Cuts) -> list[str]:
    """The pieces between the cuts; bytes that are no whole character become U+FFFD."""
    data = word.encode("utf-8")
    ends = [*cuts, len(data)]
    return [data[start:end].decode("utf-8", "replace") for start, end in zip([0, *cuts], ends, strict=True)]


def boundaries_of(
    vocabulary: Vocabulary,
    gold: Mapping[str, Sequence[str]],
    *,
    after_space: bool = True,
    threads: int | None = None,
) -> Boundaries:
    """Cuts of a vocabulary against gold segmentations.

    Args:
        vocabulary: what to encode with.
        gold: the morphemes of each word as they are written.
        after_space: take the words as inside a sentence.
        threads: at most this many; all cores where left out.

    Raises:
        UsageError: the morphemes of a word do not add up to it.
    """
    expected = [morpheme_cuts(word, morphemes) for word, morphemes in gold.items()]
    return Boundaries.of(expected, token_cuts(vocabulary, list(gold), after_space=after_space, threads=threads))
