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
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tokencraft.adapt.packing import pack_for
from tokencraft.adapt.stage import explain_disk_errors, folder_lock
from tokencraft.corpus import Corpus
from tokencraft.learn import BPE
from tokencraft.modeling.loading import save_model, small_llama
from tokencraft.modeling.training import TrainingPlan, train
from tokencraft.report import OnProgress

VOCAB_SIZE = 8_192
#: Documents of the standard library whose docstrings the base model never sees: a superset of what ``adapt`` holds out
#: for any ``--held-out`` up to this share, because ``Corpus.split`` goes by a threshold on the content's hash.
HIDDEN_SHARE = 0.2
END_OF_TEXT = "<|endoftext|>"


def standard_library_folder() -> Path:
    """Where the running interpreter's standard library lies."""
    return Path(sysconfig.get_path("stdlib"))


def standard_library() -> Corpus:
    """The Python files of the running interpreter's standard library, tests included where they are installed.

    The help topics are left out (they serve as general text), and so are the few test files that are not UTF-8.
    """
    files: list[Path] = []
    for folder, folders, names in os.walk(standard_library_folder()):
        folders[:] = sorted(set(folders) - {"site-packages", "dist-packages", "__pycache__", "pydoc_data"})
        files.extend(Path(folder) / name for name in sorted(names) if name.endswith(".py"))
    return Corpus.from_files(files, encoding_errors="skip")


def help_topics() -> Corpus:
    """The interpreter's help topics: running English about Python, one topic a document."""
    from pydoc_data.topics import topics

    return Corpus.from_iterable([topics[name] for name in sorted(topics)])


def english_of_the_standard_library() -> Corpus:
    """What the base model learns from: the docstrings of each file as one document, and most of the help topics."""
    code, _ = standard_library().split(HIDDEN_SHARE)
    topics, _ = help_topics().split(HIDDEN_SHARE)
    return Corpus.from_iterable([*filter(None, map(docstrings, code)), *topics])


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


@dataclass(frozen=True)
class BaseSettings:
    """Everything that determines the embedded base model besides its text, its packages and the thread count.

    Args:
        vocab_size: entries of its byte-level BPE vocabulary.
        hidden: width.
        layers: depth.
        context: tokens it can read at once.
        steps: optimiser steps.
        batch_rows: rows of ``context`` tokens in a step.
        learning_rate: the peak, for Muon and AdamW alike.
        dtype: type of the matrix products.
        seed: seed of weights and data order.
    """

    vocab_size: int = VOCAB_SIZE
    hidden: int = 256
    layers: int = 4
    context: int = 512
    steps: int = 400
    batch_rows: int = 4
    learning_rate: float = 5e-3
    dtype: str = "bfloat16"
    seed: int = 0


def base_model(settings: BaseSettings, versions: Mapping[str, str], threads: int, on_progress: OnProgress) -> Path:
    """The folder of the base model in the user's cache, trained now if it is not there yet.

    A training that is killed goes on from its last checkpoint; two runs that need the same model train it once.
    """
    identity = json.dumps([asdict(settings), dict(versions), threads, standard_library().signature()], sort_keys=True)
    key = hashlib.blake2b(identity.encode(), digest_size=8).hexdigest()
    folder = cache_folder() / f"base-{key}"
    if not folder.is_dir():
        lock = folder.with_suffix(".lock")
        with explain_disk_errors(folder), folder_lock(lock, busy="another run trains the base model", wait=True):
            if not folder.is_dir():
                partial, checkpoint = folder.with_suffix(".partial"), folder.with_suffix(".checkpoint")
                shutil.rmtree(partial, ignore_errors=True)
                partial.mkdir(parents=True)
                _train_base(settings, partial, checkpoint, threads, on_progress)
                partial.rename(folder)
                shutil.rmtree(checkpoint, ignore_errors=True)
    return folder


def empty_base_model(settings: BaseSettings | None = None) -> Any:
    """The base model with random weights."""
    chosen = settings or BaseSettings()
    return small_llama(
        chosen.vocab_size,
        hidden=chosen.hidden,
        layers=chosen.layers,
        context=chosen.context,
        bos=0,
        eos=0,
        seed=chosen.seed,
    )


def _train_base(settings: BaseSettings, folder: Path, checkpoint: Path, threads: int, on_progress: OnProgress) -> None:
    text = english_of_the_standard_library()
    learned = BPE(vocab_size=settings.vocab_size, special_tokens=(END_OF_TEXT,)).train(text, threads=threads)
    vocabulary = learned.with_specials(roles={"bos": END_OF_TEXT, "eos": END_OF_TEXT})
    model = empty_base_model(settings)
    plan = TrainingPlan(
        steps=settings.steps,
        batch_rows=settings.batch_rows,
        learning_rate=settings.learning_rate,
        optimizer="muon",  # within two minutes it gets much further than AdamW alone
        dtype=settings.dtype,
        seed=settings.seed,
        checkpoint_folder=checkpoint,
    )
    rows = pack_for(vocabulary, list(text), settings.context, threads)
    train(model, rows, plan, on_step=lambda step: on_progress("training the base model", step, settings.steps))
    save_model(model, folder)
    vocabulary.save(folder)
