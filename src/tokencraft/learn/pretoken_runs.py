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

import numpy.typing as npt
import regex

from tokencraft import _native
from tokencraft.errors import UsageError
from tokencraft.vocabulary import Vocabulary, split
from tokencraft.vocabulary.split import ByBytes, Ends, Splitter

_LETTER = regex.compile(r"\p{L}")


def joinable(pairs: npt.NDArray[Any], special_tokens: Sequence[str] = ()) -> frozenset[bytes]:
    """The tokens that may be joined with others: those that hold a letter and that their own bytes become.

    Args:
        pairs: (left id, right id) of merges in rank order, as :meth:`Vocabulary.from_merges` takes them.
        special_tokens: strings of the first ids.

    Example:
        >>> found = joinable([(64, 65), (65, 66), (64, 257)])  # ab, bc, abc; "abc" becomes ab c
        >>> sorted(token for token in found if len(token) > 1)
        [b'ab', b'bc']
    """
    vocabulary = Vocabulary.from_merges(pairs, splitter=split.WHOLE, special_tokens=tuple(special_tokens))
    texts = [token.decode("utf-8", "ignore") for token in vocabulary.tokens[len(special_tokens) :]]
    wanted = [text for text in texts if _LETTER.search(text)]
    encoded = vocabulary.encode_batch(wanted)
    whole = (encoded.offsets[1:] - encoded.offsets[:-1]) == 1
    return frozenset(text.encode("utf-8") for text, is_whole in zip(wanted, whole.tolist(), strict=True) if is_whole)


@dataclass(frozen=True)
class PretokenRuns(ByBytes):
    """Cuts text into runs of two or more pretokens that may be joined, and single bytes between (training only).

    Single bytes hold no pair, so nothing is learned from them.

    Args:
        pretokens: cuts text into pretokens.
        joinable: the pretokens that runs are made of; see :func:`joinable`.

    Example:
        >>> runs = PretokenRuns(split.GPT2, frozenset([b"by", b" the", b" way"]))
        >>> runs.split("by the way, by")
        ['by the way', ',', ' ', 'b', 'y']
    """

    pretokens: Splitter
    joinable: frozenset[bytes]

    @cached_property
    def _finder(self) -> _native.PretokenRuns:
        return _native.PretokenRuns(sorted(self.joinable))

    @property
    def native(self) -> int | None:
        """None: no pattern. Finding runs is native all the same, see :meth:`spans_batch`."""
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
        return self._finder.cut(list(texts), ends, threads or 0)

    def to_pre_tokenizer(self) -> dict[str, Any] | None:
        """Always an error: ``tokenizers`` has no such split."""
        raise UsageError(
            "tokenizers cannot cut text into runs of pretokens: export the vocabulary with another splitter"
        )
