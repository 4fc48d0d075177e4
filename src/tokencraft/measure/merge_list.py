"""The merges that a tokenizer was trained to, in order and once each, as far as its file tells.

A ``tokenizer.json`` of BPE lists them, tiktoken's ranks imply them, and files converted from SentencePiece list several
for one token, of which training made one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tokencraft.errors import UsageError, VocabularyError
from tokencraft.vocabulary import TokenKind, Vocabulary, split
from tokencraft.vocabulary.bytes import BYTE_ORDER, from_printable, to_printable
from tokencraft.vocabulary.split import Splitter

Table = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class MergeList:
    """Merges in the order in which they were learned.

    Args:
        merges: (left, right, result) symbols of each, int32 ``[m, 3]``; each pair and each result once.
        symbols: how each symbol is shown, by its number.
        hand_added: tokens of the vocabulary that no merge makes, as shown; they were put there by hand.
        dropped: merges of the file that are not among ``merges``: second ways to make a token, and those asked for.
    """

    merges: Table
    symbols: tuple[str, ...]
    hand_added: tuple[str, ...] = ()
    dropped: int = 0

    def __len__(self) -> int:
        return len(self.merges)

    @classmethod
    def of(cls, vocabulary: Vocabulary, *, drop_whitespace_runs: bool = False) -> MergeList:
        """The merges of a vocabulary; its symbols are the ids.

        Args:
            vocabulary: BPE of any spelling.
            drop_whitespace_runs: leave out merges that make nothing but one white space character repeated; some
                vocabularies (Gemma) had them put in by hand.

        Raises:
            UsageError: the vocabulary is no BPE, has no merges, or marks the ends of words in its tokens.

        Example:
            >>> MergeList.of(Vocabulary.from_merges([(64, 65), (256, 66)], splitter=split.GPT2)).merges.tolist()
            [[64, 65, 256], [256, 66, 257]]
        """
        if vocabulary.algorithm not in ("bpe-merges", "bpe-ranks"):
            raise UsageError(f"only BPE has merges to infer a mixture from; this vocabulary is {vocabulary.algorithm}")
        if vocabulary.flags.end_of_word_suffix or vocabulary.flags.continuing_subword_prefix:
            raise UsageError("vocabularies that mark the ends or the insides of words in their tokens are not replayed")
        given = np.column_stack([vocabulary.merges, vocabulary.merged]).astype(np.int32).reshape(-1, 3)
        if not len(given):
            raise UsageError("the vocabulary has no merges, so it says nothing about a mixture")
        lengths = vocabulary.byte_lengths.tolist()
        kept = given[one_merge_a_token(given, lengths)]
        if len(kept) < len(given) and vocabulary.family == "sentencepiece":
            # SentencePiece numbers its tokens in the order of training. Converted files list the merges in that order
            # too, except those of runs of spaces: first in Llama's training, last in its file.
            kept = kept[np.argsort(kept[:, 2], kind="stable")]
        if drop_whitespace_runs:
            kept = kept[[not _is_run(vocabulary.tokens[result]) for result in kept[:, 2].tolist()]]
        made = set(given[:, 2].tolist())
        base = _base_symbols(vocabulary)
        hand_added = tuple(
            vocabulary.pieces[identifier]
            for identifier, kind in enumerate(vocabulary.kinds)
            if kind == TokenKind.NORMAL and identifier not in made and identifier not in base
        )
        return cls(np.ascontiguousarray(kept), vocabulary.pieces, hand_added, len(given) - len(kept))


def one_merge_a_token(merges: Table, lengths: Sequence[int]) -> npt.NDArray[np.int64]:
    """Which merges of a list training made, where the list holds all ways to make each token.

    Of several, the one counts whose parts were made first: the ranks of all merges that build its two sides, ascending,
    are compared one by one. Of two that are mirror images, the one with the longer left side is taken.

    Args:
        merges: (left, right, result) in rank order, int32 ``[m, 3]``.
        lengths: of the tokens.

    Returns:
        Places in the list, in the order of the last place of their token, int64.

    Example:
        >>> # th is made of t and h; the of th and e (rank 1) or of t and he (rank 2), but he is made only later
        >>> one_merge_a_token(np.array([[0, 1, 4], [4, 2, 5], [0, 6, 5], [1, 2, 6]]), [1, 1, 1, 1, 2, 3, 2]).tolist()
        [0, 1, 3]
    """
    rows = merges.tolist()
    candidates: dict[int, list[int]] = {}
    seen: set[tuple[int, int]] = set()
    for rank, (left, right, result) in enumerate(rows):
        if (left, right) not in seen:
            seen.add((left, right))
            candidates.setdefault(result, []).append(rank)
    order = sorted(candidates, key=lambda token: candidates[token][-1])
    if len(order) == len(rows):
        return np.arange(len(rows))
    chosen: dict[int, int] = {}
    built: dict[int, tuple[float, ...]] = {}  # ranks of the merges that build a token, its own included

    def ranks(token: int) -> tuple[float, ...]:
        if token not in candidates:
            return ()
        return built.get(token, (np.inf,))

    for token in order:
        best = min(
            candidates[token],
            key=lambda rank: (sorted(ranks(rows[rank][0]) + ranks(rows[rank][1])), -lengths[rows[rank][0]], rank),
        )
        chosen[token] = best
        built[token] = (*ranks(rows[best][0]), *ranks(rows[best][1]), best)
    return np.asarray([chosen[token] for token in order], np.int64)


def read_merges(path: str | Path, *, splitter: Splitter = split.GPT2) -> Vocabulary:
    """The vocabulary of a ``merges.txt`` in the byte alphabet of GPT-2: one merge a line, after a line of its version.

    Args:
        path: the file.
        splitter: how the tokenizer cuts text, which the file does not say.

    Raises:
        VocabularyError: it cannot be read, or a line is no merge.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise VocabularyError(f"{path}: cannot be read: {error}") from None
    return Vocabulary.from_merges(_parsed(lines, str(path)), splitter=splitter)


def _parsed(lines: Iterable[str], where: str) -> list[tuple[int, int]]:
    """Pairs of ids as :meth:`Vocabulary.from_merges` numbers them."""
    ids = {bytes([value]): at for at, value in enumerate(BYTE_ORDER)}
    pairs: list[tuple[int, int]] = []
    for number, line in enumerate(lines, 1):
        if not line or (number == 1 and line.startswith("#version")):
            continue
        sides = line.split(" ")
        try:
            left, right = (from_printable(side) for side in sides)
            pair = ids[left], ids[right]
        except (ValueError, KeyError):
            raise VocabularyError(
                f"{where}: line {number}: {line[:60]!r} is no merge of two tokens that were made before"
            ) from None
        pairs.append(pair)
        ids.setdefault(left + right, len(ids))
    if not pairs:
        raise VocabularyError(f"{where}: holds no merges")
    return pairs


def shown(data: bytes) -> str:
    """A token for people: its text where it is some, else in the byte alphabet."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return to_printable(data)


def _base_symbols(vocabulary: Vocabulary) -> set[int]:
    """Ids that text begins as: single bytes of a byte-level vocabulary, single characters of others."""
    if vocabulary.family == "byte-level":
        return {identifier for identifier, token in enumerate(vocabulary.tokens) if len(token) == 1}
    return {identifier for identifier, piece in enumerate(vocabulary.pieces) if len(piece) == 1}


def _is_run(token: bytes) -> bool:
    text = token.decode("utf-8", "replace")
    return len(set(text)) == 1 and text.isspace()
