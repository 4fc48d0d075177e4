"""Shards over the machines of a Ray cluster."""

from __future__ import annotations

import itertools
import os
import socket
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from tokencraft.engine.folding import folded
from tokencraft.errors import MissingExtraError, TokencraftError, UsageError

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Ray:
    """Runs shards as tasks of a Ray cluster (the extra ``cluster``).

    Where the process is connected to a cluster already, that one is used. Otherwise the first map connects to
    ``address``, else to the cluster that the environment variable ``RAY_ADDRESS`` names, else it starts a cluster on
    this machine; the connection lasts until the process ends. A shard whose worker dies (killed, out of memory, machine
    lost) runs again elsewhere, so function and shards must give the same result each time.

    The machines need the same version of tokencraft and see the same files under the same paths.

    Args:
        processes: most shards that run at a time; None for one a core of the cluster. A cluster that is started here
            gets that many cores.
        address: of the cluster, such as ``"head:6379"``, ``"ray://head:10001"``, or ``"auto"`` for the one that was
            started on this machine; None for what is said above.
        retries: how often a shard may lose its worker before the work fails.
    """

    processes: int | None = None
    address: str | None = None
    retries: int = 3

    def __post_init__(self) -> None:
        """Refuse less than one process."""
        if self.processes is not None and self.processes < 1:
            raise UsageError(f"an engine needs at least 1 process, not {self.processes}")
        if self.retries < 0:
            raise UsageError(f"retries must be 0 or more, not {self.retries}")

    def map(self, function: Callable[[T], R], shards: Iterable[T]) -> Iterator[R]:
        """``function`` of every shard, in the order of the shards.

        At most two shards a core are drawn ahead of the result that is taken next.

        Raises:
            MissingExtraError: Ray is not installed.
            TokencraftError: there is no such cluster, or a shard lost its worker too often; errors of ``function`` are
                raised as they are.
        """
        ray = _connected(self.address, self.processes)
        task = ray.remote(num_cpus=1, max_retries=self.retries)(_call)
        shared = ray.put(function)  # sent once to each machine, and may be any callable
        cores = max(1, int(ray.cluster_resources().get("CPU", 1)))
        # One shard waits for each that runs, except where fewer are to run than the cluster would run.
        in_flight = self.processes if self.processes is not None and self.processes < cores else 2 * cores
        waiting: deque[Any] = deque()
        remaining = iter(shards)
        try:
            for shard in itertools.islice(remaining, in_flight):
                waiting.append(task.remote(shared, shard))
            while waiting:
                result: R = ray.get(waiting[0])
                waiting.popleft()
                for shard in itertools.islice(remaining, 1):
                    waiting.append(task.remote(shared, shard))
                yield result
        except ray.exceptions.RayTaskError as error:
            raise error.cause from None
        except ray.exceptions.RayError as error:
            raise TokencraftError(
                f"a shard was lost with its worker {self.retries + 1} times (killed, or out of memory: run fewer "
                f"processes or give the machines more): {' '.join(str(error).split())[:200]}"
            ) from None
        finally:
            for reference in waiting:
                ray.cancel(reference, force=True)

    def map_reduce(self, function: Callable[[T], R], shards: Iterable[T], reduce: Callable[[R, R], R]) -> R:
        """The results of :meth:`map` folded from the left with ``reduce``.

        Raises:
            UsageError: there are no shards, so there is nothing to return.
        """
        return folded(self.map(function, shards), reduce)


def _call(function: Callable[[T], R], shard: T) -> R:
    """What a task does."""
    return function(shard)


def _connected(address: str | None, processes: int | None) -> Any:
    """The package ``ray``, connected to a cluster.

    Raises:
        MissingExtraError: it is not installed.
        TokencraftError: the cluster cannot be reached or started.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing about a user's work leaves the machine
    try:
        import ray
        import ray.exceptions
    except ImportError:
        raise MissingExtraError("ray", "cluster") from None
    if ray.is_initialized():
        return ray
    named = address or os.environ.get("RAY_ADDRESS") or "local"
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if named == "local":
        options |= {"num_cpus": processes, "include_dashboard": False}
    else:
        _check_reachable(named)
    try:
        ray.init(address=named, **options)
    except (ConnectionError, RuntimeError, TimeoutError, ValueError) as error:
        raise TokencraftError(f"no Ray cluster at {named!r}: {' '.join(str(error).split())}") from None
    return ray


def _check_reachable(address: str) -> None:
    """Try the port of ``host:port``: Ray itself goes on trying for a long time, and then ends the process.

    Raises:
        TokencraftError: nobody listens there.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdecimal():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
    except OSError as error:
        raise TokencraftError(
            f"no Ray cluster at {address!r}: {error.strerror or error}; check it, or start one with 'ray start'"
        ) from None
