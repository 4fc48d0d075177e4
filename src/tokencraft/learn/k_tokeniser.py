"""K-Tokeniser: pieces learned from the concepts of a domain, by semantic type, on top of a base vocabulary.

    value(x) = G_S[x], how often the n-gram x occurs in the concepts of type S;  V_S = V_B + pieces of largest value

Every word is then cut as the type does whose segmentation has the least entropy: see ``vocabulary/word_choice.py``.

Hasan et al., "Infusing clinical knowledge into tokenisers for language models", arXiv 2406.14312.
"""

from __future__ import annotations

import dataclasses
import functools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import regex

from tokencraft.corpus import Corpus
from tokencraft.errors import TrainingError, UsageError
from tokencraft.learn.bpe import BPE
from tokencraft.learn.concept_pieces import candidates, select
from tokencraft.learn.options import TextOptions
from tokencraft.paper import Paper
from tokencraft.vocabulary import Flags, Origin, TokenKind, Vocabulary, merges, split
from tokencraft.vocabulary.bytes import piece_bytes, to_printable
from tokencraft.vocabulary.concept_vocabulary import ConceptVocabulary, attach
from tokencraft.vocabulary.concepts import Concepts
from tokencraft.vocabulary.ngrams import NgramCounts, words_of
from tokencraft.vocabulary.word_choice import WordChoice

if TYPE_CHECKING:
    from tokencraft.engine import Engine

CORPUS_TYPE = "corpus"
LONGEST_WORD = 100
"""Characters, as WordPiece has it; a longer word has thousands of n-grams that occur nowhere else."""
_ANY_LENGTH = 1 << 30
_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+")
_LETTER = regex.compile(r"\p{L}")


