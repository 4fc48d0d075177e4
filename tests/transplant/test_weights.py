"""The worked numbers of the method."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tokencraft.transplant.combinations import Combinations
from tokencraft.transplant.weights import global_weights, local_weights, softmax

COSINES, SHARES = np.array([0.9, 0.3]), np.array([3, 2]) / 5
NEIGHBOURS = np.array([0.8, 0.6, 0.5])


def test_local_weights_by_hand() -> None:
    np.testing.assert_allclose(softmax(COSINES), [0.6457, 0.3543], atol=5e-5)
    np.testing.assert_allclose((softmax(COSINES) + SHARES) / 2, [0.6228, 0.3772], atol=5e-5)
    np.testing.assert_allclose(local_weights(COSINES, SHARES, 0.3), [0.6940, 0.3060], atol=5e-5)


def test_global_weights_by_hand() -> None:
    np.testing.assert_allclose(global_weights(NEIGHBOURS, 0.3, 0.0), [0.5315, 0.2729, 0.1955], atol=6e-5)
    np.testing.assert_allclose(global_weights(NEIGHBOURS, 0.3, 0.55), [0.6608, 0.3392, 0.0], atol=6e-5)
    np.testing.assert_allclose(global_weights(np.array([0.4, -0.1, -0.2]), 0.3, 0.0), [1.0, 0.0, 0.0])
    assert len(global_weights(NEIGHBOURS, 0.3, 0.9)) == 0


def test_rows_by_hand() -> None:
    matrix = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [2.0, 0.0], [0.0, 2.0]])
    local = Combinations.of([(np.array([0, 1]), local_weights(COSINES, SHARES, 0.3))])
    wide = Combinations.of([(np.array([2, 3, 4]), global_weights(NEIGHBOURS, 0.3, 0.0))])
    for combination, expected in (
        (local, [0.6940, 0.3060]),
        (wide, [1.0774, 0.9226]),
        (local.mix(wide, 0.3), [0.8090, 0.4910]),
        (local.mix(wide, 0.0), [0.6940, 0.3060]),
        (local.mix(wide, 1.0), [1.0774, 0.9226]),
    ):
        np.testing.assert_allclose(combination.apply(matrix)[0], expected, atol=6e-5)
        assert combination.weights.sum() == pytest.approx(1.0)


def test_one_estimate_stands_for_both() -> None:
    ids, weights = np.array([3]), np.ones(1)
    nothing = (np.zeros(0, np.int64), np.zeros(0))
    local = Combinations.of([(ids, weights), nothing, nothing])
    wide = Combinations.of([nothing, (ids, weights), nothing])
    mixed = local.mix(wide, 0.3)
    assert [mixed[index][0].tolist() for index in range(3)] == [[3], [3], []]
    assert mixed.empty.tolist() == [False, False, True]


def test_an_old_token_counts_once() -> None:
    local = Combinations.of([(np.array([4, 7]), np.array([0.5, 0.5]))])
    wide = Combinations.of([(np.array([7, 9]), np.array([0.25, 0.75]))])
    ids, weights = local.mix(wide, 0.4)[0]
    assert ids.tolist() == [4, 7, 9]
    np.testing.assert_allclose(weights, [0.3, 0.3 + 0.1, 0.3])


def test_first_source_and_parts() -> None:
    some = Combinations.of(
        [(np.array([4, 7]), np.array([0.5, 0.5])), (np.zeros(0, np.int64), np.zeros(0)), (np.array([9]), np.ones(1))]
    )
    first = some.first()
    assert [first[index][0].tolist() for index in range(3)] == [[4], [], [9]]
    assert [first[index][1].tolist() for index in range(3)] == [[1.0], [], [1.0]]
    part = some.part(1, 3)
    assert [part[index][0].tolist() for index in range(2)] == [[], [9]]


def test_norm_is_that_of_the_sources() -> None:
    matrix = torch.tensor([[3.0, 0.0], [0.0, 5.0]])
    half = Combinations.of([(np.array([0, 1]), np.array([0.5, 0.5]))])
    np.testing.assert_allclose(half.apply(matrix)[0], [1.5, 2.5])
    matched = half.apply(matrix, match_norm=True)[0]
    assert float(matched.norm()) == pytest.approx(4.0)
    np.testing.assert_allclose(matched / matched.norm(), torch.tensor([3.0, 5.0]) / 34**0.5, rtol=1e-6)
    zero = Combinations.of([(np.array([0, 1]), np.array([0.5, 0.5]))]).apply(torch.zeros(2, 2), match_norm=True)
    assert not zero.any()
