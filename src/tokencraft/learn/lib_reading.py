"""The Less-is-Better learner as it reads: article by article, from any stream, to be stopped and gone on with."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tokencraft import _native
from tokencraft.errors import TrainingError, UsageError


@dataclass(frozen=True)
class LibRules:
    """The numbers that learning depends on; see :class:`~tokencraft.learn.LessIsBetter`, which names the defaults.

    Args:
        in_rate: alpha, the probability that two neighbouring chunks become a candidate, 0 to 1.
        out_rate: omega, the share of the lexicon's end that is put on probation after an article, 0 to 1.
        life: tau0, articles of probation, 1 and more.
        update_rate: Delta, the share of its rank by which a chunk moves, 0 to 1.
        second_sighting: the rules of 2020: a candidate becomes a chunk when it comes again in the article.
        inspect_context: a chunk leaves probation where its neighbours have changed, else where it comes again.
        max_chunk_length: most characters of a chunk; None for any number.
        max_long_chunks: most chunks of more than one byte; None for any number.
        keep_characters: single characters are never deleted.
        space_at_end: chunks of several characters may end with a space.

    Raises:
        UsageError: a number is out of its range.
    """

    in_rate: float = 0.25
    out_rate: float = 0.01
    life: int = 10
    update_rate: float = 0.1
    second_sighting: bool = False
    inspect_context: bool = True
    max_chunk_length: int | None = None
    max_long_chunks: int | None = None
    keep_characters: bool = False
    space_at_end: bool = True

    def __post_init__(self) -> None:
        for name in ("in_rate", "out_rate", "update_rate"):
            value = getattr(self, name)
            if not 0.0 <= value <= 1.0:
                raise UsageError(f"{name} lies between 0 and 1, not {value}")
        for name in ("life", "max_chunk_length", "max_long_chunks"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UsageError(f"{name} must be at least 1, not {value}")


@dataclass(frozen=True)
class Step:
    """What reading one article came to.

    Args:
        number: of the article, from 0.
        lexicon: entries after it, those on probation included.
        chunks: that it was read as.
        characters: that it has.
    """

    number: int
    lexicon: int
    chunks: int
    characters: int

    @property
    def mean_chunk_length(self) -> float:
        """Characters a chunk; NaN for an empty article."""
        return self.characters / self.chunks if self.chunks else math.nan

    @property
    def index(self) -> float:
        """Mean chunk length over the bits that a chunk of the lexicon takes, log2(entries): higher is better."""
        return self.mean_chunk_length / math.log2(self.lexicon) if self.lexicon > 1 else math.nan


class Reading:
    """A lexicon that grows with what it reads; made by :meth:`LessIsBetter.reading`.

    Args:
        rules: the numbers.
        seed: of the random choices; the numbers are those of Python's ``random.Random(seed)``.

    Example:
        >>> reading = Reading(LibRules(in_rate=1.0, life=3))
        >>> for _ in range(4):
        ...     step = reading.learn(["the cat ", "the dog ", "the cat "])
        >>> step.lexicon, reading.lexicon()
        (4, ['t', ' ', 'the '])
    """

    def __init__(self, rules: LibRules, seed: int = 0) -> None:
        if not 0 <= seed < 1 << 64:
            raise UsageError(f"the seed lies between 0 and 2**64 - 1, not {seed}")
        self.rules = rules
        self._steps = 0
        self._learner = _native.LibLearner(
            seed,
            in_rate=rules.in_rate,
            out_rate=rules.out_rate,
            update_rate=rules.update_rate,
            life=rules.life,
            second_sighting=rules.second_sighting,
            max_length=rules.max_chunk_length or 0,
            max_long_chunks=rules.max_long_chunks or 0,
            inspect_context=rules.inspect_context,
            keep_characters=rules.keep_characters,
            no_space_at_end=not rules.space_at_end,
        )

    def __len__(self) -> int:
        """Entries of the lexicon, those on probation included."""
        return len(self._learner)

    @property
    def steps(self) -> int:
        """How many articles have been read."""
        return self._steps

    def admit(self, characters: str) -> None:
        """Put the characters of a text that are no entries at the end of the lexicon, on probation."""
        self._learner.admit(characters)

    def learn(self, sentences: Sequence[str]) -> Step:
        """Read an article, then move, forget and put on probation.

        Args:
            sentences: the article. Chunks never span two of them.

        Raises:
            TrainingError: a sentence holds half a surrogate pair.
        """
        try:
            chunks, characters = self._learner.learn(list(sentences))
        except UnicodeEncodeError as error:
            raise TrainingError(f"a sentence of article {self._steps} is no valid text: {error}") from None
        self._steps += 1
        return Step(self._steps - 1, len(self._learner), chunks, characters)

    def lexicon(self, *, probation: bool = False) -> list[str]:
        """The entries by rank.

        Args:
            probation: those on probation too; learning ends with deleting them.
        """
        return [text for text, life, _ in self._learner.entries() if probation or life == 0]

    def probation(self) -> dict[str, tuple[int, tuple[str, str] | None]]:
        """Articles left, and the chunks beside it when it was memorised, of every entry on probation."""
        return {text: (life, context) for text, life, context in self._learner.entries() if life > 0}

    def state(self) -> dict[str, Any]:
        """All that reading on depends on, as JSON values."""
        entries = [[text, life, context and list(context)] for text, life, context in self._learner.entries()]
        return {"steps": self._steps, "entries": entries, "random_state": self._learner.random_state}

    @classmethod
    def resumed(cls, rules: LibRules, state: Mapping[str, Any]) -> Reading:
        """The reading that goes on from a :meth:`state`, to the same lexicon as if it had never stopped.

        Args:
            rules: the same as before.
            state: also after a round through JSON.

        Raises:
            UsageError: this is no state.
        """
        reading = cls(rules)
        try:
            entries: Iterable[Any] = state["entries"]
            reading._learner.restore(
                [
                    (text, life, None if context is None else (context[0], context[1]))
                    for text, life, context in entries
                ],
                list(state["random_state"]),
            )
            reading._steps = int(state["steps"])
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise UsageError(f"this is not the state of a Less-is-Better reading: {error}") from None
        return reading
