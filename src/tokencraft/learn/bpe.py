"""Byte-level BPE: the baseline every other learner starts from or is compared with.

    repeat: (l, r) = argmax over adjacent pairs of the weighted count; add the token l r; replace l r by it everywhere.

Sennrich, Haddow, Birch, "Neural Machine Translation of Rare Words with Subword Units", arXiv 1508.07909.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from tokencraft.corpus import Corpus
from tokencraft.errors import UsageError
from tokencraft.learn.training import check_size, describe, init_table, warn_if_small
from tokencraft.paper import Paper
from tokencraft.vocabulary import Origin, Vocabulary, merges, split


@dataclass(frozen=True)
class BPE:
    """Learns a byte-level BPE vocabulary, lossless for any bytes.

    Ids: the special tokens, the 256 bytes in the order of ``vocabulary.bytes.BYTE_ORDER``, the merges as learned. The
    merges are those of ``tokenizers``' ``BpeTrainer`` with the same splitter; ``unit="line"`` reads as it reads files,
    which is line by line, ``unit="document"`` as it reads an iterator.

    Args:
        vocab_size: tokens in all, special tokens and the 256 bytes included.
        splitter: how text is cut before merging; no token crosses a cut.
        min_frequency: least count of a pair to be merged.
        special_tokens: strings of the first ids. No merge is learned that is spelled like one of them, so that text
            never turns into a special token.
        unit: what is cut into pieces: ``"document"``, or ``"line"`` with its line end.
        max_doc_bytes: documents are cut off after this many bytes, so that a single one cannot dominate.
        max_token_length: most bytes of a token.
        init_merges: merges to go on from, (left, right) bytes in rank order.
        veto: called with the bytes of both sides of a candidate merge; True discards it for good.

    Example:
        >>> vocabulary = BPE(vocab_size=258).train(Corpus.from_iterable(["the cat, the hat"]))
        >>> vocabulary.tokens[256:]
        (b'at', b'he')
    """

    vocab_size: int = 32_000
    splitter: split.Splitter = split.SUPERBPE_V2_STAGE1
    min_frequency: int = 0
    special_tokens: tuple[str, ...] = ()
    unit: merges.Unit = field(default="document", kw_only=True)
    max_doc_bytes: int | None = field(default=None, kw_only=True)
    max_token_length: int | None = field(default=None, kw_only=True)
    init_merges: tuple[tuple[bytes, bytes], ...] = field(default=(), kw_only=True, repr=False)
    veto: Callable[[bytes, bytes], bool] | None = field(default=None, kw_only=True)

    paper: ClassVar[Paper] = Paper(
        "bpe", "Neural Machine Translation of Rare Words with Subword Units", "1508.07909", 2016
    )

    def train(
        self, corpus: Corpus, *, threads: int | None = None, progress: merges.Progress | None = None
    ) -> Vocabulary:
        """Learn a vocabulary from a corpus, which is streamed once.

        Args:
            corpus: what to learn from.
            threads: how many to use; all cores where left out. The vocabulary does not depend on it.
            progress: called with what is being done, how much is done and how much there is.

        Returns:
            The vocabulary; smaller than asked for, with a warning, where the corpus holds no more pairs.

        Raises:
            TrainingError: ``vocab_size`` is smaller than the special tokens and the 256 bytes together.
            CorpusError: the corpus is empty or cannot be read.
        """
        check_size(self.vocab_size, self.special_tokens)
        if isinstance(corpus, str):
            raise UsageError("train takes a Corpus: Corpus.from_files(path) or Corpus.from_iterable([text])")
        tokens = merges.byte_tokens(self.special_tokens)
        inherited = init_table(self.init_merges, tokens, self.vocab_size)
        pieces = merges.count(
            corpus,
            self.splitter,
            unit=self.unit,
            max_doc_bytes=self.max_doc_bytes,
            threads=threads,
            progress=progress,
        )
        learned = merges.learn(
            pieces,
            self.vocab_size - len(tokens),
            tokens=tokens,
            merges=inherited,
            rules=merges.Rules(
                min_frequency=self.min_frequency,
                max_token_bytes=self.max_token_length,
                reserved=merges.reserved_spellings(self.special_tokens),
                veto=self.veto,
            ),
            progress=progress,
        )
        vocabulary = Vocabulary.from_merges(
            [*inherited[:, :2].tolist(), *learned.pairs.tolist()],
            splitter=self.splitter,
            special_tokens=self.special_tokens,
            origin=Origin("bpe", self._hyperparameters(), pieces.fingerprint),
        )
        warn_if_small(vocabulary, self.vocab_size, self.min_frequency)
        return vocabulary

    def _hyperparameters(self) -> dict[str, Any]:
        return describe(self, ("vocab_size", "splitter", "min_frequency", "unit", "max_doc_bytes", "max_token_length"))
