"""Sequences of different lengths, laid end to end with nothing wasted.

:class:`Packed` is the variable-length form every room shares: values one after another and the offsets between them.
:func:`pack_documents` lays tokenized documents into rows of one fixed length for training, each document whole, with
positions that restart at every document so that attention can keep them apart (see
:mod:`tokencraft.modeling.attention`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tokencraft.errors import CorpusError, UsageError

IGNORED = -100
"""The label of a position that is not trained on (PyTorch's own convention)."""


@dataclass(frozen=True)
class Packed:
    """Sequences laid end to end.

    Args:
        values: ``[total, ...]``, the sequences one after another.
        cu_seqlens: int32 ``[n + 1]``, where each sequence starts; the last entry is ``total``.
        indices: int64 ``[total]``, the place of every value in the flattened padded form ``[n * longest]``.

    Example:
        >>> packed = pack([torch.tensor([1, 2, 3]), torch.tensor([4])])
        >>> packed.cu_seqlens.tolist(), packed.to_padded().tolist()
        ([0, 3, 4], [[1, 2, 3], [4, 0, 0]])
    """

    values: Tensor
    cu_seqlens: Tensor
    indices: Tensor

    @property
    def lengths(self) -> Tensor:
        """int32 ``[n]``, the length of each sequence."""
        return self.cu_seqlens.diff()

    def __len__(self) -> int:
        return len(self.cu_seqlens) - 1

    def sequences(self) -> tuple[Tensor, ...]:
        """The sequences as views of ``values``."""
        return torch.split(self.values, self.lengths.tolist())

    def positions(self) -> Tensor:
        """int64 ``[total]``, the position of every value within its own sequence."""
        starts = self.cu_seqlens[:-1].long()
        return torch.arange(len(self.values), device=self.values.device) - starts.repeat_interleave(self.lengths.long())

    def to_padded(self, fill: float = 0) -> Tensor:
        """The padded form ``[n, longest, ...]``, padded on the right with ``fill``."""
        longest = int(self.lengths.max()) if len(self) else 0
        flat = self.values.new_full((len(self) * longest, *self.values.shape[1:]), fill)
        flat[self.indices] = self.values
        return flat.view(len(self), longest, *self.values.shape[1:])

    @classmethod
    def from_padded(cls, padded: Tensor, mask: Tensor) -> Packed:
        """Packs ``padded [n, longest, ...]`` by its boolean ``mask [n, longest]``, true where a value is real."""
        mask = mask.bool()
        indices = mask.flatten().nonzero().flatten()
        cu_seqlens = torch.nn.functional.pad(mask.sum(dim=1).cumsum(0), (1, 0)).to(torch.int32)
        return cls(padded.flatten(0, 1)[indices], cu_seqlens, indices)


def pack(sequences: Sequence[Tensor]) -> Packed:
    """Lays ``sequences`` (each ``[length, ...]``) end to end.

    Returns:
        A :class:`Packed` on the device of the sequences.

    Raises:
        UsageError: if there is no sequence.
    """
    if not sequences:
        raise UsageError("there is nothing to pack: pass at least one sequence")
    lengths = torch.tensor([len(sequence) for sequence in sequences])
    longest = int(lengths.max())
    starts = torch.arange(len(sequences)) * longest
    device = sequences[0].device
    cu_seqlens = torch.nn.functional.pad(lengths.cumsum(0), (1, 0)).to(torch.int32)
    within = torch.arange(int(cu_seqlens[-1])) - cu_seqlens[:-1].long().repeat_interleave(lengths)
    indices = starts.repeat_interleave(lengths) + within
    return Packed(torch.cat(list(sequences)), cu_seqlens.to(device), indices.to(device))


def plan_bins(lengths: Sequence[int] | npt.NDArray[Any], capacity: int) -> list[list[int]]:
    """Best-fit decreasing: which items share a bin of ``capacity``.

    The longest item comes first and goes where it leaves the least room; at most 11/9 of the fewest possible bins.

    Args:
        lengths: the length of every item, 0 to ``capacity``.
        capacity: the room of a bin.

    Returns:
        A list of bins, each a list of indices into ``lengths``; every index appears once.

    Raises:
        UsageError: if an item is longer than a bin.

    Example:
        >>> plan_bins([3, 5, 2, 4], capacity=7)
        [[1, 2], [3, 0]]
    """
    sizes = np.asarray(lengths, dtype=np.int64)
    if len(sizes) and int(sizes.max()) > capacity:
        raise UsageError(
            f"item {int(sizes.argmax())} has length {int(sizes.max())}, over the capacity {capacity}: cut it first"
        )
    bins: list[list[int]] = []
    open_bins: list[list[int]] = [[] for _ in range(capacity + 1)]  # by the room left
    rooms = 0  # bit r is set where some bin has exactly r left: the tightest fit is the lowest bit from `length` on
    for index in np.argsort(-sizes, kind="stable").tolist():
        length = int(sizes[index])
        fitting = rooms >> length
        if fitting:
            room = length + (fitting & -fitting).bit_length() - 1
            chosen = open_bins[room].pop()
            if not open_bins[room]:
                rooms &= ~(1 << room)
        else:
            room, chosen = capacity, len(bins)
            bins.append([])
        bins[chosen].append(index)
        open_bins[room - length].append(chosen)
        rooms |= 1 << (room - length)
    return bins


@dataclass(frozen=True)
class PackedRows:
    """Documents packed into rows of one length, ready to train on.

    Args:
        input_ids: int32 ``[rows, context]``; padding holds 0.
        position_ids: int32 ``[rows, context]``, restarting at 0 with every document; the padding at a row's end
            counts as one more sequence.
        labels: int32 ``[rows, context]``, the token that follows within the same document, else :data:`IGNORED`.
        bytes: int64 ``[rows]``, the UTF-8 bytes that the labels of a row stand for.
    """

    input_ids: npt.NDArray[np.int32]
    position_ids: npt.NDArray[np.int32]
    labels: npt.NDArray[np.int32]
    bytes: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.input_ids)

    @property
    def context_length(self) -> int:
        """Tokens in a row."""
        return int(self.input_ids.shape[1])

    @property
    def tokens(self) -> int:
        """How many tokens are trained on in one pass."""
        return int((self.labels != IGNORED).sum())

    @property
    def fill(self) -> float:
        """The share of positions that hold a token and not padding."""
        predicts = self.labels != IGNORED
        real = predicts.copy()
        real[:, 1:] |= predicts[:, :-1]  # a document has two tokens at least, and its last one is predicted
        return float(real.mean())

    def batch(self, rows: npt.NDArray[np.int64] | Sequence[int]) -> dict[str, Tensor]:
        """The named rows as int64 tensors ``input_ids``, ``position_ids``, ``labels`` and the number ``bytes``."""
        chosen = np.asarray(rows, dtype=np.int64)
        batch = {
            name: torch.from_numpy(getattr(self, name)[chosen].astype(np.int64))
            for name in ("input_ids", "position_ids", "labels")
        }
        return batch | {"bytes": torch.tensor(int(self.bytes[chosen].sum()))}

    def fingerprint(self) -> str:
        """A hash of the content, so that a resumed run can tell that the data is the same."""
        digest = hashlib.blake2b(digest_size=16)
        for array in (self.input_ids, self.position_ids, self.labels):
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


