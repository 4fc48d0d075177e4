"""The text on which the published tables of Turkish tokenizers rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tokencraft.errors import CorpusError


def tr_mmlu_text(dataset: Iterable[Mapping[str, Any]]) -> str:
    """Questions and answers of TR-MMLU as one text, in the order and form of arXiv 2502.07057.

    Args:
        dataset: the rows of ``alibayram/yapay_zeka_turkce_mmlu_model_cevaplari``, already loaded: a
            ``datasets.Dataset``, or any rows with ``soru`` (a question) and ``secenekler`` (its answers).

    Returns:
        Every question and every answer with a line end after it; of 6,200 questions, 1,605,376 characters.

    Raises:
        CorpusError: a row lacks one of the two.

    Example:
        >>> tr_mmlu_text([{"soru": "Hangisi?", "secenekler": ["Bu", "Şu"]}])
        'Hangisi?\\nBu\\nŞu\\n'
    """
    parts: list[str] = []
    for number, row in enumerate(dataset):
        if "soru" not in row or "secenekler" not in row:
            raise CorpusError(f"row {number} lacks 'soru' or 'secenekler'; it has {', '.join(map(repr, row))}")
        parts += [row["soru"], *row["secenekler"]]
    return "".join(f"{part}\n" for part in parts)
