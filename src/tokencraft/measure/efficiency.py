r"""Efficiency: how few tokens a vocabulary needs for a text, and how evenly it uses them.

Zouhar et al., "Tokenization and the Noiseless Channel" (2023): of the vocabularies for one text, the one whose tokens
are used most evenly tends to serve a model best. Evenness is the Rényi entropy of the unigram distribution p of the
tokens, relative to the largest that the vocabulary V allows; :math:`\alpha = 2.5` agrees best with translation quality:

.. math:: \mathrm{Eff}_\alpha = \frac{H_\alpha(p)}{\log |V|}, \qquad
          H_\alpha(p) = \frac{1}{1 - \alpha} \log \sum_{v \in V} p(v)^\alpha
"""

from __future__ import annotations

import math
import operator
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from itertools import chain
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from tokencraft.corpus import Corpus, utf8_length
from tokencraft.engine import Engine
from tokencraft.errors import UsageError
from tokencraft.measure.efficiency_row import COLUMNS, EfficiencyRow
from tokencraft.measure.measurement import Measurement, named_data, named_vocabularies
from tokencraft.paper import Paper
from tokencraft.report import Column, OnProgress, run_context
from tokencraft.vocabulary import TokenKind, Vocabulary

_SHARDS = 64  # parts for an engine: enough to keep many processes busy, few enough to start an encoder for each


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
        engine: Engine | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> Measurement[EfficiencyRow]:
        """Encode the data with every vocabulary. Nothing but one batch of it is held in memory.

        Args:
            vocabularies: one, or several by name.
            data: a corpus, or one for each language or domain by its name.
            threads: for encoding; None takes every core.
            progress: called with the bytes of text that were encoded with every vocabulary so far.
            engine: counts parts of the data apart, for example in several processes; the numbers are the same, but for
                the speed, which becomes that of one process.
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
            job = _Job(tuple(named.values()), self.batch_bytes, threads)
            tally: _Tally | None = None
            parts = job(corpus) if engine is None else chain.from_iterable(engine.map(job.run, corpus.shards(_SHARDS)))
            for part in parts:
                tally = part if tally is None else tally + part
                done += part.bytes
                if progress is not None:
                    progress("encoding", done, total)
            if tally is not None:
                rows += [tally.row(k, name, data_name, named[name], self.alpha) for k, name in enumerate(named)]
        return Measurement("Encoding efficiency", tuple(rows), self._columns(rows), context or run_context())

    def _columns(self, rows: list[EfficiencyRow]) -> tuple[tuple[str, Column], ...]:
        """The columns that say something about these rows."""
        left_out = {"data"} if len({row.data for row in rows}) == 1 else set()
        if not any(row.unknown_tokens for row in rows):
            left_out.add("unknown_share")
        shown = (pair for pair in COLUMNS if pair[0] not in left_out)
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


@dataclass(frozen=True)
class _Tally:
    """What was counted in some texts: what does not depend on a vocabulary, then one item a vocabulary."""

    documents: int
    bytes: int
    characters: int
    words: int
    counts: tuple[npt.NDArray[np.int64], ...]
    seconds: tuple[float, ...]
    encoders: tuple[str, ...]

    def __add__(self, other: _Tally) -> _Tally:
        return _Tally(
            self.documents + other.documents,
            self.bytes + other.bytes,
            self.characters + other.characters,
            self.words + other.words,
            tuple(a + b for a, b in zip(self.counts, other.counts, strict=True)),
            tuple(a + b for a, b in zip(self.seconds, other.seconds, strict=True)),
            tuple(a if b in a else f"{a} + {b}" for a, b in zip(self.encoders, other.encoders, strict=True)),
        )

    def row(self, index: int, name: str, data: str, vocabulary: Vocabulary, alpha: float) -> EfficiencyRow:
        """The numbers of one vocabulary."""
        counts = self.counts[index]
        kinds = np.asarray(vocabulary.kinds, np.int8)
        producible = (kinds == TokenKind.NORMAL) | (kinds == TokenKind.BYTE)
        size, tokens = int(producible.sum()), int(counts.sum())
        unknown = vocabulary.special_tokens.get("unk")
        return EfficiencyRow(
            vocabulary=name,
            data=data,
            vocab_size=len(vocabulary),
            producible=size,
            lossless=vocabulary.lossless,
            documents=self.documents,
            bytes=self.bytes,
            characters=self.characters,
            words=self.words,
            tokens=tokens,
            seen=int((counts[producible] > 0).sum()),
            fallback_tokens=int(counts[_fallbacks(vocabulary)].sum()),
            unknown_tokens=0 if unknown is None or vocabulary.lossless else int(counts[unknown]),
            renyi_efficiency=renyi_efficiency(counts, size, alpha) if tokens else 0.0,
            seconds=self.seconds[index],
            encoder=self.encoders[index],
        )


@dataclass(frozen=True)
class _Job:
    """Counts the tokens of a corpus; it can be sent to another process."""

    vocabularies: tuple[Vocabulary, ...]
    batch_bytes: int
    threads: int | None

    def __call__(self, corpus: Corpus) -> Iterator[_Tally]:
        """A tally for every batch."""
        started = False
        for batch in corpus.batches(self.batch_bytes):
            if not started:  # the first call builds and checks an encoder, which is not its speed
                for vocabulary in self.vocabularies:
                    vocabulary.encode_batch(batch[:1], threads=self.threads)
                started = True
            encoded = [self._encode(vocabulary, batch) for vocabulary in self.vocabularies]
            counts, seconds, encoders = zip(*encoded, strict=True)
            size, words = sum(map(utf8_length, batch)), sum(len(text.split()) for text in batch)
            yield _Tally(len(batch), size, sum(map(len, batch)), words, counts, seconds, encoders)

    def run(self, corpus: Corpus) -> list[_Tally]:
        """One tally for the whole corpus, if it has documents."""
        tallies = self(corpus)
        return [reduce(operator.add, tallies, first) for first in tallies]

    def _encode(self, vocabulary: Vocabulary, batch: list[str]) -> tuple[npt.NDArray[np.int64], float, str]:
        start = time.perf_counter()
        encoded = vocabulary.encode_batch(batch, threads=self.threads)
        seconds = time.perf_counter() - start
        return np.bincount(encoded.ids, minlength=len(vocabulary)), seconds, encoded.encoder


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