def pack_documents(
    documents: Iterable[npt.NDArray[Any] | Sequence[int]],
    context_length: int,
    *,
    prefix: int | None = None,
    suffix: int | None = None,
    token_bytes: npt.NDArray[Any] | Sequence[int] | None = None,
) -> PackedRows:
    """Lays tokenized documents into rows of ``context_length``, best-fit decreasing.

    A document longer than a row is cut into pieces that share one token, so that every token but a document's first is
    predicted exactly once.

    Args:
        documents: the token ids of each document, without special tokens; empty ones are skipped.
        context_length: tokens in a row, at least 2.
        prefix: id put before every document (BOS), never predicted.
        suffix: id put after every document (EOS), predicted.
        token_bytes: the UTF-8 bytes each id stands for, by id (0 for special tokens); without it ``bytes`` is 0.

    Returns:
        The rows, in the order of the bins; training shuffles them.

    Raises:
        UsageError: if ``context_length`` is below 2.
        CorpusError: if no document has two tokens to learn from.
    """
    if context_length < 2:
        raise UsageError(
            f"context_length is {context_length}; a row needs at least 2 tokens to predict one from another"
        )
    pieces = [
        piece
        for document in documents
        for piece in _cut(np.asarray(document, dtype=np.int64), context_length, prefix, suffix)
    ]
    if not pieces:
        raise CorpusError(
            "no document has two tokens to learn from: the corpus is empty or its documents are too short"
        )
    bins = plan_bins([len(piece) for piece in pieces], context_length)
    shape = (len(bins), context_length)
    input_ids = np.zeros(shape, np.int32)
    labels = np.full(shape, IGNORED, np.int32)
    position_ids = np.zeros(shape, np.int32)
    for row, members in enumerate(bins):
        at = 0
        for member in members:
            piece = pieces[member]
            end = at + len(piece)
            input_ids[row, at:end] = piece
            labels[row, at : end - 1] = piece[1:]
            position_ids[row, at:end] = np.arange(len(piece))
            at = end
        position_ids[row, at:] = np.arange(context_length - at)
    lengths = np.zeros(int(input_ids.max()) + 1, np.int64) if token_bytes is None else np.asarray(token_bytes, np.int64)
    counted = np.where(labels == IGNORED, 0, lengths[np.maximum(labels, 0)])
    return PackedRows(input_ids, position_ids, labels, counted.sum(axis=1))


def _cut(
    ids: npt.NDArray[np.int64], context_length: int, prefix: int | None, suffix: int | None
) -> list[npt.NDArray[np.int64]]:
    """The document with its prefix and suffix, in pieces of at most ``context_length`` that overlap by one token."""
    if not len(ids):
        return []
    head = [] if prefix is None else [prefix]
    tail = [] if suffix is None else [suffix]
    whole = np.concatenate([head, ids, tail]).astype(np.int64) if head or tail else ids
    step = context_length - 1
    return [whole[start : start + context_length] for start in range(0, len(whole) - 1, step)]
