"""Attention over packed sequences: documents that share a row never feel each other.

Importing this module registers the attention implementation ``"tokencraft_varlen"`` with ``transformers``. It reads
where documents start from ``position_ids`` (they restart at 0) and attends within each document only: on a CPU one
causal ``scaled_dot_product_attention`` per document, whose cost is the sum of squared document lengths instead of the
squared row length; on a GPU PyTorch's variable-length flash attention for half precision; in every other case
(padding masks, sliding windows, cached decoding) it is ``transformers``' own SDPA attention with the block-diagonal
mask that ``transformers`` builds. Nothing is taken on trust: :func:`probe_isolation` changes one document and demands
that its neighbours' outputs stay equal to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from tokencraft.errors import ModelError

IMPLEMENTATION = "tokencraft_varlen"
"""The name under which ``transformers`` knows this attention (``model.set_attn_implementation``)."""


def varlen_attention(
    query: Tensor, key: Tensor, value: Tensor, cu_seqlens: Tensor, *, causal: bool = True, scale: float | None = None
) -> tuple[Tensor, Tensor]:
    """Attention within each of the sequences laid end to end.

    Args:
        query: ``[total, heads, dimension]``.
        key: ``[total, key_value_heads, dimension]``; ``heads`` is a multiple of ``key_value_heads``.
        value: as ``key``.
        cu_seqlens: int32 ``[n + 1]``, where each sequence starts; the last entry is ``total``.
        causal: whether a position sees only itself and what comes before it.
        scale: factor on the scores; ``dimension ** -0.5`` when left out.

    Returns:
        ``output [total, heads, dimension]`` and the log-sum-exp of the scores, float32 ``[total, heads]``. Gradients
        flow through ``output`` only.

    Example:
        >>> states, edges = torch.zeros(3, 1, 4), torch.tensor([0, 2, 3], dtype=torch.int32)
        >>> output, lse = varlen_attention(states, states, states, edges)
        >>> lse.exp().flatten().tolist()
        [1.0, 2.0, 1.0]
    """
    if query.device.type == "cuda" and query.dtype in (torch.float16, torch.bfloat16):
        return _flash_varlen(query, key, value, cu_seqlens, causal, scale)
    groups = query.shape[1] // key.shape[1]
    if groups > 1:
        key, value = key.repeat_interleave(groups, dim=1), value.repeat_interleave(groups, dim=1)
    lengths = cu_seqlens.diff().tolist()
    if query.device.type == "cpu":
        # torch leaves apply untyped
        output, lse = _FlashOnCPU.apply(query, key, value, lengths, causal, scale)  # type: ignore[no-untyped-call]
        return output, lse
    parts = zip(*(torch.split(states, lengths) for states in (query, key, value)), strict=True)
    outputs, sums = zip(*(_dense(q, k, v, causal, scale) for q, k, v in parts), strict=True)
    return torch.cat(outputs), torch.cat(sums)


class _FlashOnCPU(torch.autograd.Function):
    """PyTorch's CPU flash kernel, one sequence after another, with one node in the graph for all of them."""

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, lengths: list[int], causal: bool, scale: float | None
    ) -> tuple[Tensor, Tensor]:
        output = torch.empty_like(query, memory_format=torch.contiguous_format)
        lse = torch.empty(query.shape[:2], dtype=torch.float32)
        parts = (torch.split(states, lengths) for states in (query, key, value, output, lse))
        for q, k, v, out, sums in zip(*parts, strict=True):
            if len(q):
                found, found_lse = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
                    _heads_first(q), _heads_first(k), _heads_first(v), is_causal=causal, scale=scale
                )
                out.copy_(found[0].transpose(0, 1))
                sums.copy_(found_lse[0].transpose(0, 1))
        ctx.save_for_backward(query, key, value, output, lse)
        ctx.options = lengths, causal, scale
        ctx.mark_non_differentiable(lse)
        return output, lse

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor, grad_lse: Tensor) -> tuple[Tensor | None, ...]:
        lengths, causal, scale = ctx.options
        saved = (grad_output.contiguous(), *ctx.saved_tensors)
        grads = [torch.empty_like(saved[0]) for _ in range(3)]
        for grad, q, k, v, out, sums, *targets in zip(
            *(torch.split(states, lengths) for states in (*saved, *grads)), strict=True
        ):
            if len(q):
                states = [_heads_first(one) for one in (grad, q, k, v, out, sums[..., None])]
                states[-1] = states[-1].squeeze(-1)
                found = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward(
                    *states, 0.0, causal, scale=scale
                )
                for target, one in zip(targets, found, strict=True):
                    target.copy_(one[0].transpose(0, 1))
        return (*grads, None, None, None)


