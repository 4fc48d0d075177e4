"""Texts that say the same in many languages, such as the Universal Declaration of Human Rights."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tokencraft.corpus import Corpus
from tokencraft.corpus.compression import clear_errors, open_bytes
from tokencraft.errors import CorpusError


def read_parallel(path: str | os.PathLike[str], *, layout: bool = False) -> dict[str, Corpus]:
    """One corpus a language.

    Args:
        path: a JSON file, also ``.gz`` and ``.zst``, with one object: a text or a list of texts by language. Or a
            folder with one file of text a language, named after it (``tur.txt``, ``tur.txt.gz``). Languages without
            text are left out.
        layout: keep white space around lines, and empty lines. They say nothing in any language, but some vocabularies
            spend a token on every space.

    Returns:
        Corpora in the order of the file, or of the names.

    Raises:
        CorpusError: the file cannot be read or is no such object, or there is no text at all.
    """
    path = Path(path)
    if path.is_dir():
        files = [each for each in sorted(path.iterdir()) if each.is_file() and not each.name.startswith(".")]
        found = {each.name.partition(".")[0]: Corpus.from_files(each) for each in files if each.stat().st_size}
    else:
        found = {name: Corpus.from_iterable(texts) for name, texts in _texts(path).items() if any(texts)}
    if not layout:
        found = {name: corpus.map(_without_layout) for name, corpus in found.items()}
    if not found:
        raise CorpusError(f"{path}: there is no text in any language")
    return found


def _without_layout(text: str) -> str:
    """The lines that hold something, without white space around them."""
    return "\n".join(filter(None, map(str.strip, text.splitlines())))


def _texts(path: Path) -> dict[str, list[str]]:
    with clear_errors(path), open_bytes(path) as stream:
        try:
            document: Any = json.loads(stream.read().decode("utf-8-sig"))
        except ValueError as error:
            raise CorpusError(f"{path}: expected JSON, one object of texts by language: {error}") from None
    if not isinstance(document, dict):
        raise CorpusError(f"{path}: expected one object of texts by language, found {type(document).__name__}")
    found: dict[str, list[str]] = {}
    for name, value in document.items():
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise CorpusError(f"{path}: {name!r} is neither a text nor a list of texts")
        found[name] = [text for text in texts if text]
    return found
