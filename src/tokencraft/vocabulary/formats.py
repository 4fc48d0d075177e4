"""Which file is which kind of vocabulary."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from tokencraft.errors import VocabularyError
from tokencraft.report import atomic_path
from tokencraft.vocabulary import files, tiktoken_ranks, tokenizers_export, tokenizers_json
from tokencraft.vocabulary.vocabulary import Vocabulary


def load(path: Path) -> Vocabulary:
    """See :meth:`Vocabulary.load`."""
    if path.is_dir():
        from tokencraft.vocabulary import transformers_folder

        return transformers_folder.read(path)
    suffix = _suffix(path)
    if suffix == ".json":
        from tokencraft.vocabulary import concept_vocabulary

        return concept_vocabulary.with_choice(tokenizers_json.parse(files.read_json(path), str(path)), path)
    if suffix == ".tiktoken":
        return tiktoken_ranks.read(path)
    if suffix == ".model":
        from tokencraft.vocabulary import sentencepiece_model

        return sentencepiece_model.read(path)
    if not path.exists():
        raise VocabularyError(f"{path}: there is no such file or folder")
    raise VocabularyError(
        f"{path}: unknown kind of vocabulary file; expected tokenizer.json, *.tiktoken, a SentencePiece *.model "
        "(each also with .gz), or a folder that holds one"
    )


def save(vocabulary: Vocabulary, path: Path) -> None:
    """See :meth:`Vocabulary.save`."""
    suffix = _suffix(path)
    if suffix == ".tiktoken":
        from tokencraft.vocabulary import tiktoken_export

        tiktoken_export.write(vocabulary, path)
    elif suffix == ".json":
        text = json.dumps(tokenizers_export.to_document(vocabulary), ensure_ascii=False, indent=2)
        data = text.encode("utf-8")
        with atomic_path(path) as temporary:
            temporary.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    elif suffix == ".model":
        raise VocabularyError(f"{path}: SentencePiece models are read, not written; save as tokenizer.json instead")
    else:
        from tokencraft.vocabulary import transformers_folder

        transformers_folder.write(vocabulary, path)


def _suffix(path: Path) -> str:
    """The last suffix, that of compression aside."""
    return Path(path.name.removesuffix(".gz")).suffix
