"""Superwords for a vocabulary that exists: stage 2 of SuperBPE on top of it (see ``superbpe.py``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from tokencraft.corpus import Corpus
from tokencraft.errors import TrainingError, UsageError
from tokencraft.learn.options import TextOptions
from tokencraft.learn.recipes import forbidden, splitter_of
from tokencraft.learn.training import plain, warn_if_small
from tokencraft.vocabulary import Flags, Origin, TokenKind, Vocabulary, merges, split
from tokencraft.vocabulary.digit_split import leading_groups
from tokencraft.vocabulary.normalization import Normalizer
from tokencraft.vocabulary.numbers import DigitGroups

if TYPE_CHECKING:
    from tokencraft.engine import Engine


def extend(
    vocabulary: Vocabulary,
    corpus: Corpus,
    vocab_size: int,
    *,
    inherit: int | None = None,
    stage2: str | split.Splitter = "v2",
    max_words: int | None = 4,
    forbid: tuple[str, ...] = (":Ġ",),
    min_frequency: int = 0,
    unit: merges.Unit = "line",
    max_doc_bytes: int | None = None,
    max_token_length: int | None = None,
    digits: DigitGroups | None = None,
    veto: Callable[[bytes, bytes], bool] | None = None,
    threads: int | None = None,
    engine: Engine | None = None,
    memory: int | None = None,
    progress: merges.Progress | None = None,
) -> Vocabulary:
    """Add superwords to any byte-level BPE vocabulary: stage 2 of SuperBPE on top of it.

    Every id keeps its meaning; new tokens get the ids after the last one, added tokens included. Text is cut by the
    splitter of stage 2 from then on. A vocabulary of ranks (tiktoken) goes on as one of merges. What normalises text
    for the vocabulary normalises the corpus too.

    Args:
        vocabulary: what to extend.
        corpus: what to learn the superwords from; streamed once.
        vocab_size: ids in all afterwards.
        inherit: how many of the vocabulary's merges to keep, from the first; all where left out. Tokens that only later
            merges make keep their ids, and come back into use where a new merge makes them.
        stage2: how text is cut: ``"v2"`` (isolates digits, runs of punctuation, trailing spaces), ``"paper"`` (digits
            alone), or a splitter.
        max_words: most words of a new token; None for any number.
        forbid: strings, in the byte alphabet of ``tokenizer.json``, that no new token may contain.
        min_frequency: least count of a pair to be merged.
        unit: what is cut into pieces: ``"document"``, or ``"line"`` with its line end.
        max_doc_bytes: documents are cut off after this many bytes.
        max_token_length: most bytes of a new token.
        digits: how runs of digits are cut before stage 2 cuts the rest; where left out, as the vocabulary has them cut
            before its own splitter, if at all.
        veto: called with the bytes of both sides of a candidate; True discards it for good.
        threads: how many to use; all cores where left out.
        engine: where the corpus is counted; this machine where left out.
        memory: bytes that counting may take; as many as it needs where left out.
        progress: called with what is being done, how much is done and how much there is.

    Returns:
        The larger vocabulary; smaller than asked for, with a warning, where the corpus holds no more pairs.

    Raises:
        TrainingError: the vocabulary is no byte-level BPE, lacks a byte, or has ``vocab_size`` ids already.
        CorpusError: the corpus is empty or cannot be read.

    Example:
        >>> from tokencraft.learn import BPE
        >>> corpus = Corpus.from_iterable(["by the way", "by the way", "by the sea"])
        >>> old = BPE(vocab_size=260, special_tokens=("<s>",)).train(corpus)
        >>> new = extend(old, corpus, 264)
        >>> new.tokens[:260] == old.tokens, len(new)
        (True, 264)
    """
    base = _extendable(vocabulary, inherit)
    options = TextOptions(
        min_frequency=min_frequency,
        unit=unit,
        max_doc_bytes=max_doc_bytes,
        max_token_length=max_token_length,
        digits=digits or leading_groups(vocabulary.splitter),
        special_tokens=tuple(str(entry["content"]) for entry in base.added_tokens),
    )
    splitter = options.splitter_with_digits(splitter_of(stage2, 1))
    if vocab_size <= len(base):
        raise TrainingError(f"the vocabulary has {len(base)} ids already; ask for more than that, not {vocab_size}")
    if vocabulary.normalizer is not None:
        corpus = corpus.map(Normalizer(vocabulary.normalizer))
    pieces = options.count(corpus, split.WHOLE, threads=threads, engine=engine, memory=memory, progress=progress).recut(
        splitter
    )
    learned = merges.learn(
        pieces,
        vocab_size - len(base),
        tokens=_text_tokens(base),
        merges=np.column_stack([base.merges, base.merged]),
        rules=options.rules(max_words=max_words, forbid=forbidden(forbid), veto=veto),
        progress=progress,
    )
    origin = Origin(
        "superbpe-extension",
        {
            **options.hyperparameters(),
            "vocab_size": vocab_size,
            "base_size": len(base),
            "base_origin": base.origin.to_json(),
            "inherit": inherit,
            "stage2": plain(stage2),
            "max_words": max_words,
            "forbid": plain(forbid),
            **pieces.notes,
        },
        pieces.fingerprint,
    )
    extended = base.with_merges(learned.pairs, splitter=splitter).replace(origin=origin)
    warn_if_small(extended, vocab_size, min_frequency)
    return extended


def _extendable(vocabulary: Vocabulary, inherit: int | None) -> Vocabulary:
    """The vocabulary as byte-level merges, cut off after the merges to inherit.

    Raises:
        TrainingError: it is of another kind.
    """
    if vocabulary.algorithm not in ("bpe-merges", "bpe-ranks") or vocabulary.family != "byte-level":
        raise TrainingError(
            "only a byte-level BPE vocabulary can be extended with superwords; "
            f"this one is {vocabulary.family} with the algorithm {vocabulary.algorithm}"
        )
    if inherit is not None and not 0 <= inherit <= len(vocabulary.merges):
        raise UsageError(f"inherit must lie between 0 and {len(vocabulary.merges)}, not {inherit}")
    flags = Flags(unk_token=vocabulary.flags.unk_token, fuse_unk=vocabulary.flags.fuse_unk)
    if vocabulary.flags not in (flags, Flags(**{**flags.__dict__, "ignore_merges": True})):
        raise TrainingError(f"a vocabulary with {vocabulary.flags} cannot be extended")
    missing = set(range(256)) - {token[0] for token in _text_tokens(vocabulary) if len(token) == 1}
    if missing:
        raise TrainingError(f"the vocabulary has no token for byte 0x{min(missing):02X} and {len(missing) - 1} others")
    return vocabulary.replace(algorithm="bpe-merges", flags=Flags(), merges=vocabulary.merges[:inherit])


def _text_tokens(vocabulary: Vocabulary) -> list[bytes]:
    """Bytes by id; none for ids that text does not produce."""
    added = {int(entry["id"]) for entry in vocabulary.added_tokens}
    text = (TokenKind.NORMAL, TokenKind.BYTE)
    return [
        token if kind in text and identifier not in added else b""
        for identifier, (token, kind) in enumerate(zip(vocabulary.tokens, vocabulary.kinds, strict=True))
    ]
