"""One map over shards, written once: on this machine, or on a cluster."""

from tokencraft.engine.engine import Engine, get
from tokencraft.engine.local import Local, available_processes
from tokencraft.engine.ray import Ray

__all__ = ["Engine", "Local", "Ray", "available_processes", "get"]
