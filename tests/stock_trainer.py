"""BPE as the ``tokenizers`` library trains it, for comparison."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import tokenizers
from tokenizers import models, pre_tokenizers, trainers

from tokencraft.vocabulary import split
from tokencraft.vocabulary.bytes import from_printable


def stock_merges(
    source: Path | Iterable[str],
    vocab_size: int,
    splitter: split.Regex,
    *,
    min_frequency: int = 0,
    special_tokens: Sequence[str] = (),
    max_token_length: int | None = None,
) -> list[tuple[bytes, bytes]]:
    """Merges that ``BpeTrainer`` learns, as bytes; a file is read line by line, an iterable document by document."""
    tokenizer = tokenizers.Tokenizer(models.BPE())
    steps = [pre_tokenizers.Split(tokenizers.Regex(pattern), "isolated") for pattern in splitter.patterns]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [*steps, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    longest = {} if max_token_length is None else {"max_token_length": max_token_length + 1}  # it means "shorter than"
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=min_frequency,
        special_tokens=list(special_tokens),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
        **longest,
    )
    if isinstance(source, Path):
        tokenizer.train([str(source)], trainer)
    else:
        tokenizer.train_from_iterator(source, trainer)
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    return [(from_printable(left), from_printable(right)) for left, right in merges]
