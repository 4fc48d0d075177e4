"""Character-level BPE of KL3M: tokens of a few characters, for correcting text.

    repeat: (l, r) = argmax over adjacent pairs with |l| + |r| <= n of the weighted count; add the token l r

A wrong character then disturbs a few characters' worth of tokens; the price is sequences about twice as long.

Bommarito, Katz, Bommarito, "KL3M Tokenizers", arXiv 2503.17247.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

from tokencraft.corpus import Corpus
from tokencraft.errors import UsageError
from tokencraft.learn.kl3m_specials import SPECIAL_TOKENS, with_kl3m_settings
from tokencraft.learn.options import TextOptions
from tokencraft.learn.padding import PadWith, check_padding, padded, padded_size
from tokencraft.learn.training import check_size, warn_if_small
from tokencraft.paper import Paper
from tokencraft.vocabulary import Vocabulary, merges, split

if TYPE_CHECKING:
    from tokencraft.engine import Engine


@dataclass(frozen=True)
class KL3MCharacters(TextOptions):
    """Learns a BPE vocabulary whose tokens have at most a few symbols, for correcting text (KL3M).

    A symbol is a byte of UTF-8 as in the released vocabularies (``é`` is two, an em dash three), or with
    ``alphabet="character"`` a character; then no token ends inside one. A space before a word is a symbol too.

    Args:
        vocab_size: tokens in all, before padding: 4,096 and 8,192 are released with tokens of 3 symbols, 16,384 with 4.
        max_token_symbols: n, most symbols of a token; at least 1.
        splitter: how text is cut before merging.
        pad_to: fill the vocabulary up: ``none``, ``pow2`` for a power of two, or a number to have a multiple of.
        pad_with: ``reserved`` tokens that no text produces, more ``merges``, or runs of ``whitespace`` as released.

    Raises:
        UsageError: there is no such padding, or a token could not have a symbol.

    Example:
        >>> vocabulary = KL3MCharacters(vocab_size=271).train(Corpus.from_iterable(["the then there"]))
        >>> vocabulary.tokens[269:]
        (b'he', b'the')
    """

    vocab_size: int = 4096
    max_token_symbols: int = 3
    splitter: split.Splitter = split.GPT2
    pad_to: int | str = "none"
    pad_with: PadWith = "reserved"
    special_tokens: tuple[str, ...] = field(default=SPECIAL_TOKENS, kw_only=True)
    min_frequency: int = field(default=2, kw_only=True)

    paper: ClassVar[Paper] = Paper(
        "kl3m",
        "KL3M Tokenizers: A Family of Domain-Specific and Character-Level Tokenizers for Legal, Financial, and "
        "Preprocessing Applications",
        "2503.17247",
        2025,
    )

    def __post_init__(self) -> None:
        """Check the arguments."""
        check_padding(self.pad_to, self.pad_with)
        if self.max_token_symbols < 1:
            raise UsageError(f"a token has at least 1 symbol, so the longest cannot have {self.max_token_symbols}")

    @classmethod
    def paper_settings(cls, vocab_size: int = 4096) -> KL3MCharacters:
        """kl3m-004-char-4k-cased, -8k- or -16k-, without their faults: the 256 bytes are all there, once.

        Args:
            vocab_size: 4096, 8192 or 16384.
        """
        return cls(
            vocab_size=vocab_size,
            max_token_symbols=4 if vocab_size >= 16_384 else 3,
            normalizer="nfkc",
            min_frequency=1000,
            pad_to="pow2",
            pad_with="whitespace",
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
            The vocabulary. There are only so many short strings, so smaller ones than asked for, with a warning, are
            common: 5 MB of English have about 5,000 tokens of 3 symbols, 13,000 of 4.

        Raises:
            TrainingError: ``vocab_size`` is too small for the special tokens, the 256 bytes, and the characters and
                numbers asked for.
            CorpusError: the corpus is empty or cannot be read.
        """
        check_size(self.vocab_size, self.special_tokens)
        size = padded_size(self.vocab_size, self.pad_to) if self.pad_with == "merges" else self.vocab_size
        splitter = self.splitter_with_digits(self.splitter)
        pieces = self.count(corpus, splitter, threads=threads, engine=engine, memory=memory, progress=progress)
        vocabulary = self.learned(pieces, size, splitter, "kl3m-characters", rules=self._short(), progress=progress)
        vocabulary = with_kl3m_settings(vocabulary, lowercase=self.lowercase)
        warn_if_small(vocabulary, size, self.min_frequency)
        return padded(vocabulary, padded_size(len(vocabulary), self.pad_to), self.pad_with)

    def _short(self) -> merges.Rules:
        """The rules of the options, and the limit on symbols."""
        if self.alphabet == "character":
            return self.rules(veto=_longer_than(self.max_token_symbols))
        longest = min(self.max_token_symbols, self.max_token_length or self.max_token_symbols)
        return replace(self.rules(), max_token_bytes=longest)


def _longer_than(limit: int) -> Callable[[bytes, bytes], bool]:
    """Whether two tokens together have more characters."""
    return lambda left, right: _characters(left) + _characters(right) > limit


def _characters(token: bytes) -> int:
    """Characters that begin in a token."""
    return sum(byte & 0xC0 != 0x80 for byte in token)
