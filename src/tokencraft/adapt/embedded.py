"""The embedded default: a corpus and a base model that every machine with Python already has the text for.

The corpus is the interpreter's own standard library. The base model is a small Llama-architecture model trained on the
spot from the English in it (docstrings, ``pydoc_data.topics``) and kept in the user's cache.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
import os
import shutil
import sysconfig
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tokencraft.adapt.stage import explain_disk_errors, folder_lock
from tokencraft.corpus import Corpus

VOCAB_SIZE = 8_192
#: Documents of the standard library whose docstrings the base model never sees: a superset of what ``adapt`` holds out
#: for any ``--held-out`` up to this share, because ``Corpus.split`` goes by a threshold on the content's hash.
HIDDEN_SHARE = 0.2
END_OF_TEXT = "<|endoftext|>"


def standard_library() -> Corpus:
    """The Python files of the running interpreter's standard library, tests included where they are installed.

    The help topics are left out (they serve as general text), and so are the few test files that are not UTF-8.
    """
    root = Path(sysconfig.get_path("stdlib"))

    def texts() -> Iterator[tuple[str, str]]:
        for folder, folders, names in os.walk(root):
            folders[:] = sorted(set(folders) - {"site-packages", "dist-packages", "__pycache__", "pydoc_data"})
            for name in sorted(names):
                path = Path(folder) / name
                if path.suffix == ".py":
                    try:
                        yield path.relative_to(root).as_posix(), path.read_bytes().decode("utf-8")
                    except UnicodeDecodeError:
                        continue

    return Corpus.from_documents(texts)


def help_topics() -> Corpus:
    """The interpreter's help topics: running English about Python, one topic a document."""
    from pydoc_data.topics import topics

    return Corpus.from_iterable([topics[name] for name in sorted(topics)])


def english_of_the_standard_library() -> Corpus:
    """What the base model learns from: the docstrings of each file as one document, and most of the help topics."""
    code, _ = standard_library().split(HIDDEN_SHARE)
    topics, _ = help_topics().split(HIDDEN_SHARE)

    def texts() -> Iterator[str]:
        for source in code:
            if text := docstrings(source):
                yield text
        yield from topics

    return Corpus.from_iterable(texts)


def general_text() -> Corpus:
    """The help topics that the base model has not seen."""
    _, hidden = help_topics().split(HIDDEN_SHARE)
    return hidden


def docstrings(source: str) -> str:
    """All docstrings of a Python source file, in order, separated by blank lines; empty where it does not parse."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError):
            return ""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    found = (ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, kinds))
    return "\n\n".join(inspect.cleandoc(text) for text in found if text and text.strip())


def cache_folder() -> Path:
    """Where trained base models are kept: ``TOKENCRAFT_CACHE``, else the user's cache folder."""
    if named := os.environ.get("TOKENCRAFT_CACHE"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tokencraft"


def base_model(
    settings: dict[str, Any], versions: dict[str, str], train: Callable[[Corpus, Path, Path], None]
) -> tuple[Path, str]:
    """The folder of the cached base model, trained now if it is not there yet, and the key it is cached under.

    Args:
        settings: everything that determines the model besides the text: sizes, steps, seed, threads.
        versions: versions of the packages that the training depends on.
        train: called with the text, the folder to write the model to and the folder for checkpoints.
    """
    text = english_of_the_standard_library()
    identity = json.dumps([settings, versions, text.fingerprint()], sort_keys=True)
    key = hashlib.blake2b(identity.encode(), digest_size=8).hexdigest()
    folder = cache_folder() / f"base-{key}"
    if not folder.is_dir():
        with (
            explain_disk_errors(folder),
            folder_lock(cache_folder() / f"base-{key}.lock", busy="another run trains the base model", wait=True),
        ):
            if not folder.is_dir():
                partial, checkpoint = folder.with_suffix(".partial"), folder.with_suffix(".checkpoint")
                shutil.rmtree(partial, ignore_errors=True)
                partial.mkdir(parents=True)
                train(text, partial, checkpoint)
                partial.rename(folder)
                shutil.rmtree(checkpoint, ignore_errors=True)
    return folder, key
