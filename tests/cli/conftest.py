"""A small corpus and a vocabulary, for every command."""

from __future__ import annotations

from pathlib import Path

import pytest

from tokencraft.corpus import Corpus
from tokencraft.learn import BPE

LINES = [f"the cat and the hat sat on mat number {k % 40}, naïvely.\n" for k in range(400)]


@pytest.fixture(scope="session")
def corpus_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "text.txt"
    path.write_text("".join(LINES), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def vocabulary_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("vocabulary") / "small.json"
    BPE(vocab_size=300, special_tokens=("<|endoftext|>",)).train(Corpus.from_iterable(LINES)).save(path)
    return path
