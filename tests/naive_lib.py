"""Less-is-Better in plain Python, written from the description of the algorithm: lists, strings, `random.Random`."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

Context = tuple[str, str] | None


@dataclass
class NaiveLib:
    """The lexicon is a list by rank; probation maps a chunk to (life, context)."""

    in_rate: float = 0.25
    out_rate: float = 0.01
    update_rate: float = 0.1
    life: int = 10
    second_sighting: bool = False
    max_length: int = 0
    max_long_chunks: int = 0
    inspect_context: bool = True
    keep_characters: bool = False
    no_space_at_end: bool = False
    seed: int = 0
    lexicon: list[str] = field(default_factory=list)
    probation: dict[str, tuple[int, Context]] = field(default_factory=dict)
    events: list[tuple[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    def prefixes(self, text: str) -> list[str]:
        """Entries that begin a text, shortest first."""
        return [text[:size] for size in range(1, len(text) + 1) if text[:size] in self.lexicon]

    def longest(self, text: str) -> str:
        return (self.prefixes(text) or [""])[-1]

    def first(self, text: str) -> str:
        return self.longest(text) or text[:1]

    def two_longest(self, text: str) -> tuple[str, str]:
        """(second longest, longest), empty where missing."""
        small, big = (["", "", *self.prefixes(text)])[-2:]
        return small, big

    def allowed(self, chunk: str) -> bool:
        if not chunk or chunk in self.lexicon or (self.max_length and len(chunk) > self.max_length):
            return False
        if self.no_space_at_end and len(chunk) > 1 and chunk[-1] == " ":
            return False
        long_chunks = sum(len(entry.encode()) > 1 for entry in self.lexicon)
        return not (self.max_long_chunks and len(chunk.encode()) > 1 and long_chunks >= self.max_long_chunks)

    def memorise(self, chunk: str, context: Context) -> None:
        if self.allowed(chunk):
            self.lexicon.append(chunk)
            self.put_on_probation(chunk, context)

    def put_on_probation(self, chunk: str, context: Context) -> None:
        if not (self.keep_characters and len(chunk) == 1):
            self.probation.setdefault(chunk, (self.life, context))

    def admit(self, text: str) -> None:
        for character in text:
            if character not in self.lexicon:
                self.lexicon.append(character)
                self.put_on_probation(character, None)

    def learn(self, article: list[str]) -> None:
        once: set[str] = set()
        for sentence in article:
            self.read_2020(sentence, once) if self.second_sighting else self.read_2023(sentence)
        forgotten = set()
        for chunk, (life, context) in list(self.probation.items()):
            self.probation[chunk] = (life - 1, context)
            if life - 1 < 1:
                del self.probation[chunk]
                self.lexicon.remove(chunk)
                forgotten.add(chunk)
        for chunk, sign in self.events:
            if chunk not in forgotten:
                self.move(chunk, sign)
        self.events = []
        for chunk in self.lexicon[int((1 - self.out_rate) * len(self.lexicon)) :]:
            self.put_on_probation(chunk, None)

    def move(self, chunk: str, sign: int) -> None:
        if chunk not in self.lexicon:
            return
        rank = self.lexicon.index(chunk)
        if rank == 0:
            return
        step = int(rank * self.update_rate) + 1
        self.lexicon.pop(rank)
        if sign > 0:
            self.lexicon.insert(max(rank - step, 0), chunk)
        elif rank + step <= len(self.lexicon):  # one less than before
            self.lexicon.insert(rank + step, chunk)
        elif self.keep_characters and len(chunk) == 1:
            self.lexicon.append(chunk)
        else:
            self.probation.pop(chunk, None)

    def clean(self) -> None:
        self.lexicon = [chunk for chunk in self.lexicon if chunk not in self.probation]
        self.probation = {}

    def rank_sum(self, chunks: list[str]) -> int:
        return sum(self.lexicon.index(chunk) for chunk in chunks if chunk in self.lexicon)

    def better(self, other: list[str], way: list[str]) -> bool:
        return len(way) > len(other) or (len(way) == len(other) and self.rank_sum(way) > self.rank_sum(other))

    def read_2023(self, sentence: str) -> None:
        at, chunks = 0, []
        pending: dict[str, tuple[int, list[str], list[str]]] = {}
        while at < len(sentence):
            for chunk, (end, way, other) in list(pending.items()):
                while end < at:
                    other.append(self.first(sentence[end:]))
                    end += len(other[-1])
                pending[chunk] = (end, way, other)
                if end > at:
                    continue
                del pending[chunk]
                self.events += [(other[0], 1), (chunk, -1)] if self.better(other, way) else [(chunk, 1)]
            small, big = self.two_longest(sentence[at:])
            for _, way, _ in pending.values():
                way.append(big or sentence[at])
            before, last = (["", "", *chunks])[-2:]
            if big in self.probation:
                self.judge(big, before, last, sentence[at + len(big) :])
            if big:
                if len(big) > 1 and small:
                    pending[big] = (at + len(small), [big], [small])
                if self.random.random() < self.in_rate:
                    self.memorise(last + big, (before, self.first(sentence[at + len(big) :])))
            else:
                big = sentence[at]
                self.memorise(big, (last, self.first(sentence[at + 1 :])))
            chunks.append(big)
            at += len(big)

    def judge(self, big: str, before: str, last: str, after: str) -> None:
        context = self.probation[big][1]
        if context is None or not self.inspect_context:
            del self.probation[big]
            return
        old_last, old_next = context
        following = self.first(after)
        if old_last == old_next == last == following == "":
            return
        left = bool((old_last and last.endswith(old_last)) or (last and old_last.endswith(last)))
        right = bool((old_next and following.startswith(old_next)) or (following and old_next.startswith(following)))
        if left:
            self.memorise(last + big, (before, following))
        if right:
            self.memorise(big + following, (last, self.first(after[len(following) :])))
        if not left and not right:
            self.events.append((big, 1))
            del self.probation[big]

    def read_2020(self, sentence: str, once: set[str]) -> None:
        at, chunks = 0, []  # (text, whether it was known)
        pending: dict[str, tuple[int, list[tuple[str, bool]], list[tuple[str, bool]]]] = {}
        while at < len(sentence):
            for chunk, (end, way, other) in list(pending.items()):
                while end < at:
                    found = self.longest(sentence[end:])
                    other.append((found or sentence[end], bool(found)))
                    end += len(other[-1][0])
                pending[chunk] = (end, way, other)
                if end > at:
                    continue
                del pending[chunk]
                unknown = [sum(not known for _, known in path) for path in (way, other)]
                known = [[text for text, known in path if known] for path in (way, other)]
                if unknown[0] != unknown[1]:
                    bad = unknown[0] > unknown[1]
                elif len(way) != len(other):
                    bad = len(way) > len(other)
                else:
                    bad = self.rank_sum(known[0]) > self.rank_sum(known[1])
                if bad:
                    self.events.append((chunk, -1))
                    if part := self.longest(chunk[:-1]):
                        self.events.append((part, 1))
                else:
                    self.events.append((chunk, 1))
                    self.probation.pop(chunk, None)
            small, big = self.two_longest(sentence[at:])
            for _, way, _ in pending.values():
                way.append((big or sentence[at], bool(big)))
            if big:
                if self.random.random() < self.in_rate and chunks:
                    candidate = self.candidate(chunks, big)
                    if self.allowed(candidate) and candidate in once:
                        once.remove(candidate)
                        self.lexicon.append(candidate)
                    elif self.allowed(candidate):
                        once.add(candidate)
                if len(big) > 1 and small:
                    pending[big] = (at + len(small), [(big, True)], [(small, True)])
                else:
                    self.probation.pop(big, None)
            chunks.append((big or sentence[at], bool(big)))
            at += len(chunks[-1][0])

    @staticmethod
    def candidate(chunks: list[tuple[str, bool]], big: str) -> str:
        """The last chunk and this one; where the last ones were unknown, up to two of them without it."""
        if chunks[-1][1]:
            return chunks[-1][0] + big
        run = ""
        for text, known in reversed(chunks):
            if known:
                break
            run = text + run
        return run if len(run) <= 2 else ""


def read(lexicon: list[str], text: str, *, two_paths: bool, official: bool = False, deeper: bool = False) -> list[str]:
    """The chunks of a text, by the longest match or by the better of two paths."""
    naive = NaiveLib(lexicon=lexicon)
    chunks: list[str] = []
    at = 0
    while at < len(text):
        small, big = naive.two_longest(text[at:])
        if two_paths and len(big) > 1 and small:
            way, other = [big], [small]
            while (longer := sum(map(len, way))) != (shorter := sum(map(len, other))):
                end = min(longer, shorter)
                (way if longer < shorter else other).append(naive.first(text[at + end :]))
            taken = other if naive.better(other, way) else way
        else:
            taken = [text[at]] if two_paths and official else [big or text[at]]
        at += sum(map(len, taken))
        chunks += [part for chunk in taken for part in (parts(lexicon, chunk, 2) if deeper else [chunk])]
    return chunks


def parts(lexicon: list[str], chunk: str, levels: int) -> list[str]:
    """What a chunk falls into, where both parts have better ranks than it."""
    cuts = [(chunk[:size], chunk[size:]) for size in range(1, len(chunk))]
    known = [(lexicon.index(a), lexicon.index(b)) for a, b in cuts if a in lexicon and b in lexicon]
    if levels == 0 or not known or max(min(known)) >= lexicon.index(chunk):
        return [chunk]
    left, right = min(known)
    return parts(lexicon, lexicon[left], levels - 1) + parts(lexicon, lexicon[right], levels - 1)
