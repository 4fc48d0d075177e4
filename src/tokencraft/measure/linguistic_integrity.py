r"""Linguistic integrity: how many of a vocabulary's pieces are words of the language, and how many are morphemes.

Bayram et al., "Tokenization Standards for Linguistic Integrity: Turkish as a Benchmark", arXiv 2502.07057, for any
language with a lexicon or an analyser. U are the strings between white space in the distinct tokens of a text:

.. math:: \%TR = 100\,\frac{|\{u \in U : u \text{ is a word}\}|}{|U|}, \qquad
          \%Pure = 100\,\frac{|\{u \in U : u \text{ is a root or an affix}\}|}{|U|}

The published claim that %TR goes with the quality of language models rests on four of them (n = 4, p = 0.10); over the
eight of the authors' own wider table the correlation is 0.10. Take the measure as a description, not as a predictor.
"""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tokencraft.corpus import Corpus, utf8_length
from tokencraft.errors import UsageError
from tokencraft.measure.boundaries import boundaries_of
from tokencraft.measure.integrity_row import COLUMNS, IntegrityRow, Unit
from tokencraft.measure.measurement import Measurement, named_data, named_vocabularies
from tokencraft.paper import Paper
from tokencraft.report import OnProgress, run_context
from tokencraft.vocabulary import TokenKind, Vocabulary

if TYPE_CHECKING:
    from tokencraft.morphology import Analyser, Lexicon

_GOLD_COLUMNS = ("boundary_precision", "boundary_recall", "boundary_f1", "morph_score")
Verdicts = Mapping[str, tuple[bool, bool]]


