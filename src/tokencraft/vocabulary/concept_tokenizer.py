"""A ``transformers`` tokenizer with a localised choice among segmentations, for any model.

Everything is that of a fast tokenizer (offsets, ``word_ids``, pairs, truncation with stride, padding, special tokens);
only the pieces of words are those of the :class:`~tokencraft.vocabulary.concept_vocabulary.ConceptVocabulary`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar

from tokenizers import Tokenizer
from transformers import AutoTokenizer, PreTrainedConfig

from tokencraft.errors import VocabularyError
from tokencraft.vocabulary.concept_encoding import Choosing, behind
from tokencraft.vocabulary.concept_vocabulary import ConceptVocabulary
from tokencraft.vocabulary.custom_tokenizer import CustomBackend, CustomTokenizer
from tokencraft.vocabulary.vocabulary import Vocabulary


class ConceptTokenizer(CustomTokenizer):
    """The ``transformers`` tokenizer of a concept vocabulary.

    Made by :meth:`ConceptVocabulary.to_transformers` or :meth:`from_pretrained`, which takes the folder that ``save``
    or ``save_pretrained`` wrote. ``AutoTokenizer`` finds the class by its name once this module is imported; without
    that it reads the folder as a plain WordPiece vocabulary, whose ids differ from those the model was trained with.
    """

    # Named so that from_pretrained fetches both files from a hub.
    vocab_files_names: ClassVar[dict[str, str]] = {
        "tokenizer_file": "tokenizer.json",
        "concepts_file": "tokenizer.concepts.json",
    }

    def __init__(self, *args: Any, vocabulary: ConceptVocabulary | None = None, **settings: Any) -> None:
        settings.pop("concepts_file", None)
        if vocabulary is None:
            vocabulary = _vocabulary_of(settings)
        if "tokenizer_object" not in settings:
            settings["tokenizer_object"] = Vocabulary.to_tokenizers(vocabulary)
        super().__init__(*args, **settings)
        self._vocabulary = vocabulary
        stock: Any = self._tokenizer
        self._tokenizer: Any = _ChoosingBackend(stock, vocabulary)

    @property
    def concept_vocabulary(self) -> ConceptVocabulary:
        """The vocabulary that makes the choice."""
        return self._vocabulary

    def save_pretrained(self, save_directory: str | os.PathLike[str], *args: Any, **options: Any) -> Any:
        """As any tokenizer's, with what the choice goes by beside ``tokenizer.json``."""
        written = super().save_pretrained(save_directory, *args, **options)
        self._vocabulary.save_choice(Path(save_directory) / "tokenizer.json")
        return written


class _ConceptConfig(PreTrainedConfig):  # type: ignore[misc]  # transformers has no types
    """Only there because ``AutoTokenizer`` registers a class for a configuration."""

    model_type = "tokencraft-concepts"


AutoTokenizer.register(_ConceptConfig, tokenizer_class=ConceptTokenizer, exist_ok=True)


class _ChoosingBackend(CustomBackend):
    """A ``tokenizers.Tokenizer`` that chooses when it encodes and is a stock one in everything else."""

    def __init__(self, tokenizer: Tokenizer, vocabulary: ConceptVocabulary) -> None:
        choosing = Choosing(vocabulary.segmenter, vocabulary.pieces)
        super().__init__(tokenizer, vocabulary, behind(tokenizer.pre_tokenizer, choosing), _choosing=choosing)

    def encode(self, sequence: Any, pair: Any = None, is_pretokenized: bool = False, **options: Any) -> Any:
        """As ``Tokenizer.encode``."""
        if not is_pretokenized:
            return self._inner.encode(sequence, pair, **options)
        return self._choosing.encode_words(self._inner, sequence if pair is None else (sequence, pair), **options)

    def encode_batch(self, batch: Any, is_pretokenized: bool = False, **options: Any) -> list[Any]:
        """As ``Tokenizer.encode_batch``; a batch is padded to its longest, where padding is on."""
        items = list(batch)
        if is_pretokenized:
            encodings = [self._choosing.encode_words(self._inner, words, **options) for words in items]
        else:
            encodings = [
                self._inner.encode(*(each if isinstance(each, tuple) else (each,)), **options) for each in items
            ]
        return _padded(encodings, self._inner.padding)

    encode_batch_fast = encode_batch

    def to_str(self, pretty: bool = False) -> str:
        """The ``tokenizer.json`` of the stock tokenizer."""
        return str(self._plain().to_str(pretty))

    def save(self, path: str, pretty: bool = True) -> None:
        """Write the ``tokenizer.json`` of the stock tokenizer."""
        self._plain().save(path, pretty)


def _padded(encodings: list[Any], padding: dict[str, Any] | None) -> list[Any]:
    """The encodings of a batch, filled to the longest of them where the length is not fixed."""
    if padding is None or padding.get("length") is not None:
        return encodings  # a fixed length has been filled to already
    longest = max(map(len, encodings), default=0)
    for encoding in encodings:
        encoding.pad(
            longest,
            direction=padding["direction"],
            pad_id=padding["pad_id"],
            pad_type_id=padding["pad_type_id"],
            pad_token=padding["pad_token"],
        )
    return encodings


def _vocabulary_of(settings: dict[str, Any]) -> ConceptVocabulary:
    """The vocabulary in the folder that ``from_pretrained`` reads."""
    path = settings.get("tokenizer_file")
    if path is None:
        raise VocabularyError("a ConceptTokenizer needs a folder with tokenizer.json, or a vocabulary")
    vocabulary = Vocabulary.load(path)
    if not isinstance(vocabulary, ConceptVocabulary):
        raise VocabularyError(f"{path}: there is no tokenizer.concepts.json beside it; load it with AutoTokenizer")
    return vocabulary
