r"""Regular expressions that keep given strings whole, and the strings back from such an expression.

The longest string wins, from the left. One that begins or ends with a letter or digit is not found inside a word. The
expression is a tree of beginnings, each tried once; ``tokenizers`` and the ``regex`` package read it alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from tokencraft import _native
from tokencraft.vocabulary.split_patterns import PATTERNS, recognise

_WORD = r"[\p{L}\p{N}]"
_BEFORE, _BEHIND = rf"(?<!{_WORD})(?:", rf"(?!{_WORD})"
_ESCAPES = {"\n": r"\n", "\r": r"\r", "\t": r"\t", "\f": r"\f", "\v": r"\x0b"}
_CHARACTER = re.compile(r"\\x0b|\\.|[^\\|()?]", re.DOTALL)
_UNESCAPES = {escape: char for char, escape in _ESCAPES.items()}


def is_word(char: str) -> bool:
    """Whether a character is a letter or number, by the Unicode version of the kernels.

    Example:
        >>> [is_word(char) for char in "é½§ "]
        [True, True, False, False]
    """
    return any(len(_native.split(1, before + char)) == 1 for before in ("a", "1"))  # GPT-2's pattern


def whole_pattern(tokens: Iterable[str]) -> str:
    r"""A regular expression for these tokens.

    Args:
        tokens: strings, none empty.

    Example:
        >>> whole_pattern(["(a)", "(b)", "c."])
        '\\((?:a\\)|b\\))|(?<![\\p{L}\\p{N}])(?:c\\.)'
    """
    words: list[str] = []
    others: list[str] = []
    for token in set(tokens):
        (words if is_word(token[0]) else others).append(token)
    parts = [_longest_first(others)] if others else []
    return "|".join([*parts, *([f"{_BEFORE}{_longest_first(words)})"] if words else [])])


def tokens_of(pattern: str) -> list[str] | None:
    """The tokens of an expression that :func:`whole_pattern` made, sorted; None for any other.

    Example:
        >>> tokens_of(whole_pattern(["(a)", "(b)", "c."]))
        ['(a)', '(b)', 'c.']
    """
    parser = _Parser(pattern)
    try:
        tokens = sorted(set(parser.alternatives("")))
    except _OtherPatternError:
        return None
    return tokens if "" not in tokens and parser.at == len(pattern) and whole_pattern(tokens) == pattern else None


def kept_whole_by(patterns: tuple[str, ...]) -> tuple[list[str], int] | None:
    """The tokens that patterns keep whole, and the number of the well-known pattern that cuts the rest.

    Only where one pattern at most cuts the rest: a second one would see the ends of pieces as ends of the text.

    Returns:
        None for patterns of another shape.
    """
    mine = patterns[0] if patterns else ""
    if len(patterns) > 2 or not all(pattern.startswith(f"{mine}|") for pattern in patterns[1:]):
        return None
    known = recognise(tuple(pattern.removeprefix(f"{mine}|") for pattern in patterns[1:]))
    if known is None or len(PATTERNS[known.number]) != len(patterns) - 1 or known.groups is not None:
        return None
    tokens = tokens_of(mine)
    return None if tokens is None else (tokens, known.code)


def _longest_first(tokens: Iterable[str]) -> str:
    """Alternatives for strings that share beginnings: each beginning is tried once, the longest string wins."""
    tree: dict[str, Any] = {}
    for token in tokens:
        node = tree
        for char in token:
            node = node.setdefault(char, {})
        node[""] = is_word(token[-1])  # a token ends here
    return _alternatives(tree)


def _alternatives(node: dict[str, Any]) -> str:
    branches = [_escaped(char) + _branch(child) for char, child in sorted(node.items()) if char]
    if "" in node:
        branches.append(_BEHIND if node[""] else "")
    return "|".join(branches)


def _branch(node: dict[str, Any]) -> str:
    """What follows a character: nothing, one way on, or several."""
    inner = _alternatives(node)
    return inner if len(node) == 1 else f"(?:{inner})"


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    return char if char.isalnum() or char in " _" or ord(char) > 0x7F else "\\" + char


class _OtherPatternError(Exception):
    """The expression is not one of ours."""


class _Parser:
    """Reads an expression back; what it accepts and misreads differs from what is written for its tokens."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0

    def alternatives(self, before: str) -> list[str]:
        """The tokens of alternatives behind a beginning."""
        found = self._sequence(before)
        while self._take("|"):
            found += self._sequence(before)
        return found

    def _sequence(self, before: str) -> list[str]:
        while True:
            if self._take(_BEFORE) or self._take("(?:"):
                found = self.alternatives(before)
                if not self._take(")"):
                    raise _OtherPatternError
                return found
            if self._take(_BEHIND):
                return [before]
            match = _CHARACTER.match(self.pattern, self.at)
            if match is None:
                return [before]
            self.at = match.end()
            before += _UNESCAPES.get(match[0], match[0][-1])

    def _take(self, text: str) -> bool:
        found = self.pattern.startswith(text, self.at)
        self.at += len(text) if found else 0
        return found
