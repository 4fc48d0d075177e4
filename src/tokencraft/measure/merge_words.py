"""The words of a sample as a trainer of merges sees them: normalised, cut, spelled in the symbols it begins with."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from tokencraft.corpus import Corpus, utf8_length
from tokencraft.measure.pair_history import SampleSize, Words
from tokencraft.report import OnProgress
from tokencraft.vocabulary import TokenKind, Vocabulary, merges, split
from tokencraft.vocabulary.bytes import SPACE_MARK, components
from tokencraft.vocabulary.normalization import Normalizer
from tokencraft.vocabulary.split import Splitter

_CODE_POINTS = 0x110000
_RARE = 0.002  # the share of tokens up to which a thing counts as never done by the trainer

UNKNOWN_SCHEME = split.Regex((r"\p{N}+", *split.GPT2.patterns))
"""For byte-level vocabularies whose pre-tokenizer is unknown: digits apart, then GPT-2's pattern."""


@dataclass(frozen=True, eq=False)
class WordScheme:
    """How text becomes words of symbols.

    Args:
        splitter: how normalised text is cut.
        normalizer: what is done to a text first; None for nothing.
        prefix: put before every line, which is then cut by itself: the space that SentencePiece puts there.
        byte_symbols: the symbol of each byte, int32 ``[256]``, -1 for bytes without one, which end a word; None where
            words are spelled in characters.
        character_symbols: the symbol of each character, where words are spelled in these. Other characters end a word.
        note: what had to be guessed; empty for nothing.
    """

    splitter: Splitter
    normalizer: Normalizer | None
    prefix: str
    byte_symbols: npt.NDArray[np.int32] | None
    character_symbols: Mapping[str, int]
    note: str = ""

    @classmethod
    def of(
        cls,
        vocabulary: Vocabulary,
        *,
        splitter: Splitter | None = None,
        normalizer: Mapping[str, Any] | None = None,
    ) -> WordScheme:
        """The scheme of a vocabulary, what is given taking the place of its own.

        SentencePiece files do not say how words were cut, so that is read off the tokens: where (nearly) no token goes
        on after a letter with a space, with a digit after a digit, or from letters to other characters, the trainer
        did not allow it.
        """
        own = None if normalizer is None else Normalizer(normalizer)
        if vocabulary.family == "byte-level":
            ids = [vocabulary.id_of(bytes([value])) for value in range(256)]
            symbols = np.array([-1 if identifier is None else identifier for identifier in ids], np.int32)
            if own is None and vocabulary.normalizer is not None:
                own = Normalizer(vocabulary.normalizer)
            note = "" if splitter or vocabulary.splitter else "its pre-tokenizer does more than cut; a guess was used"
            cut = splitter or vocabulary.splitter or UNKNOWN_SCHEME
            return cls(cut, own, "", symbols, {}, note)
        characters = {
            piece.replace(SPACE_MARK, " "): identifier
            for identifier, piece in enumerate(vocabulary.pieces)
            if len(piece) == 1 and vocabulary.kinds[identifier] in (TokenKind.NORMAL, TokenKind.BYTE)
        }
        steps = _steps(vocabulary.normalizer)
        prefixed = any(step.get("type") == "Prepend" for step in steps)
        rest = [step for step in steps if step.get("type") != "Prepend" and not _marks_spaces(step)]
        if own is None and rest:
            own = Normalizer({"type": "Sequence", "normalizers": rest})
        known = vocabulary.splitter if vocabulary.splitter not in (None, split.WHOLE) else None
        guessed = "" if splitter or known else "how words were cut was read off the tokens"
        return cls(splitter or known or _read_off(vocabulary), own, " " if prefixed else "", None, characters, guessed)

    def words(self, corpus: Corpus, *, threads: int | None = None, progress: OnProgress | None = None) -> Words:
        """The distinct words of a corpus.

        Raises:
            CorpusError: the corpus has no text.
        """
        size = _Size()
        prepared = corpus.map(lambda text: self._prepared(size.add(text)))
        counted = merges.count(prepared, self.splitter, threads=threads, progress=progress).items()
        rows = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
        counts = np.fromiter((count for _, count in rows), np.int64, len(rows))
        if self.byte_symbols is not None:
            data = np.frombuffer(b"".join(word for word, _ in rows), np.uint8)
            lengths = np.fromiter((len(word) for word, _ in rows), np.int64, len(rows))
            return Words.joined(self.byte_symbols[data], lengths, counts, size.total)
        texts = [word.decode("utf-8", "replace") for word, _ in rows]
        codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        return Words.joined(self._by_code_point[codes], lengths, counts, size.total)

    def _prepared(self, text: str) -> str:
        if self.normalizer is not None:
            text = self.normalizer(text)
        if self.prefix:
            text = "".join(self.prefix + line for line in text.splitlines(keepends=True))
        return text

    @cached_property
    def _by_code_point(self) -> npt.NDArray[np.int32]:
        table = np.full(_CODE_POINTS, -1, np.int32)
        for character, symbol in self.character_symbols.items():
            table[ord(character)] = symbol
        return table


class _Size:
    """The size of the texts that pass through."""

    def __init__(self) -> None:
        self.total = SampleSize()

    def add(self, text: str) -> str:
        """Count a text and give it back."""
        self.total = self.total + SampleSize(1, utf8_length(text), len(text), len(text.split()))
        return text


def _read_off(vocabulary: Vocabulary) -> Splitter:
    """A pattern that cuts where the tokens of a SentencePiece vocabulary show that no merge was allowed."""
    made = np.unique(vocabulary.merged).tolist()
    tokens = [vocabulary.tokens[identifier].decode("utf-8", "replace") for identifier in made]
    if vocabulary.is_superword or not tokens:
        return split.WHOLE
    bare = [token.lstrip(" ") for token in tokens]

    def seldom(found: list[bool]) -> bool:
        return sum(found) <= _RARE * len(found)

    mixed = seldom([_letters(token) and not all(map(_is_letter, token)) for token in bare])
    digits = seldom([any(a.isdecimal() and b.isdecimal() for a, b in itertools.pairwise(token)) for token in bare])
    after_space = any(token[0] == " " and token[1:2].isdecimal() for token in tokens)
    number = r"\p{Nd}" if digits else r"\p{Nd}+"
    number = f" *{number}" if after_space else number
    if not mixed:
        return split.Regex((number, r" *[^\s]+| +|\s")) if digits else split.Regex((r" *[^\s]+| +|\s",))
    return split.Regex((rf"{number}| *[\p{{L}}\p{{M}}]+| *[^\s\p{{L}}\p{{M}}\p{{Nd}}]+| +|\s",))


def _is_letter(character: str) -> bool:
    return unicodedata.category(character)[0] in "LM"


def _letters(token: str) -> bool:
    return any(map(_is_letter, token))


def _steps(normalizer: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    return list(components(normalizer))


def _marks_spaces(step: Mapping[str, Any]) -> bool:
    return step.get("type") == "Replace" and step.get("content") == SPACE_MARK
