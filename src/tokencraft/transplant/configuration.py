"""What else of a model names token ids: configuration, generation configuration, chat template."""

from __future__ import annotations

from typing import Any, Literal

from tokencraft.transplant.matching import ROLE_FALLBACKS, Ids, Matching
from tokencraft.vocabulary import TokenKind, Vocabulary

Template = Literal["new", "copied", "dropped", "none"]

_ROLES = ("bos", "eos", "pad")
_CONFIG_LISTS = ("suppress_tokens", "begin_suppress_tokens")
_CONFIG_IDS = ("decoder_start_token_id", "forced_bos_token_id", "forced_eos_token_id", "sep_token_id", "cls_token_id")


def role_ids(vocabulary: Vocabulary) -> dict[str, int | None]:
    """Ids of bos, eos and pad, each standing in for another where it is missing."""
    roles = vocabulary.special_tokens
    return {role: next((roles[name] for name in ROLE_FALLBACKS[role] if name in roles), None) for role in _ROLES}


def update_config(config: Any, matching: Matching, size: int) -> None:
    """Sets the size and the special ids of a model's configuration."""
    for one in {id(each): each for each in (config, config.get_text_config())}.values():
        if getattr(one, "vocab_size", None) is not None:
            one.vocab_size = size
        padded = one.pad_token_id is not None or "pad" in matching.new.special_tokens
        _update_ids(one, matching)
        if not padded:
            # Many models freeze the input row of their padding token. Where nothing pads, eos must not stand in for it
            # here: it also starts documents, and its row would stop learning.
            one.pad_token_id = None


def update_generation_config(config: Any, matching: Matching, padded: Ids) -> None:
    """Sets the special ids of a generation configuration; padded rows can never be sampled."""
    ends = config.eos_token_id
    _update_ids(config, matching)
    if isinstance(ends, (list, tuple)):
        # A chat model stops at several tokens; those the new vocabulary has stay, with its own eos first.
        moved = [config.eos_token_id, *(matching.new_id_of(identifier) for identifier in ends)]
        config.eos_token_id = list(dict.fromkeys(identifier for identifier in moved if identifier is not None)) or None
    for name in _CONFIG_LISTS:
        listed = getattr(config, name, None)
        if listed:
            moved = [matching.new_id_of(identifier) for identifier in listed]
            setattr(config, name, [identifier for identifier in moved if identifier is not None] or None)
    if len(padded):
        config.suppress_tokens = sorted({*(config.suppress_tokens or ()), *padded.tolist()})


def _update_ids(config: Any, matching: Matching) -> None:
    for role, identifier in role_ids(matching.new).items():
        setattr(config, f"{role}_token_id", identifier)
    for name in _CONFIG_IDS:
        if isinstance(getattr(config, name, None), int):
            setattr(config, name, matching.new_id_of(getattr(config, name)))


def with_chat_template(matching: Matching, *, official: bool = False) -> tuple[Vocabulary, Template]:
    """The new vocabulary with a chat template: its own, else the old one's if it has the markers that it needs.

    Args:
        matching: old and new vocabulary.
        official: copy the old template even where its markers do not exist in the new vocabulary.
    """
    old, new = matching.old, matching.new
    if new.chat_template is not None:
        return new, "new"
    if old.chat_template is None:
        return new, "none"
    specials = {
        token.decode("utf-8", "replace"): token
        for token, kind in zip(old.tokens, old.kinds, strict=True)
        if kind == TokenKind.SPECIAL
    }
    needed = {token for string, token in specials.items() if string in old.chat_template}
    held = {token for token, kind in zip(new.tokens, new.kinds, strict=True) if kind == TokenKind.SPECIAL}
    if not official and not needed <= held:
        return new, "dropped"
    return new.replace(chat_template=old.chat_template), "copied"
