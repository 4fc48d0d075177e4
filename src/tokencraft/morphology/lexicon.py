"""Lexicons: the words, roots and affixes of a language, from lists, treebanks, paradigms or an analyser."""

from __future__ import annotations

import io
import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tokencraft.corpus.compression import clear_errors, open_bytes
from tokencraft.errors import CorpusError, UsageError
from tokencraft.morphology.analyser import Analyser
from tokencraft.morphology.folding import fold

Part = Literal["words", "roots", "affixes"]


@dataclass(frozen=True)
class Lexicon:
    """The words, roots and affixes of a language. Two of one language are united with ``|``.

    Args:
        words: inflected forms.
        roots: words that cannot be divided.
        affixes: parts that are no words of their own, such as ``lar``.
        language: code of ISO 639-1 for lower case, see :func:`~tokencraft.morphology.fold`.
        case: ``"fold"`` compares in lower case and composed form; ``"exact"`` as written.

    Example:
        >>> lexicon = Lexicon(words=["kitaplar"], roots=["kitap"], affixes=["lar"], language="tr")
        >>> lexicon.is_word("KİTAPLAR"), lexicon.is_atom("kitaplar"), lexicon.is_atom("lar"), lexicon.is_word("xq")
        (True, False, True, False)
    """

    words: Collection[str] = ()
    roots: Collection[str] = ()
    affixes: Collection[str] = ()
    language: str = ""
    case: Literal["fold", "exact"] = "fold"

    def __post_init__(self) -> None:
        """Bring the entries into the form they are compared in."""
        if self.case not in ("fold", "exact"):
            raise UsageError(f"case must be 'fold' or 'exact', not {self.case!r}")
        for name in ("words", "roots", "affixes"):
            entries = getattr(self, name)
            if isinstance(entries, str):
                raise UsageError(f"{name} of a lexicon must be several strings, not the string {entries!r}")
            object.__setattr__(self, name, frozenset(map(self.form, entries)) - {""})

    def form(self, text: str) -> str:
        """The form in which texts are compared with the entries."""
        return fold(text, self.language) if self.case == "fold" else text

    def is_word(self, text: str) -> bool:
        """Whether it is a word, a root or an affix."""
        form = self.form(text)
        return form in self.words or form in self.roots or form in self.affixes

    def is_atom(self, text: str) -> bool:
        """Whether it is a root or an affix, which cannot be divided."""
        form = self.form(text)
        return form in self.roots or form in self.affixes

    def __len__(self) -> int:
        return len({*self.words, *self.roots, *self.affixes})

    def __or__(self, other: Lexicon) -> Lexicon:
        """Everything that either has.

        Raises:
            UsageError: they compare in different ways.
        """
        if (self.language, self.case) != (other.language, other.case):
            raise UsageError(
                f"lexicons of different kinds cannot be united: {self.language!r} ({self.case}) and "
                f"{other.language!r} ({other.case})"
            )
        return Lexicon(
            words={*self.words, *other.words},
            roots={*self.roots, *other.roots},
            affixes={*self.affixes, *other.affixes},
            language=self.language,
            case=self.case,
        )

    @classmethod
    def from_list(
        cls,
        path: str | os.PathLike[str],
        part: Part = "roots",
        *,
        language: str = "",
        case: Literal["fold", "exact"] = "fold",
    ) -> Lexicon:
        """An entry a line; hyphens before and after affixes are taken away.

        Args:
            path: UTF-8 text, also ``.gz`` and ``.zst``.
            part: what the entries are. A flat list of roots and affixes together goes under ``"roots"``.
            language, case: see the class.

        Raises:
            CorpusError: the file cannot be read or has no entries.
            UsageError: there is no such part.
        """
        if part not in ("words", "roots", "affixes"):
            raise UsageError(f"an entry is one of 'words', 'roots' or 'affixes', not {part!r}")
        entries = {line.strip().strip("-+") if part == "affixes" else line.strip() for line in _lines(path)} - {""}
        return _filled(cls(**{part: entries}, language=language, case=case), path, "entry on any line")

    @classmethod
    def from_conllu(
        cls, path: str | os.PathLike[str], *, language: str = "", case: Literal["fold", "exact"] = "fold"
    ) -> Lexicon:
        """A treebank: forms are words, lemmas are roots. Punctuation, symbols and numbers are neither.

        Of words that are written as one (``2-3``) the written form counts as well as its parts.

        Raises:
            CorpusError: the file cannot be read, a line lacks its ten columns, or there are no words.
        """
        words: set[str] = set()
        roots: set[str] = set()
        for number, line in enumerate(_lines(path), 1):
            if not line.strip() or line.startswith("#"):
                continue
            cells = line.rstrip("\r\n").split("\t")
            if len(cells) != 10:
                raise CorpusError(f"{path}, line {number}: {len(cells)} columns where CoNLL-U has 10")
            place, form, lemma, kind = cells[:4]
            if "." in place or kind in ("PUNCT", "SYM", "NUM"):  # 8.1 is an empty node, written nowhere
                continue
            words.add(form)
            if "-" not in place:
                roots.add(lemma)
        return _filled(cls(words - {"_"}, roots - {"_"}, language=language, case=case), path, "word")

    @classmethod
    def from_unimorph(
        cls, path: str | os.PathLike[str], *, language: str = "", case: Literal["fold", "exact"] = "fold"
    ) -> Lexicon:
        """Paradigms of UniMorph, lines of lemma, form and features between tabs: forms are words, lemmas are roots.

        Raises:
            CorpusError: the file cannot be read, a line has fewer than two columns, or there are no words.
        """
        words: set[str] = set()
        roots: set[str] = set()
        for number, line in enumerate(_lines(path), 1):
            cells = line.rstrip("\r\n").split("\t")
            if len(cells) < 2:
                if line.strip():
                    raise CorpusError(f"{path}, line {number}: expected lemma, form and features between tabs")
                continue
            roots.add(cells[0])
            words.add(cells[1])
        return _filled(cls(words, roots, language=language, case=case), path, "word")

    @classmethod
    def from_analyses(
        cls,
        analyser: Analyser,
        words: Iterable[str],
        *,
        language: str = "",
        case: Literal["fold", "exact"] = "fold",
    ) -> Lexicon:
        """What an analyser finds in words: those it can read, the first morphemes as roots, the others as affixes.

        An analyser reads words alone, not bare affixes, so a measure of pieces needs such a list beside it. Take words
        of another text than the one that is measured.

        Example:
            >>> from tokencraft.morphology import PerWord
            >>> analyser = PerWord(lambda word: [("ev", ("ev", "ler"))] if word == "evler" else [])
            >>> sorted(Lexicon.from_analyses(analyser, ["evler", "xq"]).affixes)
            ['ler']
        """
        listed = list(dict.fromkeys(words))
        read = [(word, readings) for word, readings in zip(listed, analyser.analyse(listed), strict=True) if readings]
        seen = [reading.morphemes for _, readings in read for reading in readings if reading.morphemes]
        return cls(
            words=[word for word, _ in read],
            roots=[morphemes[0] for morphemes in seen],
            affixes=[affix for morphemes in seen for affix in morphemes[1:]],
            language=language,
            case=case,
        )


def _filled(lexicon: Lexicon, path: str | os.PathLike[str], what: str) -> Lexicon:
    if not len(lexicon):
        raise CorpusError(f"{os.fspath(path)}: there is no {what}, so it is no lexicon")
    return lexicon


def _lines(path: str | os.PathLike[str]) -> Iterator[str]:
    """The lines of a file of text."""
    path = Path(path)
    with clear_errors(path), open_bytes(path) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="\n")
        try:
            yield from text
        except UnicodeDecodeError as error:
            raise CorpusError(f"{path}: not UTF-8 text ({error.reason}); convert it first") from None
