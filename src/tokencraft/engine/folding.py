"""The reduce of every engine: results in the order of their shards, folded from the left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce as fold
from typing import TypeVar

from tokencraft.errors import UsageError

R = TypeVar("R")


def folded(results: Iterator[R], reduce: Callable[[R, R], R]) -> R:
    """The results folded from the left with ``reduce``.

    Raises:
        UsageError: there are none, so there is nothing to return.

    Example:
        >>> folded(iter("abc"), lambda left, right: left + right)
        'abc'
    """
    for first in results:
        return fold(reduce, results, first)
    raise UsageError("map_reduce needs at least one shard")
