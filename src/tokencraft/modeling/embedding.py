"""Text to vectors: what a method that compares strings by meaning is given.

An :class:`Embedder` is anything that turns a list of strings into an array. The default needs no download and no
training: character n-grams hashed into a fixed number of dimensions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import torch
from transformers import PreTrainedModel

from tokencraft.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from tokencraft.vocabulary import Vocabulary

Vectors = npt.NDArray[np.float32]


@runtime_checkable
class Embedder(Protocol):
    """Text to vectors; compared by their cosine, so their length does not matter."""

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """float32 ``[len(texts), dimensions]``."""
        ...


_START, _END = 0x110000, 0x110001  # marks of a string's ends: just past the last Unicode code point
_STRINGS_AT_ONCE = 8192


@dataclass(frozen=True)
class HashedNGrams:
    """Counts of character n-grams, hashed with a sign into ``dimensions`` places.

    Strings that share substrings get similar vectors. The ends of a string count as characters, so ``the`` at the
    start of ``there`` and all of ``the`` differ. The hash is fixed: equal on every machine and in every version of
    Python.

    Args:
        dimensions: length of the vectors.
        n: shortest and longest n-gram, in characters.

    Example:
        >>> a, b, c = HashedNGrams()(["tokenizer", "tokenizers", "umbrella"])
        >>> bool(a @ b > 3 * abs(a @ c))
        True
    """

    dimensions: int = 512
    n: tuple[int, int] = (2, 4)

    def __post_init__(self) -> None:
        if self.dimensions < 1 or not 1 <= self.n[0] <= self.n[1]:
            raise UsageError(
                f"HashedNGrams needs dimensions >= 1 and 1 <= n[0] <= n[1], not {self.dimensions} and {self.n}"
            )

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """float32 ``[len(texts), dimensions]``."""
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        for start in range(0, len(texts), _STRINGS_AT_ONCE):
            chunk = texts[start : start + _STRINGS_AT_ONCE]
            vectors[start : start + len(chunk)] = self._count(chunk)
        return vectors

    def _count(self, texts: Sequence[str]) -> Vectors:
        lengths = np.array([len(text) + 2 for text in texts])
        starts = np.concatenate([[0], lengths.cumsum()])
        marked = np.zeros(starts[-1], np.uint64)
        owner = np.repeat(np.arange(len(texts)), lengths)
        inside = np.ones(len(marked), bool)
        inside[starts[:-1]] = inside[starts[1:] - 1] = False
        marked[starts[:-1]], marked[starts[1:] - 1] = _START, _END
        encoded = "".join(texts).encode("utf-32-le", "surrogatepass")
        marked[inside] = np.frombuffer(encoded, dtype="<u4")
        room = starts[1:][owner] - np.arange(len(marked))  # characters from here to the end of the string
        counts = np.zeros(len(texts) * self.dimensions)
        hashes = np.full(len(marked), 0xCBF29CE484222325, np.uint64)  # FNV-1a over code points
        with np.errstate(over="ignore"):
            for size in range(1, self.n[1] + 1):
                reach = len(marked) - size + 1
                if reach <= 0:
                    break
                hashes = (hashes[:reach] ^ marked[size - 1 :]) * np.uint64(0x100000001B3)
                if size < self.n[0]:
                    continue
                whole = room[:reach] >= size
                mixed = _mix(hashes[whole])
                places = owner[:reach][whole] * self.dimensions + (mixed % np.uint64(self.dimensions)).astype(np.int64)
                signs = 1.0 - 2.0 * (mixed >> np.uint64(63)).astype(np.float64)
                counts += np.bincount(places, weights=signs, minlength=len(counts))
        return counts.reshape(len(texts), self.dimensions).astype(np.float32)


def _mix(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The finaliser of splitmix64: every bit of the input moves every bit of the output."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


class Model2Vec:
    """Static word-piece embeddings of the ``model2vec`` package.

    Args:
        path: folder or name of the model.

    Raises:
        MissingExtraError: if ``model2vec`` is not installed.
    """

    def __init__(self, path: Path | str) -> None:
        try:
            from model2vec import StaticModel  # type: ignore[import-not-found, unused-ignore]  # an extra
        except ImportError as error:
            raise MissingExtraError("model2vec", "transplant") from error
        self._model = StaticModel.from_pretrained(str(path))

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """float32 ``[len(texts), dimensions]``."""
        return np.asarray(self._model.encode(list(texts)), dtype=np.float32)


class SentenceTransformer:
    """A sentence encoder of the ``sentence-transformers`` package.

    Args:
        path: folder or name of the model; code that comes with it is not executed.
        prompt: put before every text, for models trained with one.

    Raises:
        MissingExtraError: if ``sentence-transformers`` is not installed.
    """

    def __init__(self, path: Path | str, *, prompt: str = "") -> None:
        try:
            import sentence_transformers  # type: ignore[import-not-found, unused-ignore]  # an extra
        except ImportError as error:
            raise MissingExtraError("sentence-transformers", "transplant") from error
        self._model = sentence_transformers.SentenceTransformer(str(path), trust_remote_code=False)
        self._prompt = prompt

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """float32 ``[len(texts), dimensions]``."""
        encoded = self._model.encode([self._prompt + text for text in texts], show_progress_bar=False)
        return np.asarray(encoded, dtype=np.float32)


@dataclass(frozen=True)
class ModelStates:
    """The mean of a language model's own last hidden states over the tokens of a text.

    Args:
        model: the model.
        vocabulary: its vocabulary.
        batch_tokens: tokens per forward pass, padding included.
    """

    model: PreTrainedModel
    vocabulary: Vocabulary
    batch_tokens: int = 8192

    @torch.no_grad()
    def __call__(self, texts: Sequence[str]) -> Vectors:
        """float32 ``[len(texts), hidden]``; zeros where a text has no token."""
        device = self.model.get_input_embeddings().weight.device
        encoded = [np.asarray(ids, dtype=np.int64) for ids in self.vocabulary.encode_batch(list(texts))]
        vectors = np.zeros((len(texts), self.model.get_input_embeddings().weight.shape[1]), np.float32)
        order = sorted((i for i in range(len(texts)) if len(encoded[i])), key=lambda i: len(encoded[i]))
        while order:
            longest = len(encoded[order[-1]])
            group = [order.pop() for _ in range(min(len(order), max(1, self.batch_tokens // longest)))]
            ids = np.zeros((len(group), longest), np.int64)
            mask = np.zeros((len(group), longest, 1), np.float32)
            for row, index in enumerate(group):
                ids[row, : len(encoded[index])] = encoded[index]
                mask[row, : len(encoded[index])] = 1
            hidden = self.model.base_model(input_ids=torch.from_numpy(ids).to(device), use_cache=False)[0].float().cpu()
            vectors[group] = (hidden.numpy() * mask).sum(1) / mask.sum(1)
        return vectors
