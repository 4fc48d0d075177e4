"""How well a model predicts text: bits per byte, the only number that compares models across vocabularies.

    bits per byte = sum of negative log-likelihoods in nats / ln 2 / UTF-8 bytes of the original text

Each document is scored alone. BOS (else EOS) comes first and is not scored, EOS at the end is not scored. A document
longer than the context is read in windows that overlap by half, and every token is scored once, with at least half a
window before it. The log-softmax is in float32. The bytes are those of the original text, so a vocabulary that
normalises text away gains nothing by it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from transformers import PreTrainedModel

from tokencraft.errors import CorpusError, ModelError
from tokencraft.modeling.loss import Head, autocast, plain_head, token_nats

if TYPE_CHECKING:
    from tokencraft.vocabulary import Vocabulary

_TEXT_BATCH = 8 << 20  # bytes of text tokenized and sorted at a time


@dataclass(frozen=True)
class Score:
    """What a model makes of a text.

    Args:
        nats: summed negative log-likelihood.
        bytes: UTF-8 bytes of the text.
        tokens: tokens scored.
    """

    nats: float
    bytes: int
    tokens: int

    @property
    def bits_per_byte(self) -> float:
        """``nats / ln 2 / bytes``."""
        return self.nats / math.log(2) / self.bytes

    @property
    def nats_per_token(self) -> float:
        """The training loss on this text; not comparable across vocabularies."""
        return self.nats / max(self.tokens, 1)


def bits_per_byte(
    model: PreTrainedModel,
    vocabulary: Vocabulary,
    texts: Iterable[str],
    *,
    device: torch.device | str | None = None,
    dtype: str | None = None,
    batch_tokens: int = 8192,
    context_length: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> float:
    """Bits per byte of ``texts``; arguments, exceptions and the definition as :func:`score`."""
    return score(
        model,
        vocabulary,
        texts,
        device=device,
        dtype=dtype,
        batch_tokens=batch_tokens,
        context_length=context_length,
        progress=progress,
    ).bits_per_byte


def score(
    model: PreTrainedModel,
    vocabulary: Vocabulary,
    texts: Iterable[str],
    *,
    device: torch.device | str | None = None,
    dtype: str | None = None,
    batch_tokens: int = 8192,
    context_length: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Score:
    """Scores every document of ``texts`` on its own.

    Args:
        model: a causal language model; left as it was.
        vocabulary: the vocabulary whose ids the model reads.
        texts: the documents.
        device: where to compute; where the model is, when left out.
        dtype: ``"bfloat16"`` computes the body under autocast, several times faster on processors that have it; the
            output layer stays in the model's type and the log-softmax in float32. None computes all as stored.
        batch_tokens: tokens per forward pass, padding included. Windows of like length share a pass, so the result does
            not depend on it beyond float noise.
        context_length: the window; the model's own context when left out.
        progress: called with the bytes of text done so far.

    Returns:
        The :class:`Score` of all documents together.

    Raises:
        ModelError: if the vocabulary has ids the model has no row for, or neither BOS nor EOS.
        CorpusError: if there is no text.
    """
    prefix = scoring_prefix(vocabulary)
    rows = int(model.get_input_embeddings().weight.shape[0])
    if len(vocabulary) > rows:
        raise ModelError(f"the vocabulary has {len(vocabulary)} tokens, the model only {rows} embedding rows")
    context = context_length or model_context(model)
    if device is not None:
        model.to(device)
    head = plain_head(model)
    nats, n_bytes, tokens = 0.0, 0, 0
    training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            for batch in _text_batches(texts):
                n_bytes += sum(len(text.encode()) for text in batch)
                windows = [
                    window for ids in vocabulary.encode_batch(batch) for window in _windows(ids, prefix, context)
                ]
                windows.sort(key=lambda window: len(window.ids))
                for group in _groups(windows, batch_tokens):
                    nats += _score_windows(model, head, group, dtype)
                    tokens += sum(len(window.ids) - window.first for window in group)
                if progress is not None:
                    progress(n_bytes)
    finally:
        model.train(training)
    if not n_bytes:
        raise CorpusError("there is no text to score: every document is empty")
    return Score(nats, n_bytes, tokens)


def scoring_prefix(vocabulary: Vocabulary) -> int:
    """The id that stands before a document: BOS, else EOS.

    Raises:
        ModelError: if the vocabulary has neither.
    """
    for role in ("bos", "eos"):
        if role in vocabulary.special_tokens:
            return int(vocabulary.special_tokens[role])
    raise ModelError(
        "the vocabulary has neither a BOS nor an EOS token to put before a document; give it one of these roles"
    )


def model_context(model: PreTrainedModel) -> int:
    """Tokens the model can read at once, from its configuration."""
    context = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    if not context or context < 2:
        raise ModelError("the model's configuration names no max_position_embeddings: pass context_length")
    return int(context)


class _Window(NamedTuple):
    """A stretch of a document: ``ids[first:]`` are scored, each given everything before it in the window."""

    ids: npt.NDArray[np.int64]
    first: int


def _windows(ids: npt.NDArray[Any], prefix: int, context: int) -> Iterator[_Window]:
    """Windows of ``context`` tokens that overlap by half and together score each token of ``ids`` once."""
    if not len(ids):
        return
    whole = np.concatenate([[prefix], ids]).astype(np.int64)
    step = max(context // 2, 1)
    yield _Window(whole[:context], 1)
    scored = min(context, len(whole))
    start = 0
    while scored < len(whole):
        start += step
        yield _Window(whole[start : start + context], scored - start)
        scored = min(start + context, len(whole))


def _text_batches(texts: Iterable[str]) -> Iterator[list[str]]:
    """Documents in lists of about :data:`_TEXT_BATCH` bytes."""
    batch: list[str] = []
    size = 0
    for text in texts:
        batch.append(text)
        size += len(text)
        if size >= _TEXT_BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _groups(windows: list[_Window], batch_tokens: int) -> Iterator[list[_Window]]:
    """Windows, sorted by length, in groups of at most ``batch_tokens`` with their padding."""
    group: list[_Window] = []
    for window in windows:
        if group and (len(group) + 1) * len(window.ids) > batch_tokens:
            yield group
            group = []
        group.append(window)
    if group:
        yield group


def _score_windows(model: PreTrainedModel, head: Head | None, windows: list[_Window], dtype: str | None) -> float:
    """Nats of one group. Padding stands on the right, where causal attention cannot see it."""
    longest = max(len(window.ids) for window in windows)
    ids = np.zeros((len(windows), longest), np.int64)
    scored = np.zeros((len(windows), longest), bool)
    for row, window in enumerate(windows):
        ids[row, : len(window.ids)] = window.ids
        scored[row, window.first : len(window.ids)] = True
    device = model.get_input_embeddings().weight.device
    inputs = torch.from_numpy(ids).to(device)
    wanted = torch.from_numpy(scored).to(device)
    before = wanted[:, 1:]  # position i predicts token i + 1
    targets: Tensor = inputs[:, 1:][before]
    with autocast(device, dtype):
        whole = model if head is None else model.base_model
        output = whole(input_ids=inputs[:, :-1], use_cache=False)[0][before]
    if head is None:
        nats = torch.nn.functional.cross_entropy(output.float(), targets, reduction="none")
    else:
        nats = token_nats(output.to(head.weight.dtype), head, targets)
    return float(nats.double().sum())
