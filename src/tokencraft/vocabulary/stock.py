"""Encoding through the ``tokenizers`` library: every kind of vocabulary, as the stock library encodes it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import tokenizers

from tokencraft.errors import VocabularyError
from tokencraft.vocabulary import tokenizers_export
from tokencraft.vocabulary.batch import EncodedBatch
from tokencraft.vocabulary.kinds import Specials, TokenKind

if TYPE_CHECKING:
    from tokencraft.vocabulary.vocabulary import Vocabulary

# A byte that is not UTF-8 becomes one of these under "surrogateescape".
_INVALID = re.compile("([\udc80-\udcff]+)")


def build(document: dict[str, Any]) -> tokenizers.Tokenizer:
    """The stock tokenizer of a ``tokenizer.json`` object.

    Raises:
        VocabularyError: where the library refuses it.
    """
    if document["model"]["type"] == "TwoPaths":
        raise VocabularyError(
            "tokenizers has no model that takes the better of two paths: encode with Vocabulary.encode or "
            "to_transformers(), or export the longest match: tokencraft.vocabulary.lexicon.as_greedy(vocabulary)"
        )
    try:
        return tokenizers.Tokenizer.from_str(json.dumps(document))
    except Exception as error:  # The library raises bare Exception for everything.
        raise VocabularyError(f"tokenizers refuses this vocabulary: {error}") from None


class StockEncoder:
    """Encodes with a stock tokenizer made for the purpose: ids depend on the text alone.

    Args:
        vocabulary: what to encode with.
        specials: ``"none"`` keeps special tokens in the text as text, ``"all"`` makes them ids.

    Attributes:
        document: the ``tokenizer.json`` object that it encodes by.
    """

    name = "tokenizers"

    def __init__(self, vocabulary: Vocabulary, specials: Specials) -> None:
        document = tokenizers_export.to_document(vocabulary, inside=specials == "none")
        # No cutting, no filling, no tokens around the text, no random merges.
        document |= {"truncation": None, "padding": None, "post_processor": None}
        if document["model"]["type"] == "BPE":
            document["model"]["dropout"] = None
        if specials == "none":
            document["added_tokens"] = [entry for entry in document["added_tokens"] if not entry.get("special")]
            _hide_specials(document["model"], vocabulary)
        self.document = document
        self._tokenizer = build(document)
        self._vocabulary = vocabulary

    def encode(self, text: str) -> npt.NDArray[np.uint32]:
        """Ids of a valid text."""
        return np.asarray(self._tokenizer.encode(text, add_special_tokens=False).ids, np.uint32)

    def encode_batch(self, texts: Sequence[str], threads: int | None = None) -> EncodedBatch:
        """Ids of many valid texts, on all cores or at most ``threads``."""
        if threads is None:
            encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
            return EncodedBatch.from_lists([encoding.ids for encoding in encodings], "tokenizers")
        with ThreadPoolExecutor(threads) as pool:  # The library's own pool is one for the process.
            return EncodedBatch.from_lists(list(pool.map(self.encode, texts)), "tokenizers")

    def spans(self, text: str) -> list[tuple[int, int, int]]:
        """(id, begin, end) of every token of a valid text; begin and end count its characters."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return [(identifier, *ends) for identifier, ends in zip(encoding.ids, encoding.offsets, strict=True)]

    def encode_bytes(self, data: bytes) -> npt.NDArray[np.uint32]:
        """Ids of any bytes: what is valid UTF-8 as text, every other byte as its own token.

        Raises:
            VocabularyError: where a byte has no token.
        """
        parts: list[npt.NDArray[np.uint32]] = []
        for index, part in enumerate(_INVALID.split(data.decode("utf-8", "surrogateescape"))):
            if index % 2 == 0:
                parts.append(self.encode(part))
                continue
            raw = part.encode("utf-8", "surrogateescape")
            ids = [self._vocabulary.id_of(raw[at : at + 1]) for at in range(len(raw))]
            if None in ids:
                missing = raw[ids.index(None)]
                raise VocabularyError(f"the vocabulary has no token for the byte 0x{missing:02X}")
            parts.append(np.asarray(ids, np.uint32))
        return np.concatenate(parts)


def _hide_specials(model: dict[str, Any], vocabulary: Vocabulary) -> None:
    """Keep special tokens inside the model from matching their own text.

    Unigram, WordPiece and whole-piece lookup match any string of the vocabulary, so ``<s>`` in a document would become
    the real token. Merges only reach what they make, so other BPE models need nothing. Hidden tokens go, or take the
    empty string, which nothing matches, where the model needs them: the unknown token, and the places of Unigram ids.
    """
    if model["type"] == "BPE" and not model["ignore_merges"]:
        return
    made = {*vocabulary.merges.ravel().tolist(), *vocabulary.merged.tolist()}
    hidden = {
        vocabulary.pieces[identifier]
        for identifier, kind in enumerate(vocabulary.kinds)
        if kind in (TokenKind.SPECIAL, TokenKind.UNUSED) and identifier not in made
    }
    if model["type"] == "Unigram":
        model["vocab"] = [["" if piece in hidden else piece, score] for piece, score in model["vocab"]]
        return
    unknown = model["unk_token"]
    vocab = {piece: identifier for piece, identifier in model["vocab"].items() if piece not in hidden}
    if unknown in hidden and unknown in model["vocab"]:
        vocab[""] = model["vocab"][unknown]
        model["unk_token"] = ""
    model["vocab"] = vocab
