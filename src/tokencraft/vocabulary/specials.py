"""Special tokens: which roles they play, and which reserved ones no model ever saw."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tokencraft.errors import VocabularyError

ROLES = ("bos", "eos", "pad", "unk", "mask", "sep", "cls")
"""Roles that every tool knows; any other special token goes under its own string."""

# Conventional spellings, used only where no file says which token plays which role.
_CONVENTIONS: dict[str, tuple[str, ...]] = {
    "bos": ("<s>", "<|begin_of_text|>", "<bos>", "<|startoftext|>", "<SOS>", "[BOS]"),
    "eos": ("</s>", "<|end_of_text|>", "<eos>", "<|endoftext|>", "<EOT>", "[EOS]"),
    "pad": ("<pad>", "[PAD]", "<|padding|>", "<|pad|>"),
    "unk": ("<unk>", "[UNK]", "<|unk|>"),
    "mask": ("<mask>", "[MASK]"),
    "sep": ("[SEP]",),
    "cls": ("[CLS]",),
}

_RESERVED = re.compile(r"[<\[]\|?(?:reserved_special_token|unused)[_-]?\d+\|?[>\]]")


def is_reserved(content: str) -> bool:
    """Whether a token is a reserved place such as ``[unused7]`` or ``<|reserved_special_token_3|>``."""
    return _RESERVED.fullmatch(content) is not None


def padding_name(identifier: int) -> str:
    """The string of a token that only pads a vocabulary; :func:`is_reserved` knows it again."""
    return f"<|unused_{identifier}|>"


def guess_roles(specials: Mapping[str, int], unk_token: str | None) -> dict[str, int]:
    """Roles of special tokens by conventional spelling; the rest under their own strings.

    Args:
        specials: id by string.
        unk_token: the model's own unknown token, which needs no guess.
    """
    named: dict[str, str] = {}
    for role, spellings in _CONVENTIONS.items():
        if found := next((spelling for spelling in spellings if spelling in specials), None):
            named[role] = found
    if unk_token is not None and unk_token in specials:
        named["unk"] = unk_token
    return by_role(specials, named)


def by_role(specials: Mapping[str, int], named: Mapping[str, str]) -> dict[str, int]:
    """Ids by role, then the special tokens without a role by their own strings, in id order."""
    roles = {role: specials[content] for role, content in named.items() if content in specials}
    taken = set(roles.values())
    rest = {content: identifier for content, identifier in specials.items() if identifier not in taken}
    return roles | dict(sorted(rest.items(), key=lambda item: item[1]))


def added_token(identifier: int, content: str) -> dict[str, Any]:
    """The entry of a special token in the ``added_tokens`` of a ``tokenizer.json``."""
    return {
        "id": identifier,
        "content": content,
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": False,
        "special": True,
    }


def check_density(size: int, count: int, where: str) -> None:
    """Refuse ids that are far larger than the number of tokens: a table of them would not fit into memory.

    Raises:
        VocabularyError: where there are too few tokens for ids up to ``size``.
    """
    if size > 4 * count + 65_536:
        raise VocabularyError(
            f"{where}: the largest id is {size - 1:,} but there are only {count:,} tokens; the ids are damaged"
        )


def duplicates(values: Iterable[str]) -> list[str]:
    """The values that come more than once, each once, in order of their second coming."""
    seen: set[str] = set()
    twice: dict[str, None] = {}
    for value in values:
        if value in seen:
            twice[value] = None
        seen.add(value)
    return list(twice)
