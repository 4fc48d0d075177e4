"""The options that every learner has: what is read, how it is written before it is cut, and which tokens there must be.

A learner is a frozen dataclass that inherits :class:`TextOptions`, or :class:`CorpusOptions` where it learns something
other than byte-level merges. Both are keyword-only, so that a learner's own fields come first.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from tokencraft.corpus import Corpus
from tokencraft.errors import TrainingError, UsageError
from tokencraft.learn.training import init_table, plain
from tokencraft.vocabulary import Origin, Vocabulary, merges
from tokencraft.vocabulary.digit_split import digits_first
from tokencraft.vocabulary.normalization import Normalization, Normalizer, normalizer_json
from tokencraft.vocabulary.numbers import DigitGroups, number_merges
from tokencraft.vocabulary.split import Splitter

if TYPE_CHECKING:
    from tokencraft.engine import Engine

Merge = tuple[bytes, bytes]


@dataclass(frozen=True, kw_only=True)
class CorpusOptions:
    """What every learner has: special tokens, and how the corpus is read.

    Args:
        special_tokens: strings of the first ids. No merge is learned that is spelled like one of them, so that text
            never turns into a special token.
        unit: what is cut into pieces: ``"document"``, or ``"line"`` with its line end, so that no token goes on behind
            one.
        max_doc_bytes: documents are cut off after this many bytes, so that a single one cannot dominate.
        normalizer: Unicode form that text is brought into, in training and whenever the vocabulary encodes. ``"nfkc"``
            and ``"nfkd"`` lose text (a no-break space becomes a space).
        lowercase: write text in lower case, after the normalizer.
    """

    special_tokens: tuple[str, ...] = ()
    unit: merges.Unit = "document"
    max_doc_bytes: int | None = None
    normalizer: Normalization = "none"
    lowercase: bool = False

    def normalizer_json(self) -> dict[str, Any] | None:
        """The ``normalizer`` of the vocabulary's ``tokenizer.json``.

        Raises:
            UsageError: there is no such form.
        """
        return normalizer_json(self.normalizer, lowercase=self.lowercase)

    def prepared(self, corpus: Corpus) -> Corpus:
        """The corpus as it is learned from: normalised and in lower case where that is wanted.

        Its fingerprint is the one that the vocabulary's origin holds.

        Raises:
            UsageError: this is no corpus.
        """
        if not isinstance(corpus, Corpus):
            raise UsageError("train takes a Corpus: Corpus.from_files(path) or Corpus.from_iterable([text])")
        description = self.normalizer_json()
        return corpus if description is None else corpus.map(Normalizer(description))

    def hyperparameters(self) -> dict[str, Any]:
        """The fields as JSON values, for the vocabulary's origin; resources and special tokens are left out."""
        names = [each.name for each in dataclasses.fields(self) if each.repr and each.name != "special_tokens"]
        values = {name: getattr(self, name) for name in names}
        return {name: plain(value) for name, value in values.items() if not callable(value)}


