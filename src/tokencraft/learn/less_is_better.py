"""Less-is-Better (LiB): a lexicon of subwords, words and phrases that is learned by reading, and finds its own size.

    read: the longest chunk of the lexicon that begins the rest of a sentence, again and again
    memorise: neighbours that recur become a chunk, at the lexicon's end and on probation
    move: a chunk goes up where reading with it takes fewer chunks than reading without it, else down
    forget: what stays on probation for `life` articles

Yang, "Rethinking Tokenization: Crafting Better Tokenizers for Large Language Models", arXiv 2403.00417; Yang, Frank,
van den Bosch, "Less is Better: A cognitively inspired unsupervised model for language segmentation", CogALex 2020.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields
from itertools import chain, islice, repeat
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from tokencraft.corpus import Corpus, Fingerprint
from tokencraft.errors import CorpusError, TrainingError, UsageError
from tokencraft.learn.lib_reading import LibRules, Reading, Step
from tokencraft.learn.options import CorpusOptions
from tokencraft.learn.training import check_size
from tokencraft.paper import Paper
from tokencraft.vocabulary import Origin, Vocabulary, lexicon, merges

if TYPE_CHECKING:
    from tokencraft.engine import Engine

Variant = Literal["2023", "2020", "2020+"]

# What a variant says where the caller says nothing. 2020+ is the follow-up's setting for large corpora.
_VARIANTS: dict[str, dict[str, Any]] = {
    "2023": {
        "article": 500,
        "out_rate": 0.01,
        "life": 10,
        "update_rate": 0.1,
        "max_chunk_length": None,
        "order": "corpus",
        "segmentation": "two-paths",
    },
    "2020": {
        "article": 200,
        "out_rate": 0.01,
        "life": 10,
        "update_rate": 0.2,
        "max_chunk_length": 12,
        "order": "random",
        "segmentation": "longest",
    },
    "2020+": {
        "article": 100,
        "out_rate": 0.005,
        "life": 50,
        "update_rate": 0.4,
        "max_chunk_length": 16,
        "order": "random",
        "segmentation": "longest",
    },
}
_PASSES = 10


@dataclass(frozen=True)
class LessIsBetter(CorpusOptions):
    """Learns a lexicon of subwords, words and phrases that finds its own size; lossless for any bytes.

    Nothing cuts text into words, in training or in encoding, so it serves scripts without spaces too. Ids: the special
    tokens, the lexicon by rank, the bytes that it lacks.

    Args:
        variant: ``2023``: chunks prove themselves by changing neighbours, and text is read by the better of two paths.
            ``2020``: chunks are memorised at their second sighting in an article, and text is read by the longest
            match. ``2020+``: as 2020, for large corpora: characters stay, no chunk ends with a space.
        vocab_size: most tokens, special tokens and the 256 bytes included; None lets the lexicon find its size.
        steps: articles to read; None: as many as ten passes over the corpus have.
        article: sentences that are read before chunks are moved and forgotten; None: what the variant says.
        in_rate: alpha, the probability that two neighbouring chunks become a candidate.
        out_rate: omega, the share of the lexicon's end that is put on probation after an article; the larger, the
            smaller the vocabulary. None: what the variant says.
        life: tau0, articles of probation; it should be shorter than a pass over the corpus, or text that is read again
            keeps every accident alive. None: what the variant says.
        update_rate: Delta, the share of its rank by which a chunk moves. None: what the variant says.
        max_chunk_length: most characters of a chunk; None: what the variant says, which is any number for 2023.
        inspect_context: in 2023, a chunk leaves probation only where its neighbours have changed.
        order: articles as they follow in the corpus, again and again, or drawn at random; None: what the variant says.
        shuffle: bring the sentences into a random order first; they are held in memory then.
        segmentation: how the vocabulary reads text: ``"two-paths"``, which needs our encoder, or ``"longest"``, which
            stock ``tokenizers`` does too. None: what the variant says.
        deeper: with two paths, tokens fall apart where both parts have better ranks.
        seed: of all random choices.
        official: with two paths, read as the published code does: a token that no shorter one begins is not taken.

    Example:
        >>> lines = ["the cat ", "the dog ", "the cat "]
        >>> learner = LessIsBetter(steps=4, in_rate=1.0, life=3, article=3, unit="document")
        >>> vocabulary = learner.train(Corpus.from_iterable(lines * 4))
        >>> vocabulary.tokens[:3]
        (b't', b' ', b'the ')
    """

    variant: Variant = "2023"
    vocab_size: int | None = None
    steps: int | None = None
    article: int | None = None
    in_rate: float = 0.25
    out_rate: float | None = None
    life: int | None = None
    update_rate: float | None = None
    max_chunk_length: int | None = None
    inspect_context: bool = True
    order: Literal["corpus", "random"] | None = None
    shuffle: bool = False
    segmentation: Literal["two-paths", "longest"] | None = None
    deeper: bool = False
    seed: int = 0
    official: bool = False
    unit: merges.Unit = field(default="line", kw_only=True)

    paper: ClassVar[Paper] = Paper(
        "less-is-better",
        "Rethinking Tokenization: Crafting Better Tokenizers for Large Language Models",
        "2403.00417",
        2024,
    )

    def __post_init__(self) -> None:
        """Check what can be checked before training."""
        if self.variant not in _VARIANTS:
            raise UsageError(f"the variant is one of {', '.join(_VARIANTS)}, not {self.variant!r}")
        for name, known in (("order", ("corpus", "random")), ("segmentation", ("two-paths", "longest"))):
            if self._value(name) not in known:
                raise UsageError(f"{name} is one of {', '.join(known)}, not {getattr(self, name)!r}")
        for name in ("steps", "article"):
            if (value := self._value(name)) is not None and value < 1:
                raise UsageError(f"{name} must be at least 1, not {value}")
        if self.unit not in ("document", "line"):
            raise UsageError(f"the unit is 'document' or 'line', not {self.unit!r}")
        if (self.official or self.deeper) and self._value("segmentation") != "two-paths":
            raise UsageError("official and deeper are about segmentation='two-paths'")
        if self.vocab_size is not None:
            check_size(self.vocab_size, self.special_tokens)
            if self.vocab_size == 256 + len(self.special_tokens):
                raise TrainingError(
                    f"a vocabulary of {self.vocab_size} tokens has no room beside its bytes and special tokens"
                )
        self.rules()

    @classmethod
    def paper_settings(cls, variant: Variant = "2023") -> LessIsBetter:
        """The defaults of the published code, with an omega so small that the lexicon hardly forgets."""
        return cls(variant=variant, out_rate=1e-4 if variant != "2020+" else None, official=variant == "2023")

    def rules(self) -> LibRules:
        """The numbers of the learner, those of the variant filled in.

        Raises:
            UsageError: a number is out of its range.
        """
        long_chunks = None if self.vocab_size is None else self.vocab_size - 256 - len(self.special_tokens)
        return LibRules(
            in_rate=self.in_rate,
            out_rate=self._value("out_rate"),
            life=self._value("life"),
            update_rate=self._value("update_rate"),
            second_sighting=self.variant != "2023",
            inspect_context=self.inspect_context,
            max_chunk_length=self._value("max_chunk_length"),
            max_long_chunks=long_chunks,
            keep_characters=self.variant == "2020+",
            space_at_end=self.variant != "2020+",
        )

    def reading(self, state: dict[str, Any] | None = None) -> Reading:
        """A lexicon to feed from any stream, one article after the other; :meth:`vocabulary` ends it at any time.

        The corpus options do not apply: what is fed is read as it is. Variant 2020 begins with the characters of its
        corpus: give them to :meth:`Reading.admit`.

        Args:
            state: of an earlier reading, to go on from.

        Example:
            >>> learner = LessIsBetter(in_rate=1.0, life=3)
            >>> reading = learner.reading()
            >>> for _ in range(4):
            ...     step = reading.learn(["the cat ", "the dog ", "the cat "])
            >>> learner.vocabulary(reading).tokens[:3]
            (b't', b' ', b'the ')
        """
        return Reading(self.rules(), self.seed) if state is None else Reading.resumed(self.rules(), state)

    def train(
        self,
        corpus: Corpus,
        *,
        threads: int | None = None,
        engine: Engine | None = None,
        memory: int | None = None,
        progress: merges.Progress | None = None,
        on_step: Callable[[Step], object] | None = None,
    ) -> Vocabulary:
        """Learn a vocabulary from a corpus, which is streamed once to look at it and once for every pass.

        In memory are the lexicon and one article; all articles that are drawn where ``order`` is random, and all
        sentences with ``shuffle``.

        Args:
            corpus: what to learn from. Its order matters: articles are sentences that follow one another.
            threads: makes no difference: every sentence is read with the lexicon that the one before left.
            engine, memory: make no difference either.
            progress: called with the articles read.
            on_step: called after every article.

        Returns:
            The vocabulary.

        Raises:
            TrainingError: ``vocab_size`` is too small for the special tokens, the bytes, and (2020+) the characters.
            CorpusError: the corpus is empty or cannot be read.
        """
        prepared = self.prepared(corpus)
        survey = _Survey.of(prepared, self._sentences)
        size: int = self._value("article")
        articles = -(-survey.sentences // size)
        steps = self.steps or _PASSES * articles
        self._check(survey, steps, articles)
        reading = self.reading()
        if self.variant != "2023":
            reading.admit(survey.characters)
        for number, sentences in enumerate(self._articles(prepared, steps, articles)):
            step = reading.learn(sentences)
            if on_step is not None:
                on_step(step)
            if progress is not None:
                progress("learning", number + 1, steps)
        return self.vocabulary(reading, {"steps": steps}, survey.fingerprint)

    def vocabulary(self, reading: Reading, extra: dict[str, Any] | None = None, fingerprint: str = "") -> Vocabulary:
        """The vocabulary of what a reading has learned so far; the reading can go on.

        Args:
            reading: what is on probation is left out.
            extra: what the origin says beside the options, or in place of one of them.
            fingerprint: of the corpus.
        """
        resolved = {each.name: self._value(each.name) for each in fields(self) if each.name in _VARIANTS[self.variant]}
        said = {**self.hyperparameters(), **resolved, "steps": reading.steps, **(extra or {})}
        return lexicon.from_lexicon(
            reading.lexicon(),
            two_paths=self._value("segmentation") == "two-paths",
            official=self.official,
            deeper=self.deeper,
            special_tokens=self.special_tokens,
            normalizer=self.normalizer_json(),
            origin=Origin("less-is-better", said, fingerprint),
        )

    def _value(self, name: str) -> Any:
        """The value of a field, or what the variant says where it says nothing."""
        value = getattr(self, name)
        return _VARIANTS[self.variant].get(name) if value is None else value

    def _check(self, survey: _Survey, steps: int, articles: int) -> None:
        wide = sum(character > "\x7f" for character in survey.characters)
        room = self.rules().max_long_chunks
        if self.variant == "2020+" and room is not None and wide > room:
            raise TrainingError(
                f"a vocabulary of {self.vocab_size} tokens cannot hold the {wide} characters of the corpus beside its "
                "256 bytes and special tokens, and 2020+ keeps them all; take a larger vocab_size or another variant"
            )
        if steps > articles and self._value("life") >= articles and self._value("order") == "corpus":
            warnings.warn(
                f"a pass over the corpus is {articles} articles, no more than the {self._value('life')} that a chunk "
                "stays on probation: text that is read again will keep accidents alive; take a shorter life or "
                "smaller articles",
                stacklevel=3,
            )

    def _sentences(self, texts: Iterable[str]) -> Iterator[str]:
        """The documents, or their lines with their line ends."""
        for text in texts:
            if self.max_doc_bytes is not None:
                text = text.encode("utf-8")[: self.max_doc_bytes].decode("utf-8", "ignore")
            if self.unit == "document":
                yield from (text,) if text else ()
                continue
            begin = 0
            while begin < len(text):
                end = text.find("\n", begin) + 1 or len(text)
                yield text[begin:end]
                begin = end

    def _articles(self, corpus: Corpus, steps: int, articles: int) -> Iterator[list[str]]:
        """The articles in the order in which they are read."""
        again: Callable[[], Iterator[str]] = lambda: self._sentences(corpus)  # noqa: E731  # a name for the two cases
        if self.shuffle:
            sentences = list(self._sentences(corpus))
            random.Random(self.seed).shuffle(sentences)
            again = sentences.__iter__
        if self._value("order") == "corpus":
            endless = chain.from_iterable(self._cut(again()) for _ in repeat(None))
            yield from islice(endless, steps)
            return
        draw = random.Random(self.seed)
        drawn = [draw.randrange(articles) for _ in range(steps)]
        wanted = set(drawn)
        held = {number: article for number, article in enumerate(self._cut(again())) if number in wanted}
        for number in drawn:
            yield held[number]

    def _cut(self, sentences: Iterator[str]) -> Iterator[list[str]]:
        """Articles of the size asked for; the last one may be shorter."""
        while article := list(islice(sentences, self._value("article"))):
            yield article


@dataclass(frozen=True)
class _Survey:
    """What is known of a corpus before it is learned from."""

    sentences: int
    characters: str
    fingerprint: str

    @classmethod
    def of(cls, corpus: Corpus, sentences: Callable[[Iterable[str]], Iterator[str]]) -> _Survey:
        """Read a corpus once."""
        fingerprint = Fingerprint()
        seen: dict[str, None] = {}
        count = 0

        def watched() -> Iterator[str]:
            for text in corpus:
                fingerprint.add(text)
                yield text

        for sentence in sentences(watched()):
            count += 1
            seen.update(dict.fromkeys(sentence))
        if count == 0:
            corpus.require_documents()
            raise CorpusError("the corpus is empty: none of its documents has any text")
        return cls(count, "".join(seen), fingerprint.hexdigest())
