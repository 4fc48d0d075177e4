"""One map over shards, written once: on this machine, or on a cluster."""

from tokencraft.engine.engine import Engine, get
from tokencraft.engine.local import Local, available_processes

__all__ = ["Engine", "Local", "available_processes", "get"]
