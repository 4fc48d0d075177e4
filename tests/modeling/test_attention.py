"""Packed attention against a dense softmax and against documents alone, values and gradients."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from modeling.conftest import make_model
from tokencraft.errors import ModelError
from tokencraft.modeling.attention import (
    IMPLEMENTATION,
    packed_attention,
    probe_isolation,
    varlen_attention,
)


def dense(query: Tensor, key: Tensor, value: Tensor, edges: list[int], causal: bool) -> tuple[Tensor, Tensor]:
    """The formula with a mask over everything."""
    groups = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    owner = torch.repeat_interleave(torch.arange(len(edges) - 1), torch.tensor(edges).diff())
    allowed = owner[:, None] == owner[None]
    if causal:
        allowed &= torch.ones_like(allowed).tril()
    scores = torch.einsum("qhd,khd->hqk", query, key) / math.sqrt(query.shape[-1])
    scores = scores.masked_fill(~allowed, float("-inf"))
    return torch.einsum("hqk,khd->qhd", scores.softmax(-1), value), scores.logsumexp(-1).T


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("heads", [(4, 4), (4, 2)])
def test_varlen_attention_is_the_formula(causal: bool, heads: tuple[int, int]) -> None:
    torch.manual_seed(0)
    edges = [0, 5, 6, 13]
    query = torch.randn(13, heads[0], 8, requires_grad=True)
    key, value = (torch.randn(13, heads[1], 8, requires_grad=True) for _ in range(2))
    cu_seqlens = torch.tensor(edges, dtype=torch.int32)
    output, lse = varlen_attention(query, key, value, cu_seqlens, causal=causal)
    expected, expected_lse = dense(query, key, value, edges, causal)
    torch.testing.assert_close(output, expected)
    torch.testing.assert_close(lse, expected_lse)
    weights = torch.randn_like(output)
    gradients = torch.autograd.grad((output * weights).sum(), (query, key, value))
    expected_gradients = torch.autograd.grad((expected * weights).sum(), (query, key, value))
    for found, wanted in zip(gradients, expected_gradients, strict=True):
        torch.testing.assert_close(found, wanted)


def test_log_sum_exp_joins_parts() -> None:
    """What log-sum-exp is for: attention over two halves of the keys, joined by it, is attention over all of them."""
    torch.manual_seed(1)
    query, key, value = (torch.randn(6, 2, 4) for _ in range(3))
    whole, lse = varlen_attention(query, key, value, torch.tensor([0, 6], dtype=torch.int32), causal=False)
    joined = torch.zeros_like(whole)
    for half in (slice(0, 3), slice(3, 6)):
        part, part_lse = dense_over(query, key[half], value[half])
        joined += part * (part_lse - lse).exp()[..., None]
    torch.testing.assert_close(whole, joined)


def dense_over(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
    """Every query over all of the keys."""
    scores = torch.einsum("qhd,khd->hqk", query, key) / math.sqrt(query.shape[-1])
    return torch.einsum("hqk,khd->qhd", scores.softmax(-1), value), scores.logsumexp(-1).T


LENGTHS = ((7, 5, 1), (4, 9))


def packed_logits(model: PreTrainedModel, rows: list[list[Tensor]]) -> list[list[Tensor]]:
    """Logits of documents packed into rows, padded at the end."""
    longest = max(sum(map(len, row)) for row in rows)
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    positions = torch.zeros(len(rows), longest, dtype=torch.long)
    for number, row in enumerate(rows):
        ids[number, : sum(map(len, row))] = torch.cat(row)
        placed = torch.cat([torch.arange(len(document)) for document in row])
        positions[number] = torch.cat([placed, torch.arange(longest - len(placed))])
    logits = model(input_ids=ids, position_ids=positions, use_cache=False).logits
    return [list(one[: sum(map(len, row))].split([len(d) for d in row])) for one, row in zip(logits, rows, strict=True)]


def test_packed_rows_equal_documents_alone(any_model: PreTrainedModel) -> None:
    torch.manual_seed(2)
    rows = [[torch.randint(1, 300, (length,)) for length in lengths] for lengths in LENGTHS]

    def gradients(loss: Tensor) -> list[Tensor]:
        return list(torch.autograd.grad(loss, list(any_model.parameters())))

    alone = [[any_model(input_ids=document[None], use_cache=False).logits[0] for document in row] for row in rows]
    weights = [[torch.randn_like(one) for one in row] for row in alone]

    def loss(logits: list[list[Tensor]]) -> Tensor:
        terms = [
            (a * w).sum()
            for row, factors in zip(logits, weights, strict=True)
            for a, w in zip(row, factors, strict=True)
        ]
        return torch.stack(terms).sum()

    expected = gradients(loss(alone))
    with packed_attention(any_model):
        assert any_model.config._attn_implementation == IMPLEMENTATION
        packed = packed_logits(any_model, rows)
        found = gradients(loss(packed))
    assert any_model.config._attn_implementation != IMPLEMENTATION
    for row, other in zip(packed, alone, strict=True):
        for one, two in zip(row, other, strict=True):
            torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-4)
    for one, two in zip(found, expected, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_probe_finds_no_leak(any_model: PreTrainedModel, dtype: torch.dtype) -> None:
    any_model.to(dtype)
    with packed_attention(any_model):
        assert probe_isolation(any_model).leak == 0.0


def test_probe_finds_a_leak(model: PreTrainedModel) -> None:
    def causal_only(module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Any, **kwargs: Any) -> Any:
        kwargs.pop("position_ids", None)
        return sdpa_attention_forward(module, query, key, value, None, **kwargs)

    AttentionInterface.register("test_leaky", causal_only)
    AttentionMaskInterface.register("test_leaky", sdpa_mask)
    model.set_attn_implementation("test_leaky")
    with pytest.raises(ModelError, match="leaks between documents"):
        probe_isolation(model)


def test_probe_finds_positions_that_go_on() -> None:
    """A model that keeps documents apart, yet counts positions on from one to the next."""
    model = make_model("gpt2")
    embed = model.transformer.wpe.forward
    model.transformer.wpe.forward = lambda positions: embed(torch.arange(positions.shape[1])[None])
    with packed_attention(model), pytest.raises(ModelError, match="positions do not restart"):
        probe_isolation(model)


def test_generation_with_padding_is_as_before(model: PreTrainedModel) -> None:
    ids = torch.tensor([[0, 0, 5, 6, 7], [9, 8, 7, 6, 5]])
    mask = torch.tensor([[0, 0, 1, 1, 1], [1, 1, 1, 1, 1]])
    arguments = {"input_ids": ids, "attention_mask": mask, "max_new_tokens": 6, "do_sample": False, "pad_token_id": 0}
    expected = model.generate(**arguments)
    with packed_attention(model):
        assert torch.equal(model.generate(**arguments), expected)
