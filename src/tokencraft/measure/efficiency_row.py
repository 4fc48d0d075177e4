"""The numbers of one vocabulary on one text, and the columns that show them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tokencraft.report import Column


@dataclass(frozen=True)
class EfficiencyRow:
    """One vocabulary on one part of the data.

    Args:
        vocabulary: its name.
        data: the name of the language or domain.
        vocab_size: ids of the vocabulary, all kinds.
        producible: ids that text can produce (normal and byte tokens): |V| of the formula.
        lossless: whether the vocabulary brings any text back; where it does not, few tokens may mean lost text.
        documents, bytes, characters, words, tokens: counts; bytes are UTF-8, words are what white space separates.
        seen: how many of them occurred.
        fallback_tokens: tokens that are one byte of a character the vocabulary could not spell whole.
        unknown_tokens: tokens that stand for lost text.
        renyi_efficiency: 0 to 1, higher is more even.
        seconds: wall time of encoding.
        encoder: what encoded: ``"gigatoken"``, ``"native"`` or ``"tokenizers"``.
    """

    vocabulary: str
    data: str
    vocab_size: int
    producible: int
    lossless: bool
    documents: int
    bytes: int
    characters: int
    words: int
    tokens: int
    seen: int
    fallback_tokens: int
    unknown_tokens: int
    renyi_efficiency: float
    seconds: float
    encoder: str

    @property
    def bytes_per_token(self) -> float:
        """Compression: higher is fewer tokens."""
        return _ratio(self.bytes, self.tokens)

    @property
    def characters_per_token(self) -> float:
        """Unicode characters a token."""
        return _ratio(self.characters, self.tokens)

    @property
    def tokens_per_word(self) -> float:
        """Fertility; NaN where there are no words. Means little for scripts without spaces."""
        return _ratio(self.tokens, self.words)

    @property
    def tokens_per_document(self) -> float:
        """The average length."""
        return _ratio(self.tokens, self.documents)

    @property
    def used_share(self) -> float:
        """Share of the ids that text can produce that occurred."""
        return _ratio(self.seen, self.producible)

    @property
    def fallback_share(self) -> float:
        """Share of the tokens that are a lone byte of a character."""
        return _ratio(self.fallback_tokens, self.tokens)

    @property
    def unknown_share(self) -> float:
        """Share of the tokens that stand for lost text."""
        return _ratio(self.unknown_tokens, self.tokens)

    @property
    def megabytes_per_second(self) -> float:
        """Speed of encoding, 10^6 bytes a second."""
        return self.bytes / 1e6 / max(self.seconds, 1e-9)


COLUMNS = (
    ("data", Column("data")),
    ("vocabulary", Column("vocabulary")),
    ("vocab_size", Column("size", "entries")),
    ("bytes", Column("bytes")),
    ("tokens", Column("tokens")),
    ("bytes_per_token", Column("compression", "bytes/token")),
    ("characters_per_token", Column("characters", "chars/token")),
    ("tokens_per_word", Column("fertility", "tokens/word")),
    ("tokens_per_document", Column("length", "tokens/doc")),
    ("used_share", Column("used", "share of entries")),
    ("renyi_efficiency", Column("Rényi efficiency", "alpha = 2.5")),
    ("fallback_share", Column("byte fallback", "share of tokens")),
    ("unknown_share", Column("unknown", "share of tokens")),
    ("lossless", Column("lossless")),
    ("megabytes_per_second", Column("speed", "MB/s")),
    ("encoder", Column("encoder")),
)


def _ratio(part: int, whole: int) -> float:
    """The quotient; NaN, which tables show as a dash, where there is nothing to divide by."""
    return part / whole if whole else math.nan
