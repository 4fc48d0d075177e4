"""Encoding with the vocabulary of a lexicon: our kernel, for longest matches and for the better of two paths."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tokencraft import _native
from tokencraft.vocabulary import lexicon
from tokencraft.vocabulary.batch import EncodedBatch
from tokencraft.vocabulary.kinds import Specials, TokenKind, TwoPaths
from tokencraft.vocabulary.normalization import Normalizer
from tokencraft.vocabulary.stock import StockEncoder

if TYPE_CHECKING:
    from tokencraft.vocabulary.vocabulary import Vocabulary

# A byte that is not UTF-8 becomes one of these under "surrogateescape".
_INVALID = re.compile("([\udc80-\udcff]+)")


class PathEncoding:
    """Encodes text or any bytes; a byte that is not UTF-8 is its own token.

    Added tokens are found as stock ``tokenizers`` finds them, by letting it look for them.

    Args:
        vocabulary: one of :func:`tokencraft.vocabulary.lexicon.from_lexicon`.
        specials: ``"none"`` keeps special tokens in the text as text, ``"all"`` makes them ids.
    """

    name = "native"

    def __init__(self, vocabulary: Vocabulary, specials: Specials) -> None:
        ordinary = (TokenKind.NORMAL, TokenKind.BYTE)
        tokens = [
            token if kind in ordinary else b"" for token, kind in zip(vocabulary.tokens, vocabulary.kinds, strict=True)
        ]
        rules = vocabulary.flags.two_paths or TwoPaths(0)
        self._vocabulary = vocabulary
        self._specials = specials
        self._encoder = _native.PathEncoder(
            tokens,
            lexicon.ranks_of(vocabulary),
            two_paths=vocabulary.flags.two_paths is not None,
            official=rules.official,
            deeper=rules.deeper,
        )
        self._normalizer = None if vocabulary.normalizer is None else Normalizer(vocabulary.normalizer)
        self._added = {
            entry["content"]: entry["id"]
            for entry in vocabulary.added_tokens
            if specials == "all" or not entry.get("special")
        }
        self._looks_in_normalized = any(
            entry.get("normalized") for entry in vocabulary.added_tokens if entry["content"] in self._added
        )

    def encode_batch(self, texts: Sequence[str | bytes], threads: int | None = None) -> EncodedBatch:
        """See :class:`tokencraft.vocabulary.encoding.Encoder`; bytes need not be UTF-8."""
        held = {index for index, text in enumerate(texts) if self._added and self._holds_added(text)}
        plain = [self._normalized(text) for index, text in enumerate(texts) if index not in held]
        ids, offsets = self._encoder.encode_batch(plain, threads or 0)
        batch = EncodedBatch(ids, offsets, self.name)
        if not held:
            return batch
        encoded = iter(batch)
        lists = [self._with_added(text) if index in held else next(encoded) for index, text in enumerate(texts)]
        return EncodedBatch.from_lists(lists, self.name)

    def spans(self, text: str) -> list[tuple[int, int, int]]:
        """(id, begin, end) of every token of a text that is normalised and holds no added tokens.

        Begin and end count bytes of UTF-8; a token that is part of a character has those of the character.
        """
        data = text.encode("utf-8")
        ids = self._ids(data)
        lengths = self._vocabulary.byte_lengths[ids]
        ends = np.cumsum(lengths)
        begins = ends - lengths
        if len(data) != len(text):
            starts = np.flatnonzero((np.frombuffer(data, np.uint8) & 0xC0) != 0x80)
            begins = starts[np.searchsorted(starts, begins, "right") - 1]
            ends = np.append(starts, len(data))[np.searchsorted(starts, ends, "left")]
        return list(zip(ids.tolist(), begins.tolist(), ends.tolist(), strict=True))

    def _holds_added(self, text: str | bytes) -> bool:
        if self._normalizer is not None and self._looks_in_normalized:
            return True  # only stock tokenizers knows where
        read = text if isinstance(text, str) else text.decode("utf-8", "replace")
        return self._added_pattern.search(read) is not None

    @cached_property
    def _added_pattern(self) -> re.Pattern[str]:
        return re.compile("|".join(map(re.escape, sorted(self._added, key=len, reverse=True))))

    @cached_property
    def _stock(self) -> StockEncoder:
        """Finds the added tokens; what it makes of the rest is not used."""
        return StockEncoder(lexicon.as_greedy(self._vocabulary), self._specials)

    def _with_added(self, text: str | bytes) -> npt.NDArray[np.uint32]:
        """Ids of a text that may hold added tokens."""
        parts = [text] if isinstance(text, str) else _INVALID.split(text.decode("utf-8", "surrogateescape"))
        found: list[npt.NDArray[np.uint32]] = []
        for part in parts:
            if _INVALID.match(part):
                found.append(self._ids(part.encode("utf-8", "surrogateescape")))
                continue
            for piece in self._cut(part):
                found.append(np.array([piece], np.uint32) if isinstance(piece, int) else self._ids(piece))
        return np.concatenate(found) if found else np.zeros(0, np.uint32)

    def _ids(self, text: str | bytes) -> npt.NDArray[np.uint32]:
        return self._encoder.encode_batch([text], 1)[0]

    def _cut(self, text: str) -> Iterator[str | int]:
        """The ids of the added tokens in a text, and the normalised text between them."""
        at = 0
        for identifier, begin, end in self._stock.spans(text):
            if identifier not in self._added_ids:
                continue
            if begin > at:
                yield self._text(text[at:begin])
            yield identifier
            at = end
        if at < len(text):
            yield self._text(text[at:])

    @cached_property
    def _added_ids(self) -> frozenset[int]:
        return frozenset(self._added.values())

    def _text(self, text: str) -> str:
        return text if self._normalizer is None else self._normalizer(text)

    def _normalized(self, text: str | bytes) -> str | bytes:
        if self._normalizer is None:
            return text
        if isinstance(text, str):
            return self._normalizer(text)
        parts = _INVALID.split(text.decode("utf-8", "surrogateescape"))
        return "".join(part if _INVALID.match(part) else self._normalizer(part) for part in parts).encode(
            "utf-8", "surrogateescape"
        )
