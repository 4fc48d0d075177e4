"""What a morphological analyser says of a word, and analysers made of any function."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol


class Analysis(NamedTuple):
    """One reading of a word.

    Args:
        lemma: the entry of the dictionary.
        morphemes: those that can be seen, as they are written: ``("kitab", "ın")``.
    """

    lemma: str
    morphemes: tuple[str, ...]


class Analyser(Protocol):
    """Reads words; a word that it does not know has no readings."""

    def analyse(self, words: Sequence[str]) -> list[list[Analysis]]:
        """The readings of every word, best first where the analyser ranks them."""
        ...


@dataclass(frozen=True)
class PerWord:
    """An analyser made of a function that reads one word; every word is read once.

    Args:
        function: from a word to ``(lemma, morphemes)`` of each reading.

    Example:
        >>> known = {"cats": [("cat", ("cat", "s"))]}
        >>> PerWord(lambda word: known.get(word, [])).analyse(["cats", "xq"])
        [[Analysis(lemma='cat', morphemes=('cat', 's'))], []]
    """

    function: Callable[[str], Iterable[tuple[str, Sequence[str]]]]
    _known: dict[str, list[Analysis]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def analyse(self, words: Sequence[str]) -> list[list[Analysis]]:
        """See :class:`Analyser`."""
        for word in words:
            if word not in self._known:
                readings = self.function(word)
                self._known[word] = [Analysis(lemma, tuple(morphemes)) for lemma, morphemes in readings]
        return [self._known[word] for word in words]
