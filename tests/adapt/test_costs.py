"""Costs against sums done by hand."""

from __future__ import annotations

import pytest

from tokencraft.adapt.costs import ModelSize, break_even_tokens, cost_table

# 100 body parameters and 10 x 5 embedding rows, tied and not.
TIED = ModelSize(body=100, embedding=50, output=0, output_rows_cost=50)
UNTIED = ModelSize(body=100, embedding=50, output=50, output_rows_cost=50)


def test_shares_and_operations_by_hand() -> None:
    assert TIED.total == 150
    assert UNTIED.total == 200
    assert TIED.embedding_share == pytest.approx(1 / 3)
    assert UNTIED.embedding_share == pytest.approx(1 / 2)
    assert TIED.forward_flops_per_token == UNTIED.forward_flops_per_token == 300.0


def test_cost_of_a_million_bytes_by_hand() -> None:
    table = cost_table(TIED, UNTIED, 0.25, 0.2, price=2.0)
    assert table["before"]["tokens_per_million_bytes"] == pytest.approx(250_000)
    assert table["before"]["gflop_per_million_bytes"] == pytest.approx(250_000 * 300 / 1e9)
    assert table["before"]["price_per_million_bytes"] == pytest.approx(0.5)
    assert table["after"]["price_per_million_bytes"] == pytest.approx(0.4)
    assert "price_per_million_bytes" not in cost_table(TIED, TIED, 0.25, 0.2, price=None)["before"]


def test_break_even_by_hand() -> None:
    # Healing: 3 x 300 x 1,000 operations. A byte saves (0.25 - 0.2) x 300 = 15. So 60,000 bytes, or 15,000 old tokens.
    assert break_even_tokens(TIED, TIED, 0.25, 0.2, 1_000) == pytest.approx(15_000)


def test_no_break_even_where_nothing_is_saved() -> None:
    assert break_even_tokens(TIED, TIED, 0.2, 0.2, 1_000) is None
    assert break_even_tokens(TIED, TIED, 0.2, 0.25, 1_000) is None
