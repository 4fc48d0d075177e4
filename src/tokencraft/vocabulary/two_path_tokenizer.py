"""The ``transformers`` tokenizer of a vocabulary that takes the better of two paths.

Everything is that of a fast tokenizer (offsets, pairs, truncation with stride, padding, special tokens); only the
tokens are those of our encoder, which stock ``tokenizers`` calls in place of its own model.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tokenizers import Token, Tokenizer, pre_tokenizers
from transformers import AutoTokenizer, PreTrainedConfig

from tokencraft.errors import VocabularyError
from tokencraft.vocabulary import lexicon, tokenizers_export
from tokencraft.vocabulary.custom_tokenizer import CustomBackend, CustomTokenizer
from tokencraft.vocabulary.path_encoding import PathEncoding
from tokencraft.vocabulary.vocabulary import Vocabulary


class TwoPathTokenizer(CustomTokenizer):
    """The ``transformers`` tokenizer of a vocabulary of the algorithm ``"two-paths"``.

    Made by :meth:`Vocabulary.to_transformers` or :meth:`from_pretrained`, which takes the folder that
    :meth:`Vocabulary.save` or ``save_pretrained`` wrote. ``AutoTokenizer`` finds the class by its name once this module
    is imported; without that it refuses the folder.
    """

    def __init__(self, *args: Any, vocabulary: Vocabulary | None = None, **settings: Any) -> None:
        if vocabulary is None:
            path = settings.get("tokenizer_file")
            if path is None:
                raise VocabularyError("a TwoPathTokenizer needs a folder with tokenizer.json, or a vocabulary")
            vocabulary = Vocabulary.load(path)
        if vocabulary.algorithm != "two-paths":
            raise VocabularyError(f"this is a {vocabulary.algorithm} vocabulary: use PreTrainedTokenizerFast for it")
        settings["tokenizer_object"] = lexicon.as_greedy(vocabulary).to_tokenizers()
        super().__init__(*args, **settings)
        self._vocabulary = vocabulary
        stock: Any = self._tokenizer
        self._tokenizer: Any = _PathBackend(stock, vocabulary)

    @property
    def two_path_vocabulary(self) -> Vocabulary:
        """What it encodes with."""
        return self._vocabulary


class _TwoPathConfig(PreTrainedConfig):  # type: ignore[misc]  # transformers has no types
    """Only there because ``AutoTokenizer`` registers a class for a configuration."""

    model_type = "tokencraft-two-paths"


AutoTokenizer.register(_TwoPathConfig, tokenizer_class=TwoPathTokenizer, exist_ok=True)


class _Paths:
    """The custom pre-tokenizer: gives the text between special tokens its tokens, so that no model is asked."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._encoding = PathEncoding(vocabulary, "none")
        self._pieces = vocabulary.pieces

    def pre_tokenize(self, sequence: Any) -> None:
        """Called by ``tokenizers`` with a ``PreTokenizedString``."""
        sequence.tokenize(self._tokens)

    def _tokens(self, text: str) -> list[Token]:
        return [Token(each, self._pieces[each], (begin, end)) for each, begin, end in self._encoding.spans(text)]


class _PathBackend(CustomBackend):
    """A ``tokenizers.Tokenizer`` that takes the better of two paths when it encodes and is a stock one otherwise."""

    def __init__(self, tokenizer: Tokenizer, vocabulary: Vocabulary) -> None:
        super().__init__(tokenizer, vocabulary, pre_tokenizers.PreTokenizer.custom(_Paths(vocabulary)))

    def to_str(self, pretty: bool = False) -> str:
        """The ``tokenizer.json``, with a model that stock ``tokenizers`` refuses."""
        document = json.loads(self._plain().to_str())
        ours = tokenizers_export.to_document(self._vocabulary)
        document |= {"pre_tokenizer": ours["pre_tokenizer"], "model": ours["model"]}
        return json.dumps(document, ensure_ascii=False, indent=2 if pretty else None)

    def save(self, path: str, pretty: bool = True) -> None:
        """Write the ``tokenizer.json``."""
        Path(path).write_text(self.to_str(pretty), "utf-8")
