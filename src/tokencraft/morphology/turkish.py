"""Turkish morphology by zeyrek, a port of Zemberek (the extra ``turkish``).

Only its parser of single words is used: its splitter of sentences wants a download. Zeyrek's results depend on the
words before, for two reasons: a memoised function hands out sets that are then changed, and so do the stems. Each word
is therefore read with a fresh memory and with copies of what its stems share.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tokencraft.errors import MissingExtraError
from tokencraft.morphology.analyser import Analysis

LONGEST_WORD = 64
"""Characters; longer strings are no words of Turkish, and the parser's time grows with them."""


@dataclass(eq=False)
class Zeyrek:
    """An analyser of Turkish. Its dictionaries load with the first word, in seconds; every word is read once.

    Case does not matter, apostrophes are dropped (``Ankara'da`` reads as ``ankarada``) and â, î, û become a, i, u.

    Example:
        >>> Zeyrek().analyse(["kitabın"])[0][0].morphemes
        ('kitab', 'ın')
    """

    _known: dict[str, list[Analysis]] = field(default_factory=dict, init=False, repr=False)
    _parser: Any = field(default=None, init=False, repr=False)

    def analyse(self, words: Sequence[str]) -> list[list[Analysis]]:
        """The readings of every word, each once; none for what is not Turkish, and none for punctuation.

        Raises:
            MissingExtraError: zeyrek is not installed.
        """
        for word in words:
            if word not in self._known:
                self._known[word] = self._read(word)
        return [self._known[word] for word in words]

    def __getstate__(self) -> dict[str, Any]:
        """Without the parser, which a copy loads again."""
        return {"_known": self._known, "_parser": None}

    def _read(self, word: str) -> list[Analysis]:
        if not word or len(word) > LONGEST_WORD:
            return []
        if self._parser is None:
            self._parser = _load()
        from zeyrek.attributes import calculate_phonetic_attributes
        from zeyrek.morphology import _normalize

        # Only stems that begin the word are touched, so only theirs are copied.
        stems = self._parser.morphotactics.stem_transitions.prefix_matches(_normalize(word))
        shared = [stem.attrs for stem in stems]
        calculate_phonetic_attributes.cache_clear()
        try:
            for stem, attributes in zip(stems, shared, strict=True):
                stem.attrs = attributes.copy()
            found = self._parser._parse(word)
        except (AttributeError, NameError):  # its pruning of more than 30 candidates calls what does not exist
            return []
        finally:
            for stem, attributes in zip(stems, shared, strict=True):
                stem.attrs = attributes
            calculate_phonetic_attributes.cache_clear()
        readings = (
            Analysis(reading.dict_item.lemma, tuple(surface for _, surface in reading.morphemes if surface))
            for reading in found
            if reading is not None  # what it leaves for some unknown words
            and reading.pos.value != "Punc"
        )
        return list(dict.fromkeys(readings))


def _load() -> Any:
    """The parser with Zemberek's dictionaries."""
    try:
        import zeyrek
    except ImportError:
        raise MissingExtraError("zeyrek", "turkish") from None
    logging.getLogger("zeyrek").setLevel(logging.ERROR)  # it warns of every reading it finds
    return zeyrek.MorphAnalyzer()
