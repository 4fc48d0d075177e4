"""KL3M: byte-level BPE for a domain, with tokens for its formats and citations that are there in any case.

    text -> normaliser -> custom tokens are set apart, the rest is cut into pieces -> BPE on the pieces
    vocabulary: 13 special tokens, 256 bytes, merges, the custom tokens that no merge made, padding

Bommarito, Katz, Bommarito, "KL3M Tokenizers: A Family of Domain-Specific and Character-Level Tokenizers for Legal,
Financial, and Preprocessing Applications", arXiv 2503.17247.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log2
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from tokencraft.corpus import Corpus
from tokencraft.errors import TrainingError, UsageError
from tokencraft.learn.custom_tokens import GROUPS, custom_token_set, kept_whole, spaced_forms
from tokencraft.learn.kl3m_specials import SPECIAL_TOKENS, with_kl3m_settings
from tokencraft.learn.options import TextOptions
from tokencraft.learn.padding import PadWith, check_padding, padded, padded_size, white_runs, with_text_tokens
from tokencraft.learn.training import check_size, warn_if_small
from tokencraft.paper import Paper
from tokencraft.vocabulary import Flags, TokenKind, Vocabulary, merges, split
from tokencraft.vocabulary.bytes import to_printable
from tokencraft.vocabulary.normalization import Normalizer
from tokencraft.vocabulary.random_split import RandomChunks, RandomWhitespace

if TYPE_CHECKING:
    from tokencraft.engine import Engine


@dataclass(frozen=True)
class KL3M(TextOptions):
    """Learns a byte-level BPE vocabulary for a domain, with custom tokens for its formats (KL3M).

    Custom tokens are whole pieces of the splitter, looked up as such: with or without the space before them, never
    inside a word. They take entries at the end of the vocabulary, but for those that merges made anyway.

    Args:
        vocab_size: tokens in all, before padding.
        splitter: how text is cut before merging; custom tokens are kept whole before it. With a random one
            (``RandomWhitespace``, ``RandomChunks``: kl3m-005) text is not cut when it is encoded.
        groups: custom tokens by name: whitespace, markdown, html, json, xml, years, numbers, enumerations; or none.
        custom_tokens: further ones, taken as they are.
        token_files: files with further ones: one a line, a JSON list, or the JSON of ``reporters-db``.
        spaced: also have each with a space before it, which is how text mostly has them: where the corpus has it so
            (``seen``), ``all``, or ``none``.
        pad_to: fill the vocabulary up: ``none``, ``pow2`` for a power of two, or a number to have a multiple of.
        pad_with: ``reserved`` tokens that no text produces, more ``merges``, or runs of ``whitespace`` as released.
        official: as the published script does: custom tokens are added tokens, which are found anywhere in raw text
            and leave the space before them alone; they are compared with the vocabulary as it is written, so those with
            white space are always added; 13 entries less than asked for; padding doubles a size that is a power of two.

    Raises:
        UsageError: a group or a kind of padding does not exist, or a file holds no list.

    Example:
        >>> learner = KL3M(vocab_size=275, groups=(), min_frequency=0, custom_tokens=("U.S.C.",), spaced="all")
        >>> vocabulary = learner.train(Corpus.from_iterable(["under the act, under the title"]))
        >>> [vocabulary.tokens[identifier] for identifier in vocabulary.encode("the 5 U.S.C. title").tolist()]
        [b't', b'he', b' ', b'5', b' U.S.C.', b' t', b'i', b't', b'l', b'e']
    """

    vocab_size: int = 32_768
    splitter: split.Splitter = split.GPT2
    groups: tuple[str, ...] = tuple(GROUPS)
    custom_tokens: tuple[str, ...] = ()
    token_files: tuple[str, ...] = ()
    spaced: Literal["seen", "all", "none"] = "seen"
    pad_to: int | str = "none"
    pad_with: PadWith = "reserved"
    official: bool = False
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
        """Check what can be checked before training."""
        check_padding(self.pad_to, self.pad_with)
        custom_token_set(self.groups)
        if self.spaced not in ("seen", "all", "none"):
            raise UsageError(f"spaced is 'seen', 'all' or 'none', not {self.spaced!r}")

    @classmethod
    def paper_settings(cls, *, lowercase: bool = False) -> KL3M:
        """kl3m-004-128k-cased, or uncased; the citations of ``reporters-db`` come from ``token_files``."""
        return cls(
            vocab_size=131_072 - 1_889,  # the released ones have that many runs of white space as padding
            normalizer="nfkc",
            lowercase=lowercase,
            min_frequency=10,
            pad_to="pow2",
            pad_with="whitespace",
            official=True,
        )

    def custom(self) -> list[str]:
        """The custom tokens as normalised text holds them, sorted; without numbers where ``digits`` cuts them.

        Raises:
            UsageError: a file holds no list.
        """
        extra, files = self.custom_tokens, self.token_files
        found = custom_token_set(self.groups, extra=extra, files=files, lowercase=self.lowercase)
        if (description := self.normalizer_json()) is not None and not self.official:
            found = [token for token in sorted(set(map(Normalizer(description), found))) if len(token) > 1]
        return found if self.digits is None else [token for token in found if not token.isdigit()]

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
            corpus: text of the domain.
            threads: how many to use; all cores where left out. The vocabulary does not depend on it.
            engine: where the corpus is counted; this machine where left out.
            memory: bytes that counting may take; as many as it needs where left out.
            progress: called with what is being done, how much is done and how much there is.

        Returns:
            The vocabulary; smaller than asked for, with a warning, where the corpus holds no more pairs.

        Raises:
            TrainingError: ``vocab_size`` is too small for the special tokens, the 256 bytes, the custom tokens, and the
                characters and numbers asked for.
            CorpusError: the corpus is empty or cannot be read.
        """
        check_size(self.vocab_size, self.special_tokens)
        size = padded_size(self.vocab_size, self.pad_to) if self.pad_with == "merges" else self.vocab_size
        custom = self.custom()
        self._check_room(size, custom)
        base = self.splitter_with_digits(self.splitter)
        encoding = split.WHOLE if isinstance(base, (RandomChunks, RandomWhitespace)) else base
        # Published custom tokens are added ones: no splitter meets them.
        forms = [] if self.official else custom if self.spaced == "none" else spaced_forms(custom)
        whole = kept_whole(forms, encoding) if forms else encoding
        pieces = self.count(
            corpus,
            whole if encoding is base else base,
            threads=threads,
            engine=engine,
            memory=memory,
            progress=progress,
        )
        seen = _seen(pieces, {form.encode("utf-8") for form in forms})
        if self.spaced == "seen":
            always = set(custom)
            forms = [form for form in forms if form in always or form.encode("utf-8") in seen]
            whole = kept_whole(forms, encoding) if forms else encoding
        self._check_room(size, forms)
        tokens = merges.byte_tokens(self.special_tokens)
        first = self.first_merges(pieces, tokens, size)
        published = len(self.special_tokens) + len(custom) if self.official else 0  # entries that the script keeps free
        learned = merges.learn(
            pieces.recut(_Apart(seen)) if seen else pieces,
            size - len(tokens) - published,
            tokens=tokens,
            merges=first,
            rules=self.rules(),
            progress=progress,
        )
        pairs, missing = _fitted(learned.merges, tokens, [form.encode("utf-8") for form in forms], size)
        pairs = np.concatenate([first[:, :2], pairs])
        extra = {"custom_tokens_added": len(missing), **pieces.notes}
        vocabulary = self.vocabulary(pairs, whole, "kl3m", extra, pieces.fingerprint)
        vocabulary = with_kl3m_settings(vocabulary, lowercase=self.lowercase)
        if self.official:
            return _finished_officially(vocabulary, custom, self.pad_to)
        if forms:
            vocabulary = _with_whole_pieces(vocabulary, missing)
        warn_if_small(vocabulary, size, self.min_frequency)
        return padded(vocabulary, padded_size(len(vocabulary), self.pad_to), self.pad_with)

    def _check_room(self, size: int, custom: Sequence[str]) -> None:
        """Refuse a vocabulary that cannot hold its custom tokens.

        Raises:
            TrainingError: it has fewer ids.
        """
        if size < 256 + len(self.special_tokens) + len(custom):
            raise TrainingError(
                f"a vocabulary of {size} tokens cannot hold {len(self.special_tokens)} special tokens, 256 bytes and "
                f"{len(custom)} custom tokens; name fewer groups, take spaced='none', or a larger vocab_size"
            )