def _heads_first(states: Tensor) -> Tensor:
    """``[length, heads, dimension]`` as ``[1, heads, length, dimension]``, without a copy."""
    return states.transpose(0, 1).unsqueeze(0)


def _dense(query: Tensor, key: Tensor, value: Tensor, causal: bool, scale: float | None) -> tuple[Tensor, Tensor]:
    """One sequence by the formula, where no kernel gives the log-sum-exp."""
    scores = torch.einsum("qhd,khd->hqk", query, key).float()
    scores = scores * (query.shape[-1] ** -0.5 if scale is None else scale)
    if causal:
        later = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
        scores = scores.masked_fill(later, float("-inf"))
    output = torch.einsum("hqk,khd->qhd", scores.softmax(-1).to(value.dtype), value)
    return output, scores.logsumexp(-1).transpose(0, 1).detach()


def _flash_varlen(
    query: Tensor, key: Tensor, value: Tensor, cu_seqlens: Tensor, causal: bool, scale: float | None
) -> tuple[Tensor, Tensor]:
    """PyTorch's flash attention over all sequences at once."""
    from torch.nn.attention.varlen import AuxRequest, varlen_attn

    longest = int(cu_seqlens.diff().max())
    output, lse = varlen_attn(
        query,
        key,
        value,
        cu_seqlens,
        cu_seqlens,
        longest,
        longest,
        scale=scale,
        window_size=(-1, 0) if causal else (-1, -1),
        enable_gqa=query.shape[1] != key.shape[1],
        return_aux=AuxRequest(lse=True),
    )
    return output, lse.transpose(0, 1).float()  # [heads, total] -> [total, heads]


