"""Reading the files that vocabularies come in: whole, bounded, never executed, and with errors that say where."""

from __future__ import annotations

import gzip
import json
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

from tokencraft.errors import VocabularyError

LARGEST_FILE = 1 << 30
"""Bytes after decompression; real vocabularies stay below 100 MB, so more is a mistake or an attack."""


def read_bytes(path: Path) -> bytes:
    """Contents of a file, decompressed where the name ends in ``.gz``.

    Raises:
        VocabularyError: where the file is missing, a folder, empty, too large, or damaged.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            data = stream.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        raise VocabularyError(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise VocabularyError(f"{path}: is a folder, not a vocabulary file") from None
    except EOFError:
        raise VocabularyError(f"{path}: the gzip archive is truncated; fetch the file again") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise VocabularyError(f"{path}: damaged gzip archive ({error}); fetch the file again") from None
    except OSError as error:
        raise VocabularyError(f"{path}: cannot be read: {error.strerror or error}") from None
    if not data:
        raise VocabularyError(f"{path}: the file is empty")
    if len(data) > LARGEST_FILE:
        raise VocabularyError(f"{path}: holds more than {LARGEST_FILE >> 20} MiB, which no vocabulary does")
    return data


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        VocabularyError: besides what :func:`read_bytes` raises, where the content is no JSON object or repeats a key.
    """
    return parse_json(read_bytes(path), str(path))


def parse_json(data: bytes | str, where: str) -> dict[str, Any]:
    """A JSON object from text; ``where`` begins the error messages."""
    try:
        text = data if isinstance(data, str) else data.decode("utf-8-sig")
        document = json.loads(text, object_pairs_hook=_unique_keys)
    except UnicodeDecodeError as error:
        raise VocabularyError(f"{where}: not UTF-8 text at byte {error.start}; is it a tokenizer file?") from None
    except json.JSONDecodeError as error:
        raise VocabularyError(
            f"{where}: malformed JSON at line {error.lineno}, column {error.colno}: {error.msg}"
        ) from None
    except RecursionError:
        raise VocabularyError(f"{where}: JSON is nested too deeply to be a tokenizer") from None
    except _RepeatedKeyError as error:
        raise VocabularyError(f"{where}: the key {error.args[0]!r} stands twice in one JSON object") from None
    except ValueError as error:  # Integers of thousands of digits, which Python refuses to convert.
        raise VocabularyError(f"{where}: malformed JSON: {error}") from None
    if not isinstance(document, dict):
        raise VocabularyError(f"{where}: holds a JSON {type(document).__name__}, expected an object")
    return document


class _RepeatedKeyError(Exception):
    """A key came twice in one object; Python would silently keep the last."""


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        counts = Counter(key for key, _ in pairs)
        raise _RepeatedKeyError(next(key for key, count in counts.items() if count > 1))
    return values
