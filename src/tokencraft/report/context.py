"""What a number depends on besides its input: versions, hardware, seed and command."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

_PACKAGES = ("tokencraft", "numpy", "tokenizers", "transformers", "gigatoken", "torch")


def run_context(seed: int | None = None, command: str | None = None) -> dict[str, Any]:
    """The context that goes with every table.

    Args:
        seed: the seed of the run; None where nothing was random.
        command: how to repeat the run; the command line of this process where left out.

    Returns:
        ``{"seed", "versions", "hardware", "command"}``, ready for JSON. The version of torch is given where it is in
        use.
    """
    return {
        "seed": seed,
        "versions": {"python": platform.python_version(), **_versions("torch" in sys.modules)},
        "hardware": dict(_hardware()),
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]) if command is None else command,
    }


@cache
def _versions(with_torch: bool) -> dict[str, str]:
    """Versions of the packages that decide what comes out."""
    from tokencraft import __version__

    versions = {}
    for package in _PACKAGES:
        if package == "torch" and not with_torch:
            continue
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            if package == "tokencraft":  # run from a checkout
                versions[package] = __version__
    return versions


@cache
def _hardware() -> dict[str, Any]:
    """Processor, cores this process may use, and memory in GiB."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        memory = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, ValueError, OSError):
        memory = None
    return {"cpu": _cpu_model(), "cores": cores, "memory_gib": memory, "system": platform.system()}


def _cpu_model() -> str:
    """The processor's name where the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
