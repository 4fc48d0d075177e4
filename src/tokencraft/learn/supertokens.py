"""Supertokens: one run of byte-level BPE on chunks of random lengths, so that tokens may span words from the start.

    repeat: a range of lengths by its probability, a length in the range, all alike; cut there
    BPE on the chunks, as if they were words; nothing is cut when text is encoded

"Achieving Tokenizer Flexibility in Language Models through Heuristic Adaptation and Supertoken Learning",
arXiv 2505.09738.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from tokencraft.corpus import Corpus
from tokencraft.learn.options import TextOptions
from tokencraft.learn.training import check_size, warn_if_small
from tokencraft.paper import Paper
from tokencraft.vocabulary import Vocabulary, merges, split
from tokencraft.vocabulary.chunk_lengths import ChunkLengths
from tokencraft.vocabulary.random_split import RandomChunks

if TYPE_CHECKING:
    from tokencraft.engine import Engine


@dataclass(frozen=True)
class Supertokens(TextOptions):
    """Learns a byte-level BPE vocabulary whose tokens may span words (supertokens), lossless for any bytes.

    Needs no notion of a word, so it serves scripts without spaces too. Tokens stop where chunks happened to end, which
    makes many of them begin or end inside a word; :class:`~tokencraft.learn.SuperBPE` has fewer of these.

    Args:
        vocab_size: tokens in all, special tokens and the 256 bytes included.
        lengths: of the chunks in characters: ``20-60`` (all lengths alike), several ranges with weights
            (``4-9:0.3,10-20:0.7``), or ``supertokenizer``, the published ones, which are too short to compress well.
        seed: of the lengths; the same text is always cut the same.
        squeeze_runs: leave runs of seven times the same character (line ends apart) out of what is learned from, as the
            published script does.

    Raises:
        UsageError: the lengths are no distribution.

    Example:
        >>> lines = ["by the way", "by the way", "by the sea"]
        >>> vocabulary = Supertokens(vocab_size=265, lengths="20-60").train(Corpus.from_iterable(lines))
        >>> vocabulary.tokens[-1]
        b'by the way'
    """

    vocab_size: int = 32_000
    lengths: str = "20-60"
    seed: int = 0
    squeeze_runs: bool = False
    min_frequency: int = field(default=2, kw_only=True)
    max_token_length: int | None = field(default=29, kw_only=True)

    paper: ClassVar[Paper] = Paper(
        "tokenadapt",
        "Achieving Tokenizer Flexibility in Language Models through Heuristic Adaptation and Supertoken Learning",
        "2505.09738",
        2025,
    )

    def __post_init__(self) -> None:
        """Check what can be checked before training."""
        ChunkLengths.parse(self.lengths)

    @classmethod
    def paper_settings(cls) -> Supertokens:
        """The published configuration: 128k tokens, lengths of 4 to 23 characters, NFC, runs squeezed.

        Its probabilities sum to 1.1 and are normalised; ``max_token_length=30`` of ``tokenizers`` means 29 bytes.
        """
        return cls(
            vocab_size=128_000,
            lengths="supertokenizer",
            squeeze_runs=True,
            normalizer="nfc",
            special_tokens=("<|endoftext|>", "<|beginoftext|>", "<|image|>", "<|audio|>"),
        )

    def prepared(self, corpus: Corpus) -> Corpus:
        """The corpus as it is learned from; see :meth:`CorpusOptions.prepared`."""
        return super().prepared(corpus).map(squeezed) if self.squeeze_runs else super().prepared(corpus)

    def train(
        self,
        corpus: Corpus,
        *,
        threads: int | None = None,
        engine: Engine | None = None,
        memory: int | None = None,
        progress: merges.Progress | None = None,
    ) -> Vocabulary:
        """Learn a vocabulary from a corpus, which is streamed once.

        Args:
            corpus: what to learn from.
            threads: how many to use; all cores where left out. The vocabulary does not depend on it.
            engine: where the corpus is counted; this machine where left out.
            memory: bytes that training may take; as many as it needs where left out. Counts that do not fit go to a
                temporary file, which changes nothing; where the chunks do not fit, a weighted sample of them is learned
                from, with a warning and a note in the origin.
            progress: called with what is being done, how much is done and how much there is.

        Returns:
            The vocabulary; smaller than asked for, with a warning, where the corpus holds no more pairs.

        Raises:
            TrainingError: ``vocab_size`` is too small for the special tokens, the 256 bytes, and the characters and
                numbers asked for.
            CorpusError: the corpus is empty or cannot be read.
        """
        check_size(self.vocab_size, self.special_tokens)
        chunks = RandomChunks(self.lengths, self.seed)
        encoding = self.splitter_with_digits(split.WHOLE)
        # Digits are cut first, so that what lies between them falls into chunks as text without digits does.
        first_cut = chunks if self.digits is None else encoding
        pieces = self.count(corpus, first_cut, threads=threads, engine=engine, memory=memory, progress=progress)
        if self.digits is not None:
            pieces = pieces.recut(chunks)
        vocabulary = self.learned(pieces, self.vocab_size, encoding, "supertokens", progress=progress)
        warn_if_small(vocabulary, self.vocab_size, self.min_frequency)
        return vocabulary


_SEVEN = re.compile(r"(.)\1{6}")


def squeezed(text: str) -> str:
    """The text without runs of seven times the same character, line ends apart.

    Example:
        >>> squeezed("a" + "=" * 15 + "b")
        'a=b'
    """
    return _SEVEN.sub("", text)
