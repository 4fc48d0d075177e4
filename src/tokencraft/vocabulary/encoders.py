"""Which encoder a vocabulary uses for which text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tokencraft.errors import UsageError, VocabularyError
from tokencraft.vocabulary.batch import EncodedBatch
from tokencraft.vocabulary.kinds import Specials
from tokencraft.vocabulary.stock import StockEncoder

if TYPE_CHECKING:
    from tokencraft.vocabulary.vocabulary import Vocabulary


class Encoders:
    """The encoders of one vocabulary, made when first needed.

    Threads may share it: two that make an encoder at the same time make the same.

    Args:
        vocabulary: what to encode with.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._stock: dict[Specials, StockEncoder] = {}

    def encode(self, text: str | bytes, specials: Specials) -> npt.NDArray[np.uint32]:
        """See :meth:`Vocabulary.encode`."""
        stock = self._stock_encoder(specials)
        checked = self._checked(text)
        return stock.encode(checked) if isinstance(checked, str) else stock.encode_bytes(checked)

    def encode_batch(self, texts: Iterable[str | bytes], specials: Specials, threads: int | None) -> EncodedBatch:
        """See :meth:`Vocabulary.encode_batch`."""
        if threads is not None and threads < 1:
            raise UsageError(f"threads is {threads}, expected 1 or more")
        stock = self._stock_encoder(specials)
        checked = [self._checked(text) for text in texts]
        valid = [text for text in checked if isinstance(text, str)]
        if len(valid) == len(checked):
            return stock.encode_batch(valid, threads)
        lists = [stock.encode(text) if isinstance(text, str) else stock.encode_bytes(text) for text in checked]
        return EncodedBatch.from_lists(lists, "tokenizers")

    def _stock_encoder(self, specials: Specials) -> StockEncoder:
        if specials not in ("none", "all"):
            raise UsageError(f'specials is {specials!r}, expected "none" or "all"')
        if specials not in self._stock:
            self._stock[specials] = StockEncoder(self._vocabulary, specials)
        return self._stock[specials]

    def _checked(self, text: str | bytes) -> str | bytes:
        """A str where the text is valid Unicode; else its bytes, where the vocabulary can encode any."""
        algorithm, family = self._vocabulary.algorithm, self._vocabulary.family
        if isinstance(text, str):
            try:
                text.encode("utf-8")
            except UnicodeEncodeError as error:
                if family == "byte-level":
                    return text.encode("utf-8", "surrogatepass")
                raise VocabularyError(
                    f"half a surrogate pair at character {error.start}; a {family} {algorithm} vocabulary encodes "
                    "valid text only"
                ) from None
            return text
        try:
            return bytes(text).decode("utf-8")
        except UnicodeDecodeError as error:
            if family == "byte-level":
                return bytes(text)
            raise VocabularyError(
                f"not UTF-8 at byte {error.start}; a {family} {algorithm} vocabulary encodes valid text only: decode "
                "the bytes first, or use a byte-level vocabulary"
            ) from None
