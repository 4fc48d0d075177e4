"""A BPE trainer that counts every pair afresh before every merge: slow, short, and evidently right."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

Pair = tuple[int, int]
Merge = tuple[int, int, int]


def replaced(sequence: list[int], left: int, right: int, result: int) -> list[int]:
    """The sequence with every (left, right) joined, left to right."""
    joined: list[int] = []
    at = 0
    while at < len(sequence):
        if sequence[at : at + 2] == [left, right]:
            joined.append(result)
            at += 2
        else:
            joined.append(sequence[at])
            at += 1
    return joined


class NaiveTrainer:
    """Learns merges on weighted pieces.

    Args:
        pieces: (bytes, weight).
        tokens: bytes by id; empty for ids that are no text.
    """

    def __init__(self, pieces: Iterable[tuple[bytes, int]], tokens: Sequence[bytes]) -> None:
        self.tokens = list(tokens)
        byte_ids = {token: identifier for identifier, token in enumerate(tokens) if len(token) == 1}
        self.sequences = [([byte_ids[bytes([byte])] for byte in piece], weight) for piece, weight in pieces]
        self.merges: list[Merge] = []

    def replay(self, merges: Iterable[Merge]) -> list[bool]:
        """Apply merges one by one; whether each was applied anywhere."""
        fired = []
        for left, right, result in merges:
            after = [(replaced(sequence, left, right, result), weight) for sequence, weight in self.sequences]
            fired.append(after != self.sequences)
            self.sequences = after
            self.merges.append((left, right, result))
        return fired

    def learn(
        self, new_tokens: int, min_count: int = 1, allowed: Callable[[bytes, bytes], bool] = lambda left, right: True
    ) -> tuple[list[Merge], list[int]]:
        """New merges and their counts."""
        learned: list[Merge] = []
        counts: list[int] = []
        end = len(self.tokens) + new_tokens
        while len(self.tokens) < end:
            windows: Counter[Pair] = Counter()
            for sequence, weight in self.sequences:
                for pair in itertools.pairwise(sequence):
                    windows[pair] += weight
            candidates = sorted((-count, pair) for pair, count in windows.items() if count >= max(1, min_count))
            best = next((each for each in candidates if allowed(*(self.tokens[side] for side in each[1]))), None)
            if best is None:
                break
            left, right = best[1]
            made = self.tokens[left] + self.tokens[right]
            known = made in self.tokens
            merge = (left, right, self.tokens.index(made) if known else len(self.tokens))
            if not known:
                self.tokens.append(made)
            if not any(other[:2] == merge[:2] for other in self.merges):
                self.merges.append(merge)
                learned.append(merge)
                counts.append(-best[0])
            self.sequences = [(replaced(sequence, *merge), weight) for sequence, weight in self.sequences]
        return learned, counts
