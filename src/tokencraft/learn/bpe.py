"""Byte-level BPE: the baseline every other learner starts from or is compared with.

    repeat: (l, r) = argmax over adjacent pairs of the weighted count; add the token l r; replace l r by it everywhere.

Sennrich, Haddow, Birch, "Neural Machine Translation of Rare Words with Subword Units", arXiv 1508.07909.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from tokencraft.corpus import Corpus
from tokencraft.learn.options import TextOptions
from tokencraft.learn.training import check_size, warn_if_small
from tokencraft.paper import Paper
from tokencraft.vocabulary import Vocabulary, merges, split

if TYPE_CHECKING:
    from tokencraft.engine import Engine


@dataclass(frozen=True)
class BPE(TextOptions):
    """Learns a byte-level BPE vocabulary, lossless for any bytes.

    Ids: the special tokens, the 256 bytes in the order of ``vocabulary.bytes.BYTE_ORDER``, the merges as learned. The
    merges are those of ``tokenizers``' ``BpeTrainer`` with the same splitter; ``unit="line"`` reads as it reads files,
    which is line by line, ``unit="document"`` as it reads an iterator.

    Args:
        vocab_size: tokens in all, special tokens and the 256 bytes included.
        splitter: how text is cut before merging; no token crosses a cut.
        init_merges: merges to go on from, (left, right) bytes in rank order.
        veto: called with the bytes of both sides of a candidate merge; True discards it for good.

    Example:
        >>> vocabulary = BPE(vocab_size=258).train(Corpus.from_iterable(["the cat, the hat"]))
        >>> vocabulary.tokens[256:]
        (b'at', b'he')
    """

    vocab_size: int = 32_000
    splitter: split.Splitter = split.SUPERBPE_V2_STAGE1
    init_merges: tuple[tuple[bytes, bytes], ...] = field(default=(), kw_only=True, repr=False)
    veto: Callable[[bytes, bytes], bool] | None = field(default=None, kw_only=True)

    paper: ClassVar[Paper] = Paper(
        "bpe", "Neural Machine Translation of Rare Words with Subword Units", "1508.07909", 2016
    )

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
            memory: bytes that counting may take; as many as it needs where left out.
            progress: called with what is being done, how much is done and how much there is.

        Returns:
            The vocabulary; smaller than asked for, with a warning, where the corpus holds no more pairs.

        Raises:
            TrainingError: ``vocab_size`` is too small for the special tokens, the 256 bytes, and the characters and
                numbers asked for.
            CorpusError: the corpus is empty or cannot be read.
        """
        check_size(self.vocab_size, self.special_tokens)
        splitter = self.splitter_with_digits(self.splitter)
        pieces = self.count(corpus, splitter, threads=threads, engine=engine, memory=memory, progress=progress)
        vocabulary = self.learned(
            pieces,
            self.vocab_size,
            splitter,
            "bpe",
            given=self.init_merges,
            rules=self.rules(veto=self.veto),
            progress=progress,
        )
        warn_if_small(vocabulary, self.vocab_size, self.min_frequency)
        return vocabulary
