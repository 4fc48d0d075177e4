r"""Premiums: what a text costs in a language, in tokens, relative to the same text in another.

Petrov et al., "Language Model Tokenizers Introduce Unfairness Between Languages", arXiv 2305.15425, 2023. For texts x
of a language and r of the reference that say the same:

.. math:: \text{premium} = \frac{|\mathrm{tokens}(x)|}{|\mathrm{tokens}(r)|}, \qquad
          \text{per byte} = \frac{\text{premium}}{|\mathrm{bytes}(x)| / |\mathrm{bytes}(r)|}

The premium mixes what the vocabulary does with what the language and its writing do: three bytes a character, longer
words. Premium per byte is what is left for the vocabulary (byte premiums: Arnett et al., arXiv 2403.00686).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from tokencraft.corpus import Corpus, utf8_length
from tokencraft.errors import UsageError
from tokencraft.measure.measurement import Measurement, named_data, named_vocabularies
from tokencraft.paper import Paper
from tokencraft.report import Column, OnProgress, Table, run_context
from tokencraft.vocabulary import Vocabulary


@dataclass(frozen=True)
class PremiumRow:
    """One vocabulary on the text of one language.

    Args:
        vocabulary, data: names; ``data`` is the language.
        vocab_size: ids of the vocabulary.
        bytes, characters, tokens: of the text; bytes are UTF-8.
        unknown_tokens: tokens that stand for lost text, which makes a premium look small.
        reference_bytes, reference_characters, reference_tokens: of the same text in the reference language.
        lines: of the text.
        complete: whether the text is long enough to say the same; if not, its premiums are NaN.
    """

    vocabulary: str
    data: str
    vocab_size: int
    bytes: int
    characters: int
    tokens: int
    unknown_tokens: int
    reference_bytes: int
    reference_characters: int
    reference_tokens: int
    lines: int
    complete: bool

    @property
    def premium(self) -> float:
        """Tokens for each token of the reference."""
        return self._ratio(self.tokens, self.reference_tokens)

    @property
    def byte_premium(self) -> float:
        """Bytes for each byte of the reference: the premium of a vocabulary of bytes."""
        return self._ratio(self.bytes, self.reference_bytes)

    @property
    def character_premium(self) -> float:
        """Characters for each character of the reference."""
        return self._ratio(self.characters, self.reference_characters)

    @property
    def premium_per_byte(self) -> float:
        """Premium over byte premium: above 1, the vocabulary compresses this language less than the reference."""
        return self.premium / self.byte_premium

    @property
    def bytes_per_token(self) -> float:
        """Compression."""
        return self.bytes / self.tokens if self.tokens else math.nan

    @property
    def unknown_share(self) -> float:
        """Share of the tokens that stand for lost text."""
        return self.unknown_tokens / self.tokens if self.tokens else math.nan

    def _ratio(self, part: int, whole: int) -> float:
        return part / whole if self.complete and whole else math.nan


_COLUMNS = (
    ("data", Column("language")),
    ("vocabulary", Column("vocabulary")),
    ("vocab_size", Column("size", "entries")),
    ("bytes", Column("bytes")),
    ("characters", Column("characters")),
    ("tokens", Column("tokens")),
    ("bytes_per_token", Column("compression", "bytes/token")),
    ("premium", Column("premium", "tokens/token")),
    ("byte_premium", Column("byte premium", "bytes/byte")),
    ("premium_per_byte", Column("premium per byte")),
    ("unknown_share", Column("unknown", "share of tokens")),
)


@dataclass(frozen=True)
class Premiums:
    """Tokens that the same text takes in each language, relative to a reference language.

    Args:
        reference: the name of its part of the data.
        least_share: texts with a smaller share of the reference's bytes are fragments: they get a row, but no premium.
        least_lines: the same for lines, which tell half a text from a terse language; 0 where lines mean nothing.
        batch_bytes: bytes of text that are encoded at once.

    Example:
        >>> from tokencraft.vocabulary import split
        >>> vocabulary = Vocabulary.from_merges([(64, 65)], splitter=split.GPT2)
        >>> data = {"x": Corpus.from_iterable(["abab"]), "y": Corpus.from_iterable(["acac"])}
        >>> row = Premiums(reference="x").measure(vocabulary, data).row(data="y")
        >>> row.premium, row.byte_premium
        (2.0, 1.0)
    """

    paper: ClassVar[Paper] = Paper(
        "premiums", "Language Model Tokenizers Introduce Unfairness Between Languages", "2305.15425", 2023
    )

    reference: str = "eng"
    least_share: float = 0.1
    least_lines: float = 0.7
    batch_bytes: int = 8 << 20

    def __post_init__(self) -> None:
        """Refuse shares that are none."""
        for name, share in (("least_share", self.least_share), ("least_lines", self.least_lines)):
            if not 0 <= share <= 1:
                raise UsageError(f"{name} is a share of the reference, 0 to 1, not {share}")

    def measure(
        self,
        vocabularies: Vocabulary | Mapping[str, Vocabulary],
        data: Mapping[str, Corpus],
        *,
        threads: int | None = None,
        progress: OnProgress | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> Measurement[PremiumRow]:
        """Count the tokens of the same text in every language.

        Args:
            vocabularies: one, or several by name.
            data: the text by language, as :func:`read_parallel` gives it; one of them is the reference.
            threads: for encoding; None takes every core.
            progress: called with the bytes of text that were encoded with every vocabulary so far.
            context: seed, versions, hardware and command; found out where left out.

        Returns:
            One row for each vocabulary and language, each vocabulary's by falling premium, fragments last. See also
            :func:`premium_summary` and :func:`premium_page`.

        Raises:
            UsageError: the data lack the reference.
            CorpusError: a language has no text.
        """
        named = named_vocabularies(vocabularies)
        if isinstance(data, Corpus) or self.reference not in data:
            there = "" if isinstance(data, Corpus) else f": {', '.join(list(data)[:8])}"
            raise UsageError(f"the reference {self.reference!r} is not among the texts{there}")
        counts: dict[str, _Counts] = {}
        done = 0
        for language, corpus in named_data(data).items():
            size = characters = lines = 0
            tokens = {name: np.zeros(2, np.int64) for name in named}
            for batch in corpus.batches(self.batch_bytes):
                size += sum(map(utf8_length, batch))
                characters += sum(map(len, batch))
                lines += sum(text.count("\n") + 1 for text in batch)
                for name, vocabulary in named.items():
                    ids = vocabulary.encode_batch(batch, threads=threads).ids
                    unknown = None if vocabulary.lossless else vocabulary.special_tokens.get("unk")
                    tokens[name] += len(ids), 0 if unknown is None else int((ids == unknown).sum())
            counts[language] = _Counts(size, characters, lines, {k: (int(v[0]), int(v[1])) for k, v in tokens.items()})
            done += size
            if progress is not None:
                progress("encoding", done, None)
        reference = counts[self.reference]
        rows = [
            PremiumRow(
                name,
                language,
                len(vocabulary),
                own.bytes,
                own.characters,
                *own.tokens[name],
                reference.bytes,
                reference.characters,
                reference.tokens[name][0],
                own.lines,
                own.bytes >= self.least_share * reference.bytes and own.lines >= self.least_lines * reference.lines,
            )
            for name, vocabulary in named.items()
            for language, own in counts.items()
        ]
        order = {name: position for position, name in enumerate(named)}
        rows.sort(key=lambda row: (order[row.vocabulary], not row.complete, -row.premium if row.complete else 0.0))
        hidden = () if any(row.unknown_tokens for row in rows) else ("unknown_share",)
        columns = tuple(pair for pair in _COLUMNS if pair[0] not in hidden)
        return Measurement(f"Premiums over {self.reference}", tuple(rows), columns, context or run_context())


class _Counts(NamedTuple):
    """Of one language; tokens, and how many of them are unknown, by vocabulary."""

    bytes: int
    characters: int
    lines: int
    tokens: dict[str, tuple[int, int]]


def premium_summary(measurement: Measurement[PremiumRow]) -> Table:
    """One row a vocabulary: how the premiums of the languages are distributed, and whose is the largest.

    Fragments and the reference itself are not counted.

    Args:
        measurement: what :meth:`Premiums.measure` returned.
    """
    rows: list[list[Any]] = []
    for name in dict.fromkeys(row.vocabulary for row in measurement.rows):
        own = [row for row in measurement.rows if row.vocabulary == name]
        reference = next(row for row in own if _is_reference(row))
        others = [row for row in own if row.complete and row is not reference]
        values = np.array([row.premium for row in others])
        worst = max(others, key=lambda row: row.premium, default=reference)
        median, high = np.quantile(values, [0.5, 0.9]).tolist() if others else [math.nan] * 2
        rows.append(
            [
                name,
                reference.vocab_size,
                len(others),
                reference.bytes,
                reference.tokens,
                median,
                high,
                worst.premium,
                worst.data,
                float((values >= 2).mean()) if others else math.nan,
                _median([row.byte_premium for row in others]),
                _median([row.premium_per_byte for row in others]),
                max(row.unknown_share for row in own),
            ]
        )
    columns: list[Column | str] = [
        "vocabulary",
        Column("size", "entries"),
        Column("languages"),
        Column("bytes", "of the reference"),
        Column("tokens", "of the reference"),
        Column("median", "tokens/token"),
        Column("90%", "tokens/token"),
        Column("largest", "tokens/token"),
        "of",
        Column("2 or more", "share of languages"),
        Column("byte premium", "median"),
        Column("per byte", "median"),
        Column("unknown", "largest share"),
    ]
    if not any(row[-1] for row in rows):  # nothing is lost: a column of zeros says no more than none
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    return Table(f"{measurement.title}, by vocabulary", columns, rows, measurement.context)


def _is_reference(row: PremiumRow) -> bool:
    own = (row.bytes, row.characters, row.tokens)
    return own == (row.reference_bytes, row.reference_characters, row.reference_tokens)


def _median(values: list[float]) -> float:
    return statistics.median(values) if values else math.nan
