"""Runs of whole pretokens: what stage 2 of SuperBPE learns from where it joins nothing but words that are tokens.

Runs come again and again as words do, so their number is bounded by the language rather than by the corpus, where whole
lines are nearly all distinct.

Schmidt, Reddy, Tanner, Pinter, "Faster Superword Tokenization", arXiv 2604.05192.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import regex

from tokencraft import _native
from tokencraft.errors import UsageError
from tokencraft.vocabulary.split import ByBytes, Ends, Splitter

_LETTER = regex.compile(r"\p{L}")


def joinable(tokens: Sequence[bytes], table: npt.NDArray[np.int32]) -> frozenset[bytes]:
    """The tokens that may be joined with others: those that hold a letter and that their own bytes become.

    Args:
        tokens: bytes by id; empty for ids that no text produces.
        table: (left id, right id, id of what they make) of the merges in rank order, int32 ``[m, 3]``.

    Example:
        >>> bytes_ = [bytes([value]) for value in range(256)]
        >>> table = np.array([(97, 98, 256), (98, 99, 257), (97, 257, 258)], np.int32)
        >>> found = joinable([*bytes_, b"ab", b"bc", b"abc"], table)  # "abc" becomes ab c
        >>> sorted(token for token in found if len(token) > 1)
        [b'ab', b'bc']
    """
    wanted = [token for token in tokens if _LETTER.search(token.decode("utf-8", "ignore"))]
    _, offsets = _native.BPEEncoder(list(tokens), table, 0).encode_batch(wanted)
    return frozenset(token for token, size in zip(wanted, np.diff(offsets).tolist(), strict=True) if size == 1)


@dataclass(frozen=True)
class PretokenRuns(ByBytes):
    """Cuts text into runs of two or more pretokens that may be joined, and single bytes between (training only).

    Single bytes hold no pair, so nothing is learned from them.

    Args:
        pretokens: cuts text into pretokens.
        joinable: the pretokens that runs are made of; see :func:`joinable`.

    Example:
        >>> from tokencraft.vocabulary import split
        >>> runs = PretokenRuns(split.GPT2, frozenset([b"by", b" the", b" way"]))
        >>> runs.split("by the way, by")
        ['by the way', ',', ' ', 'b', 'y']
    """

    pretokens: Splitter
    joinable: frozenset[bytes]

    @cached_property
    def finder(self) -> _native.PretokenRuns:
        """What finds the runs."""
        return _native.PretokenRuns(sorted(self.joinable))

    @property
    def native(self) -> int | None:
        """None: no pattern. Counters find runs natively all the same where pretokens are cut natively."""
        return None

    def __reduce__(self) -> tuple[Any, ...]:
        """Other processes make the native part again."""
        return type(self), (self.pretokens, self.joinable)

    def spans(self, data: bytes) -> Ends:
        """The END offset in bytes (uint32) of every piece of ``data``."""
        return self.spans_batch([data], threads=1)[0]

    def spans_batch(self, texts: Sequence[bytes], *, threads: int | None = None) -> list[Ends]:
        """The END offsets of every text, cut on several threads."""
        ends = self.pretokens.spans_batch(texts, threads=threads)
        return self.finder.cut(list(texts), ends, threads or 0)

    def to_pre_tokenizer(self) -> dict[str, Any] | None:
        """Always an error: ``tokenizers`` has no such split."""
        raise UsageError(
            "tokenizers cannot cut text into runs of pretokens: export the vocabulary with another splitter"
        )
