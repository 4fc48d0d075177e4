"""A WordPiece vocabulary from the morphemes of a domain's terms, on top of a base vocabulary (BioVocabBERT's recipe).

    count of a piece = sum of the counts, in the term list, of the words that it is a morpheme of; those above 1 stay

Gutierrez, Sun, Su, "Biomedical Language Models are Robust to Sub-optimal Tokenization", arXiv 2306.17649. The paper's
finding is negative: such a vocabulary cuts far better and its models are not better. Do not expect gains downstream.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

import regex

from tokencraft.corpus import Corpus
from tokencraft.errors import CorpusError, TrainingError, UsageError
from tokencraft.learn.k_tokeniser import with_pieces
from tokencraft.paper import Paper
from tokencraft.vocabulary import Origin, Vocabulary, merges

if TYPE_CHECKING:
    from tokencraft.engine import Engine

SHORTEST, LONGEST = 5, 28
_WORD = regex.compile(r"\p{P}|[^\s\p{P}]+")
_LETTERS = regex.compile(r"[a-z]+")
_BATCH = 4096


class Segmenter(Protocol):
    """What cuts words: :class:`tokencraft.morphology.MorphemeSegmenter`, or anything else that has ``segment``."""

    def segment(self, words: Sequence[str]) -> list[list[str]]:
        """The pieces of every word."""


@dataclass(frozen=True)
class MorphemeVocabulary:
    """Learns a vocabulary of morphemes for a domain (arXiv 2306.17649, section 4).

    Ids: those of the base, unchanged; the new pieces by falling count, then by the alphabet.

    Args:
        segmenter: what cuts words into morphemes.
        base: a WordPiece vocabulary. Its special tokens and letters are enough: see ``tokens_kept``.
        min_count: least count of a piece.
        tokens_kept: ``"all"`` tokens of the base, or its ``"alphabet"`` alone: special tokens and single characters.
        general: counts of words in general text; with ``domain`` a filter for words more frequent in the domain.
        domain: counts of words in text of the domain.

    Example:
        >>> from tokencraft.learn import WordPiece
        >>> class Halves:
        ...     def segment(self, words):
        ...         return [[word[: len(word) // 2], word[len(word) // 2 :]] for word in words]
        >>> base = WordPiece(vocab_size=31).train(Corpus.from_iterable(["the cow spit a hat"] * 2))
        >>> vocabulary = MorphemeVocabulary(Halves(), base).train({"hepatitis": 2, "cystitis": 3})
        >>> [vocabulary.pieces[number] for number in vocabulary.encode("hepatitis")]
        ['hepa', '##titis']
    """

    segmenter: Segmenter = field(repr=False)
    base: Vocabulary = field(repr=False)
    min_count: int = 2
    tokens_kept: Literal["all", "alphabet"] = "all"
    general: Mapping[str, int] | None = field(default=None, repr=False)
    domain: Mapping[str, int] | None = field(default=None, repr=False)

    paper: ClassVar[Paper] = Paper(
        "biomedical-segmentation",
        "Biomedical Language Models are Robust to Sub-optimal Tokenization",
        "2306.17649",
        2023,
    )

    def train(
        self,
        terms: Mapping[str, int] | Corpus,
        *,
        threads: int | None = None,
        engine: Engine | None = None,
        memory: int | None = None,
        progress: merges.Progress | None = None,
    ) -> Vocabulary:
        """Learn the pieces of the words of a term list.

        Args:
            terms: terms with their counts, or a corpus of terms, each document counting once.
            threads, engine, memory: not used; the segmenter has its own ways.
            progress: called with the words segmented.

        Returns:
            The base with the new pieces; as it was where no word falls apart.

        Raises:
            TrainingError: the base is no WordPiece vocabulary.
            CorpusError: no term holds a word of 5 to 28 letters a to z.
        """
        if self.base.algorithm != "wordpiece":
            raise TrainingError(f"the base must be a WordPiece vocabulary; this one is {self.base.algorithm}")
        if self.tokens_kept not in ("all", "alphabet"):
            raise UsageError(f"tokens_kept is 'all' or 'alphabet', not {self.tokens_kept!r}")
        if (self.general is None) != (self.domain is None):
            raise UsageError("the filter needs the counts of words in general text and in the domain: give both")
        words = self.words(terms)
        if not words:
            raise CorpusError(f"the terms hold no word of {SHORTEST} to {LONGEST} letters a to z to learn from")
        counts = self._pieces(words, progress)
        kept = [piece for piece, count in counts.items() if count >= self.min_count]
        kept.sort(key=lambda piece: (-counts[piece], piece[1], not piece[0]))
        letters = sorted({letter for word in words for letter in word})
        alphabet = [(begins, letter) for begins in (True, False) for letter in letters]
        base = self.base if self.tokens_kept == "all" else alphabet_of(self.base)
        grown, _ = with_pieces(base, {"": [*kept, *alphabet]})
        facts = {
            "min_count": self.min_count,
            "tokens_kept": self.tokens_kept,
            "filtered": self.domain is not None,
            "words": len(words),
            "base_size": len(base),
            "base_origin": self.base.origin.to_json(),
        }
        fingerprint = terms.fingerprint() if isinstance(terms, Corpus) else ""
        return grown.replace(origin=Origin("biomedical-segmentation", facts, fingerprint))

    def words(self, terms: Mapping[str, int] | Corpus) -> dict[str, int]:
        """The words that are segmented, with their counts; the most telling of the domain first, where it is known.

        Rank: count in the terms x (domain - general) / (domain + 1), of words whose share of the domain is larger than
        their share of general text.
        """
        counts: Counter[str] = Counter()
        for term, count in terms.items() if isinstance(terms, Mapping) else ((text, 1) for text in terms):
            for word in _WORD.findall(term.lower()):
                if SHORTEST <= len(word) <= LONGEST and _LETTERS.fullmatch(word):
                    counts[word] += count
        if self.general is None or self.domain is None:
            return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
        general_total, domain_total = sum(self.general.values()) or 1, sum(self.domain.values()) or 1
        ranks: dict[str, float] = {}
        for word, count in counts.items():
            general, domain = self.general.get(word, 0), self.domain.get(word, 0)
            if domain / domain_total - general / general_total > 0:
                ranks[word] = count * (domain - general) / (domain + 1)
        return {word: counts[word] for word in sorted(ranks, key=lambda word: (-ranks[word], word))}

    def _pieces(self, words: Mapping[str, int], progress: merges.Progress | None) -> Counter[tuple[bool, str]]:
        """Count by (whether it begins a word, piece); words that stay whole are passed over."""
        counts: Counter[tuple[bool, str]] = Counter()
        everything = list(words)
        for begin in range(0, len(everything), _BATCH):
            batch = everything[begin : begin + _BATCH]
            for word, pieces in zip(batch, self.segmenter.segment(batch), strict=True):
                if len(pieces) > 1:
                    for position, piece in enumerate(pieces):
                        counts[position == 0, piece] += words[word]
            if progress is not None:
                progress("segmenting", begin + len(batch), len(everything))
        return counts


def alphabet_of(base: Vocabulary) -> Vocabulary:
    """A WordPiece vocabulary's special tokens and single characters, with ids without holes, in their order."""
    from tokencraft.learn.wordpiece import wordpiece_vocabulary

    mark = base.flags.continuing_subword_prefix or ""
    special = [str(entry["content"]) for entry in base.added_tokens if entry.get("special")]
    pieces = [piece for piece in base.pieces if piece in special or len(piece.removeprefix(mark)) == 1]
    made: Any = wordpiece_vocabulary(pieces, [piece for piece in pieces if piece in special], base.normalizer, Origin())
    return base.replace(
        **{
            name: getattr(made, name)
            for name in ("tokens", "kinds", "spelling", "added_tokens", "special_tokens", "post_processor")
        },
        outside_model=frozenset(),
    )