@dataclass(frozen=True)
class KTokeniser(TextOptions):
    """Learns a concept-aware vocabulary (arXiv 2406.14312) for an encoder, or a lossless one from nothing.

    Ids: those of the base, then the new pieces of every type in turn, the most valuable first. The result encodes by
    the localised choice; its ``to_transformers()`` is a tokenizer for any model.

    Args:
        concepts: terms by semantic type, the order breaking ties: ``{"drug": [...], "disease": [...]}``. Where there
            are none, the words of the corpus make one type.
        base: the vocabulary to add to: WordPiece, or longest match over bytes. Where left out, a lossless one is
            learned from the corpus with the options of :class:`~tokencraft.learn.BPE`.
        vocab_size: tokens of the base that is learned.
        splitter: how the base that is learned cuts text.
        pieces: most new pieces of each type.
        pieces_of: the same for some types by name.
        min_value: least value of a piece: how often it occurs in the concepts of its type.
        min_share: delta: the least share of all values of the type that a piece must exceed.
        piece_merges: merges that look for the pieces of a word.
        longest_piece: most characters of a new piece.
        syllables: cut the first piece of a word into pseudo-syllables (Latin script).
        corpus_words: how many of the corpus's words, the most frequent, make a type.
        threshold: tau: evidence in counts below which a word keeps the base's segmentation. None is 1000, or 5e-5 of
            all counts where that is less; 0, for short lists, asks for no evidence.
        strip_prefix: let the evidence of all pieces of a word count, not that of the first alone.
        fertility_limit: f: a text that would need fewer pieces by this share or more keeps the base's segmentation, as
            does one that would need more. 0 always keeps it, 1 has no limit.
        official: as the published code: n-gram counts with repeated tails, the first-letter rule for pieces, the first
            pieces by the alphabet, no guard against longer texts at ``fertility_limit=1``.

    Example:
        >>> from tokencraft.learn import WordPiece
        >>> base = WordPiece(vocab_size=56).train(Corpus.from_iterable(["the spirited linens in amber pens"] * 2))
        >>> learner = KTokeniser({"drug": ["aspirin", "ampicillin", "penicillin", "amoxicillin"]}, base, threshold=0)
        >>> vocabulary = learner.train()
        >>> [vocabulary.pieces[number] for number in vocabulary.encode("penicillin")]  # unknown to the base
        ['p', '##en', '##icill', '##in']
    """

    concepts: Concepts = field(default_factory=dict, repr=False)
    base: Vocabulary | None = field(default=None, repr=False)
    vocab_size: int = 30_000
    splitter: split.Splitter = split.SUPERBPE_V2_STAGE1
    pieces: int = 10_000
    pieces_of: Mapping[str, int] = field(default_factory=dict, repr=False)
    min_value: int = 2
    min_share: float = 0.0
    piece_merges: int = 20
    longest_piece: int = 5
    syllables: bool = True
    corpus_words: int = 20_000
    threshold: float | None = None
    strip_prefix: bool = False
    fertility_limit: float = 1.0
    official: bool = False

    paper: ClassVar[Paper] = Paper(
        "k-tokeniser", "Infusing clinical knowledge into tokenisers for language models", "2406.14312", 2024
    )

    @classmethod
    def paper_settings(cls, concepts: Concepts, base: Vocabulary) -> KTokeniser:
        """The paper's: 10,000 pieces of the first type (drugs) and 3,000 of the others, tau = 1000."""
        others = dict.fromkeys(list(concepts)[1:], 3_000)
        return cls(concepts, base, pieces_of=others, threshold=1000.0)

    def train(
        self,
        corpus: Corpus | None = None,
        *,
        threads: int | None = None,
        engine: Engine | None = None,
        memory: int | None = None,
        progress: merges.Progress | None = None,
    ) -> ConceptVocabulary:
        """Learn the pieces of every type, and from the corpus what was not given: the base, the concepts, or both.

        Args:
            corpus: text; left out where ``base`` and ``concepts`` are both given.
            threads: how many to use for the base; all cores where left out. The vocabulary does not depend on it.
            engine: where the corpus is counted; this machine where left out.
            memory: bytes that counting may take; as many as it needs where left out.
            progress: called with what is being done, how much is done and how much there is.

        Returns:
            The base's tokens and the new pieces, with the localised choice.

        Raises:
            UsageError: a corpus is missing or has nothing to give, or options contradict each other.
            TrainingError: the base is of a kind that longest match does not fit.
            CorpusError: the corpus is empty or cannot be read.
        """
        self._check(corpus)
        resources: dict[str, Any] = {"threads": threads, "engine": engine, "memory": memory, "progress": progress}
        base = self._learn_base(corpus, resources) if self.base is None else self.base
        types = {name: words_of(terms) for name, terms in self.concepts.items()}
        fingerprint = base.origin.corpus if self.base is None else ""
        if corpus is not None and not types:
            types = {CORPUS_TYPE: self._words(corpus)}
            fingerprint = fingerprint or corpus.fingerprint()
        types = {
            name: Counter({w: n for w, n in words.items() if len(w) <= LONGEST_WORD}) for name, words in types.items()
        }
        counts = {name: NgramCounts(words, tails_again=self.official) for name, words in types.items()}
        texts: dict[str, list[tuple[bool, str]]] = {}
        fits = _fitting(base)
        done, total = 0, sum(map(len, types.values()))
        for name, words in types.items():
            listener = None if progress is None else functools.partial(_report, progress, done, total)
            values = candidates(
                words,
                counts[name],
                merges=self.piece_merges,
                longest=self.longest_piece,
                syllables=self.syllables,
                official=self.official,
                threads=threads,
                progress=listener,
            )
            done += len(words)
            texts[name] = select(
                {piece: value for piece, value in values.items() if fits(*piece)},
                self.pieces_of.get(name, self.pieces),
                min_value=self.min_value,
                min_share=self.min_share,
                alphabetical=self.official,
            )
        vocabulary = self.combine(base, counts, texts)
        dead = vocabulary.unreachable()
        extra = {
            "types": {
                name: {"words": len(words), "pieces": len(vocabulary.choice.types[name]), "dead": len(dead[name])}
                for name, words in types.items()
            },
            "pieces_of": dict(self.pieces_of),
            "base_size": len(base),
            "base_origin": base.origin.to_json(),
            "threshold": vocabulary.choice.threshold,
        }
        origin = Origin("k-tokeniser", {**self.hyperparameters(), **extra}, fingerprint)
        return dataclasses.replace(vocabulary, origin=origin)

    def combine(
        self,
        base: Vocabulary,
        counts: Mapping[str, NgramCounts],
        pieces: Mapping[str, Sequence[tuple[bool, str]]],
    ) -> ConceptVocabulary:
        """The base with pieces of each type and the choice among them: the last step alone, for pieces of one's own.

        Args:
            base: the base vocabulary.
            counts: G_S by n-gram, by type.
            pieces: (whether it begins a word, text) by type.
        """
        vocabulary, ids = with_pieces(base, pieces)
        texts = [token.decode("utf-8", "replace").removeprefix(" ") for token in vocabulary.tokens]
        by_id = np.sum([np.zeros(len(texts), np.int64), *(each.of(texts) for each in counts.values())], axis=0)
        total = sum(each.total for each in counts.values())
        choice = WordChoice(
            types={name: tuple(numbers) for name, numbers in ids.items()},
            base_size=len(base),
            counts=by_id,
            total=total,
            threshold=min(1000.0, 5e-5 * total) if self.threshold is None else self.threshold,
            strip_prefix=self.strip_prefix,
            lower_case=vocabulary.family != "byte-level",
            fertility_limit=self.fertility_limit,
            guard=not self.official,
        )
        return attach(vocabulary, choice)

    def _check(self, corpus: Corpus | None) -> None:
        """Refuse what contradicts itself before anything is learned."""
        if corpus is not None and not isinstance(corpus, Corpus):
            raise UsageError("train takes a Corpus: Corpus.from_files(path) or Corpus.from_iterable([text])")
        if corpus is None and (self.base is None or not self.concepts):
            missing = "the base vocabulary" if self.base is None else "the concepts"
            raise UsageError(f"a corpus is needed to learn {missing} from; give one, or give {missing}")
        if corpus is not None and self.base is not None and self.concepts:
            raise UsageError(
                "with a base and concepts there is nothing to learn from the corpus; leave one of them out"
            )
        if unknown := set(self.pieces_of) - set(self.concepts):
            raise UsageError(
                f"pieces_of names {', '.join(map(repr, sorted(unknown)))}, which is no type of the concepts"
            )
        if self.base is None:
            return
        given = [each.name for each in dataclasses.fields(TextOptions) if getattr(self, each.name) != each.default]
        if given:
            raise UsageError(f"{', '.join(given)} cannot be set for a base that is given: they are settled by it")
        if self.base.algorithm not in ("wordpiece", "greedy") or self.base.flags.ignore_merges:
            raise TrainingError(
                f"the base is {self.base.algorithm} ({self.base.family}); a concept-aware vocabulary needs longest "
                "match: a WordPiece vocabulary, or none, for a lossless one to be learned from the corpus"
            )

    def _learn_base(self, corpus: Corpus | None, resources: Mapping[str, Any]) -> Vocabulary:
        """A lossless vocabulary of bytes for longest match: BPE's tokens without its merges."""
        assert corpus is not None
        shared = {each.name: getattr(self, each.name) for each in dataclasses.fields(TextOptions)}
        learned = BPE(vocab_size=self.vocab_size, splitter=self.splitter, **shared).train(corpus, **resources)
        return learned.replace(
            algorithm="greedy",
            merges=np.zeros((0, 2), np.int32),
            flags=Flags(unk_token="[UNK]", max_input_chars_per_word=_ANY_LENGTH),
        )

    def _words(self, corpus: Corpus) -> Counter[str]:
        """The most frequent words of the corpus that hold a letter, in lower case."""
        words: Counter[str] = Counter()
        for text in self.prepared(corpus):
            words.update(_WORD.findall(text.lower()))
        lettered = [word for word in words if len(word) <= LONGEST_WORD and _LETTER.search(word)]
        lettered.sort(key=lambda word: (-words[word], word))
        return Counter({word: words[word] for word in lettered[: self.corpus_words]})


