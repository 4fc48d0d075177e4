"""Splitters that cut at random, for training alone: pieces that span words make tokens that do.

The cuts depend on the seed and the text alone: equal texts are cut alike, on any number of threads and machines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tokencraft import _native
from tokencraft.errors import UsageError
from tokencraft.vocabulary.chunk_lengths import ChunkLengths
from tokencraft.vocabulary.split import ByBytes, Ends


class _Random(ByBytes):
    """What both share."""

    @property
    def native(self) -> int | None:
        """None: no pattern. The cutting itself is native, see :meth:`spans_batch`."""
        return None

    def spans(self, data: bytes) -> Ends:
        """The END offset in bytes (uint32) of every piece of ``data``; no character is cut."""
        return self.spans_batch([data], threads=1)[0]

    def to_pre_tokenizer(self) -> dict[str, Any] | None:
        """Always an error: ``tokenizers`` cannot cut at random."""
        raise UsageError(
            "tokenizers has no random splits: export the vocabulary with another splitter, such as Whole()"
        )


@dataclass(frozen=True)
class RandomChunks(_Random):
    """Pieces of random lengths (arXiv 2505.09738), for vocabularies without word boundaries.

    Args:
        lengths: in characters, as :meth:`~tokencraft.vocabulary.chunk_lengths.ChunkLengths.parse` takes them.
        seed: of the lengths.

    Example:
        >>> pieces = RandomChunks("3-6", seed=1).split("by the way, by the sea")
        >>> "".join(pieces), {3 <= len(piece) <= 6 for piece in pieces[:-1]}
        ('by the way, by the sea', {True})
    """

    lengths: str | Mapping[str, float] | ChunkLengths = "2-32"
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the arguments; the lengths become a :class:`ChunkLengths`."""
        if not isinstance(self.lengths, ChunkLengths):
            object.__setattr__(self, "lengths", ChunkLengths.parse(self.lengths))

    def spans_batch(self, texts: Sequence[bytes], *, threads: int | None = None) -> list[Ends]:
        """The END offsets of every text, cut on several threads."""
        assert isinstance(self.lengths, ChunkLengths)  # since __post_init__
        return _native.random_chunks(list(texts), self.lengths.cumulative, _unsigned(self.seed), threads or 0)


@dataclass(frozen=True)
class RandomWhitespace(_Random):
    """Cuts before a random share of the runs of white space, so that pieces hold one or several words.

    Args:
        probability: of a cut before a run of white space.
        seed: of the cuts.

    Example:
        >>> RandomWhitespace(1.0).split("by the way")
        ['by', ' the', ' way']
    """

    probability: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the arguments."""
        if not 0.0 <= self.probability <= 1.0:
            raise UsageError(f"the probability of a cut lies between 0 and 1, not {self.probability}")

    def spans_batch(self, texts: Sequence[bytes], *, threads: int | None = None) -> list[Ends]:
        """The END offsets of every text, cut on several threads."""
        return _native.random_whitespace(list(texts), self.probability, _unsigned(self.seed), threads or 0)


def _unsigned(seed: int) -> int:
    """The seed as an unsigned 64-bit number."""
    return seed & 0xFFFF_FFFF_FFFF_FFFF
