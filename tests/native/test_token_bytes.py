"""Decoding kernel."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokencraft import _native

TOKENS = [bytes([byte]) for byte in range(256)] + [b"", b" the", b"x" * 15, b"y" * 16, b"z" * 40]


@given(ids=st.lists(st.integers(0, len(TOKENS) - 1), max_size=60), cuts=st.lists(st.integers(0, 60), max_size=4))
def test_bytes_are_joined(ids: list[int], cuts: list[int]) -> None:
    decoder = _native.TokenBytes(TOKENS)
    array = np.asarray(ids, np.uint32)
    assert decoder.decode(array) == b"".join(TOKENS[each] for each in ids)
    offsets = np.asarray(sorted({0, len(ids), *(min(cut, len(ids)) for cut in cuts)}), np.int64)
    parts = decoder.decode_batch(array, offsets)
    expected = [b"".join(TOKENS[each] for each in ids[start:end]) for start, end in itertools.pairwise(offsets)]
    assert parts == expected


def test_bad_ids_and_offsets() -> None:
    decoder = _native.TokenBytes(TOKENS)
    with pytest.raises(IndexError, match=r"id 261 at position 1 is outside the vocabulary's 0\.\.260"):
        decoder.decode(np.asarray([5, 261], np.uint32))
    for offsets in ([0, 3], [2, 1], [-1, 1]):
        with pytest.raises(ValueError, match="offsets"):
            decoder.decode_batch(np.asarray([1, 2], np.uint32), np.asarray(offsets, np.int64))
