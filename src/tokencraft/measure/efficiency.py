r"""Efficiency: how few tokens a vocabulary needs for a text, and how evenly it uses them.

Zouhar et al., "Tokenization and the Noiseless Channel" (2023): of the vocabularies for one text, the one whose tokens
are used most evenly tends to serve a model best. Evenness is the Rényi entropy of the unigram distribution p of the
tokens, relative to the largest that the vocabulary V allows; :math:`\alpha = 2.5` agrees best with translation quality:

.. math:: \mathrm{Eff}_\alpha = \frac{H_\alpha(p)}{\log |V|}, \qquad
          H_\alpha(p) = \frac{1}{1 - \alpha} \log \sum_{v \in V} p(v)^\alpha
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from tokencraft.corpus import Corpus, utf8_length
from tokencraft.errors import UsageError
from tokencraft.measure.measurement import Measurement, named_data, named_vocabularies
from tokencraft.paper import Paper
from tokencraft.report import Column, OnProgress, run_context
from tokencraft.vocabulary import TokenKind, Vocabulary


@dataclass(frozen=True)
class EfficiencyRow:
    """One vocabulary on one part of the data.

    Args:
        vocabulary: its name.
        data: the name of the language or domain.
        vocab_size: ids of the vocabulary, all kinds.
        producible: ids that text can produce (normal and byte tokens): |V| of the formula.
        lossless: whether the vocabulary brings any text back; where it does not, few tokens may mean lost text.
        documents, bytes, characters, words, tokens: counts; bytes are UTF-8, words are what white space separates.
        seen: how many of them occurred.
        fallback_tokens: tokens that are one byte of a character the vocabulary could not spell whole.
        unknown_tokens: tokens that stand for lost text.
        renyi_efficiency: 0 to 1, higher is more even.
        seconds: wall time of encoding.
        encoder: what encoded: ``"gigatoken"``, ``"native"`` or ``"tokenizers"``.
    """

    vocabulary: str
    data: str
    vocab_size: int
    producible: int
    lossless: bool
    documents: int
    bytes: int
    characters: int
    words: int
    tokens: int
    seen: int
    fallback_tokens: int
    unknown_tokens: int
    renyi_efficiency: float
    seconds: float
    encoder: str

    @property
    def bytes_per_token(self) -> float:
        """Compression: higher is fewer tokens."""
        return _ratio(self.bytes, self.tokens)

    @property
    def characters_per_token(self) -> float:
        """Unicode characters a token."""
        return _ratio(self.characters, self.tokens)

    @property
    def tokens_per_word(self) -> float:
        """Fertility; NaN where there are no words. Means little for scripts without spaces."""
        return _ratio(self.tokens, self.words)

    @property
    def tokens_per_document(self) -> float:
        """The average length."""
        return _ratio(self.tokens, self.documents)

    @property
    def used_share(self) -> float:
        """Share of the ids that text can produce that occurred."""
        return _ratio(self.seen, self.producible)

    @property
    def fallback_share(self) -> float:
        """Share of the tokens that are a lone byte of a character."""
        return _ratio(self.fallback_tokens, self.tokens)

    @property
    def unknown_share(self) -> float:
        """Share of the tokens that stand for lost text."""
        return _ratio(self.unknown_tokens, self.tokens)

    @property
    def megabytes_per_second(self) -> float:
        """Speed of encoding, 10^6 bytes a second."""
        return self.bytes / 1e6 / max(self.seconds, 1e-9)


_COLUMNS = (
    ("data", Column("data")),
    ("vocabulary", Column("vocabulary")),
    ("vocab_size", Column("size", "entries")),
    ("bytes", Column("bytes")),
    ("tokens", Column("tokens")),
    ("bytes_per_token", Column("compression", "bytes/token")),
    ("characters_per_token", Column("characters", "chars/token")),
    ("tokens_per_word", Column("fertility", "tokens/word")),
    ("tokens_per_document", Column("length", "tokens/doc")),
    ("used_share", Column("used", "share of entries")),
    ("renyi_efficiency", Column("Rényi efficiency", "alpha = 2.5")),
    ("fallback_share", Column("byte fallback", "share of tokens")),
    ("unknown_share", Column("unknown", "share of tokens")),
    ("lossless", Column("lossless")),
    ("megabytes_per_second", Column("speed", "MB/s")),
    ("encoder", Column("encoder")),
)


@dataclass(frozen=True)
class Efficiency:
    """Compression, fertility, vocabulary use, Rényi efficiency, byte fallback and speed, side by side.

    Args:
        alpha: the order of the Rényi entropy, more than 0; 2.5 is the paper's; 1 is Shannon's entropy.
        batch_bytes: bytes of text that are encoded at once.

    Example:
        >>> from tokencraft.vocabulary import Vocabulary, split
        >>> vocabulary = Vocabulary.from_merges([(64, 65)], splitter=split.GPT2)
        >>> Efficiency().measure(vocabulary, Corpus.from_iterable(["ab ab"])).rows[0].bytes_per_token
        1.6666666666666667
    """

    paper: ClassVar[Paper] = Paper("efficiency", "Tokenization and the Noiseless Channel", "2306.16842", 2023)

    alpha: float = 2.5
    batch_bytes: int = 8 << 20

    def __post_init__(self) -> None:
        """Refuse orders that have no entropy."""
        if not self.alpha > 0:
            raise UsageError(f"the order alpha of a Rényi entropy is more than 0, not {self.alpha}")

    def measure(
        self,
        vocabularies: Vocabulary | Mapping[str, Vocabulary],
        data: Corpus | Mapping[str, Corpus],
        *,
        threads: int | None = None,
        progress: OnProgress | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> Measurement[EfficiencyRow]:
        """Encode the data with every vocabulary. Nothing but one batch of it is held in memory.

        Args:
            vocabularies: one, or several by name.
            data: a corpus, or one for each language or domain by its name.
            threads: for encoding; None takes every core.
            progress: called with the bytes of text that were encoded with every vocabulary so far.
            context: seed, versions, hardware and command; found out where left out.

        Returns:
            One row for each vocabulary on each part of the data, speeds included.

        Raises:
            CorpusError: a corpus has no documents.
        """
        named = named_vocabularies(vocabularies)
        corpora = named_data(data)
        sizes = [corpus.size_bytes for corpus in corpora.values()]
        total = None if None in sizes else sum(size for size in sizes if size is not None)
        done = 0
        rows: list[EfficiencyRow] = []
        for data_name, corpus in corpora.items():
            counts = {name: _Count(vocabulary) for name, vocabulary in named.items()}
            text = _TextCount()
            for batch in corpus.batches(self.batch_bytes):
                done += text.add(batch)
                for count in counts.values():
                    count.add(batch, threads)
                if progress is not None:
                    progress("encoding", done, total)
            rows.extend(count.row(name, data_name, text, self.alpha) for name, count in counts.items())
        return Measurement("Encoding efficiency", tuple(rows), self._columns(rows), context or run_context())

    def _columns(self, rows: list[EfficiencyRow]) -> tuple[tuple[str, Column], ...]:
        """The columns that say something about these rows."""
        left_out = {"data"} if len({row.data for row in rows}) == 1 else set()
        if not any(row.unknown_tokens for row in rows):
            left_out.add("unknown_share")
        shown = (pair for pair in _COLUMNS if pair[0] not in left_out)
        return tuple(
            (a, c._replace(unit=f"alpha = {self.alpha:g}") if a == "renyi_efficiency" else c) for a, c in shown
        )


def renyi_efficiency(counts: npt.NDArray[np.int64], size: int, alpha: float = 2.5) -> float:
    """Rényi entropy of a distribution over the largest possible for ``size`` outcomes.

    Args:
        counts: how often each id occurred, int64 ``[n]``; not all zero.
        size: ids that could occur.
        alpha: the order; 1 is Shannon's entropy.

    Example:
        >>> renyi_efficiency(np.array([5, 5, 5, 5]), 4)
        1.0
    """
    p = counts[counts > 0] / counts.sum()
    entropy = -(p * np.log(p)).sum() if alpha == 1 else np.log((p**alpha).sum()) / (1 - alpha)
    return float(entropy / math.log(size)) if size > 1 else 1.0


@dataclass
class _TextCount:
    """What does not depend on the vocabulary."""

    documents: int = 0
    bytes: int = 0
    characters: int = 0
    words: int = 0

    def add(self, batch: list[str]) -> int:
        size = sum(map(utf8_length, batch))
        self.documents += len(batch)
        self.bytes += size
        self.characters += sum(map(len, batch))
        self.words += sum(len(text.split()) for text in batch)
        return size


@dataclass
class _Count:
    """How often one vocabulary used each of its ids, and how long that took."""

    vocabulary: Vocabulary
    seconds: float = 0.0
    encoders: dict[str, None] = field(default_factory=dict)
    started: bool = False

    @cached_property
    def counts(self) -> npt.NDArray[np.int64]:
        return np.zeros(len(self.vocabulary), np.int64)

    def add(self, batch: list[str], threads: int | None) -> None:
        if not self.started:  # the first call builds and checks an encoder, which is not its speed
            self.vocabulary.encode_batch(batch[:1], threads=threads)
            self.started = True
        start = time.perf_counter()
        encoded = self.vocabulary.encode_batch(batch, threads=threads)
        self.seconds += time.perf_counter() - start
        self.encoders[encoded.encoder] = None
        counts = self.counts
        counts += np.bincount(encoded.ids, minlength=len(counts))

    def row(self, name: str, data: str, text: _TextCount, alpha: float) -> EfficiencyRow:
        vocabulary, counts = self.vocabulary, self.counts
        kinds = np.asarray(vocabulary.kinds, np.int8)
        producible = (kinds == TokenKind.NORMAL) | (kinds == TokenKind.BYTE)
        size = int(producible.sum())
        unknown = vocabulary.special_tokens.get("unk")
        tokens = int(counts.sum())
        return EfficiencyRow(
            vocabulary=name,
            data=data,
            vocab_size=len(vocabulary),
            producible=size,
            lossless=vocabulary.lossless,
            documents=text.documents,
            bytes=text.bytes,
            characters=text.characters,
            words=text.words,
            tokens=tokens,
            seen=int((counts[producible] > 0).sum()),
            fallback_tokens=int(counts[_fallbacks(vocabulary)].sum()),
            unknown_tokens=0 if unknown is None or vocabulary.lossless else int(counts[unknown]),
            renyi_efficiency=renyi_efficiency(counts, size, alpha) if tokens else 0.0,
            seconds=self.seconds,
            encoder=" + ".join(self.encoders),
        )


def _fallbacks(vocabulary: Vocabulary) -> npt.NDArray[np.int64]:
    """Ids of tokens that are one byte of a character: ``<0x0A>`` and the like, and byte symbols outside ASCII."""
    return np.array(
        [
            identifier
            for identifier, (token, kind) in enumerate(zip(vocabulary.tokens, vocabulary.kinds, strict=True))
            if kind == TokenKind.BYTE and (vocabulary.flags.byte_fallback or token[0] >= 0x80)
        ],
        np.int64,
    )


def _ratio(part: int, whole: int) -> float:
    """The quotient; NaN, which tables show as a dash, where there is nothing to divide by."""
    return part / whole if whole else math.nan