@dataclass(frozen=True, kw_only=True)
class TextOptions(CorpusOptions):
    """What every learner of byte-level merges has.

    Args:
        min_frequency: least count of a pair to be merged.
        max_token_length: most bytes of a token.
        digits: how runs of digits are cut, before the splitter cuts the rest; what the splitter does with them where
            left out. See :class:`~tokencraft.vocabulary.numbers.DigitGroups`.
        number_tokens: make every number of up to ``digits.size`` digits a token (1,110 tokens for 3), so that no number
            falls apart because it is rare.
        alphabet: ``"byte"``, or ``"character"``: every character of the corpus is a token before anything else is
            merged, so that no other token ends inside a character. Both are lossless for any bytes.
    """

    min_frequency: int = 0
    max_token_length: int | None = None
    digits: DigitGroups | None = None
    number_tokens: bool = True
    alphabet: Literal["byte", "character"] = "byte"

    def splitter_with_digits(self, splitter: Splitter) -> Splitter:
        """The splitter, behind one that cuts digits into groups."""
        return splitter if self.digits is None else digits_first(self.digits, splitter)

    def count(
        self,
        corpus: Corpus,
        splitter: Splitter,
        *,
        threads: int | None = None,
        engine: Engine | None = None,
        memory: int | None = None,
        progress: merges.Progress | None = None,
    ) -> merges.Pieces:
        """The pieces of the prepared corpus with their counts; see :func:`tokencraft.vocabulary.merges.count`.

        Raises:
            CorpusError: the corpus is empty or cannot be read.
        """
        return merges.count(
            self.prepared(corpus),
            splitter,
            unit=self.unit,
            max_doc_bytes=self.max_doc_bytes,
            threads=threads,
            engine=engine,
            memory=memory,
            progress=progress,
        )

    def first_merges(
        self, pieces: merges.Pieces, tokens: list[bytes], size: int, given: Sequence[Merge] = ()
    ) -> npt.NDArray[np.int32]:
        """The merges that there are before any is learned: those of characters, of numbers, and those given.

        Args:
            pieces: the corpus.
            tokens: bytes by id; what the merges make is appended.
            size: tokens that there may be in the end.
            given: merges to go on from, as (left, right) bytes; cut off where there are ``size`` tokens.

        Returns:
            (left id, right id, id of what they make), int32 ``[m, 3]``.

        Raises:
            TrainingError: ``size`` is too small for the characters and numbers, or a merge does not fit.
        """
        if self.alphabet not in ("byte", "character"):
            raise UsageError(f"the alphabet is 'byte' or 'character', not {self.alphabet!r}")
        characters = _character_merges(pieces) if self.alphabet == "character" else []
        numbers: list[Merge] = []
        if self.digits is not None and self.number_tokens:
            numbers = number_merges(min(self.digits.size, self.max_token_length or self.digits.size))
        needed = len(tokens) + len(characters) + len(numbers)
        if needed > size:
            raise TrainingError(
                f"{size} tokens are too few: {len(characters)} more than the {len(tokens)} of the alphabet are needed "
                f"for the corpus's characters, {len(numbers)} for the numbers, {needed} in all; take a larger "
                "vocab_size (or transition), alphabet='byte', or number_tokens=False"
            )
        return init_table(list(dict.fromkeys([*characters, *numbers, *given])), tokens, size)

    def learned(
        self,
        pieces: merges.Pieces,
        size: int,
        splitter: Splitter,
        method: str,
        *,
        given: Sequence[Merge] = (),
        rules: merges.Rules | None = None,
        progress: merges.Progress | None = None,
    ) -> Vocabulary:
        """The vocabulary of plain BPE on counted pieces: :meth:`first_merges`, then those that are learned.

        Args:
            pieces: the corpus.
            size: tokens in all.
            splitter: how text is cut when it is encoded, digits included.
            method: slug of the method.
            given: merges to go on from, as (left, right) bytes.
            rules: which merges may be learned; those of the options where left out.
            progress: called with the tokens learned.

        Raises:
            TrainingError: ``size`` is too small for the characters and numbers, or a merge does not fit.
        """
        tokens = merges.byte_tokens(self.special_tokens)
        first = self.first_merges(pieces, tokens, size, given)
        learned = merges.learn(
            pieces, size - len(tokens), tokens=tokens, merges=first, rules=rules or self.rules(), progress=progress
        )
        pairs = np.concatenate([first[:, :2], learned.pairs])
        return self.vocabulary(pairs, splitter, method, pieces.notes, pieces.fingerprint)

    def rules(
        self,
        *,
        max_words: int | None = None,
        forbid: tuple[bytes, ...] = (),
        veto: Callable[[bytes, bytes], bool] | None = None,
    ) -> merges.Rules:
        """Which merges may be learned: what the options say, and what a method says beside them."""
        return merges.Rules(
            min_frequency=self.min_frequency,
            max_token_bytes=self.max_token_length,
            max_words=max_words,
            forbid=forbid,
            reserved=merges.reserved_spellings(self.special_tokens),
            veto=veto,
        )

    def vocabulary(
        self,
        pairs: npt.NDArray[np.int32] | Sequence[tuple[int, int]],
        splitter: Splitter,
        method: str,
        extra: Mapping[str, Any],
        fingerprint: str,
    ) -> Vocabulary:
        """The vocabulary of merges, with the normalizer, the special tokens and the origin.

        Args:
            pairs: (left id, right id) in rank order; ids are those of ``merges.byte_tokens(special_tokens)`` and, from
                there on, of what the merges make.
            splitter: how text is cut, digits included.
            method: slug of the method.
            extra: what the origin says beside the options, or in place of one of them.
            fingerprint: of the prepared corpus.
        """
        origin = Origin(method, {**self.hyperparameters(), **extra}, fingerprint)
        vocabulary = Vocabulary.from_merges(pairs, splitter=splitter, special_tokens=self.special_tokens, origin=origin)
        return vocabulary.replace(normalizer=self.normalizer_json())


def _character_merges(pieces: merges.Pieces) -> list[Merge]:
    """Merges that build every character of several bytes from the left, all beginnings of one length together.

    A byte that leads a character leads no other pair, so no merge can join parts of two characters.
    """
    built = {
        (data[:length], data[length : length + 1])
        for data in (character.encode("utf-8") for character in pieces.characters())
        for length in range(1, len(data))
    }
    return sorted(built, key=lambda pair: (len(pair[0]), pair))
