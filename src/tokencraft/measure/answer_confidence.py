"""Two views of a wrong group of digits: how sure the model was of it, and how frequent it is as a token.

Singh, Strouse, "Tokenization counts: the impact of tokenization on arithmetic in frontier LLMs", arXiv 2402.14903.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from tokencraft.errors import UsageError
from tokencraft.vocabulary import Vocabulary


class Confidence(NamedTuple):
    """How sure a model was of a token, from the likeliest few.

    Args:
        entropy_bound: lower bound of the entropy of all tokens, none of the others being likelier than the last; nats.
        entropy: of these alone, scaled to a sum of 1; nats.
        gap: log-probability of the likeliest over the next, nats.
        rank: of the true token among these, 1 for the likeliest; None where it is not among them.
    """

    entropy_bound: float
    entropy: float
    gap: float
    rank: int | None


def confidence(log_probabilities: Sequence[float], true_at: int | None = None) -> Confidence:
    """Read the log-probabilities of the likeliest tokens, five of them in the paper.

    Args:
        log_probabilities: nats, two or more.
        true_at: which of them is the true token.

    Raises:
        UsageError: there are fewer than two, or they are no log-probabilities.

    Example:
        >>> found = confidence([math.log(0.5), math.log(0.25), math.log(0.125)], true_at=1)
        >>> round(found.entropy_bound / math.log(2), 9), round(found.gap, 6), found.rank
        (1.75, 0.693147, 2)
    """
    if len(log_probabilities) < 2:
        raise UsageError("the log-probabilities of two tokens or more are needed")
    ordered = sorted(log_probabilities, reverse=True)
    p = [math.exp(each) for each in ordered]
    total = math.fsum(p)
    if not 0 < total <= 1 + 1e-4:
        raise UsageError(f"these are no log-probabilities in nats: their probabilities add to {total:g}")
    known = [(each, log) for each, log in zip(p, ordered, strict=True) if each > 0]
    rest = max(0.0, 1 - total)
    bound = -math.fsum([each * log for each, log in known]) - (rest * ordered[-1] if rest else 0.0)
    scaled = -math.fsum(each / total * math.log(each / total) for each, _ in known)
    rank = None if true_at is None else ordered.index(log_probabilities[true_at]) + 1
    return Confidence(bound, scaled, ordered[0] - ordered[1], rank)


class GroupRanks(NamedTuple):
    """How early a group of digits became a token, 1 for the earliest; merges are learnt by frequency.

    Args:
        among_first_digits: among the ten groups that differ in the first digit alone.
        among_neighbours: among the numbers one below, itself and one above.
    """

    among_first_digits: int
    among_neighbours: int


def group_ranks(vocabulary: Vocabulary, group: str) -> GroupRanks:
    """Ranks of a group of digits by the order of merges; a group that is no token comes last.

    Args:
        vocabulary: of the model.
        group: digits, zeros in front included.

    Raises:
        UsageError: it is no group of digits.

    Example:
        >>> from tokencraft.vocabulary import split
        >>> digits = [Vocabulary.from_merges([], splitter=split.GPT2).id_of(each) for each in (b"1", b"2", b"3")]
        >>> merges = [(digits[1], digits[2]), (digits[0], digits[1])]  # 23, then 12
        >>> group_ranks(Vocabulary.from_merges(merges, splitter=split.GPT2), "12")
        GroupRanks(among_first_digits=1, among_neighbours=1)
    """
    if not (group.isascii() and group.isdigit()):
        raise UsageError(f"{group!r} is no group of the digits 0 to 9")
    value, width = int(group), len(group)
    near = [f"{other:0{width}}" for other in (value - 1, value, value + 1) if 0 <= other < 10**width]
    return GroupRanks(
        _rank(vocabulary, group, [f"{first}{group[1:]}" for first in range(10)]), _rank(vocabulary, group, near)
    )


def _rank(vocabulary: Vocabulary, group: str, among: list[str]) -> int:
    own = _age(vocabulary, group)
    return 1 + sum(_age(vocabulary, other) < own for other in among)


def _age(vocabulary: Vocabulary, group: str) -> float:
    """The rank of the merge that made a token; the ids of byte-level vocabularies follow it."""
    identifier = vocabulary.id_of(group.encode("ascii"))
    if identifier is None:
        return math.inf
    made = (vocabulary.merged == identifier).nonzero()[0]
    return float(made[0]) if len(made) else -1.0
