"""Choosing an engine by name."""

from __future__ import annotations

import pytest

from tokencraft import engine
from tokencraft.errors import UsageError


def test_local_by_name() -> None:
    assert engine.get("local", processes=3) == engine.Local(3)
    assert engine.get() == engine.Local(engine.available_processes())


def test_unknown_engine() -> None:
    with pytest.raises(UsageError, match="no engine is called 'spark'"):
        engine.get("spark")
