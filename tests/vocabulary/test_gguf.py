from __future__ import annotations

import json
from pathlib import Path

import pytest

from tokencraft.corpus import Corpus
from tokencraft.learn import BPE, SuperBPE
from tokencraft.vocabulary import split
from tokencraft.vocabulary.gguf import gguf_pre_tokenizer

pytestmark = pytest.mark.filterwarnings("ignore:the vocabulary has")  # where a corpus is tiny on purpose

# As src/llama-vocab.cpp of llama.cpp spells them (regex_exprs); it appends what matches nothing as pieces of its own.
LLAMA_CPP = {
    "superbpe": (r"\p{N}+", r"(?=(\d{3})+(?!\d))"),
    "gpt-2": (r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)",),
    "smaug-bpe": (
        r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
        r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    ),
}
TEXT = "It's the year 12345,  ok?\n\n  x=½ 1234567890 ''ſ don'T\tété\u00a0… 海 ((a))  "


@pytest.mark.parametrize("splitter", [split.SUPERBPE_PAPER_STAGE2, split.GPT2, split.CL100K])
def test_what_llama_cpp_cuts_by_that_name_is_the_same(splitter: split.Regex) -> None:
    name = gguf_pre_tokenizer(splitter)
    assert name is not None
    theirs = split.Regex(LLAMA_CPP[name])
    for begin in range(len(TEXT)):
        assert theirs.split(TEXT[begin:]) == splitter.split(TEXT[begin:])


def test_other_splitters_have_no_name() -> None:
    for splitter in (split.SUPERBPE_V2_STAGE2, split.WHOLE, split.LLAMA3, split.Lines(), None):
        assert gguf_pre_tokenizer(splitter) is None


def test_the_folder_names_it(tmp_path: Path) -> None:
    corpus = Corpus.from_iterable(["by the way\n"] * 3)
    for learner, name in (
        (SuperBPE(vocab_size=262, stage1="paper", stage2="paper"), "superbpe"),
        (SuperBPE(vocab_size=262), None),
        (BPE(vocab_size=262, splitter=split.GPT2), "gpt-2"),
    ):
        folder = tmp_path / str(name)
        learner.train(corpus).save(folder)
        settings = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))["tokencraft"]
        assert settings.get("gguf_pre_tokenizer") == name
        assert settings["origin"]["corpus"]
