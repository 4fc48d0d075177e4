"""Real vocabularies, loaded once, and texts that try them."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
import tokenizers

from tokencraft.vocabulary import Vocabulary

JSON_NAMES = ("claude", "gpt-2", "gpt-neox", "llama", "mistral")
TIKTOKEN_NAMES = ("cl100k_base", "o200k_base")


@pytest.fixture(scope="session")
def tokenizers_folder(data_folder: Path) -> Path:
    return data_folder / "tokenizers"


@pytest.fixture(scope="session")
def real(tokenizers_folder: Path) -> Callable[[str], Vocabulary]:
    """Loads a real vocabulary by name, once in a session."""
    loaded: dict[str, Vocabulary] = {}

    def load(name: str) -> Vocabulary:
        if name not in loaded:
            suffix = ".tiktoken.gz" if name in TIKTOKEN_NAMES else ".json.gz"
            loaded[name] = Vocabulary.load(tokenizers_folder / f"{name}{suffix}")
        return loaded[name]

    return load


@pytest.fixture(scope="session")
def stock(tokenizers_folder: Path) -> Callable[[str], tokenizers.Tokenizer]:
    """The stock tokenizer of a real ``tokenizer.json``, read by the stock library itself."""
    loaded: dict[str, tokenizers.Tokenizer] = {}

    def load(name: str) -> tokenizers.Tokenizer:
        if name not in loaded:
            text = gzip.decompress((tokenizers_folder / f"{name}.json.gz").read_bytes()).decode("utf-8")
            loaded[name] = tokenizers.Tokenizer.from_str(text)
        return loaded[name]

    return load


@pytest.fixture(scope="session")
def udhr(data_folder: Path) -> dict[str, str]:
    return json.loads(gzip.decompress((data_folder / "text" / "udhr.json.gz").read_bytes()))


@pytest.fixture(scope="session")
def texts(udhr: dict[str, str]) -> list[str]:
    """Many languages, code, white space, random characters, nothing, and a long line."""
    draw = random.Random(20250301)
    # Characters of Unicode 15 at most: engines differ in how new their tables are.
    ranges = [(0x20, 0x7F), (0xA0, 0x250), (0x370, 0x52F), (0x900, 0x97F), (0x3041, 0x3096), (0x4E00, 0x9FA5)]
    points = [ord(character) for character in "\t\n\r  '’"] + [0x1F600, 0x1F468, 0x200D, 0x0301]
    noise = [
        "".join(chr(draw.choice([draw.randrange(*draw.choice(ranges)), draw.choice(points)])) for _ in range(300))
        for _ in range(40)
    ]
    return [
        *(text[:500] for text in udhr.values()),
        *noise,
        Path(__file__).read_text("utf-8"),
        Path(json.__file__).read_text("utf-8"),
        "",
        " ",
        "\n",
        "a",
        "\u00a0",
        "  two  spaces\t\ttabs\r\n\r\n  and lines \n\n\n end   ",
        "It's we'LL 'S 3.14159 1234567 ½ ١٢٣ C++ x=y;//z",
        "<s>[INST] hi [/INST]</s> <|endoftext|><|padding|> <unk> <EOT> <|endofprompt|>",
        "e\u0301 é ﬁ Å \ufeff\u200b \ufffd",
        "long " * 5_000,
        "x" * 20_000,
    ]
