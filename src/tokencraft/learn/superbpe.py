"""SuperBPE: a byte-level BPE vocabulary whose later tokens span several words (" of the", "By the way").

    stage 1, |V| from 256 to t: BPE on pieces that end at word boundaries
    stage 2, |V| from t to T: BPE on pieces without such boundaries, beginning from the merges of stage 1

Liu, Hayase, Hofmann, Oh, Smith, Choi, "SuperBPE: Space Travel for Language Models", arXiv 2503.13423.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from tokencraft.corpus import Corpus
from tokencraft.errors import UsageError
from tokencraft.learn.options import TextOptions
from tokencraft.learn.recipes import PRETOKEN_RUNS, forbidden, splitter_of
from tokencraft.learn.training import check_size, init_table, warn_if_small
from tokencraft.paper import Paper
from tokencraft.vocabulary import Vocabulary, merges, split
from tokencraft.vocabulary.pretoken_runs import PretokenRuns, joinable

if TYPE_CHECKING:
    from tokencraft.engine import Engine

Table = npt.NDArray[np.int32]


@dataclass(frozen=True)
class SuperBPE(TextOptions):
    """Learns a SuperBPE vocabulary (arXiv 2503.13423, section 2), lossless for any bytes.

    Text is cut by the splitter of stage 2 alone when it is encoded, so the vocabulary loads in stock ``tokenizers``.

    Args:
        vocab_size: T, tokens in all, special tokens and the 256 bytes included.
        transition: t, where stage 2 begins: a share of ``vocab_size`` (float, 0 to 1) or a vocabulary size (int).
            T itself is plain BPE, 0.0 is BPE without word boundaries.
        stage1: how stage 1 cuts text: ``"v2"`` (keeps combining marks with their letters), ``"paper"`` (as the
            released 200k vocabularies), or a splitter.
        stage2: how stage 2 cuts text: ``"v2"`` (isolates digits, runs of punctuation, trailing spaces), ``"paper"``
            (digits alone), a splitter, or ``"pretoken-runs"``: learn from runs of words that are tokens alone
            (arXiv 2604.05192), which joins whole words and nothing else, and needs less memory for a second look at
            the corpus.
        max_words: most words of a token of stage 2; None for any number.
        forbid: strings, in the byte alphabet of ``tokenizer.json``, that no token of stage 2 may contain. The default
            keeps the space after a colon out of tokens, for prompts that end in ``Answer:``.
        drop_unreachable: leave out merges of stage 1 that never apply to the pieces of stage 2, and their tokens.
        official: as the published scripts do: one merge of stage 1 less is inherited (``head -n`` counts the header of
            ``merges.txt``), and unreachable ones are dropped.
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
    drop_unreachable: bool = False
    official: bool = False
    unit: merges.Unit = field(default="line", kw_only=True)
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
        self,
        corpus: Corpus,
        *,
        threads: int | None = None,
        engine: Engine | None = None,
        memory: int | None = None,
        progress: merges.Progress | None = None,
    ) -> Vocabulary:
        """Learn a vocabulary from a corpus, which is streamed once, with ``stage2="pretoken-runs"`` twice.

        Memory is that of the distinct lines (or documents) and of their tokens: about 4 to 8 bytes per byte of distinct
        text. With ``stage2="pretoken-runs"`` it is that of the distinct runs.

        Args:
            corpus: what to learn from. Shuffle it before you take a part of it: a part that is all one language or one
                source learns the phrases of that alone.
            threads: how many to use; all cores where left out. The vocabulary does not depend on it.
            engine: where the corpus is counted; this machine where left out.
            memory: bytes that training may take; as many as it needs where left out. Counts that do not fit go to a
                temporary file, which changes nothing; where a stage cannot hold all pieces it learns from a weighted
                sample, with a warning and a note in the origin.
            progress: called with what is being done, how much is done and how much there is.

        Returns:
            The vocabulary; smaller than asked for, with a warning, where the corpus holds no more pairs.

        Raises:
            TrainingError: ``vocab_size`` is too small for the special tokens, the 256 bytes, and the characters and
                numbers asked for.
            CorpusError: the corpus is empty or cannot be read.
        """
        check_size(self.vocab_size, self.special_tokens)
        stage1 = self.splitter_with_digits(splitter_of(self.stage1, 0))
        stage2 = self.splitter_with_digits(self._encoding)
        by_runs = self._by_runs
        transition, rules = self.transition_size, self._rules(stage=2)

        def count(splitter: split.Splitter) -> merges.Pieces:
            return self.count(corpus, splitter, threads=threads, engine=engine, memory=memory, progress=progress)

        units = count(stage1 if by_runs else split.WHOLE)
        tokens = merges.byte_tokens(self.special_tokens)
        # What must be there is there before stage 1 begins, so the transition cannot come earlier.
        first = self.first_merges(units, tokens, self.vocab_size)
        transition, needed = max(transition, len(tokens)), len(first)
        first = np.concatenate([first, self._given(first, tokens, transition)])
        if transition > len(tokens):
            learned = merges.learn(
                units if by_runs else units.recut(stage1),
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
        fingerprint = units.fingerprint
        if by_runs:
            samples = units.samples
            del units
            pieces = count(PretokenRuns(stage1, joinable(tokens, first)))
            pieces.samples.extend(samples)
        else:
            pieces = units.recut(stage2)
            del units
        if self.drop_unreachable or self.official:
            fired = merges.learn(pieces, 0, tokens=tokens, merges=first).fired
            fired[:needed] = True
            first, tokens = _renumber(first[fired], tokens, merges.byte_tokens(self.special_tokens))
        pairs = first[:, :2]
        if transition < self.vocab_size:  # else plain BPE, also where stage 1 came to an end early
            second = merges.learn(
                pieces, self.vocab_size - len(tokens), tokens=tokens, merges=first, rules=rules, progress=progress
            )
            pairs = np.concatenate([pairs, second.pairs])
        extra = {"transition": transition, "inherited_merges": len(first), **pieces.notes}
        vocabulary = self.vocabulary(pairs, stage2, "superbpe", extra, fingerprint)
        warn_if_small(vocabulary, self.vocab_size, self.min_frequency)
        return vocabulary

    @property
    def _by_runs(self) -> bool:
        if self.stage2 != PRETOKEN_RUNS:
            return False
        if self.official or self.drop_unreachable:
            raise UsageError("official and drop_unreachable go by the pieces of stage 2, which pretoken-runs has not")
        return True

    @property
    def _encoding(self) -> split.Splitter:
        """How text is cut when it is encoded."""
        if self.stage2 != PRETOKEN_RUNS:
            return splitter_of(self.stage2, 1)
        return splitter_of(self.stage1, 1) if isinstance(self.stage1, str) else split.WHOLE

    def _given(self, first: Table, tokens: list[bytes], size: int) -> Table:
        """``init_merges`` behind the first merges, without those that are there already."""
        there = {(tokens[left], tokens[right]) for left, right, _ in first.tolist()}
        return init_table([pair for pair in self.init_merges if pair not in there], tokens, size)

    def _rules(self, stage: int) -> merges.Rules:
        """The rules of a stage; the vetoes on words and strings belong to stage 2 alone."""
        if stage == 1:
            return self.rules()
        return self.rules(max_words=self.max_words, forbid=forbidden(self.forbid), veto=self.veto)


def _grow(tokens: list[bytes], table: Table) -> None:
    """Append the tokens that merges made."""
    for left, right, result in table.tolist():
        if result == len(tokens):
            tokens.append(tokens[left] + tokens[right])


def _renumber(table: Table, tokens: list[bytes], base: list[bytes]) -> tuple[Table, list[bytes]]:
    """The merges that were kept with ids without holes, and the tokens they make."""
    pairs = [(tokens[left], tokens[right]) for left, right, _ in table.tolist()]
    return init_table(pairs, base, 1 << 31), base
