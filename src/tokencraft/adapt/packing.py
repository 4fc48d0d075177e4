"""The training budget: which documents healing and its control read, packed for both vocabularies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tokencraft.corpus import Corpus
from tokencraft.modeling.packing import PackedRows, pack_documents
from tokencraft.vocabulary import TokenKind, Vocabulary

_ARRAYS = ("input_ids", "position_ids", "labels", "bytes")


@dataclass(frozen=True)
class Budget:
    """How much a continuation trains.

    Args:
        steps: optimiser steps.
        rows_per_step: packed rows in one step.
    """

    steps: int
    rows_per_step: int

    @property
    def rows(self) -> int:
        """Rows read in all, repeated ones counted again."""
        return self.steps * self.rows_per_step


def choose_documents(train: Corpus, wanted_bytes: float, seed: int) -> list[str]:
    """A seeded sample of training documents of about ``wanted_bytes``; all of them where there are fewer."""
    return list(train.sample(max(1, int(wanted_bytes)), seed))


def pack_for(vocabulary: Vocabulary, texts: list[str], context_length: int, threads: int) -> PackedRows:
    """The texts in rows of ``context_length`` tokens, BOS (else EOS) before and EOS after every document."""
    roles = vocabulary.special_tokens
    end = roles.get("eos")
    return pack_documents(
        iter(vocabulary.encode_batch(texts, threads=threads)),
        context_length,
        prefix=roles.get("bos", end),
        suffix=end,
        token_bytes=token_lengths(vocabulary),
    )


def token_lengths(vocabulary: Vocabulary) -> npt.NDArray[np.int64]:
    """Bytes of text each id stands for, ``[len(vocabulary)]``; special tokens stand for none."""
    text = np.array([kind in (TokenKind.NORMAL, TokenKind.BYTE) for kind in vocabulary.kinds])
    return np.where(text, vocabulary.byte_lengths, 0)


def fit_steps(target_bytes: float, rows: PackedRows, rows_per_step: int) -> int:
    """Steps over ``rows`` that read about ``target_bytes``, at least one."""
    bytes_per_step = rows_per_step * float(rows.bytes.mean())
    return max(1, round(target_bytes / bytes_per_step))


def save_rows(rows: PackedRows, folder: Path) -> None:
    """One ``.npy`` file an array, so that training can map them instead of reading them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in _ARRAYS:
        np.save(folder / f"{name}.npy", getattr(rows, name))


def load_rows(folder: Path) -> PackedRows:
    """The rows that :func:`save_rows` wrote, mapped from disk."""
    return PackedRows(*(np.load(folder / f"{name}.npy", mmap_mode="r") for name in _ARRAYS))