def _seen(pieces: merges.Pieces, wanted: set[bytes]) -> frozenset[bytes]:
    """Which of these are pieces of the corpus."""
    return frozenset(piece for piece, _ in pieces.store.items() if piece in wanted) if wanted else frozenset()


@dataclass(frozen=True)
class _Apart(split.ByBytes):
    """Cuts custom tokens into bytes, so that nothing is learned from what will be looked up."""

    custom: frozenset[bytes]

    @property
    def native(self) -> int | None:
        """None: runs in Python."""
        return None

    def spans(self, data: bytes) -> split.Ends:
        """The END offset in bytes (uint32) of every piece of ``data``."""
        return np.arange(1, len(data) + 1, dtype=np.uint32) if data in self.custom else np.array([len(data)], np.uint32)

    def to_pre_tokenizer(self) -> None:
        """None: it is for training alone."""


def _fitted(
    table: npt.NDArray[np.int32], tokens: list[bytes], custom: Sequence[bytes], size: int
) -> tuple[npt.NDArray[np.int32], list[bytes]]:
    """As many of the merges as fit beside the custom tokens that they do not make, and these custom tokens.

    Each merge more makes one token, which may be a custom one: then the number of tokens in all stays the same.
    """
    made = set(tokens)
    missing = dict.fromkeys(token for token in custom if token not in made)
    grown = list(tokens)
    count = 0
    for left, right, result in table.tolist():
        new = grown[left] + grown[right]
        if result == len(grown):
            if len(grown) + len(missing) + (new not in missing) > size:
                break
            grown.append(new)
            missing.pop(new, None)
        count += 1
    return table[:count, :2], list(missing)


def _with_whole_pieces(vocabulary: Vocabulary, custom: Sequence[bytes]) -> Vocabulary:
    """The vocabulary with tokens that no merge makes: pieces are looked up before they are merged.

    Raises:
        TrainingError: a custom token is written like a special one.
    """
    taken = set(vocabulary.pieces)
    for token in custom:
        if (written := to_printable(token)) in taken:
            raise TrainingError(f"the custom token {token.decode()!r} is written like the special token {written!r}")
    return vocabulary.replace(
        tokens=vocabulary.tokens + tuple(custom),
        kinds=vocabulary.kinds + (TokenKind.NORMAL,) * len(custom),
        flags=Flags(ignore_merges=True),
    )


def _finished_officially(vocabulary: Vocabulary, custom: Sequence[str], pad_to: int | str) -> Vocabulary:
    """Custom tokens and padding as the published script adds them."""
    written = set(vocabulary.pieces)
    vocabulary = with_text_tokens(vocabulary, [token for token in custom if token not in written])
    if pad_to != "pow2":
        return vocabulary
    size = 2 ** (int(log2(len(vocabulary))) + 1)
    return with_text_tokens(vocabulary, white_runs(vocabulary, size - len(vocabulary), as_written=True))