@dataclass(frozen=True)
class LinguisticIntegrity:
    """Shares of pieces that are words (%TR) and that are single morphemes (%Pure), by type and by token.

    Args:
        lexicon: words, roots and affixes of the language; never those of the text that is measured, which would make
            the numbers circular.
        analyser: also asked: a word is what it can read, a morpheme what it reads as one. It knows no bare affixes,
            so give a lexicon of affixes as well.
        gold: the morphemes of words as they are written, for precision and recall of the cuts.
        min_length: characters from which a unit counts as a word; 2 keeps single letters from counting, which most
            lexicons have, so that a vocabulary that shatters words scores high. Shorter units stay in the denominator.
        official: as the published code: all documents as one text with the special tokens around it, their units
            included; a token in the lexicon, with its space, is a word and pure; else a word is what the analyser
            reads, and pure what is the root in the first reading of any unit. Give a lexicon with ``case="exact"``.
        repeats: runs of encoding after one that warms up; the median is the time.
        batch_bytes: bytes of text that are encoded at once.

    Example:
        >>> from tokencraft.morphology import Lexicon
        >>> from tokencraft.vocabulary import Vocabulary, split
        >>> vocabulary = Vocabulary.from_merges([(64, 65)], splitter=split.GPT2)
        >>> integrity = LinguisticIntegrity(Lexicon(roots=["ab"]))
        >>> row = integrity.measure(vocabulary, Corpus.from_iterable(["ab abz"])).rows[0]
        >>> sorted(row.units), row.word_percent
        (['ab', 'z'], 50.0)
    """

    paper: ClassVar[Paper] = Paper(
        "turkish-standards",
        "Tokenization Standards for Linguistic Integrity: Turkish as a Benchmark",
        "2502.07057",
        2025,
    )

    lexicon: Lexicon | None = None
    analyser: Analyser | None = None
    gold: Mapping[str, Sequence[str]] | None = field(default=None, repr=False)
    min_length: int = 1
    official: bool = False
    repeats: int = 5
    batch_bytes: int = 8 << 20

    def __post_init__(self) -> None:
        """Refuse to judge by nothing."""
        if self.analyser is None and not self.lexicon:
            raise UsageError("a lexicon, an analyser or both must say what a word is")
        if self.min_length < 1 or self.repeats < 1:
            raise UsageError(f"min_length and repeats are 1 or more, not {self.min_length} and {self.repeats}")

    def measure(
        self,
        vocabularies: Vocabulary | Mapping[str, Vocabulary],
        data: Corpus | Mapping[str, Corpus],
        *,
        threads: int | None = None,
        progress: OnProgress | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> Measurement[IntegrityRow]:
        """Encode the data with every vocabulary and judge the pieces.

        Args:
            vocabularies: one, or several by name.
            data: a corpus, or one for each domain by its name, all in the language of the lexicon.
            threads: for the gold words; the time is always that of one.
            progress: called with the bytes of text that were encoded with every vocabulary so far.
            context: seed, versions, hardware and command; found out where left out.

        Returns:
            One row for each vocabulary on each part of the data; :meth:`IntegrityRow.units_table` says which units
            failed.

        Raises:
            CorpusError: a corpus has no documents.
            UsageError: gold morphemes do not add up to their word.
        """
        named = named_vocabularies(vocabularies)
        gold = self.gold or {}
        cuts = {name: boundaries_of(each, gold, threads=threads) for name, each in named.items() if gold}
        rows: list[IntegrityRow] = []
        for data_name, corpus in named_data(data).items():
            counts = self._official_counts(named, corpus) if self.official else self._counts(named, corpus, progress)
            verdicts = self._judge({text for each in counts.tokens.values() for text in each})
            for name, vocabulary in named.items():
                occurrences: Counter[tuple[str, ...]] = Counter()
                for text, count in counts.tokens[name].items():
                    if units := tuple(text.split()):
                        occurrences[units] += count
                held: Counter[str] = Counter()
                for units, count in occurrences.items():
                    held.update(dict.fromkeys(units, count))
                rows.append(
                    IntegrityRow(
                        vocabulary=name,
                        data=data_name,
                        vocab_size=len(vocabulary),
                        documents=counts.documents,
                        bytes=counts.bytes,
                        characters=counts.characters,
                        words=counts.words,
                        tokens=counts.totals[name],
                        units={text: Unit(*verdicts[text], held[text]) for text in sorted(held)},
                        occurrences=dict(occurrences),
                        min_length=self.min_length,
                        seconds=counts.seconds[name],
                        official_seconds=counts.official_seconds.get(name),
                        boundaries=cuts.get(name),
                    )
                )
        several = len({row.data for row in rows}) > 1
        left_out = {*(() if self.gold else _GOLD_COLUMNS), *(() if several else ("data",))}
        columns = tuple(pair for pair in COLUMNS if pair[0] not in left_out)
        return Measurement("Linguistic integrity", tuple(rows), columns, context or run_context())

    def _counts(self, named: Mapping[str, Vocabulary], corpus: Corpus, progress: OnProgress | None) -> _Counts:
        """Tokens of the documents by themselves, without special tokens."""
        counts = _Counts(named)
        ids = {name: np.zeros(len(vocabulary), np.int64) for name, vocabulary in named.items()}
        for batch in corpus.batches(self.batch_bytes):
            counts.add_texts(batch)
            for name, vocabulary in named.items():
                encoded = vocabulary.encode_batch(batch, threads=1)
                ids[name] += np.bincount(encoded.ids, minlength=len(vocabulary))
                counts.seconds[name] += statistics.median(_seconds(vocabulary, batch) for _ in range(self.repeats))
            if progress is not None:
                progress("encoding", counts.bytes, corpus.size_bytes)
        for name, vocabulary in named.items():
            counts.totals[name] = int(ids[name].sum())
            for number in np.flatnonzero(ids[name]).tolist():
                if vocabulary.kinds[number] != TokenKind.SPECIAL:  # such as the token of what is unknown
                    text = vocabulary.tokens[number].decode("utf-8", "replace")
                    counts.tokens[name][text] += int(ids[name][number])
        return counts

    def _official_counts(self, named: Mapping[str, Vocabulary], corpus: Corpus) -> _Counts:
        """Tokens of everything as one text, with special tokens; each id decoded by itself, as often as it occurs."""
        counts = _Counts(named)
        texts = list(corpus)
        counts.add_texts(texts)
        text = "\n".join(texts)
        for name, vocabulary in named.items():
            stock = vocabulary.to_tokenizers()
            start = time.perf_counter()
            ids = stock.encode(text).ids
            counts.seconds[name] = time.perf_counter() - start
            decoded = [stock.decode([number], skip_special_tokens=False) for number in ids]
            counts.official_seconds[name] = time.perf_counter() - start
            counts.tokens[name].update(decoded)
            counts.totals[name] = len(ids)
        return counts

    def _judge(self, tokens: Iterable[str]) -> Verdicts:
        """Whether each unit of the tokens is a word and whether it is an atom."""
        listed = sorted(tokens)
        if self.official:
            return self._official_judge(listed)
        units = sorted({unit for token in listed for unit in token.split()})
        lexicon = self.lexicon
        verdicts = {
            unit: (lexicon.is_word(unit), lexicon.is_atom(unit)) if lexicon else (False, False) for unit in units
        }
        if self.analyser is not None:
            forms = [lexicon.form(unit) for unit in units] if lexicon else units
            for unit, readings in zip(units, self.analyser.analyse(forms), strict=True):
                is_word, is_atom = verdicts[unit]
                atomic = any(len(reading.morphemes) == 1 for reading in readings)
                verdicts[unit] = (is_word or bool(readings), is_atom or atomic)
        return verdicts

    def _official_judge(self, tokens: Sequence[str]) -> Verdicts:
        listed = {token for token in tokens if self.lexicon and self.lexicon.is_word(token)}
        verdicts = {unit: (True, True) for token in listed for unit in token.split()}
        asked = sorted({unit for token in tokens for unit in token.split()} - verdicts.keys())
        readings = self.analyser.analyse(asked) if self.analyser else [[] for _ in asked]
        first = [each[0] for each in readings if each]
        roots = {root for reading in first for root in (reading.lemma, *reading.morphemes[:1])}
        return verdicts | {unit: (bool(each), unit in roots) for unit, each in zip(asked, readings, strict=True)}


class _Counts:
    """What was counted in the texts of a corpus, and by vocabulary the tokens, all and as strings."""

    def __init__(self, names: Mapping[str, Vocabulary]) -> None:
        self.documents = self.bytes = self.characters = self.words = 0
        self.tokens: dict[str, Counter[str]] = {name: Counter() for name in names}
        self.totals = dict.fromkeys(names, 0)
        self.seconds = dict.fromkeys(names, 0.0)
        self.official_seconds: dict[str, float] = {}

    def add_texts(self, texts: Sequence[str]) -> None:
        self.documents += len(texts)
        self.bytes += sum(map(utf8_length, texts))
        self.characters += sum(map(len, texts))
        self.words += sum(len(text.split()) for text in texts)


def _seconds(vocabulary: Vocabulary, texts: Sequence[str]) -> float:
    """Wall time of encoding."""
    start = time.perf_counter()
    vocabulary.encode_batch(texts, threads=1)
    return time.perf_counter() - start
