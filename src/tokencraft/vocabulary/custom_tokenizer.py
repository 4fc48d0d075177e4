"""What ``transformers`` tokenizers share whose tokens ``tokenizers`` cannot find by itself.

A custom pre-tokenizer gives the text its tokens; everything else (offsets, pairs, truncation, padding, special tokens)
is that of a fast tokenizer. A custom pre-tokenizer can be neither written nor copied, so the stock one stands in then.
"""

from __future__ import annotations

from typing import Any, Self

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from tokencraft.vocabulary import transformers_folder


class CustomTokenizer(PreTrainedTokenizerFast):  # type: ignore[misc]  # transformers has no types
    """A fast tokenizer that is made from a vocabulary; its ``__init__`` takes ``vocabulary``."""

    @classmethod
    def convert_to_native_format(cls, **settings: Any) -> dict[str, Any]:
        """The settings as they are: ``transformers`` would take ``tokenizer.json`` apart for our ``__init__``."""
        return settings

    @classmethod
    def from_vocabulary(cls, vocabulary: Any) -> Self:
        """The tokenizer of a vocabulary; see its ``to_transformers``."""
        settings = transformers_folder.settings_of(vocabulary)
        del settings["tokenizer_class"]
        return cls(vocabulary=vocabulary, **settings)


class CustomBackend:
    """A ``tokenizers.Tokenizer`` that has a custom pre-tokenizer when it encodes and is a stock one otherwise.

    A subclass is made from a tokenizer and a vocabulary alone, from which copies are made too.

    Args:
        tokenizer: the stock one, which is changed.
        vocabulary: what it encodes with.
        custom: the pre-tokenizer that takes the place of its own.
        kept: further attributes.
    """

    def __init__(self, tokenizer: Tokenizer, vocabulary: Any, custom: Any, **kept: Any) -> None:
        stock = tokenizer.pre_tokenizer
        tokenizer.pre_tokenizer = custom
        self.__dict__.update(_inner=tokenizer, _vocabulary=vocabulary, _stock=stock, **kept)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_inner"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._inner, name, value)

    @property
    def pre_tokenizer(self) -> Any:
        """How the stock tokenizer cuts text; the custom pre-tokenizer cannot be shown."""
        return self._stock

    def _plain(self) -> Tokenizer:
        """A stock tokenizer with the same settings."""
        self._inner.pre_tokenizer, custom = self._stock, self._inner.pre_tokenizer
        try:
            return Tokenizer.from_str(self._inner.to_str())
        finally:
            self._inner.pre_tokenizer = custom

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._plain(), self._vocabulary)

    def __deepcopy__(self, memo: Any) -> Self:
        return type(self)(self._plain(), self._vocabulary)  # type: ignore[call-arg]  # subclasses make their own custom
