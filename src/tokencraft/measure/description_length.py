r"""Description length: how many bits a vocabulary and a text written in its tokens take together.

Yang, Frank, van den Bosch, "Less is Better" (2020) ask for few tokens and few types at once. Written with an ideal code
for its own frequencies, a sequence in which the symbol s comes f(s) times, F in all, takes

.. math:: \mathrm{DL} = -\sum_s f(s) \log_2 \frac{f(s)}{F}

bits: once for the characters of all entries one after the other (the lexicon), once for the tokens of the text.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from tokencraft.corpus import Corpus
from tokencraft.errors import UsageError
from tokencraft.measure.measurement import Measurement, named_data, named_vocabularies
from tokencraft.paper import Paper
from tokencraft.report import Column, OnProgress, run_context
from tokencraft.vocabulary import TokenKind, Vocabulary


@dataclass(frozen=True)
class DescriptionRow:
    """One vocabulary on one part of the data.

    Args:
        vocabulary: its name.
        data: the name of the language or domain.
        entries: of the lexicon: ordinary tokens, and the bytes that occur.
        characters, tokens: of the text.
        types: tokens that occur.
        superwords: entries with a space between other characters.
        unused: entries that do not occur.
        lexicon_bits, corpus_bits: the two parts of the description length.
    """

    vocabulary: str
    data: str
    entries: int
    characters: int
    tokens: int
    types: int
    superwords: int
    unused: int
    lexicon_bits: float
    corpus_bits: float

    @property
    def mean_length(self) -> float:
        """Characters a token."""
        return self.characters / self.tokens if self.tokens else math.nan

    @property
    def index(self) -> float:
        """Mean token length over log2 of the entries: higher is shorter sequences for the size."""
        return self.mean_length / math.log2(self.entries) if self.entries > 1 else math.nan

    @property
    def superword_share(self) -> float:
        """Share of the entries that span words."""
        return self.superwords / self.entries if self.entries else math.nan

    @property
    def unused_share(self) -> float:
        """Share of the entries that do not occur."""
        return self.unused / self.entries if self.entries else math.nan

    @property
    def kilobits(self) -> float:
        """The description length in 1,000 bits."""
        return (self.lexicon_bits + self.corpus_bits) / 1000

    @property
    def lexicon_kilobits(self) -> float:
        """Its part for the lexicon."""
        return self.lexicon_bits / 1000

    @property
    def corpus_kilobits(self) -> float:
        """Its part for the text."""
        return self.corpus_bits / 1000


_COLUMNS = (
    ("data", Column("data")),
    ("vocabulary", Column("vocabulary")),
    ("entries", Column("lexicon", "entries")),
    ("tokens", Column("tokens")),
    ("types", Column("types", "tokens that occur")),
    ("mean_length", Column("length", "chars/token")),
    ("index", Column("index", "length / log2 entries")),
    ("superword_share", Column("superwords", "share of entries")),
    ("unused_share", Column("unused", "share of entries")),
    ("lexicon_kilobits", Column("lexicon", "kbit")),
    ("corpus_kilobits", Column("text", "kbit")),
    ("kilobits", Column("description", "kbit")),
)


@dataclass(frozen=True)
class DescriptionLength:
    """Tokens, types, superwords and the description length of vocabularies, side by side.

    The lexicon counts too, so compare vocabularies on the text they were learned from, and of the same size.

    Args:
        batch_bytes: bytes of text that are encoded at once.

    Example:
        >>> from tokencraft.vocabulary import split
        >>> vocabulary = Vocabulary.from_merges([(64, 65)], splitter=split.GPT2)
        >>> row = DescriptionLength().measure(vocabulary, Corpus.from_iterable(["abababab", "abc"])).rows[0]
        >>> row.entries, row.tokens, round(row.corpus_bits, 3)  # ab five times, c once
        (2, 6, 3.9)
    """

    batch_bytes: int = 8 << 20

    paper: ClassVar[Paper] = Paper(
        "less-is-better",
        "Rethinking Tokenization: Crafting Better Tokenizers for Large Language Models",
        "2403.00417",
        2024,
    )

    def __post_init__(self) -> None:
        """Refuse batches of nothing."""
        if self.batch_bytes < 1:
            raise UsageError(f"batch_bytes must be at least 1, not {self.batch_bytes}")

    def measure(
        self,
        vocabularies: Vocabulary | Mapping[str, Vocabulary],
        data: Corpus | Mapping[str, Corpus],
        *,
        threads: int | None = None,
        progress: OnProgress | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> Measurement[DescriptionRow]:
        """Encode the data with every vocabulary; one batch of it is held in memory.

        Args:
            vocabularies: one, or several by name.
            data: a corpus, or one for each language or domain by its name.
            threads: for encoding; None takes every core.
            progress: called with the documents encoded with every vocabulary so far.
            context: seed, versions, hardware and command; found out where left out.

        Raises:
            CorpusError: a corpus has no documents.
        """
        named, corpora = named_vocabularies(vocabularies), named_data(data)
        rows: list[DescriptionRow] = []
        done = 0
        for data_name, corpus in corpora.items():
            counts = {name: np.zeros(len(vocabulary), np.int64) for name, vocabulary in named.items()}
            characters = 0
            for batch in corpus.batches(self.batch_bytes):
                characters += sum(map(len, batch))
                for name, vocabulary in named.items():
                    ids = vocabulary.encode_batch(batch, threads=threads).ids
                    counts[name] += np.bincount(ids, minlength=len(vocabulary))
                done += len(batch)
                if progress is not None:
                    progress("encoding", done, None)
            rows += [_row(name, data_name, named[name], counts[name], characters) for name in named]
        shown = _COLUMNS if len(corpora) > 1 else _COLUMNS[1:]
        return Measurement("Description length", tuple(rows), shown, context or run_context())


def code_length(frequencies: Iterable[int]) -> float:
    """Bits of a sequence under the ideal code for its own frequencies.

    Args:
        frequencies: how often each symbol comes.

    Example:
        >>> code_length([2, 1, 1])  # a bit for each of the first, two for the others
        6.0
    """
    f = np.array([each for each in frequencies if each > 0], np.float64)
    return float(-(f * np.log2(f / f.sum())).sum()) + 0.0 if f.size else 0.0


def _row(
    name: str, data: str, vocabulary: Vocabulary, counts: npt.NDArray[np.int64], characters: int
) -> DescriptionRow:
    entries = [
        (token.decode("utf-8", "surrogateescape"), int(count))
        for token, kind, count in zip(vocabulary.tokens, vocabulary.kinds, counts.tolist(), strict=True)
        if kind == TokenKind.NORMAL or (kind == TokenKind.BYTE and count > 0)
    ]
    symbols = Counter(character for text, _ in entries for character in text)
    return DescriptionRow(
        vocabulary=name,
        data=data,
        entries=len(entries),
        characters=characters,
        tokens=int(counts.sum()),
        types=int((counts > 0).sum()),
        superwords=sum(" " in text.strip() for text, _ in entries),
        unused=sum(count == 0 for _, count in entries),
        lexicon_bits=code_length(symbols.values()),
        corpus_bits=code_length(counts.tolist()),
    )
