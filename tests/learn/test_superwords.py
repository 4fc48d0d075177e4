from __future__ import annotations

from tokencraft.learn import superword_report
from tokencraft.vocabulary import Vocabulary, split
from tokencraft.vocabulary.bytes import BYTE_ORDER


def test_report_counts_by_hand() -> None:
    # a b: "a ", "a b", then " c", "a b c"; and "c\n" ends a line.
    a, b, c, space, newline = (BYTE_ORDER.index(byte) for byte in b"abc \n")
    pairs = [(a, space), (256, b), (space, c), (257, 258), (c, newline)]
    vocabulary = Vocabulary.from_merges(pairs, splitter=split.WHOLE)
    rows = {row[0]: row[1] for row in superword_report(vocabulary).rows}
    assert rows == {
        "tokens of text": 261,
        "superwords": 2,
        "tokens of 2 words": 1,
        "tokens of 3 words": 1,
        "tokens with a space, but not at their start": 3,
        "tokens that end a line after other bytes": 1,
        "longest: 'a b c'": 5,
        "longest: 'a b'": 3,
    }
