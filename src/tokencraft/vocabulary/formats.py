"""Which file is which kind of vocabulary."""

from __future__ import annotations

import json
from pathlib import Path

from tokencraft.vocabulary import files, tokenizers_export, tokenizers_json
from tokencraft.vocabulary.vocabulary import Vocabulary


def load(path: Path) -> Vocabulary:
    """See :meth:`Vocabulary.load`."""
    return tokenizers_json.parse(files.read_json(path), str(path))


def save(vocabulary: Vocabulary, path: Path) -> None:
    """See :meth:`Vocabulary.save`."""
    text = json.dumps(tokenizers_export.to_document(vocabulary), ensure_ascii=False, indent=2)
    path.write_text(text, encoding="utf-8")
