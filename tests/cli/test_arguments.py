"""Options that take several values."""

from __future__ import annotations

import pytest

from tokencraft.cli.arguments import spread


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("adapt m --corpus a b --seed 1", "adapt m --corpus a --corpus b --seed 1"),
        ("measure --corpus a b --corpus c --json", "measure --corpus a --corpus b --corpus c --json"),
        ("measure A B --corpus a", "measure A B --corpus a"),
        ("adapt --corpus a b --general c d", "adapt --corpus a --corpus b --general c --general d"),
        ("measure --corpus a b -- A B", "measure --corpus a --corpus b -- A B"),
        ("measure --corpus a -o x b", "measure --corpus a -o x b"),
        ("adapt --corpus", "adapt --corpus"),
        ("adapt --corpus=a b", "adapt --corpus=a b"),
        ("", ""),
    ],
)
def test_spread(given: str, expected: str) -> None:
    assert spread(given.split()) == expected.split()
