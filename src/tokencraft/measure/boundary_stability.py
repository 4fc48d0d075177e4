r"""Boundary stability: how much of a tokenization survives noise in the text.

A wrong character changes more than the token it lies in: a long token breaks into several. For clean text x, noisy text
y, and m, which maps offsets of x to offsets of y by the known edits:

.. math:: F_1 = \frac{2\,|m(E_x) \cap E_y|}{|E_x| + |E_y|}, \qquad \text{inflation} = \frac{|y|}{|x|}, \qquad
          \text{disturbed} = \frac{1}{\text{edits}} \sum_{t \in x,\ m(t) \notin y} \text{characters}(t)

where E are the ends of the tokens, and :math:`m(t) \in y` where y has a token of the same id at the mapped place. The
measure is ours; the question is that of the character-level vocabularies in Bommarito, Katz, Bommarito, "KL3M
Tokenizers", arXiv 2503.17247, which shows one example.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from tokencraft.corpus import Corpus, utf8_length
from tokencraft.measure.measurement import Measurement, named_data, named_vocabularies
from tokencraft.measure.noise import NoiseModel, Noisy, OCRNoise
from tokencraft.measure.token_spans import Spans, token_spans
from tokencraft.paper import Paper
from tokencraft.report import Column, OnProgress, run_context
from tokencraft.vocabulary import Vocabulary

Offsets = npt.NDArray[np.int64]


@dataclass(frozen=True)
class StabilityRow:
    """How one vocabulary stands the noise on one part of the data.

    Args:
        vocabulary, data: names.
        vocab_size: ids of the vocabulary.
        documents, characters: of the clean text.
        edits: how many the noise made.
        tokens, noisy_tokens: of the clean and of the noisy text.
        ends, noisy_ends: distinct ends of tokens, the clean ones as mapped to the noisy text.
        common_ends: ends that both have.
        disturbed_tokens, disturbed_characters: of the clean text, in tokens that the noisy text lacks at their place.
    """

    vocabulary: str
    data: str
    vocab_size: int
    documents: int
    characters: int
    edits: int
    tokens: int
    noisy_tokens: int
    ends: int
    noisy_ends: int
    common_ends: int
    disturbed_tokens: int
    disturbed_characters: int

    @property
    def characters_per_token(self) -> float:
        """Characters a token of the clean text: the price of stability is sequence length."""
        return self.characters / self.tokens if self.tokens else math.nan

    @property
    def boundary_f1(self) -> float:
        """Harmonic mean of precision and recall of the ends of tokens; 1 where none is lost or new."""
        return 2 * self.common_ends / (self.ends + self.noisy_ends) if self.ends + self.noisy_ends else 1.0

    @property
    def inflation(self) -> float:
        """Tokens of the noisy text for each of the clean text."""
        return self.noisy_tokens / self.tokens if self.tokens else math.nan

    @property
    def disturbed_characters_per_edit(self) -> float:
        """Characters in tokens that an edit destroys; 0 without edits."""
        return self.disturbed_characters / self.edits if self.edits else 0.0

    @property
    def disturbed_tokens_per_edit(self) -> float:
        """Tokens that an edit destroys; 0 without edits."""
        return self.disturbed_tokens / self.edits if self.edits else 0.0


_COLUMNS = (
    ("data", Column("data")),
    ("vocabulary", Column("vocabulary")),
    ("vocab_size", Column("size", "entries")),
    ("characters_per_token", Column("characters", "chars/token")),
    ("edits", Column("edits")),
    ("boundary_f1", Column("boundary F1")),
    ("inflation", Column("inflation", "tokens/token")),
    ("disturbed_characters_per_edit", Column("disturbed characters", "chars/edit")),
    ("disturbed_tokens_per_edit", Column("disturbed tokens", "tokens/edit")),
)


@dataclass(frozen=True)
class BoundaryStability:
    """How little a vocabulary's tokens change when characters of the text do.

    Vocabularies whose tokens spell the text byte for byte are measured in bytes; of those that change it on its way in
    (normalisers, unknown tokens), the places are those that ``tokenizers`` gives, in whole characters.

    Args:
        noise: what spoils the text.
        batch_bytes: bytes of text that are worked on at once.

    Example:
        >>> from tokencraft.vocabulary import Vocabulary, split
        >>> one_character_each = Vocabulary.from_merges([], splitter=split.WHOLE)
        >>> data = Corpus.from_iterable(["colonel " * 99])
        >>> row = BoundaryStability(OCRNoise(confusion=1, insertion=0, deletion=0, transposition=0)).measure(
        ...     one_character_each, data).rows[0]
        >>> row.boundary_f1, row.inflation, row.disturbed_characters_per_edit
        (1.0, 1.0, 1.0)
    """

    paper: ClassVar[Paper] = Paper(
        "kl3m",
        "KL3M Tokenizers: A Family of Domain-Specific and Character-Level Tokenizers for Legal, Financial, and "
        "Preprocessing Applications",
        "2503.17247",
        2025,
    )

    noise: NoiseModel = field(default_factory=OCRNoise)
    batch_bytes: int = 4 << 20

    def measure(
        self,
        vocabularies: Vocabulary | Mapping[str, Vocabulary],
        data: Corpus | Mapping[str, Corpus],
        *,
        threads: int | None = None,
        progress: OnProgress | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> Measurement[StabilityRow]:
        """Spoil the data once, encode clean and noisy text with every vocabulary, compare.

        Args:
            vocabularies: one, or several by name; all meet the same noise.
            data: a corpus, or one for each language or domain by its name. Each document is spoilt by itself.
            threads: for encoding; None takes every core.
            progress: called with the bytes of clean text that were worked on.
            context: seed, versions, hardware and command; found out where left out.

        Returns:
            One row for each vocabulary on each part of the data.

        Raises:
            CorpusError: a corpus has no documents.
        """
        named = named_vocabularies(vocabularies)
        rows: list[StabilityRow] = []
        done = 0
        for data_name, corpus in named_data(data).items():
            counts = {name: np.zeros(7, np.int64) for name in named}
            documents = characters = edits = 0
            for batch in corpus.batches(self.batch_bytes):
                noisy = [self.noise.apply(text) for text in batch]
                documents, characters = documents + len(batch), characters + sum(map(len, batch))
                edits += sum(each.edits for each in noisy)
                alignment = _Alignment.of(noisy)
                for name, vocabulary in named.items():
                    clean = token_spans(vocabulary, batch, threads=threads)
                    spoilt = token_spans(vocabulary, [each.text for each in noisy], threads=threads)
                    counts[name] += alignment.compare(clean, spoilt)
                done += sum(map(utf8_length, batch))
                if progress is not None:
                    progress("encoding", done, None)
            rows += [
                StabilityRow(name, data_name, len(named[name]), documents, characters, edits, *counts[name].tolist())
                for name in named
            ]
        several = len({row.data for row in rows}) > 1
        columns = tuple(pair for pair in _COLUMNS if several or pair[0] != "data")
        return Measurement("Boundary stability under noise", tuple(rows), columns, context or run_context())


@dataclass(frozen=True, eq=False)
class _Alignment:
    """The texts of a batch in bytes, a byte after each, and where each byte offset went.

    Args:
        characters: how many characters begin before each byte offset of the clean text, ``[bytes + 1]``.
        starts: where a token that starts at each byte offset of the clean text starts in the noisy text; -1 where the
            offset lies inside a character that was changed.
        ends: the same for tokens that end there.
    """

    characters: Offsets
    starts: Offsets
    ends: Offsets

    @classmethod
    def of(cls, texts: Sequence[Noisy]) -> _Alignment:
        """From what the noise did."""
        clean, noisy = _joined(each.clean for each in texts), _joined(each.text for each in texts)
        before = np.cumsum([0, *(len(each.text) + 1 for each in texts)])
        placed = list(zip(texts, before.tolist(), strict=False))
        begins = np.concatenate([np.append(each.begins, len(each.text)) + at for each, at in placed])
        stops = np.concatenate([np.append(each.ends, len(each.text) + 1) + at for each, at in placed])
        heads, noisy_heads = _byte_offsets(clean), _byte_offsets(noisy)
        kept = (stops > begins) & (_codes(clean) == np.append(_codes(noisy), 0)[begins])
        sizes = np.diff(heads)
        owner = np.repeat(np.arange(len(clean)), sizes)  # the character that each byte belongs to
        inside = np.arange(heads[-1]) - heads[owner]
        starts = np.where((inside == 0) | kept[owner], noisy_heads[begins[owner]] + inside, -1)
        whole = inside + 1 == sizes[owner]  # the byte is the last of its character
        ends = np.where(whole, noisy_heads[stops[owner]], noisy_heads[begins[owner]] + inside + 1)
        ends = np.where(whole | kept[owner], ends, -1)
        counted = np.concatenate([[0], np.cumsum(inside == 0)])
        return cls(counted, np.append(starts, -1), np.concatenate([[0], ends]))

    def compare(self, clean: Spans, noisy: Spans) -> Offsets:
        """The last seven numbers of a row, from ``tokens`` on."""
        ends, noisy_ends = self.ends[clean.ends], np.unique(noisy.ends)
        known = np.unique(ends[ends >= 0])
        common = np.isin(known, noisy_ends, assume_unique=True).sum()
        starts = self.starts[clean.starts]
        found = _common(Spans(clean.ids, starts, ends), noisy) & (starts >= 0) & (ends >= 0)
        lost = ~found
        length = self.characters[clean.ends] - self.characters[clean.starts]
        return np.array(
            [
                len(clean.ids),
                len(noisy.ids),
                len(known) + (ends < 0).sum(),
                len(noisy_ends),
                common,
                lost.sum(),
                length[lost].sum(),
            ],
            np.int64,
        )


def _common(spans: Spans, others: Spans) -> npt.NDArray[np.bool_]:
    """Which tokens stand among the others with the same id at the same place."""
    everything = [np.concatenate([getattr(spans, name), getattr(others, name)]) for name in ("ids", "starts", "ends")]
    key = everything[0].astype(np.int64)
    for column in everything[1:]:  # dense numbers, so that no product overflows
        key = np.unique(key * (int(column.max(initial=0)) + 2) + column + 1, return_inverse=True)[1]
    return np.isin(key[: len(spans.ids)], key[len(spans.ids) :])


def _joined(texts: Iterable[str]) -> str:
    """The texts with a character after each, so that the end of one is no place of the next."""
    return "".join(text + "\n" for text in texts)


def _codes(text: str) -> npt.NDArray[np.uint32]:
    """Code points, uint32 ``[characters]``."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def _byte_offsets(text: str) -> Offsets:
    """Where each character begins in UTF-8, and the end of the last, int64 ``[characters + 1]``."""
    codes = _codes(text)
    sizes = 1 + (codes >= 0x80).astype(np.int64) + (codes >= 0x800) + (codes >= 0x10000)
    return np.concatenate([[0], np.cumsum(sizes)])
