"""Unicode normalisation and lower case: what is done to text before it is cut.

``tokenizers`` is the reference, because it is what normalises for everybody who loads the vocabulary. Its Unicode data
is older than Python's, so ``unicodedata`` would give other text for some characters (U+32FF, for one); but what Python
calls normalised, it leaves alone too.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal

import regex
from tokenizers import normalizers

from tokencraft.errors import UsageError

Normalization = Literal["none", "nfc", "nfd", "nfkc", "nfkd"]
"""A form of Unicode. ``"nfkc"`` and ``"nfkd"`` lose text: a no-break space becomes a space, ``ﬁ`` becomes ``fi``."""

_Form = Literal["NFC", "NFD", "NFKC", "NFKD"]
_NAMES: dict[str, _Form] = {"NFC": "NFC", "NFD": "NFD", "NFKC": "NFKC", "NFKD": "NFKD"}
_FORMS: dict[str, _Form] = {name.lower(): name for name in _NAMES.values()}
_LOCAL = {*_NAMES, "Lowercase"}
# What ASCII alone is not: an ASCII character may take marks behind it, but never joins what stands before it.
_RUNS = regex.compile(r"[\x00-\x7f]?[^\x00-\x7f]+")
_CACHED_RUNS = 1 << 16
_LONGEST_CACHED = 64


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
    steps: list[dict[str, str]] = [{"type": _FORMS[form]}] if form != "none" else []
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
        if not self._local:
            return str(self._stock.normalize_str(text))
        if text.isascii():
            return self._plain(text)
        if self._form is not None and unicodedata.is_normalized(self._form, text):
            return text
        parts: list[str] = []
        at = 0
        for match in _RUNS.finditer(text):
            parts += self._plain(text[at : match.start()]), self._run(match.group())
            at = match.end()
        return "".join((*parts, self._plain(text[at:])))

    def _plain(self, text: str) -> str:
        """What ASCII becomes."""
        return text.lower() if "Lowercase" in self._types else text

    def _run(self, run: str) -> str:
        """What one run becomes; the same words come again and again."""
        if len(run) > _LONGEST_CACHED:
            return str(self._stock.normalize_str(run))
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
    def _form(self) -> _Form | None:
        """The Unicode form, where it is all there is to do."""
        return _NAMES.get(self._types[0]) if len(self._types) == 1 else None

    @cached_property
    def _local(self) -> bool:
        """Whether runs can be normalised on their own."""
        return set(self._types) <= _LOCAL
