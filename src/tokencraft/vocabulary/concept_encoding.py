"""Encoding with a localised choice through ``tokenizers``: its own splitting, special tokens and offsets, our pieces.

A custom pre-tokeniser behind the base's own sees the words of a sequence with their original spelling, and gives each
its tokens; the stock model then has nothing left to do.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from tokenizers import Token, Tokenizer, pre_tokenizers

from tokencraft.vocabulary.batch import EncodedBatch
from tokencraft.vocabulary.encoders import Encoders
from tokencraft.vocabulary.kinds import Specials
from tokencraft.vocabulary.stock import StockEncoder
from tokencraft.vocabulary.word_choice import Chosen, Segmentation, WordSegmenter

if TYPE_CHECKING:
    from tokencraft.vocabulary.concept_vocabulary import ConceptVocabulary

Word = tuple[str, str]


class Choosing:
    """The custom pre-tokeniser: gives the words of a sequence their tokens.

    Args:
        segmenter: what segments words.
        pieces: strings by id.
    """

    def __init__(self, segmenter: WordSegmenter, pieces: Sequence[str]) -> None:
        self.segmenter = segmenter
        self._pieces = pieces
        self._local = threading.local()

    def pre_tokenize(self, sequence: Any) -> None:
        """Called by ``tokenizers`` with a ``PreTokenizedString``; parts that are special tokens are passed over."""
        words: list[Word] = []
        sequence.normalize(lambda part: words.append((part.normalized, part.original)))
        forced = getattr(self._local, "forced", None)
        if forced is None:
            taken = self.segmenter.sequence(words)
        else:
            chosen = [self.segmenter.choose(*word) for word in words]
            self._local.seen.extend(chosen)
            taken = [each.base if forced == "base" else each.taken for each in chosen]
        tokens = map(self._tokens, taken)
        sequence.tokenize(lambda _: next(tokens))

    def choices(self, tokenizer: Tokenizer, text: str, **options: Any) -> list[Chosen]:
        """The choice for every word of a text."""
        return self._forced("taken", tokenizer, (text,), options)[1]

    def encode_words(self, tokenizer: Tokenizer, words: Any, **options: Any) -> Any:
        """Encode words that are split already, which ``tokenizers`` hands over one by one, as one sequence."""
        parts = words if _is_pair(words) else (words,)
        encoding, seen = self._forced("taken", tokenizer, parts, options | {"is_pretokenized": True})
        if self.segmenter.keeps_base(seen):
            encoding, _ = self._forced("base", tokenizer, parts, options | {"is_pretokenized": True})
        return encoding

    def _forced(
        self, source: str, tokenizer: Tokenizer, parts: Any, options: dict[str, Any]
    ) -> tuple[Any, list[Chosen]]:
        """Encode without a decision about the whole, and the choice for every word."""
        self._local.forced, self._local.seen = source, []
        try:
            return tokenizer.encode(*parts, **options), self._local.seen
        finally:
            self._local.forced = None

    def _tokens(self, taken: Segmentation) -> list[Token]:
        """The tokens of a word with their offsets in bytes."""
        tokens = []
        begin = 0
        for identifier, length in zip(taken.ids, taken.lengths, strict=True):
            tokens.append(Token(identifier, self._pieces[identifier], (begin, begin + length)))
            begin += length
        return tokens


def _is_pair(words: Any) -> bool:
    """Whether these are two sequences of words rather than one."""
    return len(words) == 2 and all(isinstance(part, (list, tuple)) for part in words)


def behind(stock: Any, choosing: Choosing) -> Any:
    """The pre-tokeniser that splits as ``stock`` does and then chooses."""
    own = pre_tokenizers.PreTokenizer.custom(choosing)
    return own if stock is None else pre_tokenizers.Sequence([stock, own])


class ConceptEncoder(StockEncoder):
    """Encodes by the choice of a concept vocabulary; see :class:`StockEncoder`."""

    name = "tokencraft"

    def __init__(self, vocabulary: ConceptVocabulary, specials: Specials) -> None:
        super().__init__(vocabulary, specials)
        self._choosing = Choosing(vocabulary.segmenter, vocabulary.pieces)
        self._tokenizer.pre_tokenizer = behind(self._tokenizer.pre_tokenizer, self._choosing)

    def encode_batch(self, texts: Sequence[str], threads: int | None = None) -> EncodedBatch:
        """Ids of many valid texts; one thread does it, since every word passes through Python."""
        return EncodedBatch.from_lists([self.encode(text) for text in texts], "tokencraft")

    def encode(self, text: str) -> npt.NDArray[np.uint32]:
        """Ids of a valid text."""
        return np.asarray(self._tokenizer.encode(text, add_special_tokens=False).ids, np.uint32)

    def chosen(self, text: str) -> list[Chosen]:
        """The choice for every word of a text."""
        return self._choosing.choices(self._tokenizer, text, add_special_tokens=False)


class ConceptEncoders(Encoders):
    """The encoders of a concept vocabulary: both kinds make the choice."""

    def __init__(self, vocabulary: ConceptVocabulary) -> None:
        super().__init__(vocabulary)
        self._concepts = vocabulary

    def _encoder(self, specials: Specials, texts: list[str]) -> Any:
        return self._stock_encoder(specials)

    def _stock_encoder(self, specials: Specials) -> StockEncoder:
        if specials not in self._stock and specials in ("none", "all"):
            self._stock[specials] = ConceptEncoder(self._concepts, specials)
        return super()._stock_encoder(specials)
