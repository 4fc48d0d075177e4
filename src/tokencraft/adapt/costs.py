"""What tokens cost: arithmetic per token, cost per million bytes, and when the adaptation has paid for itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ModelSize:
    """The parameters of a model, split by what a token pays for.

    Args:
        body: parameters outside the embedding and output matrices.
        embedding: parameters of the input matrix.
        output: parameters of the output matrix that are not shared with the input matrix.
        output_rows_cost: parameters that the output projection multiplies with, shared or not.
    """

    body: int
    embedding: int
    output: int
    output_rows_cost: int

    @property
    def total(self) -> int:
        """All parameters, shared ones counted once."""
        return self.body + self.embedding + self.output

    @property
    def embedding_share(self) -> float:
        """Share of embeddings (input and output rows) in the parameters, 0 to 1."""
        return (self.embedding + self.output) / self.total

    @property
    def forward_flops_per_token(self) -> float:
        """Two operations per multiplied parameter: the body and the output projection; looking a row up is free.

        The attention scores are left out: they depend on the context and are the same share before and after.
        """
        return 2.0 * (self.body + self.output_rows_cost)


def cost_table(
    before: ModelSize,
    after: ModelSize,
    tokens_per_byte_before: float,
    tokens_per_byte_after: float,
    price: float | None,
) -> dict[str, Any]:
    """Cost per million bytes of text, before and after.

    Returns:
        ``{"before": {...}, "after": {...}}`` with ``tokens_per_million_bytes``, ``gflop_per_million_bytes`` (one
        forward pass) and, where a price of a million tokens is given, ``price_per_million_bytes``.
    """

    def side(size: ModelSize, tokens_per_byte: float) -> dict[str, float]:
        tokens = tokens_per_byte * 1e6
        row = {
            "tokens_per_million_bytes": tokens,
            "gflop_per_million_bytes": tokens * size.forward_flops_per_token / 1e9,
        }
        if price is not None:
            row["price_per_million_bytes"] = tokens * price / 1e6
        return row

    return {"before": side(before, tokens_per_byte_before), "after": side(after, tokens_per_byte_after)}


def break_even_tokens(
    before: ModelSize,
    after: ModelSize,
    tokens_per_byte_before: float,
    tokens_per_byte_after: float,
    healing_tokens: int,
) -> float | None:
    """How many tokens (of the old vocabulary) of use repay the arithmetic that healing took.

    Healing costs three forward passes per token trained (forward, and backward at twice that). Every byte read or
    written with the new model instead of the old one saves the difference of the two forward passes.

    Returns:
        The number of old tokens, or None where the new model is not cheaper per byte.
    """
    spent = 3.0 * after.forward_flops_per_token * healing_tokens
    saved_per_byte = (
        tokens_per_byte_before * before.forward_flops_per_token - tokens_per_byte_after * after.forward_flops_per_token
    )
    if saved_per_byte <= 0.0:
        return None
    return spent / saved_per_byte * tokens_per_byte_before