def packed_attention_forward(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    position_ids: Tensor | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """``tokencraft_varlen`` as ``transformers`` calls it: ``query [batch, heads, tokens, dimension]``."""
    starts = None
    if dropout == 0.0 and not _is_windowed(kwargs, query.shape[2]):
        starts = _document_starts(query, key, attention_mask, position_ids)
    if starts is None:
        return sdpa_attention_forward(  # type: ignore[no-any-return]  # transformers is untyped
            module,
            query,
            key,
            value,
            attention_mask,
            dropout=dropout,
            scaling=scaling,
            position_ids=position_ids,
            **kwargs,
        )
    batch, heads, tokens, dimension = query.shape
    # all rows end to end: [batch, heads, tokens, dimension] -> [batch * tokens, heads, dimension]
    # Under autocast positions leave query and key in float32 beside a value in half precision. On a CPU the kernel is
    # faster in float32 for documents of a few hundred tokens.
    dtype = value.dtype if query.device.type == "cuda" else query.dtype
    q, k, v = (states.transpose(1, 2).flatten(0, 1).to(dtype) for states in (query, key, value))
    output, _ = varlen_attention(q, k, v, _cu_seqlens(starts), scale=scaling)
    return output.view(batch, tokens, heads, dimension).to(value.dtype), None


def _is_windowed(kwargs: dict[str, Any], tokens: int) -> bool:
    """Whether this layer sees only a window of the past, which the per-document path does not do."""
    window = kwargs.get("sliding_window")
    return window is not None and window < tokens


def _document_starts(query: Tensor, key: Tensor, mask: Tensor | None, position_ids: Tensor | None) -> Tensor | None:
    """bool ``[batch, tokens]``, true where a document starts; None where rows are not packed or it cannot be told."""
    batch, _, tokens, _ = query.shape
    if position_ids is None or position_ids.ndim != 2 or position_ids.shape[1] != tokens or key.shape[2] != tokens:
        return None
    if query.device.type == "cuda" and query.dtype == torch.float32:
        return None
    starts = torch.ones(batch, tokens, dtype=torch.bool, device=query.device)
    starts[:, 1:] = position_ids.expand(batch, -1).diff(dim=1) != 1
    if not bool(starts[:, 1:].any()):
        return None
    if mask is not None:
        # Only a mask that already blocks every document boundary is one the per-document path may stand in for.
        if mask.dtype != torch.bool or mask.shape[-2:] != (tokens, tokens):
            return None
        crosses = mask[:, 0].diagonal(offset=-1, dim1=-2, dim2=-1)  # [batch, tokens - 1]: token i + 1 sees token i
        if bool((crosses & starts[:, 1:]).any()):
            return None
    return starts


def _cu_seqlens(starts: Tensor) -> Tensor:
    """int32 offsets of the documents of all rows laid end to end."""
    edges = starts.flatten().nonzero().flatten()
    return F.pad(edges, (0, 1), value=starts.numel()).to(torch.int32)


AttentionInterface.register(IMPLEMENTATION, packed_attention_forward)
AttentionMaskInterface.register(IMPLEMENTATION, sdpa_mask)


@contextmanager
def packed_attention(model: PreTrainedModel) -> Iterator[None]:
    """Within the block ``model`` attends with :data:`IMPLEMENTATION`, where its family allows it; then as before."""
    before = model.config._attn_implementation
    model.set_attn_implementation(IMPLEMENTATION)
    try:
        yield
    finally:
        model.set_attn_implementation(before)


@dataclass(frozen=True)
class Isolation:
    """What :func:`probe_isolation` found.

    Args:
        leak: the largest change of a document's logits when its neighbour changes; 0.0 means isolated.
        shift: the largest difference between a document's logits in a packed row and alone (float noise).
    """

    leak: float
    shift: float


@torch.no_grad()
def probe_isolation(model: PreTrainedModel, *, lengths: tuple[int, int] = (9, 7), seed: int = 0) -> Isolation:
    """Packs two random documents in one row, changes one, and compares the other's logits.

    Args:
        model: a causal language model, as it will be trained (its attention implementation is left as it is).
        lengths: tokens in the two documents.
        seed: of the random documents.

    Returns:
        The :class:`Isolation`; its ``leak`` is 0.0.

    Raises:
        ModelError: if one document feels the other, or is not at the positions it has alone.
    """
    generator = torch.Generator().manual_seed(seed)
    rows = int(model.get_input_embeddings().weight.shape[0])
    device = model.get_input_embeddings().weight.device

    def document(length: int) -> Tensor:
        return torch.randint(rows, (length,), generator=generator).to(device)

    first, second = (document(length) for length in lengths)
    other_first, other_second = (document(length) for length in lengths)

    def logits(*documents: Tensor) -> Tensor:
        positions = torch.cat([torch.arange(len(one), device=device) for one in documents])
        out = model(input_ids=torch.cat(documents)[None], position_ids=positions[None], use_cache=False)
        return out.logits[0].float()  # type: ignore[no-any-return]  # transformers is untyped

    training = model.training
    model.eval()
    try:
        packed = logits(first, second)
        changed_first, changed_second = logits(other_first, second), logits(first, other_second)
        alone = torch.cat([logits(first), logits(second)])
    finally:
        model.train(training)
    if not bool(packed.isfinite().all()):
        raise ModelError(f"{type(model).__name__} gives logits that are not finite: its weights are damaged")
    cut = lengths[0]
    leak = max(
        float((packed[cut:] - changed_first[cut:]).abs().max()),
        float((packed[:cut] - changed_second[:cut]).abs().max()),
    )
    shift = float((packed - alone).abs().max())
    if leak != 0.0:
        raise ModelError(
            f"{type(model).__name__} leaks between documents packed in one row (logits move by {leak:.3g} when the "
            f"neighbour changes); its attention {model.config._attn_implementation!r} is not fit for packed training"
        )
    tolerance = 1e-3 if packed.dtype == model.dtype else 5e-2
    if shift > tolerance * max(1.0, float(alone.abs().max())):
        raise ModelError(
            f"{type(model).__name__} gives a packed document other logits than alone (they differ by {shift:.3g}): its "
            "positions do not restart with the document"
        )
    return Isolation(leak, shift)
