r"""Tokens that a vocabulary shall have whether the corpus asks for them or not: numbers, years, pieces of formats.

Groups by name, lists in files, and the pattern that keeps such strings whole when text is cut: with the space before
them, never inside a word, the longest first.

Bommarito, Katz, Bommarito, "KL3M Tokenizers", arXiv 2503.17247, section 3.
"""

from __future__ import annotations

import json
import string
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tokencraft.errors import UsageError
from tokencraft.vocabulary.split import Regex, Splitter
from tokencraft.vocabulary.split_patterns import recognise
from tokencraft.vocabulary.whole_tokens import whole_pattern

_HTML_TAGS = """
html head body div span img table thead tbody tfoot tr td ul ol li h1 h2 h3 h4 iframe script style svg input button form
label select option textarea meta link title pre code row column
"""
_HTML_ATTRIBUTES = ("href", "src", "alt", "title", "class", "id")
_ROMAN = ("ii", "iii", "iv", "v", "vi", "vii", "viii", "ix")


def _runs(characters: str) -> tuple[str, ...]:
    return tuple(char * times for char in characters for times in range(2, 9))


def _both_cases(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(case for text in texts for case in (text, text.upper()))


GROUPS: dict[str, tuple[str, ...]] = {
    "whitespace": (*_runs(" \t\r\n"), "\r\n", "\t "),
    "markdown": (
        *("#" * level for level in range(2, 7)),
        *["**", "~~", "```", "![", "http://", "https://", "www.", "ftp://", "mailto:", "tel:", "://"],
        *_runs(".-=_*~"),
    ),
    "html": (
        *_both_cases(f"<{tag}" for tag in _HTML_TAGS.split()),
        *(f"</{tag}>" for tag in _HTML_TAGS.split()),
        *_both_cases(f" {attribute}=" for attribute in _HTML_ATTRIBUTES),
    ),
    "json": ('{"', '"}', '["', '"]', '":', '","', '":"', "null", "true", "false"),
    "xml": ("<!--", "-->", "<![CDATA[", "]]>", "<?xml", "<xml", "</xml>"),
    "years": tuple(map(str, range(1776, 2050))),
    "numbers": tuple(map(str, range(10, 1000))),
    "enumerations": (
        *(f"({letter})" for letter in string.ascii_letters),
        *(f"({number})" for number in range(1, 100)),
        *(f"({case})" for case in _both_cases(_ROMAN)),
    ),
}
"""Custom tokens by the name of their group, as in the paper; its numbers and enumerations belong to its citations."""


def custom_token_set(
    groups: Iterable[str] = tuple(GROUPS),
    *,
    extra: Iterable[str] = (),
    files: Iterable[str | Path] = (),
    lowercase: bool = False,
) -> list[str]:
    """The strings of groups, further ones and those of files: sorted, each once, none of a single character.

    Args:
        groups: names from :data:`GROUPS`; ``"none"`` names no token.
        extra: strings taken as they are.
        files: lists, see :func:`read_tokens`.
        lowercase: all in lower case, for a vocabulary of lower-case text.

    Raises:
        UsageError: there is no such group, or a file holds no list.

    Example:
        >>> custom_token_set(["json"], extra=["U.S.C."])
        ['","', '":', '":"', '"]', '"}', 'U.S.C.', '["', 'false', 'null', 'true', '{"']
    """
    found = list(extra)
    for name in groups:
        if name not in GROUPS and name != "none":
            raise UsageError(f"there is no group of custom tokens {name!r}; there are {', '.join(GROUPS)}, and none")
        found += GROUPS.get(name, ())
    for path in files:
        found += read_tokens(path)
    if lowercase:
        found = [token.lower() for token in found]
    return sorted({token for token in found if len(token) > 1})


def read_tokens(path: str | Path) -> list[str]:
    """A list of custom tokens: a text file with one a line, or JSON.

    JSON may be a list of strings, or an object as in the data of ``reporters-db`` (``laws.json``, ``reporters.json``,
    ``journals.json``, ``case_name_abbreviations.json``): then the parts, between spaces, of every key and of every
    variation that its records list. Nothing is ever downloaded.

    Raises:
        UsageError: the file cannot be read or holds something else.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix != ".json":
            return [line for line in text.splitlines() if line]
        document = json.loads(text)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot read a list of custom tokens: {error}") from error
    if isinstance(document, list) and all(isinstance(each, str) for each in document):
        return document
    if not isinstance(document, dict):
        raise UsageError(f"{path}: custom tokens are a JSON list of strings, or an object of citation records")
    names = [*document, *(name for records in document.values() for name in _variations(records))]
    return list(dict.fromkeys(part for name in names for part in name.split()))


def _variations(records: Any) -> list[str]:
    """The variations listed in the records of one key; keys of an object are variations too."""
    if not isinstance(records, list):
        return []
    listed = [each.get("variations", ()) for each in records if isinstance(each, dict)]
    return [name for names in listed for name in names if isinstance(name, str)]


def spaced_forms(tokens: Iterable[str]) -> list[str]:
    """The tokens, each followed by itself with a space before it, where it does not begin with white space."""
    return [form for token in tokens for form in ((token,) if token[0].isspace() else (token, " " + token))]


def kept_whole(tokens: Sequence[str], splitter: Splitter) -> Splitter:
    """A splitter that cuts as ``splitter`` does but keeps these tokens whole.

    Tokens that it keeps whole anyway cost nothing; the others are looked for everywhere in the text, the longest first.
    Letters and digits at the edge of a token must be at the edge of a word.

    Args:
        tokens: strings that shall be pieces.
        splitter: a regular expression, or anything that does not cut, :data:`~tokencraft.vocabulary.split.WHOLE`.

    Example:
        >>> from tokencraft.vocabulary import split
        >>> kept_whole(["App.", " App.", " F.3d"], split.GPT2).split("See 9 F.3d WhatsApp. App.")
        ['See', ' 9', ' F.3d', ' WhatsApp', '.', ' App.']
    """
    patterns = splitter.patterns if isinstance(splitter, Regex) else ()
    patterns = known.spelling if (known := recognise(patterns)) is not None else patterns
    cut = [token for token in tokens if not patterns or splitter.split(token) != [token]]
    if not cut:
        return splitter
    mine = whole_pattern(cut)
    # First they are set apart from all else, then the patterns meet them alone and must leave them so.
    return Regex((mine, *(f"{mine}|{pattern}" for pattern in patterns)))
