"""Shards over processes of this machine."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import TypeVar

from tokencraft.engine.folding import folded
from tokencraft.errors import TokencraftError, UsageError

T = TypeVar("T")
R = TypeVar("R")


def available_processes() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class Local:
    """Runs shards one after the other, or on worker processes.

    Args:
        processes: 1 runs everything in this process; more start that many fresh interpreters, so function and shards
            must be importable and picklable there (a function at the top of a module, not a lambda).

    Example:
        >>> list(Local().map(len, ["a", "bcd"]))
        [1, 3]
    """

    processes: int = 1

    def __post_init__(self) -> None:
        """Refuse less than one process."""
        if self.processes < 1:
            raise UsageError(f"an engine needs at least 1 process, not {self.processes}")

    def map(self, function: Callable[[T], R], shards: Iterable[T]) -> Iterator[R]:
        """``function`` of every shard, in the order of the shards.

        At most two shards a process are drawn ahead of the result that is taken next.

        Raises:
            TokencraftError: a worker died; errors of ``function`` are raised as they are.
        """
        if self.processes == 1:
            yield from map(function, shards)
            return
        # Spawned, not forked: this process may hold threads (torch, native kernels) that do not survive a fork.
        context = multiprocessing.get_context("spawn")
        executor = ProcessPoolExecutor(self.processes, mp_context=context, initializer=_die_quietly_on_interrupt)
        waiting: deque[Future[R]] = deque()
        remaining = iter(shards)
        try:
            for shard in itertools.islice(remaining, 2 * self.processes):
                waiting.append(executor.submit(function, shard))
            while waiting:
                result = waiting.popleft().result()
                for shard in itertools.islice(remaining, 1):
                    waiting.append(executor.submit(function, shard))
                yield result
        except BrokenProcessPool:
            raise TokencraftError(
                f"a worker process died before its shard was done (killed, or out of memory with {self.processes} "
                "processes); run with fewer processes"
            ) from None
        finally:
            executor.shutdown(wait=True, cancel_futures=True)

    def map_reduce(self, function: Callable[[T], R], shards: Iterable[T], reduce: Callable[[R, R], R]) -> R:
        """The results of :meth:`map` folded from the left with ``reduce``.

        Raises:
            UsageError: there are no shards, so there is nothing to return.
        """
        return folded(self.map(function, shards), reduce)


def _die_quietly_on_interrupt() -> None:
    """Ctrl-C reaches every process of the terminal; the parent reports it, workers just end."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
