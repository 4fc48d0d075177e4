"""Shards over processes: order, laziness, errors and dead workers."""

from __future__ import annotations

import operator
import os
import signal
from collections.abc import Iterator

import pytest

from tokencraft.engine import Local
from tokencraft.errors import CorpusError, MissingExtraError, TokencraftError, UsageError


def square(number: int) -> int:
    return number * number


def fail(kind: str) -> None:
    raise MissingExtraError("ray", "cluster") if kind == "extra" else CorpusError(f"bad {kind}")


def die(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("processes", [1, 2])
def test_map_keeps_order_whatever_the_processes(processes: int) -> None:
    assert list(Local(processes).map(square, range(9))) == [k * k for k in range(9)]
    assert Local(processes).map_reduce(str, range(4), operator.add) == "0123"  # not commutative


def test_shards_are_drawn_as_results_are_taken() -> None:
    drawn = []

    def shards() -> Iterator[int]:
        for k in range(100):
            drawn.append(k)
            yield k

    results = Local().map(square, shards())
    assert next(results) == 0
    assert len(drawn) == 1


def test_few_shards_are_in_flight() -> None:
    drawn = []

    def shards() -> Iterator[int]:
        for k in range(100):
            drawn.append(k)
            yield k

    results = Local(2).map(square, shards())
    assert next(results) == 0
    assert len(drawn) <= 5
    results.close()  # type: ignore[attr-defined]  # a generator


def test_errors_of_workers_arrive_as_they_are() -> None:
    with pytest.raises(CorpusError, match="bad thing"):
        list(Local(2).map(fail, ["thing"]))
    with pytest.raises(MissingExtraError, match=r"tokencraft\[cluster\]") as caught:
        list(Local(2).map(fail, ["extra"]))
    assert caught.value.extra == "cluster"


def test_killed_worker() -> None:
    with pytest.raises(TokencraftError, match="a worker process died"):
        list(Local(2).map(die, range(3)))


def test_nothing_to_reduce() -> None:
    with pytest.raises(UsageError, match="at least one shard"):
        Local().map_reduce(square, [], operator.add)


def test_no_processes() -> None:
    with pytest.raises(UsageError, match="at least 1 process"):
        Local(0)
