"""Where the tokens of a text stand in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tokencraft.vocabulary import Vocabulary, stock


@dataclass(frozen=True, eq=False)
class Spans:
    """The tokens of several texts, which are taken one after another with a byte between them.

    Args:
        ids: int64 ``[tokens]``.
        starts, ends: byte offsets in the UTF-8 of the texts so joined, int64 ``[tokens]``.
    """

    ids: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]


def token_spans(vocabulary: Vocabulary, texts: Sequence[str], *, threads: int | None = None) -> Spans:
    """Ids and places of the tokens of texts.

    Args:
        vocabulary: what to encode with.
        texts: valid Unicode.
        threads: at most this many; all cores where left out.

    Returns:
        Exact bytes where the vocabulary is lossless. For others the places that ``tokenizers`` gives: whole characters,
        so that two tokens may share one, and what a tokenizer drops (spaces, for some) belongs to none.

    Example:
        >>> from tokencraft.vocabulary import split
        >>> token_spans(Vocabulary.from_merges([(64, 65)], splitter=split.GPT2), ["abc", "é"]).ends.tolist()
        [2, 3, 5, 6]
    """
    if vocabulary.lossless:
        encoded = vocabulary.encode_batch(texts, threads=threads)
        ids = encoded.ids.astype(np.int64)
        sizes = vocabulary.byte_lengths[ids]
        ends = np.cumsum(sizes) + np.repeat(np.arange(len(encoded)), np.diff(encoded.offsets))
        return Spans(ids, ends - sizes, ends)
    tokenizer = stock.build(stock.StockEncoder(vocabulary, "none").document)
    parts: list[Spans] = []
    before = 0
    for text, encoding in zip(texts, tokenizer.encode_batch(list(texts), add_special_tokens=False), strict=True):
        heads = np.cumsum([before, *(len(char.encode("utf-8")) for char in text)])
        places = heads[np.asarray(encoding.offsets, np.int64).reshape(-1, 2)]
        parts.append(Spans(np.asarray(encoding.ids, np.int64), places[:, 0], places[:, 1]))
        before = int(heads[-1]) + 1
    return Spans(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("ids", "starts", "ends")))
