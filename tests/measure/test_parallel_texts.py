"""Reading the same text in many languages."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tokencraft.errors import CorpusError
from tokencraft.measure import read_parallel


def test_layout_is_no_language(tmp_path: Path) -> None:
    path = tmp_path / "texts.json"
    path.write_text(json.dumps({"eng": "Title\n      One line\n\n   \n"}))
    assert list(read_parallel(path)["eng"]) == ["Title\nOne line"]
    assert list(read_parallel(path, layout=True)["eng"]) == ["Title\n      One line\n\n   \n"]


def test_parallel_texts(tmp_path: Path) -> None:
    path = tmp_path / "texts.json.gz"
    path.write_bytes(gzip.compress(json.dumps({"eng": "a", "tur": ["b", "", "c"], "nku": ""}).encode()))
    found = read_parallel(path)
    assert {name: list(corpus) for name, corpus in found.items()} == {"eng": ["a"], "tur": ["b", "c"]}
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "tur.txt").write_text("b")
    (folder / "eng.txt.gz").write_bytes(gzip.compress(b"a"))
    (folder / "nku.txt").write_text("")
    assert {name: list(corpus) for name, corpus in read_parallel(folder).items()} == {"eng": ["a"], "tur": ["b"]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[1]", "found list"),
        (b"{", "expected JSON"),
        (b'{"eng": 1}', "'eng' is neither"),
        (b'{"eng": ""}', "no text in any language"),
        (b"\xff", "expected JSON"),
    ],
)
def test_files_that_are_no_parallel_texts(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "texts.json"
    path.write_bytes(content)
    with pytest.raises(CorpusError, match=message):
        read_parallel(path)
