"""Lower case by the rules of a language, so that words compare equal however a sentence writes them."""

from __future__ import annotations

import unicodedata

_DOTTED_AND_DOTLESS = str.maketrans({"I": "ı", "İ": "i"})
_LANGUAGES = frozenset({"tr", "az"})


def fold(text: str, language: str = "") -> str:
    """Composed (NFC) and in lower case.

    Args:
        text: any.
        language: code of ISO 639-1; ``"tr"`` and ``"az"`` have I as the capital of ı and İ of i, which Python's
            ``lower`` gets wrong.

    Example:
        >>> fold("IŞIK", "tr"), fold("İzmir", "tr"), fold("IŞIK")
        ('ışık', 'izmir', 'işik')
    """
    composed = unicodedata.normalize("NFC", text)
    if language in _LANGUAGES:
        composed = composed.translate(_DOTTED_AND_DOTLESS)
    return unicodedata.normalize("NFC", composed.lower())
