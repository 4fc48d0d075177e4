"""Choosing an engine by name."""

from __future__ import annotations

import importlib.util

import pytest

from tokencraft import engine
from tokencraft.errors import MissingExtraError, UsageError


def test_local_by_name() -> None:
    assert engine.get("local", processes=3) == engine.Local(3)
    assert engine.get() == engine.Local(engine.available_processes())


def test_ray_is_an_extra() -> None:
    expected = UsageError if importlib.util.find_spec("ray") else MissingExtraError
    with pytest.raises(expected, match="ray"):
        engine.get("ray")


def test_unknown_engine() -> None:
    with pytest.raises(UsageError, match="no engine is called 'spark'"):
        engine.get("spark")
