"""Which encoder a vocabulary uses for which text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt

from tokencraft.errors import UsageError, VocabularyError
from tokencraft.vocabulary.batch import EncodedBatch
from tokencraft.vocabulary.encoding import Encoder, EncoderSpec, make_encoder
from tokencraft.vocabulary.kinds import Specials, TokenKind
from tokencraft.vocabulary.lexicon import is_lexicon
from tokencraft.vocabulary.normalization import Normalizer
from tokencraft.vocabulary.path_encoding import PathEncoding
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
        self._fast: dict[Specials, Encoder] = {}
        self._paths: dict[Specials, PathEncoding] = {}
        self._is_lexicon = is_lexicon(vocabulary)

    def encode(self, text: str | bytes, specials: Specials) -> npt.NDArray[np.uint32]:
        """See :meth:`Vocabulary.encode`."""
        checked = self._checked(text)
        if self._is_lexicon:
            return self._path_encoding(specials).encode_batch([checked], 1).ids
        if isinstance(checked, bytes):
            return self._stock_encoder(specials).encode_bytes(checked)
        return self._encoder(specials, [checked]).encode_batch([checked], 1).ids

    def encode_batch(self, texts: Iterable[str | bytes], specials: Specials, threads: int | None) -> EncodedBatch:
        """See :meth:`Vocabulary.encode_batch`."""
        if threads is not None and threads < 1:
            raise UsageError(f"threads is {threads}, expected 1 or more")
        texts = list(texts)
        if self._is_lexicon:
            return self._path_encoding(specials).encode_batch([self._checked(text) for text in texts], threads)
        if all(type(text) is str for text in texts):
            valid = cast("list[str]", texts)
            try:
                return self._encoder(specials, valid).encode_batch(valid, threads)
            except (UnicodeEncodeError, TypeError):  # Half a surrogate pair somewhere.
                pass
        checked = [self._checked(text) for text in texts]
        valid = [text for text in checked if isinstance(text, str)]
        fast = self._encoder(specials, valid).encode_batch(valid, threads)
        if len(valid) == len(checked):
            return fast
        stock, encoded = self._stock_encoder(specials), iter(fast)
        lists = [next(encoded) if isinstance(text, str) else stock.encode_bytes(text) for text in checked]
        return EncodedBatch.from_lists(lists, fast.encoder)

    def _path_encoding(self, specials: Specials) -> PathEncoding:
        check_specials(specials)
        if specials not in self._paths:
            self._paths[specials] = PathEncoding(self._vocabulary, specials)
        return self._paths[specials]

    def spec(self, specials: Specials) -> EncoderSpec:
        """What decides how text becomes ids."""
        return self._spec(self._stock_encoder(specials))

    def _encoder(self, specials: Specials, texts: list[str]) -> Encoder:
        if specials not in self._fast:
            stock = self._stock_encoder(specials)
            self._fast[specials] = make_encoder(self._spec(stock), stock, texts)
        return self._fast[specials]

    def _spec(self, stock: StockEncoder) -> EncoderSpec:
        vocabulary, flags = self._vocabulary, self._vocabulary.flags
        spec = EncoderSpec(stock.document, vocabulary.splitter)
        if (
            vocabulary.algorithm not in ("bpe-merges", "bpe-ranks")
            or vocabulary.family != "byte-level"
            or flags.continuing_subword_prefix
            or flags.end_of_word_suffix
        ):
            return spec
        merged = vocabulary.merged
        made = {*vocabulary.merges.ravel().tolist(), *merged.tolist()}
        ordinary = (TokenKind.NORMAL, TokenKind.BYTE)
        tokens = [
            token if kind in ordinary or identifier in made else b""
            for identifier, (token, kind) in enumerate(zip(vocabulary.tokens, vocabulary.kinds, strict=True))
        ]
        ranks = vocabulary.algorithm == "bpe-ranks"
        merges = None if ranks else np.column_stack([vocabulary.merges, merged]).astype(np.int32)
        normalizer = None if vocabulary.normalizer is None else Normalizer(vocabulary.normalizer)
        whole = ranks or flags.ignore_merges
        return replace(spec, tokens=tokens, merges=merges, whole_pieces=whole, normalizer=normalizer)

    def _stock_encoder(self, specials: Specials) -> StockEncoder:
        check_specials(specials)
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


def check_specials(specials: Specials) -> None:
    """Refuse a way to treat special tokens that there is not.

    Raises:
        UsageError: it is neither ``"none"`` nor ``"all"``.
    """
    if specials not in ("none", "all"):
        raise UsageError(f'specials is {specials!r}, expected "none" or "all"')
