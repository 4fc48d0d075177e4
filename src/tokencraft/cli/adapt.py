"""``tokencraft adapt``: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from tokencraft.adapt import StageEvent

EXAMPLE = """\
Fit a vocabulary to a corpus, move a model onto it, heal the model, and report what that saved.

Example:

    tokencraft adapt ./my-model --corpus data/*.jsonl --output adapted --control

Without MODEL and --corpus it adapts a small base model, trained on the spot, to the interpreter's standard library.
"""
