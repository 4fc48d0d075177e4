"""The catalog from the command line."""

from __future__ import annotations

import json

import pytest

from tokencraft import catalog
from tokencraft.cli import main


def test_json_is_the_published_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["methods", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == [entry.to_json() for entry in catalog.methods()]
    assert {"slug": "superbpe", "class": "SuperBPE", "room": "learn", "arxiv": "2503.13423", "year": 2025} in found


def test_table_counts_the_methods(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["methods", "--room", "measure", "--all"]) == 0
    shown = capsys.readouterr().out
    assert "of 43 methods" in shown
    assert "Efficiency" in shown
    assert "SuperBPE" not in shown
