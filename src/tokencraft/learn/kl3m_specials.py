"""The special tokens that all KL3M vocabularies begin with, and what they set for ``transformers``."""

from __future__ import annotations

from tokencraft.vocabulary import Vocabulary

ROLES = {
    "bos": "<|start|>",
    "eos": "<|end|>",
    "pad": "<|pad|>",
    "unk": "<|unk|>",
    "sep": "<|sep|>",
    "cls": "<|cls|>",
    "mask": "<|mask|>",
}
"""Special tokens by role: the same ones serve causal and masked language models."""

SPECIAL_TOKENS = (
    *ROLES.values(),
    "<|system|>",
    "</|system|>",
    "<|user|>",
    "</|user|>",
    "<|instruction|>",
    "</|instruction|>",
)
"""In the order of their ids, 0 to 12."""


def with_kl3m_settings(vocabulary: Vocabulary, *, lowercase: bool) -> Vocabulary:
    """The roles of those special tokens that there are, padding on the left, and whether text is in lower case."""
    there = {vocabulary.pieces[entry["id"]] for entry in vocabulary.added_tokens}
    roles = {role: content for role, content in ROLES.items() if content in there}
    vocabulary = vocabulary.with_specials(roles=roles)
    return vocabulary.replace(config={**vocabulary.config, "padding_side": "left", "do_lower_case": lowercase})
