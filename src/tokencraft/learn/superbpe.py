"""SuperBPE: a byte-level BPE vocabulary whose later tokens span several words (" of the", "By the way").

    stage 1, |V| from 256 to t: BPE on pieces that end at word boundaries
    stage 2, |V| from t to T: BPE on pieces without such boundaries, beginning from the merges of stage 1

Liu, Hayase, Hofmann, Oh, Smith, Choi, "SuperBPE: Space Travel for Language Models", arXiv 2503.13423.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from tokencraft.corpus import Corpus
from tokencraft.errors import UsageError
from tokencraft.learn.recipes import forbidden, splitter_of
from tokencraft.learn.training import check_size, describe, init_table, warn_if_small
from tokencraft.paper import Paper
from tokencraft.vocabulary import Origin, Vocabulary, merges, split

Table = npt.NDArray[np.int32]


@dataclass(frozen=True)
class SuperBPE:
    """Learns a SuperBPE vocabulary (arXiv 2503.13423, section 2), lossless for any bytes.

    Text is cut by the splitter of stage 2 alone when it is encoded, so the vocabulary loads in stock ``tokenizers``.

    Args:
        vocab_size: T, tokens in all, special tokens and the 256 bytes included.
        transition: t, where stage 2 begins: a share of ``vocab_size`` (float, 0 to 1) or a vocabulary size (int).
            T itself is plain BPE, 0.0 is BPE without word boundaries.
        stage1: how stage 1 cuts text: ``"v2"`` (keeps combining marks with their letters), ``"paper"`` (as the
            released 200k vocabularies), or a splitter.
        stage2: how stage 2 cuts text: ``"v2"`` (isolates digits, runs of punctuation, trailing spaces), ``"paper"``
            (digits alone), or a splitter.
        max_words: most words of a token of stage 2; None for any number.
        forbid: strings, in the byte alphabet of ``tokenizer.json``, that no token of stage 2 may contain. The default
            keeps the space after a colon out of tokens, for prompts that end in ``Answer:``.
        min_frequency: least count of a pair to be merged.
        special_tokens: strings of the first ids; no merge is spelled like one of them.
        unit: ``"line"``: no token of several bytes goes on after a line end; ``"document"`` allows it.
        max_doc_bytes: documents are cut off after this many bytes, so that a single one cannot mint superwords.
        drop_unreachable: leave out merges of stage 1 that never apply to the pieces of stage 2, and their tokens.
        official: as the published scripts do: one merge of stage 1 less is inherited (``head -n`` counts the header of
            ``merges.txt``), and unreachable ones are dropped.
        max_token_length: most bytes of a token.
        init_merges: merges that stage 1 goes on from, (left, right) bytes in rank order.
        veto: called with the bytes of both sides of a candidate of stage 2; True discards it for good.

    Example:
        >>> lines = ["by the way", "by the way", "by the sea"]
        >>> vocabulary = SuperBPE(vocab_size=265, transition=262).train(Corpus.from_iterable(lines))
        >>> vocabulary.tokens[-1]
        b'by the way'
    """

    vocab_size: int = 32_000
    transition: float | int = 0.8
    stage1: str | split.Splitter = "v2"
    stage2: str | split.Splitter = "v2"
    max_words: int | None = 4
    forbid: tuple[str, ...] = (":Ġ",)
    min_frequency: int = 0
    special_tokens: tuple[str, ...] = ()
    unit: merges.Unit = "line"
    max_doc_bytes: int | None = None
    drop_unreachable: bool = False
    official: bool = False
    max_token_length: int | None = field(default=None, kw_only=True)
    init_merges: tuple[tuple[bytes, bytes], ...] = field(default=(), kw_only=True, repr=False)
    veto: Callable[[bytes, bytes], bool] | None = field(default=None, kw_only=True)

    paper: ClassVar[Paper] = Paper("superbpe", "SuperBPE: Space Travel for Language Models", "2503.13423", 2025)

    @classmethod
    def paper_settings(cls) -> SuperBPE:
        """T = 200k, t = 80k (the best compression of the paper's table), the splitters of the released vocabularies."""
        return cls(vocab_size=200_000, transition=80_000, stage1="paper", stage2="paper")

    @property
    def transition_size(self) -> int:
        """t as a vocabulary size.

        Raises:
            UsageError: it lies outside the alphabet and ``vocab_size``.
        """
        least = 256 + len(self.special_tokens)
        if isinstance(self.transition, float):
            if not 0.0 <= self.transition <= 1.0:
                raise UsageError(f"transition is a share from 0.0 to 1.0 or a size (int), not {self.transition}")
            return max(least, round(self.vocab_size * self.transition))
        if not least <= self.transition <= self.vocab_size:
            raise UsageError(
                f"transition {self.transition} lies outside {least} (the alphabet) and {self.vocab_size} (vocab_size)"
            )
        return self.transition

    def train(
        self, corpus: Corpus, *, threads: int | None = None, progress: merges.Progress | None = None
    ) -> Vocabulary:
        """Learn a vocabulary from a corpus, which is streamed once.

        Memory is that of the distinct lines (or documents) and of their tokens: about 4 to 8 bytes per byte of distinct
        text.

        Args:
            corpus: what to learn from. Shuffle it before you take a part of it: a part that is all one language or one
                source learns the phrases of that alone.
            threads: how many to use; all cores where left out. The vocabulary does not depend on it.
            progress: called with what is being done, how much is done and how much there is.

        Returns:
            The vocabulary; smaller than asked for, with a warning, where the corpus holds no more pairs.

        Raises:
            TrainingError: ``vocab_size`` is smaller than the special tokens and the 256 bytes together.
            CorpusError: the corpus is empty or cannot be read.
        """
        check_size(self.vocab_size, self.special_tokens)
        transition, stage1, stage2 = self.transition_size, splitter_of(self.stage1, 0), splitter_of(self.stage2, 1)
        rules = self._rules(stage=2)
        tokens = merges.byte_tokens(self.special_tokens)
        first = init_table(self.init_merges, tokens, transition)
        units = merges.count(
            corpus,
            split.WHOLE,
            unit=self.unit,
            max_doc_bytes=self.max_doc_bytes,
            threads=threads,
            progress=progress,
        )
        if transition > len(tokens):
            learned = merges.learn(
                units.recut(stage1),
                transition - len(tokens),
                tokens=tokens,
                merges=first,
                rules=self._rules(stage=1),
                progress=progress,
            )
            first = np.concatenate([first, learned.merges])
            _grow(tokens, learned.merges)
        if self.official:
            first, tokens = _renumber(first[:-1], tokens, merges.byte_tokens(self.special_tokens))
        pieces = units.recut(stage2)
        del units
        if self.drop_unreachable or self.official:
            fired = merges.learn(pieces, 0, tokens=tokens, merges=first).fired
            first, tokens = _renumber(first[fired], tokens, merges.byte_tokens(self.special_tokens))
        pairs = first[:, :2]
        if transition < self.vocab_size:  # else plain BPE, also where stage 1 came to an end early
            second = merges.learn(
                pieces, self.vocab_size - len(tokens), tokens=tokens, merges=first, rules=rules, progress=progress
            )
            pairs = np.concatenate([pairs, second.pairs])
        vocabulary = Vocabulary.from_merges(
            pairs,
            splitter=stage2,
            special_tokens=self.special_tokens,
            origin=Origin("superbpe", self._hyperparameters(transition, len(first)), pieces.fingerprint),
        )
        warn_if_small(vocabulary, self.vocab_size, self.min_frequency)
        return vocabulary

    def _rules(self, stage: int) -> merges.Rules:
        """The rules of a stage; the vetoes on words and strings belong to stage 2 alone."""
        reserved = merges.reserved_spellings(self.special_tokens)
        if stage == 1:
            return merges.Rules(self.min_frequency, self.max_token_length, reserved=reserved)
        return merges.Rules(
            self.min_frequency, self.max_token_length, self.max_words, forbidden(self.forbid), reserved, self.veto
        )

    def _hyperparameters(self, transition: int, inherited: int) -> dict[str, Any]:
        names = ("vocab_size", "stage1", "stage2", "max_words", "forbid", "min_frequency", "unit", "max_doc_bytes")
        rest = describe(self, (*names, "drop_unreachable", "official", "max_token_length"))
        return {**rest, "transition": transition, "inherited_merges": inherited}


def _grow(tokens: list[bytes], table: Table) -> None:
    """Append the tokens that merges made."""
    for left, right, result in table.tolist():
        if result == len(tokens):
            tokens.append(tokens[left] + tokens[right])


def _renumber(table: Table, tokens: list[bytes], base: list[bytes]) -> tuple[Table, list[bytes]]:
    """The merges that were kept with ids without holes, and the tokens they make."""
    pairs = [(tokens[left], tokens[right]) for left, right, _ in table.tolist()]
    return init_table(pairs, base, 1 << 31), base
