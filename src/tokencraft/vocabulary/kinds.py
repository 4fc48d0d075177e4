"""What a token is, where a vocabulary comes from, and the switches of its algorithm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Literal

Algorithm = Literal["bpe-merges", "bpe-ranks", "unigram", "wordpiece", "greedy", "two-paths"]
Specials = Literal["none", "all"]


class TokenKind(IntEnum):
    """What an id of a vocabulary stands for."""

    NORMAL = 0
    """Text that the algorithm can produce."""
    BYTE = 1
    """One raw byte: the base alphabet of a byte-level vocabulary, or a byte-fallback token such as ``<0x0A>``."""
    SPECIAL = 2
    """A control token: never produced from text unless asked for."""
    UNUSED = 3
    """A hole in the ids, padding, or a reserved token that no text produces."""


@dataclass(frozen=True)
class Origin:
    """How a vocabulary was made.

    Args:
        method: slug of the method, for example ``"superbpe"``; empty where unknown.
        hyperparameters: JSON values by name: sizes, the transition point, recipe names.
        corpus: fingerprint of the training corpus, hexadecimal; empty where unknown.
    """

    method: str = ""
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    corpus: str = ""

    def to_json(self) -> dict[str, Any]:
        """The origin as JSON values."""
        return {"method": self.method, "hyperparameters": dict(self.hyperparameters), "corpus": self.corpus}

    @classmethod
    def from_json(cls, values: Any) -> Origin:
        """The origin from JSON values; an unknown origin where they are no object."""
        if not isinstance(values, Mapping):
            return cls()
        parameters = values.get("hyperparameters")
        return cls(
            method=str(values.get("method", "")),
            hyperparameters=dict(parameters) if isinstance(parameters, Mapping) else {},
            corpus=str(values.get("corpus", "")),
        )

    def __bool__(self) -> bool:
        return bool(self.method or self.hyperparameters or self.corpus)


@dataclass(frozen=True)
class TwoPaths:
    """How a vocabulary of the algorithm ``"two-paths"`` reads text; see ``src/native/path_encoder.hpp``.

    Args:
        lexicon: how many tokens have a rank, in order of their ids: the first ones that are neither special nor unused.
            Those behind them are the bytes that the lexicon lacks.
        official: as published: a token that no shorter one begins is not taken, its first character is.
        deeper: a token falls apart in two where both have better ranks than it, and each of these once more.
    """

    lexicon: int
    official: bool = False
    deeper: bool = False


@dataclass(frozen=True)
class Flags:
    """Switches of the encoding algorithm, as ``tokenizer.json`` names them.

    Args:
        unk_token: the token for what the vocabulary cannot spell; None where there is none.
        byte_fallback: unknown characters become ``<0xNN>`` tokens.
        ignore_merges: a piece that is a token as a whole is taken before any merge (always so for ranks).
        fuse_unk: neighbouring unknown tokens become one.
        dropout: share of merges dropped at random by stock encoders; tokencraft itself encodes without dropout.
        continuing_subword_prefix: mark of tokens inside a word, ``"##"`` for WordPiece.
        end_of_word_suffix: mark of tokens that end a word.
        max_input_chars_per_word: WordPiece gives up on longer words.
        two_paths: what the algorithm ``"two-paths"`` needs; None for the others.
    """

    unk_token: str | None = None
    byte_fallback: bool = False
    ignore_merges: bool = False
    fuse_unk: bool = False
    dropout: float | None = None
    continuing_subword_prefix: str | None = None
    end_of_word_suffix: str | None = None
    max_input_chars_per_word: int | None = None
    two_paths: TwoPaths | None = None
