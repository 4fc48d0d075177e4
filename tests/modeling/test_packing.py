"""Packing against brute force, and every token predicted exactly once."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tokencraft.errors import CorpusError, UsageError
from tokencraft.modeling.packing import IGNORED, Packed, pack, pack_documents, plan_bins

LENGTHS = st.lists(st.integers(0, 20), max_size=30)
DOCUMENTS = st.lists(st.lists(st.integers(3, 99), max_size=40), min_size=1, max_size=12)


def best_fit_decreasing(lengths: list[int], capacity: int) -> list[list[int]]:
    """The rule, written as it is said: the tightest bin that still fits, the last filled one among equals."""
    bins: list[list[int]] = []
    order: list[int] = []  # when a bin last reached its present room
    for index in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        rooms = [capacity - sum(lengths[i] for i in one) for one in bins]
        fitting = [b for b in range(len(bins)) if rooms[b] >= lengths[index]]
        if fitting:
            tightest = min(rooms[b] for b in fitting)
            chosen = max((b for b in fitting if rooms[b] == tightest), key=order.index)
        else:
            chosen = len(bins)
            bins.append([])
        bins[chosen].append(index)
        order = [b for b in order if b != chosen] + [chosen]
    return bins


@given(LENGTHS)
def test_bins_follow_the_rule(lengths: list[int]) -> None:
    assert plan_bins(lengths, 20) == best_fit_decreasing(lengths, 20)


@given(st.lists(st.integers(1, 10), max_size=6))
def test_bins_are_few(lengths: list[int]) -> None:
    """At most 11/9 of the optimum and one more, the optimum by trying all partitions of few items."""

    def fewest(items: tuple[int, ...]) -> int:
        if not items:
            return 0
        rest = items[1:]
        subsets = itertools.chain.from_iterable(itertools.combinations(range(len(rest)), n) for n in range(len(items)))
        best = len(items)
        for subset in subsets:
            if items[0] + sum(rest[i] for i in subset) <= 10:
                best = min(best, 1 + fewest(tuple(x for i, x in enumerate(rest) if i not in subset)))
        return best

    assert len(plan_bins(lengths, 10)) <= 11 / 9 * fewest(tuple(lengths)) + 1


def test_item_over_capacity_is_refused() -> None:
    with pytest.raises(UsageError, match="item 1 has length 9, over the capacity 8"):
        plan_bins([3, 9], 8)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=8))
def test_packed_and_padded_are_inverse(lengths: list[int]) -> None:
    sequences = [torch.randn(length, 3) for length in lengths]
    packed = pack(sequences)
    assert all(torch.equal(a, b) for a, b in zip(packed.sequences(), sequences, strict=True))
    assert packed.positions().tolist() == [i for length in lengths for i in range(length)]
    padded = packed.to_padded(fill=7.0)
    mask = torch.arange(padded.shape[1])[None] < torch.tensor(lengths)[:, None]
    assert torch.equal(padded[~mask], torch.full_like(padded[~mask], 7.0))
    again = Packed.from_padded(padded, mask)
    assert torch.equal(again.values, packed.values)
    assert torch.equal(again.cu_seqlens, packed.cu_seqlens)
    assert torch.equal(again.indices, packed.indices)


def test_nothing_to_pack_is_refused() -> None:
    with pytest.raises(UsageError, match="nothing to pack"):
        pack([])


@given(DOCUMENTS, st.integers(2, 16), st.booleans(), st.booleans())
def test_every_token_is_predicted_once(documents: list[list[int]], context: int, prefixed: bool, ended: bool) -> None:
    prefix, suffix = (1 if prefixed else None), (2 if ended else None)
    expected = []
    for document in documents:
        if document:
            whole = [1] * prefixed + document + [2] * ended
            expected += list(itertools.pairwise(whole))
    if not expected:
        with pytest.raises(CorpusError, match="no document has two tokens"):
            pack_documents(documents, context, prefix=prefix, suffix=suffix)
        return
    rows = pack_documents(documents, context, prefix=prefix, suffix=suffix, token_bytes=np.arange(100))
    found = []
    for row in range(len(rows)):
        for place in range(context):
            if rows.labels[row, place] != IGNORED:
                found.append((rows.input_ids[row, place], rows.labels[row, place]))
                # the next token stands right behind, in the same document
                assert rows.labels[row, place] == rows.input_ids[row, place + 1]
                assert rows.position_ids[row, place + 1] == rows.position_ids[row, place] + 1
    assert sorted(found) == sorted(expected)
    assert rows.tokens == len(expected)
    assert rows.bytes.sum() == sum(label for _, label in expected)


def test_documents_stay_whole_and_restart() -> None:
    rows = pack_documents([[5, 6, 7], [8, 9]], 8, prefix=1, suffix=2)
    assert rows.input_ids.tolist() == [[1, 5, 6, 7, 2, 0, 0, 0], [1, 8, 9, 2, 0, 0, 0, 0]]
    rows = pack_documents([[5, 6, 7], [8, 9]], 10, prefix=1, suffix=2)
    assert rows.input_ids.tolist() == [[1, 5, 6, 7, 2, 1, 8, 9, 2, 0]]
    assert rows.position_ids.tolist() == [[0, 1, 2, 3, 4, 0, 1, 2, 3, 0]]
    assert rows.labels.tolist() == [[5, 6, 7, 2, IGNORED, 8, 9, 2, IGNORED, IGNORED]]
    assert rows.fill == pytest.approx(0.9)


def test_fingerprint_tells_rows_apart() -> None:
    one, same, other = (pack_documents([[5, 6, last]], 4) for last in (7, 7, 8))
    assert one.fingerprint() == same.fingerprint() != other.fingerprint()


def test_context_of_one_is_refused() -> None:
    with pytest.raises(UsageError, match="at least 2"):
        pack_documents([[1, 2]], 1)