def _report(progress: merges.Progress, before: int, total: int, done: int) -> None:
    progress("learning", before + done, total)


def _fitting(base: Vocabulary) -> Callable[[bool, str], bool]:
    """Whether the text of a piece can be a part of a word: what the base does before cutting leaves it as it is."""
    stock = base.to_tokenizers()

    def fits(begins: bool, text: str) -> bool:
        bytelevel = base.family == "byte-level"
        word = f"{' ' * bytelevel if begins else 'a'}{text}a"
        normal = word if stock.normalizer is None else stock.normalizer.normalize_str(word)
        words = (
            [normal] if stock.pre_tokenizer is None else [w for w, _ in stock.pre_tokenizer.pre_tokenize_str(normal)]
        )
        return words == [to_printable(word.encode("utf-8")) if bytelevel else word]

    return fits


def with_pieces(
    base: Vocabulary, texts: Mapping[str, Sequence[tuple[bool, str]]]
) -> tuple[Vocabulary, dict[str, list[int]]]:
    """The base with pieces appended that it lacks, and the ids of those of each type.

    Args:
        base: WordPiece, or longest match over bytes.
        texts: (whether it begins a word, text) of the pieces by type.
    """
    mark = base.flags.continuing_subword_prefix or ""
    known = {piece: number for number, piece in enumerate(base.pieces) if piece}
    strings: list[str] = []
    ids: dict[str, list[int]] = {name: [] for name in texts}
    for name, pieces in texts.items():
        for begins, text in pieces:
            if base.family == "byte-level":
                piece = to_printable((" " * begins + text).encode("utf-8"))
            else:
                piece = text if begins else mark + text
            number = known.setdefault(piece, len(base) + len(strings))
            if number == len(base) + len(strings):
                strings.append(piece)
            if number >= len(base):
                ids[name].append(number)
    grown = base.replace(
        tokens=base.tokens + tuple(piece_bytes(piece, base.family, base.flags) for piece in strings),
        kinds=base.kinds + (TokenKind.NORMAL,) * len(strings),
        spelling=None if base.spelling is None else (*base.spelling, *strings),
    )
    return grown, ids
