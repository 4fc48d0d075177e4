"""The next-token loss without the ``[tokens, vocabulary]`` matrix of logits.

With a vocabulary of 8k to 128k the logits of a batch are the largest tensor of a training step by far. Where a model's
head is one linear layer (:func:`plain_head` finds out), :func:`linear_cross_entropy` walks over the tokens in chunks
and computes the loss and its gradients together, so that no more than one chunk of logits exists at any time.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PreTrainedModel

from tokencraft.modeling.packing import IGNORED

CHUNK_LOGITS = 4 << 20
"""Logits held at a time: 16 MiB in float32."""


class Head(NamedTuple):
    """An output layer ``logits = hidden @ weight.T + bias``: ``weight [vocabulary, dimension]``."""

    weight: Tensor
    bias: Tensor | None


@torch.no_grad()
def plain_head(model: PreTrainedModel) -> Head | None:
    """The output layer of ``model`` if its logits are nothing but that layer applied to the last hidden states.

    Some families scale or cap their logits afterwards; a probe of four tokens tells, whatever the family.

    Returns:
        The head, or None where logits must be asked of the model itself.
    """
    head = model.get_output_embeddings()
    if not isinstance(head, nn.Linear) or model.base_model is model:
        return None
    ids = torch.arange(4, device=head.weight.device)[None] % model.get_input_embeddings().weight.shape[0]
    training = model.training
    model.eval()
    try:
        logits = model(input_ids=ids, use_cache=False).logits
        hidden = model.base_model(input_ids=ids, use_cache=False)[0]
        plain = torch.allclose(logits.float(), F.linear(hidden, head.weight, head.bias).float(), rtol=1e-3, atol=1e-4)
    finally:
        model.train(training)
    return Head(head.weight, head.bias) if plain else None


def autocast(device: torch.device, dtype: str | None) -> AbstractContextManager[Any]:
    """Autocast in the named type; nothing for None and ``"float32"``."""
    if dtype in (None, "float32"):
        return nullcontext()
    return torch.autocast(device.type, dtype=getattr(torch, str(dtype)))


def token_nats(hidden: Tensor, head: Head, targets: Tensor) -> Tensor:
    """Negative log-likelihood of each target, without gradients.

    Args:
        hidden: ``[tokens, dimension]``.
        head: the output layer.
        targets: int64 ``[tokens]``.

    Returns:
        float32 ``[tokens]`` in nats, from a log-softmax in float32.
    """
    nats = torch.empty(len(targets), dtype=torch.float32, device=hidden.device)
    for chunk in _chunks(len(targets), head.weight.shape[0]):
        logits = F.linear(hidden[chunk], head.weight, head.bias).float()
        nats[chunk] = F.cross_entropy(logits, targets[chunk], reduction="none")
    return nats


def linear_cross_entropy(hidden: Tensor, head: Head, targets: Tensor) -> Tensor:
    """Sum of the negative log-likelihoods of ``targets``, in nats, with gradients.

    Arguments as :func:`token_nats`. Products run in the autocast type where autocast is on, the softmax in float32.
    """
    dtype = hidden.dtype
    if torch.is_autocast_enabled(hidden.device.type):
        dtype = torch.get_autocast_dtype(hidden.device.type)
    # torch leaves apply untyped
    loss: Tensor = _LinearCrossEntropy.apply(hidden, head.weight, head.bias, targets, dtype)  # type: ignore[no-untyped-call]
    return loss


class _LinearCrossEntropy(torch.autograd.Function):
    """Loss and gradients in one walk; ``backward`` only scales what ``forward`` has computed."""

    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor, dtype: torch.dtype
    ) -> Tensor:
        wants_hidden, wants_weight, wants_bias = ctx.needs_input_grad[:3]
        low_weight, low_hidden = weight.to(dtype), hidden.to(dtype)
        grad_hidden = torch.empty_like(hidden) if wants_hidden else None
        grad_weight = torch.zeros_like(weight, dtype=torch.float32) if wants_weight else None
        grad_bias = torch.zeros_like(bias, dtype=torch.float32) if bias is not None and wants_bias else None
        total = torch.zeros((), dtype=torch.float32, device=hidden.device)
        for chunk in _chunks(len(targets), weight.shape[0]):
            inputs, wanted = low_hidden[chunk], targets[chunk, None]
            logits = F.linear(inputs, low_weight, None if bias is None else bias.to(dtype))
            # d loss / d logits = softmax - one_hot(target); the loss comes from the same pass over the vocabulary
            grad = torch.softmax(logits, dim=-1, dtype=torch.float32)
            total += _nats(logits, grad.gather(1, wanted).squeeze(1), targets[chunk])
            grad.scatter_add_(1, wanted, torch.full_like(wanted, -1.0, dtype=torch.float32))
            if grad_bias is not None:
                grad_bias += grad.sum(0)
            grad = grad.to(dtype)
            if grad_hidden is not None:
                grad_hidden[chunk] = (grad @ low_weight).to(hidden.dtype)
            if grad_weight is not None:
                grad_weight += grad.T @ inputs
        ctx.save_for_backward(grad_hidden, grad_weight, grad_bias)
        ctx.dtypes = (weight.dtype, None if bias is None else bias.dtype)
        return total

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None, None, None]:
        grad_hidden, grad_weight, grad_bias = ctx.saved_tensors
        weight_dtype, bias_dtype = ctx.dtypes
        return (
            None if grad_hidden is None else grad_hidden * grad_output.to(grad_hidden.dtype),
            None if grad_weight is None else (grad_weight * grad_output).to(weight_dtype),
            None if grad_bias is None else (grad_bias * grad_output).to(bias_dtype),
            None,
            None,
        )


def _nats(logits: Tensor, probabilities: Tensor, targets: Tensor) -> Tensor:
    """Sum of ``-log(probabilities)``, also where one is too small for float32."""
    nats = -probabilities.log()
    lost = probabilities == 0
    if bool(lost.any()):
        nats[lost] = F.cross_entropy(logits[lost].float(), targets[lost], reduction="none")
    return nats.sum()


def _chunks(tokens: int, vocabulary: int) -> list[slice]:
    """Slices of the tokens whose logits fit :data:`CHUNK_LOGITS`."""
    size = max(16, CHUNK_LOGITS // vocabulary)
    return [slice(start, min(start + size, tokens)) for start in range(0, tokens, size)]


class CausalLoss(nn.Module):
    """A causal language model as a module from packed rows to the sum of its next-token losses.

    Args:
        model: the language model; its parameters are this module's parameters.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model
        self._plain = plain_head(model) is not None

    def forward(self, input_ids: Tensor, position_ids: Tensor, labels: Tensor) -> Tensor:
        """Nats summed over all labels that are not :data:`~tokencraft.modeling.packing.IGNORED`.

        Args:
            input_ids: int64 ``[rows, context]``.
            position_ids: int64 ``[rows, context]``, restarting with each document.
            labels: int64 ``[rows, context]``, the next token, else ``IGNORED``.
        """
        real = labels != IGNORED
        if self._plain:
            hidden = self.model.base_model(input_ids=input_ids, position_ids=position_ids, use_cache=False)[0]
            layer = self.model.get_output_embeddings()
            return linear_cross_entropy(hidden[real], Head(layer.weight, layer.bias), labels[real])
        logits = self.model(input_ids=input_ids, position_ids=position_ids, use_cache=False).logits
        return F.cross_entropy(logits[real].float(), labels[real], reduction="sum")
