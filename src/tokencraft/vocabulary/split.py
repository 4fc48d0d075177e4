"""How text is cut into pieces before merges are learnt or applied.

A splitter is a value: two that cut alike compare equal, and it can be written into a ``tokenizer.json`` and read back.
The well-known patterns run in C++ without a regex engine and cut exactly as ``tokenizers`` does (Oniguruma, Unicode
16.0): "isolated" splits, so the matches and the gaps between them are the pieces. Any other pattern goes through the
``regex`` package, whose Unicode version may be newer and whose dialect is not quite Oniguruma's.

Where engines disagree on a well-known pattern we follow the one the pattern is meant for:

- ``(?i:'s)`` also matches U+017F (long s) in Oniguruma, ``fancy-regex`` (tiktoken) and ``regex``; the spelled-out list
  ``('s|'S|...)`` does not. They are different patterns here (:data:`LLAMA3` and :data:`CL100K`, for instance).
- tiktoken writes ``\\p{N}{1,3}+`` with a possessive quantifier. Oniguruma reads the same text as "one or more times one
  to three", which never cuts a run of digits. We follow tiktoken, and export a spelling on which all engines agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import regex

from tokencraft import _native
from tokencraft.errors import UsageError
from tokencraft.vocabulary.split_patterns import PATTERNS, Known, recognise
from tokencraft.vocabulary.whole_tokens import kept_whole_by

Ends = npt.NDArray[np.uint32]


@runtime_checkable
class Splitter(Protocol):
    """Cuts a text into non-empty pieces that cover it in order."""

    @property
    def native(self) -> int | None:
        """The number of the C++ pattern that cuts the same, or None."""

    def spans(self, data: bytes) -> Ends:
        """The END offset in bytes (uint32) of every piece of ``data``."""

    def spans_batch(self, texts: Sequence[bytes], *, threads: int | None = None) -> list[Ends]:
        """The END offsets of the pieces of every text."""

    def split(self, text: str) -> list[str]:
        """The pieces of ``text``."""

    def to_pre_tokenizer(self) -> dict[str, Any] | None:
        """The ``tokenizers`` JSON of the split alone (no ByteLevel); None where nothing is cut.

        Raises:
            UsageError: ``tokenizers`` has no such split.
        """


class ByBytes:
    """What splitters share: the pieces of a str from the spans of its bytes, several texts one by one."""

    def spans(self, data: bytes) -> Ends:
        """The END offset in bytes (uint32) of every piece of ``data``."""
        raise NotImplementedError

    def spans_batch(self, texts: Sequence[bytes], *, threads: int | None = None) -> list[Ends]:
        """The END offsets of the pieces of every text; on one thread, where a splitter does no better."""
        return [self.spans(text) for text in texts]

    def split(self, text: str) -> list[str]:
        """The pieces of ``text``."""
        data = text.encode("utf-8")
        ends = self.spans(data).tolist()
        return [data[start:end].decode("utf-8") for start, end in zip([0, *ends], ends, strict=False)]


@dataclass(frozen=True)
class Regex(ByBytes):
    """Isolated splits by patterns applied one after the other, each to the pieces of the one before.

    Args:
        patterns: regular expressions. Well-known ones are recognised in all the spellings in circulation, run in C++.

    Raises:
        UsageError: a pattern is not a regular expression.

    Example:
        >>> GPT2.split("Hello  world's 12")
        ['Hello', ' ', ' world', "'s", ' 12']
    """

    patterns: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check the arguments."""
        if self.native is None:
            for pattern in self.patterns:
                try:
                    regex.compile(pattern)
                except regex.error as error:
                    raise UsageError(f"split pattern {pattern!r} is not a regular expression: {error}") from error

    @cached_property
    def native(self) -> int | None:
        """The number of the C++ pattern that cuts the same, or None."""
        return None if self.known is None else self.known.code

    @cached_property
    def known(self) -> Known | None:
        """The well-known pattern, and the digit groups before it, that these patterns spell."""
        return recognise(self.patterns)

    def spans(self, data: bytes) -> Ends:
        """The END offset in bytes (uint32) of every piece of ``data``; a byte that is not UTF-8 belongs to no class."""
        if self.native is not None:
            return _native.split(self.native, data)
        if self._whole is not None:
            return self._whole.split_batch([data], 1)[0]
        # One character stands for one stray byte, so that offsets stay exact.
        text = data.decode("utf-8", errors="surrogateescape")
        pieces = [text] if text else []
        for pattern in self.patterns:
            pieces = [part for piece in pieces for part in _isolate(regex.compile(pattern), piece)]
        sizes = [len(piece.encode("utf-8", errors="surrogateescape")) for piece in pieces]
        return np.cumsum(sizes, dtype=np.uint32) if sizes else np.empty(0, dtype=np.uint32)

    def spans_batch(self, texts: Sequence[bytes], *, threads: int | None = None) -> list[Ends]:
        """The END offsets of the pieces of every text; on several threads, where C++ cuts them."""
        if self._whole is not None:
            return self._whole.split_batch(list(texts), threads or 0)
        return super().spans_batch(texts, threads=threads)

    @cached_property
    def _whole(self) -> _native.WholeTokens | None:
        """What cuts the same in C++, where the patterns keep tokens whole and cut the rest by a well-known pattern."""
        found = kept_whole_by(self.patterns)
        return None if found is None else _native.WholeTokens([token.encode("utf-8") for token in found[0]], found[1])

    def __getstate__(self) -> dict[str, Any]:
        """The patterns alone, for other processes."""
        return {"patterns": self.patterns}

    def to_pre_tokenizer(self) -> dict[str, Any] | None:
        """The ``tokenizers`` JSON of the split alone, in a spelling on which all engines agree."""
        patterns = self.patterns if self.known is None else self.known.spelling
        return sequence([_split_json({"Regex": pattern}) for pattern in patterns])


