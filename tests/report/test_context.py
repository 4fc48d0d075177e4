"""What goes with every number."""

from __future__ import annotations

import json
import platform
from importlib import metadata

from tokencraft.report import run_context


def test_context_names_what_a_number_depends_on() -> None:
    context = json.loads(json.dumps(run_context(7, "the command")))
    assert (context["seed"], context["command"]) == (7, "the command")
    assert context["versions"]["python"] == platform.python_version()
    assert context["versions"]["tokenizers"] == metadata.version("tokenizers")
    assert context["hardware"]["cores"] >= 1
    assert context["hardware"]["memory_gib"] > 0
    assert context["hardware"]["cpu"]


def test_command_of_this_process() -> None:
    assert run_context()["command"]
