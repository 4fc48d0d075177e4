"""N-grams of words and the pieces by them, against plain Python."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokencraft import _native

END = "</w>"
words = st.text("abcé𝒳", min_size=1, max_size=8)
tables = st.dictionaries(words, st.integers(1, 4), min_size=1, max_size=5)


def plain_counts(table: Mapping[str, int], tails_again: bool) -> Counter[str]:
    """Every n-gram of every word, as Python's slices give them."""
    counts: Counter[str] = Counter()
    for word, times in table.items():
        for size in range(1, len(word) + 1):
            for at in range(len(word) if tails_again else len(word) - size + 1):
                counts[word[at : at + size]] += times
    return counts


def plain_cut(word: str, counts: Mapping[str, int], merges: int, longest: int) -> list[str]:
    """The procedure on strings: symbols with an end mark, pairs counted afresh before every merge."""
    ngrams = dict.fromkeys(
        word[at : at + size] for size in range(1, len(word) + 1) for at in range(len(word) - size + 1)
    )
    entries = [([*ngram[:-1], ngram[-1] + END], counts.get(ngram, 1)) for ngram in ngrams]
    made: set[str] = set()
    for _ in range(merges):
        pairs: dict[tuple[str, str], int] = {}
        for symbols, weight in entries:
            for pair in itertools.pairwise(symbols):
                pairs[pair] = pairs.get(pair, 0) + weight
        if not pairs or max(pairs.values()) < 2:
            break
        best = max(pairs, key=pairs.__getitem__)
        made.add("".join(best).replace(END, ""))
        entries = [(joined(symbols, best), weight) for symbols, weight in entries]
    pieces: list[str] = []
    while word:
        size = next((n for n in range(min(longest, len(word)), 1, -1) if word[:n] in made), 1)
        pieces.append(word[:size])
        word = word[size:]
    return pieces


def joined(symbols: list[str], pair: tuple[str, str]) -> list[str]:
    result: list[str] = []
    for symbol in symbols:
        if result and (result[-1], symbol) == pair:
            result[-1:] = [None, result[-1] + symbol]  # type: ignore[list-item]  # a joined symbol joins no further
        else:
            result.append(symbol)
    return [symbol for symbol in result if symbol is not None]


def cut(
    counts: _native.ConceptNgrams, given: list[str], merges: int, longest: int, threads: int = 1
) -> list[list[str]]:
    ends = counts.cut(given, merges, longest, threads)
    return [[word[a:b] for a, b in itertools.pairwise([0, *own])] for word, own in zip(given, ends, strict=True)]


@given(tables, st.booleans())
def test_counts_are_those_of_slices(table: dict[str, int], tails_again: bool) -> None:
    counts = _native.ConceptNgrams(list(table), list(table.values()), tails_again)
    expected = plain_counts(table, tails_again)
    assert counts.counts([*expected, "zz", "abab" * 9]).tolist() == [*expected.values(), 0, expected["abab" * 9]]
    assert (len(counts), counts.total) == (len(expected), expected.total())


@settings(max_examples=200)
@given(tables, st.lists(words, max_size=3), st.integers(0, 25), st.integers(1, 7), st.booleans())
def test_pieces_are_those_of_plain_merges(
    table: dict[str, int], others: list[str], merges: int, longest: int, tails_again: bool
) -> None:
    counts = _native.ConceptNgrams(list(table), list(table.values()), tails_again)
    expected = plain_counts(table, tails_again)
    given = [*table, *others]
    assert cut(counts, given, merges, longest) == [plain_cut(word, expected, merges, longest) for word in given]


def test_many_words_on_any_number_of_threads() -> None:
    table = {f"word{n * n}x{n % 7}": 1 + n % 3 for n in range(3000)}
    counts = _native.ConceptNgrams(list(table), list(table.values()))
    expected = plain_counts(table, False)
    assert counts.counts(list(expected)).tolist() == list(expected.values())
    found = cut(counts, list(table), 20, 5, 1)
    assert found == cut(counts, list(table), 20, 5, 2)
    assert ["".join(pieces) for pieces in found] == list(table)
    some = list(table)[::300]
    assert found[::300] == [plain_cut(word, expected, 20, 5) for word in some]


def test_the_longest_words() -> None:
    word = "ab" * 127 + "c"
    counts = _native.ConceptNgrams([word], [1])
    assert counts.total == 255 * 128
    assert "".join(cut(counts, [word], 3, 5)[0]) == word


def test_wrong_input_is_refused() -> None:
    for texts, weights in (([""], [1]), (["x" * 256], [1]), (["a"], [0]), (["a"], []), (["a"], [1, 2])):
        with pytest.raises(ValueError, match=r"characters|weight"):
            _native.ConceptNgrams(texts, weights)
    with pytest.raises(TypeError):
        _native.ConceptNgrams([b"a"], [1])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="1 to 255 characters"):
        _native.ConceptNgrams(["a"], [1]).cut([""], 1, 5)


def test_progress_is_told_and_can_stop() -> None:
    table = [f"supercalifragilistic{n}expialidocious" for n in range(4000)]
    counts = _native.ConceptNgrams(table, [1] * len(table))

    def stop(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        counts.cut(table, 20, 5, 1, stop)
