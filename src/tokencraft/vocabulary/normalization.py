"""Unicode normalisation and lower case: what is done to text before it is cut.

``tokenizers`` is the reference, because it is what normalises for everybody who loads the vocabulary. Its Unicode data
is older than Python's, so ``unicodedata`` would give other text for some characters (U+32FF, for one).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal

import regex
from tokenizers import normalizers

from tokencraft.errors import UsageError

Normalization = Literal["none", "nfc", "nfd", "nfkc", "nfkd"]
"""A form of Unicode. ``"nfkc"`` and ``"nfkd"`` lose text: a no-break space becomes a space, ``ﬁ`` becomes ``fi``."""

_FORMS = {"nfc": "NFC", "nfd": "NFD", "nfkc": "NFKC", "nfkd": "NFKD"}
_LOCAL = {*_FORMS.values(), "Lowercase"}
_CACHED_RUNS = 1 << 16


def normalizer_json(form: Normalization = "none", *, lowercase: bool = False) -> dict[str, Any] | None:
    """The ``normalizer`` of a ``tokenizer.json``: the form, then lower case; None where text stays as it is.

    Raises:
        UsageError: there is no such form.

    Example:
        >>> normalizer_json("nfkc")
        {'type': 'NFKC'}
    """
    if form != "none" and form not in _FORMS:
        raise UsageError(f"the normalizer is one of none, {', '.join(_FORMS)}, not {form!r}")
    steps = [{"type": _FORMS[form]}] if form != "none" else []
    if lowercase:
        steps.append({"type": "Lowercase"})
    return {"type": "Sequence", "normalizers": steps} if len(steps) > 1 else steps[0] if steps else None


class Normalizer:
    """Normalises text exactly as stock ``tokenizers`` does; can be sent to other processes.

    Args:
        description: the ``normalizer`` of a ``tokenizer.json``.

    Example:
        >>> Normalizer({"type": "NFKC"})("ﬁne \\u00bd")
        'fine 1⁄2'
    """

    def __init__(self, description: Mapping[str, Any]) -> None:
        self.description = dict(description)
        self._runs: dict[str, str] = {}

    def __getstate__(self) -> dict[str, Any]:
        """What it was made from; the rest is made again."""
        return {"description": self.description, "_runs": {}}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Normalizer) and self.description == other.description

    def __hash__(self) -> int:
        return hash(json.dumps(self.description, sort_keys=True))

    def __call__(self, text: str) -> str:
        """The normalised text."""
        if self._local is None:
            return str(self._stock.normalize_str(text))
        if self._ascii_stays and text.isascii():
            return text
        return str(self._local.sub(self._run, text))

    def _run(self, match: regex.Match[str]) -> str:
        """What one run becomes; the same words come again and again."""
        run = match.group()
        found = self._runs.get(run)
        if found is None:
            found = str(self._stock.normalize_str(run))
            if len(self._runs) >= _CACHED_RUNS:
                self._runs.clear()
            self._runs[run] = found
        return found

    @cached_property
    def _stock(self) -> Any:
        try:
            rebuilt = normalizers.Sequence([])
            rebuilt.__setstate__(json.dumps(self.description).encode("utf-8"))
        except Exception as error:
            raise UsageError(f"tokenizers cannot make the normalizer {self.description}: {error}") from None
        return rebuilt

    @cached_property
    def _types(self) -> list[str]:
        steps = self.description.get("normalizers", [self.description])
        return [str(step.get("type")) for step in steps]

    @cached_property
    def _ascii_stays(self) -> bool:
        return "Lowercase" not in self._types

    @cached_property
    def _local(self) -> regex.Pattern[str] | None:
        """Runs that can be normalised on their own: an ASCII character never joins what stands before it."""
        if not set(self._types) <= _LOCAL:
            return None
        return regex.compile(r"[\x00-\x7f]?[^\x00-\x7f]+" if self._ascii_stays else r"[\x00-\x7f]*[^\x00-\x7f]*")
