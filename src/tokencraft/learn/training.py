"""What the learners share: checks before training, and what is noted about it."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tokencraft.errors import TrainingError
from tokencraft.vocabulary import Vocabulary, split
from tokencraft.vocabulary.numbers import DigitGroups
from tokencraft.vocabulary.split import Splitter


def check_size(vocab_size: int, special_tokens: Sequence[str]) -> None:
    """Refuse a vocabulary that cannot hold its alphabet.

    Raises:
        TrainingError: it has fewer ids than special tokens and bytes.
    """
    if isinstance(special_tokens, str):
        raise TrainingError(f"special_tokens is a sequence of strings: write ({special_tokens!r},)")
    least = 256 + len(special_tokens)
    if vocab_size < least:
        raise TrainingError(
            f"a vocabulary of {vocab_size} tokens is smaller than its alphabet: {least} are needed for "
            f"256 bytes and {len(special_tokens)} special tokens"
        )


def init_table(pairs: Sequence[tuple[bytes, bytes]], tokens: list[bytes], size: int) -> npt.NDArray[np.int32]:
    """Merges given as bytes in ids, (left, right, result) int32 ``[m, 3]``, until there are ``size`` tokens.

    Tokens that are new are appended to ``tokens``.

    Raises:
        TrainingError: a side of a merge is no token by then.
    """
    ids = {token: identifier for identifier, token in enumerate(tokens) if token}
    rows = []
    for rank, (left, right) in enumerate(pairs):
        if len(tokens) >= size:
            break
        for side in (left, right):
            if side not in ids:
                raise TrainingError(f"merge {rank} of init_merges joins {side!r}, which is no token by then")
        made = left + right
        if made not in ids:
            ids[made] = len(tokens)
            tokens.append(made)
        rows.append((ids[left], ids[right], ids[made]))
    return np.asarray(rows, np.int32).reshape(-1, 3)


def warn_if_small(vocabulary: Vocabulary, wanted: int, min_frequency: int) -> None:
    """Say so where the corpus did not yield as many tokens as were asked for."""
    if len(vocabulary) < wanted:
        limit = f" with at least {min_frequency} occurrences" if min_frequency > 1 else ""
        warnings.warn(
            f"the vocabulary has {len(vocabulary):,} tokens instead of {wanted:,}: the corpus holds no more pairs"
            f"{limit} that may be merged; use more text or a smaller vocabulary",
            stacklevel=3,
        )


def plain(value: Any) -> Any:
    """A hyper-parameter as a JSON value: splitters by name where they have one, dataclasses by their fields."""
    if isinstance(value, DigitGroups):
        return value.policy or dataclasses.asdict(value)
    if isinstance(value, Splitter):
        for name, known in split.NAMED.items():
            if known == value:
                return name
        return repr(value)
    return [plain(each) for each in value] if isinstance(value, tuple) else value
