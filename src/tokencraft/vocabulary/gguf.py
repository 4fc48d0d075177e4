"""The names by which llama.cpp knows how text is cut (``tokenizer.ggml.pre`` in a GGUF file)."""

from __future__ import annotations

from tokencraft.vocabulary import split
from tokencraft.vocabulary.split import Splitter

# Only splits whose regular expressions llama.cpp has as they are, under names that switch nothing else on: its
# "llama-bpe" also ignores merges for whole words, its "gpt-4o" tells cases apart in ASCII alone.
_NAMES: tuple[tuple[Splitter, str], ...] = (
    (split.SUPERBPE_PAPER_STAGE2, "superbpe"),
    (split.GPT2, "gpt-2"),
    (split.CL100K, "smaug-bpe"),
)


def gguf_pre_tokenizer(splitter: Splitter | None) -> str | None:
    """llama.cpp's name for a splitter; None where it has none that cuts the same.

    The converter of llama.cpp knows vocabularies by a hash and refuses new ones; with this name in its place, or set
    afterwards (``gguf_new_metadata.py --pre-tokenizer NAME``), the file is read as it was meant.

    Example:
        >>> gguf_pre_tokenizer(split.SUPERBPE_PAPER_STAGE2)
        'superbpe'
    """
    return next((name for known, name in _NAMES if known == splitter), None)