@dataclass(frozen=True)
class Whole(ByBytes):
    """No cut at all: a text is one piece."""

    @property
    def native(self) -> int | None:
        """The number of the C++ pattern that cuts the same."""
        return 0

    def spans(self, data: bytes) -> Ends:
        """The END offset of the one piece; none for empty data."""
        return _native.split(0, data)

    def to_pre_tokenizer(self) -> dict[str, Any] | None:
        """None: there is nothing to cut."""
        return None


@dataclass(frozen=True)
class Lines(ByBytes):
    r"""Pieces are lines with their ``\n``.

    Example:
        >>> Lines().split("a\n\nb")
        ['a\n', '\n', 'b']
    """

    @property
    def native(self) -> int | None:
        """None: training takes lines as its unit instead."""
        return None

    def spans(self, data: bytes) -> Ends:
        """The END offset in bytes (uint32) of every line of ``data``."""
        ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == 0x0A).astype(np.uint32) + np.uint32(1)
        if data and not data.endswith(b"\n"):
            ends = np.append(ends, np.uint32(len(data)))
        return ends

    def to_pre_tokenizer(self) -> dict[str, Any] | None:
        """The ``tokenizers`` JSON of the split."""
        return _split_json({"Regex": r"[^\n]*\n"})


def from_pre_tokenizer(pre_tokenizer: dict[str, Any] | None) -> Splitter | None:
    """The splitter that a ``tokenizers`` pre-tokenizer describes, its ByteLevel step aside.

    Args:
        pre_tokenizer: the ``pre_tokenizer`` of a ``tokenizer.json``.

    Returns:
        The splitter, or None where the pre-tokenizer does something that is no isolated split (and no byte mapping).

    Example:
        >>> from_pre_tokenizer({"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}) == GPT2
        True
    """
    steps = _steps(pre_tokenizer)
    patterns: list[str] = []
    mapped = False
    for step in steps:
        kind = step.get("type")
        if kind == "ByteLevel" and not step.get("add_prefix_space", False) and not mapped:
            mapped = True
            if step.get("use_regex", True):
                patterns.extend(PATTERNS[1])
        elif kind == "Split" and not mapped:  # a split after the byte mapping would see other characters
            pattern = step.get("pattern", {})
            if str(step.get("behavior", "")).lower() != "isolated" or step.get("invert", False):
                return None
            text = pattern["Regex"] if "Regex" in pattern else regex.escape(pattern.get("String", ""))
            # Oniguruma's reading of tiktoken's possessive spelling, see the top of this file.
            patterns.append(text.replace(r"\p{N}{1,3}+", r"\p{N}+"))
        elif kind == "Digits" and not mapped and not step.get("individual_digits", False):
            patterns.append(r"\p{N}+")
        elif kind == "Digits" and not mapped:
            patterns.append(r"\p{N}")
        else:
            return None
    if not patterns:
        return Whole()
    if patterns == [r"[^\n]*\n"]:
        return Lines()
    return Regex(tuple(patterns))


def _steps(pre_tokenizer: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The steps of a pre-tokenizer, nested sequences flattened."""
    if pre_tokenizer is None:
        return []
    if pre_tokenizer.get("type") == "Sequence":
        return [step for child in pre_tokenizer["pretokenizers"] for step in _steps(child)]
    return [pre_tokenizer]


def _split_json(pattern: dict[str, str]) -> dict[str, Any]:
    return {"type": "Split", "pattern": pattern, "behavior": "Isolated", "invert": False}


def sequence(steps: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Steps of a pre-tokenizer as one; None where there are none."""
    if len(steps) > 1:
        return {"type": "Sequence", "pretokenizers": steps}
    return steps[0] if steps else None


def _isolate(pattern: regex.Pattern[str], text: str) -> list[str]:
    """Matches and gaps; an empty match only cuts."""
    pieces: list[str] = []
    at = 0
    for match in pattern.finditer(text):
        if match.start() > at:
            pieces.append(text[at : match.start()])
        if match.end() > match.start():
            pieces.append(match.group())
        at = match.end()
    if at < len(text):
        pieces.append(text[at:])
    return pieces


WHOLE = Whole()
GPT2 = Regex(PATTERNS[1])
CL100K = Regex(PATTERNS[2])
LLAMA3 = Regex(PATTERNS[3])
QWEN2 = Regex(PATTERNS[4])
O200K = Regex(PATTERNS[5])
SUPERBPE_V2_STAGE1 = Regex(PATTERNS[6])
SUPERBPE_V2_STAGE2 = Regex(PATTERNS[7])
SUPERBPE_PAPER_STAGE1 = Regex(PATTERNS[8])
SUPERBPE_PAPER_STAGE2 = Regex(PATTERNS[9])
O200K_LISTED = Regex(PATTERNS[10])
CL100K_TIKTOKEN = Regex(PATTERNS[11])

NAMED: dict[str, Splitter] = {
    "whole": WHOLE,
    "lines": Lines(),
    "gpt2": GPT2,
    "cl100k": CL100K,
    "cl100k_tiktoken": CL100K_TIKTOKEN,
    "llama3": LLAMA3,
    "qwen2": QWEN2,
    "o200k": O200K,
    "o200k_listed": O200K_LISTED,
    "superbpe_v2_stage1": SUPERBPE_V2_STAGE1,
    "superbpe_v2_stage2": SUPERBPE_V2_STAGE2,
    "superbpe_paper_stage1": SUPERBPE_PAPER_STAGE1,
    "superbpe_paper_stage2": SUPERBPE_PAPER_STAGE2,
}
