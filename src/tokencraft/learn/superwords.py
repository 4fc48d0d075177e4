"""A look at the tokens of a vocabulary that span words."""

from __future__ import annotations

from tokencraft.report import Column, Table
from tokencraft.vocabulary import TokenKind, Vocabulary

_Row = tuple[str, int, float | None]


def superword_report(vocabulary: Vocabulary, longest: int = 10) -> Table:
    """How many tokens span words, how many words they span, and which are the longest.

    Words are what spaces separate: the runs of bytes that are not spaces. A superword has at least two. Tokens that
    hold a space but do not start with one (``s of the ``) begin inside a word or at the start of a text: they are hard
    to read, and a prompt that ends in their first part is cut otherwise than its continuation.

    Args:
        vocabulary: any vocabulary.
        longest: how many of the longest superwords to list.

    Example:
        >>> from tokencraft.vocabulary import split
        >>> vocabulary = Vocabulary.from_merges([(64, 220), (256, 65)], splitter=split.WHOLE)  # "a ", "a b"
        >>> [row[1] for row in superword_report(vocabulary).rows[:2]]
        [258, 1]
    """
    texts = [
        token
        for token, kind in zip(vocabulary.tokens, vocabulary.kinds, strict=True)
        if kind in (TokenKind.NORMAL, TokenKind.BYTE)
    ]
    words = [len(list(filter(None, token.split(b" ")))) for token in texts]
    superwords = [token for token, count in zip(texts, words, strict=True) if count > 1]
    rows: list[_Row] = [
        _row("tokens of text", len(texts), texts),
        _row("superwords", len(superwords), texts),
        *(
            _row(f"tokens of {count} words", words.count(count), texts)
            for count in range(2, max(words, default=0) + 1)
            if count in words
        ),
        _row("tokens with a space, but not at their start", sum(map(_begins_inside, texts)), texts),
        _row("tokens that end a line after other bytes", sum(map(_ends_line, texts)), texts),
    ]
    by_length = sorted(superwords, key=lambda token: (-len(token), token))[:longest]
    rows += [(f"longest: {_readable(token)}", len(token), None) for token in by_length]
    return Table("Superwords", [Column("what"), Column("number", "tokens; bytes"), Column("share", "%")], rows)


def _row(name: str, number: int, texts: list[bytes]) -> _Row:
    return name, number, 100.0 * number / max(1, len(texts))


def _readable(token: bytes) -> str:
    """The text of a token as a Python string, because the byte alphabet of ``tokenizer.json`` hides most scripts."""
    return repr(token.decode("utf-8", "surrogateescape"))


def _begins_inside(token: bytes) -> bool:
    return b" " in token and not token.startswith(b" ")


def _ends_line(token: bytes) -> bool:
    return token.endswith(b"\n") and bool(token.strip(b"\n"))
