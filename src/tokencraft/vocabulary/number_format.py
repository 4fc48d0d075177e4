"""Numbers written with separators, so that a model whose vocabulary cannot be changed sees groups of a direction.

    comma_r2l   1234567 -> 1,234,567
    hashtag_l2r 1234567 -> 123#456#7

Singh, Strouse, "Tokenization counts: the impact of tokenization on arithmetic in frontier LLMs", arXiv 2402.14903.
"""

from __future__ import annotations

import re
from functools import cache

import regex

from tokencraft.errors import UsageError
from tokencraft.vocabulary.numbers import Direction, group

SEPARATORS = {"comma": ",", "space": " ", "dec": ".", "hashtag": "#", "dollar": "$", "foo": "foo"}
"""The separators of the paper by their names; a style is ``nosep`` or ``NAME_DIRECTION``, as in ``comma_r2l``."""
STYLES = ("nosep", *(f"{name}_{direction}" for name in SEPARATORS for direction in ("l2r", "r2l")))


@cache
def style_parts(style: str) -> tuple[str, Direction]:
    """Separator and direction of a style; ``nosep`` has an empty separator, and is read from the left.

    Raises:
        UsageError: there is no such style.

    Example:
        >>> style_parts("dec_r2l")
        ('.', 'r2l')
    """
    if style not in STYLES:
        raise UsageError(f"there is no number style {style!r}; the styles are {', '.join(STYLES)}")
    name, _, direction = style.partition("_")
    return ("", "l2r") if style == "nosep" else (SEPARATORS[name], "r2l" if direction == "r2l" else "l2r")


def format_number(number: int | str, style: str = "comma_r2l", *, size: int = 3) -> str:
    """A whole number with separators between its groups of digits.

    Args:
        number: an int, or its digits as text, where zeros in front stay; a minus sign stays in front.
        style: one of :data:`STYLES`.
        size: digits of a group.

    Raises:
        UsageError: there is no such style, or the text is no whole number.

    Example:
        >>> format_number(1234567), format_number(1234567, "foo_r2l"), format_number("-0012", "hashtag_l2r")
        ('1,234,567', '1foo234foo567', '-001#2')
    """
    separator, direction = style_parts(style)
    text = str(number)
    if not regex.fullmatch(r"-?\p{Nd}+", text):
        raise UsageError(f"{text!r} is no whole number: give digits, with a minus sign at most")
    sign, digits = ("-", text[1:]) if text[0] == "-" else ("", text)
    return sign + (separator.join(group(digits, size, direction)) if separator else digits)


def rewrite_numbers(text: str, style: str = "comma_r2l", *, min_digits: int = 4) -> str:
    """The text with its whole numbers in a style: what a prompt goes through before a model sees it.

    Runs of digits behind a decimal point (a full stop behind a digit) stay; so does what has separators already, since
    its runs are short. Dates like 20240512 and identifiers are numbers too: raise ``min_digits``, or keep them out.

    Args:
        text: any text.
        style: one of :data:`STYLES`.
        min_digits: shorter runs stay as they are.

    Raises:
        UsageError: there is no such style, or ``min_digits`` is less than 1.

    Example:
        >>> rewrite_numbers("7 + 1234567 is 1234574, not 3.14159")
        '7 + 1,234,567 is 1,234,574, not 3.14159'
    """
    style_parts(style)
    if min_digits < 1:
        raise UsageError(f"min_digits is 1 or more, not {min_digits}")
    runs = rf"(?<!\p{{Nd}}\.\p{{Nd}}*)(?<!\p{{Nd}})\p{{Nd}}{{{min_digits},}}"
    return str(regex.sub(runs, lambda match: format_number(match.group(), style), text))


def restore(text: str, style: str = "comma_r2l", *, min_digits: int = 4) -> str:
    """The text without the separators that :func:`rewrite_numbers` puts in: what an answer goes through.

    Only what the style would write is undone: digits joined by the separator, in groups of three counted from the right
    end. ``1,2`` stays a list. A number that had separators before the rewriting loses them too.

    Raises:
        UsageError: there is no such style.

    Example:
        >>> restore("1,234,567 and 1,2 or 12,34")
        '1234567 and 1,2 or 12,34'
    """
    separator, _ = style_parts(style)
    if not separator:
        return text

    def joined(match: regex.Match[str]) -> str:
        written = str(match.group())
        digits = written.replace(separator, "")
        return digits if len(digits) >= min_digits and format_number(digits, style) == written else written

    return str(regex.sub(rf"\p{{Nd}}+(?:{re.escape(separator)}\p{{Nd}}+)+", joined, text))
