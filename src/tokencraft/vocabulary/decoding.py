"""Token ids back into bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tokencraft.errors import VocabularyError
from tokencraft.vocabulary.bytes import components

if TYPE_CHECKING:
    from tokencraft.vocabulary.vocabulary import Vocabulary


def decode_bytes(vocabulary: Vocabulary, ids: Sequence[int] | npt.NDArray[Any]) -> bytes:
    """The bytes of the tokens, one after another, less the space that the encoder put before the text.

    Raises:
        VocabularyError: where an id is outside the vocabulary.
    """
    values = np.asarray(ids).ravel()
    if values.size == 0:
        return b""
    if values.dtype.kind not in "iu":
        raise VocabularyError(f"token ids are whole numbers, not {values.dtype}")
    outside = np.flatnonzero((values < 0) | (values >= len(vocabulary)))
    if outside.size:
        at = int(outside[0])
        raise VocabularyError(f"id {values[at]} at position {at} is outside the vocabulary's 0..{len(vocabulary) - 1}")
    data = vocabulary.native_tokens.decode(np.ascontiguousarray(values, np.uint32))
    return data.removeprefix(b" ") if adds_space(vocabulary) else data


def adds_space(vocabulary: Vocabulary) -> bool:
    """Whether decoding drops one space at the start: encoding put it there, or every word brings its own."""
    if vocabulary.family == "wordpiece":
        return True
    if vocabulary.family != "sentencepiece":
        return False
    return any(
        (part.get("type") == "Strip" and part.get("content") == " " and part.get("start", 0) > 0)
        or (part.get("type") == "Metaspace" and part.get("prepend_scheme", "always") != "never")
        for part in components(vocabulary.decoder)
    )
