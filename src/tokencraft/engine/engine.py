"""What every engine does, and how one is chosen by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

from tokencraft.engine.local import Local, available_processes
from tokencraft.engine.ray import Ray
from tokencraft.errors import UsageError

T = TypeVar("T")
R = TypeVar("R")


class Engine(Protocol):
    """Applies a function to shards. What comes out does not depend on how many processes there are."""

    def map(self, function: Callable[[T], R], shards: Iterable[T]) -> Iterator[R]:
        """``function`` of every shard, in the order of the shards; shards are drawn as results are taken."""
        ...

    def map_reduce(self, function: Callable[[T], R], shards: Iterable[T], reduce: Callable[[R, R], R]) -> R:
        """The results of :meth:`map` folded from the left."""
        ...


def get(name: str = "local", *, processes: int | None = None) -> Engine:
    """The engine called ``name``.

    Args:
        name: ``"local"``, or ``"ray"`` for a Ray cluster.
        processes: worker processes; None for one a core, of the cluster where there is one.

    Raises:
        UsageError: there is no such engine.
    """
    if name == "local":
        return Local(available_processes() if processes is None else processes)
    if name == "ray":
        return Ray(processes)
    raise UsageError(f"no engine is called {name!r}; there are 'local' and 'ray'")
