"""The chunked loss against PyTorch's own over the full matrix of logits."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from transformers import Gemma2Config, Gemma2ForCausalLM, PreTrainedModel

from modeling.conftest import make_model
from tokencraft.modeling import loss as loss_module
from tokencraft.modeling.loss import CausalLoss, Head, linear_cross_entropy, plain_head, token_nats
from tokencraft.modeling.packing import IGNORED, pack_documents


@pytest.mark.parametrize("chunk", [1, 40 * 20, 1 << 22])
@pytest.mark.parametrize("biased", [False, True])
def test_loss_and_gradients(monkeypatch: pytest.MonkeyPatch, chunk: int, biased: bool) -> None:
    monkeypatch.setattr(loss_module, "CHUNK_LOGITS", chunk)
    torch.manual_seed(0)
    hidden = torch.randn(50, 8, requires_grad=True)
    weight = torch.randn(40, 8, requires_grad=True)
    bias = torch.randn(40, requires_grad=True) if biased else None
    leaves = [hidden, weight] + ([bias] if bias is not None else [])
    targets = torch.randint(40, (50,))
    expected = F.cross_entropy(F.linear(hidden, weight, bias), targets, reduction="sum")
    found = linear_cross_entropy(hidden, Head(weight, bias), targets)
    torch.testing.assert_close(found, expected)
    for one, two in zip(
        torch.autograd.grad(found * 0.3, leaves), torch.autograd.grad(expected * 0.3, leaves), strict=True
    ):
        torch.testing.assert_close(one, two)
    each = token_nats(hidden.detach(), Head(weight.detach(), None if bias is None else bias.detach()), targets)
    torch.testing.assert_close(each.sum(), expected.detach())


def test_probabilities_below_float32() -> None:
    """A target 200 nats away has the probability 0 in float32, and still its loss."""
    hidden, weight = torch.tensor([[1.0], [0.0]]), torch.tensor([[200.0], [0.0]], requires_grad=True)
    found = linear_cross_entropy(hidden, Head(weight, None), torch.tensor([1, 1]))
    assert float(found.detach()) == pytest.approx(200.0 + 0.6931472)


def test_frozen_parts_get_no_gradient() -> None:
    hidden, weight = torch.randn(5, 4, requires_grad=True), torch.randn(6, 4)
    linear_cross_entropy(hidden, Head(weight, None), torch.arange(5)).backward()
    assert hidden.grad is not None
    assert weight.grad is None


def test_autocast_computes_in_bfloat16() -> None:
    torch.manual_seed(0)
    hidden, weight, targets = torch.randn(64, 16), torch.randn(30, 16, requires_grad=True), torch.randint(30, (64,))
    exact = F.cross_entropy(F.linear(hidden, weight), targets, reduction="sum")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = linear_cross_entropy(hidden, Head(weight, None), targets)
    assert rough.dtype == torch.float32
    assert 0 < abs(float((rough - exact).detach())) < 0.01 * float(exact.detach())
    (gradient,) = torch.autograd.grad(rough, weight)
    (expected,) = torch.autograd.grad(exact, weight)
    assert gradient.dtype == torch.float32
    torch.testing.assert_close(gradient, expected, rtol=0.05, atol=0.1)


def test_plain_heads_are_told_from_others(any_model: PreTrainedModel) -> None:
    head = plain_head(any_model)
    assert head is not None
    assert head.weight is any_model.get_output_embeddings().weight


def capped_model() -> PreTrainedModel:
    """A family whose logits go through a tanh after the output layer."""
    torch.manual_seed(0)
    sizes = {"vocab_size": 320, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1, "head_dim": 8}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2}
    model = Gemma2ForCausalLM(Gemma2Config(**sizes, **heads, final_logit_softcapping=0.5, pad_token_id=None))
    with torch.no_grad():
        model.get_input_embeddings().weight.mul_(20)
    return model.eval()


@pytest.mark.parametrize("make", [make_model, lambda: make_model("gpt-neox"), capped_model])
def test_causal_loss_is_that_of_transformers(make: object) -> None:
    model = make()  # type: ignore[operator]
    assert (plain_head(model) is None) == (type(model).__name__ == "Gemma2ForCausalLM")
    rows = pack_documents([[5, 6, 7, 8], [9, 10, 11]], 6, prefix=0)
    batch = rows.batch(range(len(rows)))
    arguments = {name: batch[name] for name in ("input_ids", "position_ids", "labels")}
    found = CausalLoss(model)(**arguments)
    logits = model(input_ids=batch["input_ids"], position_ids=batch["position_ids"], use_cache=False).logits
    expected = F.cross_entropy(logits.flatten(0, 1), batch["labels"].flatten(), ignore_index=IGNORED, reduction="sum")
    torch.testing.assert_close(found, expected)
