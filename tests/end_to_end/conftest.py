"""A tiny model with its tokenizer and a tiny corpus: the main job in seconds."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from tokencraft.corpus import Corpus
from tokencraft.learn import BPE
from tokencraft.modeling.loading import save_model, small_llama

TEXT = "the cat sat on a mat and then it went home "
TEXT += "by way of the sea for some fish while rain fell on roofs"
WORDS = TEXT.split()
SPECIALS = ("<s>", "</s>", "<|user|>")
TEMPLATE = "{% for message in messages %}<|user|>{{ message['content'] }}{% endfor %}"


def documents(count: int, seed: int) -> list[str]:
    """Seeded babble over few words, so that there are phrases to learn."""
    chance = random.Random(seed)
    return ["\n".join(" ".join(chance.choices(WORDS, k=12)) + "." for _ in range(6)) for _ in range(count)]


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of 32 dimensions with untied roles (BOS, EOS, a chat marker) and a chat template."""
    folder = tmp_path_factory.mktemp("model")
    vocabulary = BPE(vocab_size=320, special_tokens=SPECIALS).train(Corpus.from_iterable(documents(40, 1)), threads=1)
    vocabulary = vocabulary.with_specials(roles={"bos": "<s>", "eos": "</s>"}).replace(chat_template=TEMPLATE)
    model = small_llama(len(vocabulary), hidden=32, layers=2, heads=2, context=64, bos=0, eos=1)
    save_model(model, folder)
    vocabulary.save(folder)
    return folder


@pytest.fixture(scope="session")
def corpus_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """240 documents as JSON Lines."""
    path = tmp_path_factory.mktemp("corpus") / "documents.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in documents(240, 2)), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def adapt_arguments(model_folder: Path, corpus_file: Path) -> list[str]:
    """Arguments of a run that takes seconds; ``--output`` is to be added."""
    options = {
        "--corpus": corpus_file,
        "--vocab-size": 340,
        "--held-out": 0.1,
        "--steps": 6,
        "--batch-tokens": 256,
        "--evaluation-bytes": 4000,
        "--checkpoint-seconds": 0,
        "--threads": 1,
        "--device": "cpu",
    }
    return [str(model_folder), *(str(part) for pair in options.items() for part in pair), "--control"]
