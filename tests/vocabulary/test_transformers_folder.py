from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tokenizers.pre_tokenizers import PreTokenizer
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from tokencraft.errors import VocabularyError
from tokencraft.vocabulary import Origin, Vocabulary, split

A, B, SPACE = 64, 65, 220
TEMPLATE = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}<|end|>{% endfor %}"
TEXT = "abba  ab ab<s> 1234567 it's \n\n  x </s><|end|>é"


@pytest.fixture(scope="module")
def chat() -> Vocabulary:
    return Vocabulary.from_merges(
        [(A + 2, B + 2), (258, SPACE + 2), (259, 258)],
        splitter=split.SUPERBPE_V2_STAGE2,
        special_tokens=["<s>", "</s>"],
        roles={"bos": "<s>", "eos": "</s>"},
        appended_tokens=["<|end|>"],
        origin=Origin("superbpe", {"transition": 259, "stage2": "v2"}, "c0ffee"),
    ).replace(chat_template=TEMPLATE, config={"model_max_length": 77, "padding_side": "left"})


def everything(vocabulary: Vocabulary) -> tuple[Any, ...]:
    return (
        vocabulary.tokens,
        vocabulary.kinds,
        vocabulary.special_tokens,
        vocabulary.chat_template,
        vocabulary.origin,
        vocabulary.merges.tolist(),
    )


@pytest.mark.parametrize(
    "model_type", [None, "llama", "gpt2", "gpt_neox", "qwen2", "qwen3", "mistral", "gemma", "phi3"]
)
def test_a_saved_folder_loads_in_stock_autotokenizer(model_type: str | None, chat: Vocabulary, tmp_path: Path) -> None:
    if model_type:
        (tmp_path / "config.json").write_text(json.dumps({"model_type": model_type, "transformers_version": "5.0.0"}))
    chat.save(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert type(tokenizer) is PreTrainedTokenizerFast
    assert tokenizer.encode(TEXT, add_special_tokens=False) == chat.encode(TEXT, specials="all").tolist()
    assert tokenizer.decode(chat.encode(TEXT)) == TEXT
    assert (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id) == (0, 1, None)
    assert (tokenizer.model_max_length, tokenizer.padding_side) == (77, "left")
    messages = [{"role": "user", "content": "ab"}]
    assert tokenizer.apply_chat_template(messages, tokenize=False) == "user: ab<|end|>"
    assert len(tokenizer) == len(chat)
    assert sorted(tokenizer.all_special_ids) == [0, 1, 261]


def test_a_folder_round_trips(chat: Vocabulary, tmp_path: Path) -> None:
    chat.save(tmp_path / "new" / "folder")
    again = Vocabulary.load(tmp_path / "new" / "folder")
    assert again == chat
    assert everything(again) == everything(chat)
    assert again.config["model_max_length"] == 77
    written = json.loads((tmp_path / "new" / "folder" / "tokenizer_config.json").read_text())
    assert written["tokencraft"]["origin"] == {
        "method": "superbpe",
        "hyperparameters": {"transition": 259, "stage2": "v2"},
        "corpus": "c0ffee",
    }
    again.save(tmp_path / "twice")
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        assert (tmp_path / "twice" / name).read_bytes() == (tmp_path / "new" / "folder" / name).read_bytes()


def test_what_transformers_saves_is_read_back(chat: Vocabulary, tmp_path: Path) -> None:
    tokenizer = chat.to_transformers()
    assert type(tokenizer) is PreTrainedTokenizerFast
    tokenizer.save_pretrained(tmp_path)
    again = Vocabulary.load(tmp_path)
    assert everything(again) == everything(chat)
    assert everything(Vocabulary.from_tokenizer(tokenizer)) == everything(chat)
    assert Vocabulary.from_tokenizer(AutoTokenizer.from_pretrained(tmp_path)).encode(TEXT).tolist() == (
        chat.encode(TEXT).tolist()
    )


def test_real_tokenizer_with_its_template_kept(
    real: Callable[[str], Vocabulary], tokenizers_folder: Path, tmp_path: Path
) -> None:
    """The post-processor that puts ``<s>`` in front stays; our own ids have nothing around the text."""
    shutil.copy(tokenizers_folder / "llama.json.gz", tmp_path / "tokenizer.json.gz")
    (tmp_path / "tokenizer_config.json").write_text(
        json.dumps({"bos_token": {"content": "<s>", "lstrip": False}, "eos_token": "</s>", "pad_token": None})
    )
    vocabulary = Vocabulary.load(tmp_path)
    assert vocabulary.special_tokens == {"unk": 0, "bos": 1, "eos": 2}
    vocabulary.save(tmp_path / "out")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    assert tokenizer.encode("Hello world") == [1, *vocabulary.encode("Hello world").tolist()]
    assert tokenizer.encode("Hello world", add_special_tokens=False) == real("llama").encode("Hello world").tolist()


class TestReading:
    def folder(self, vocabulary: Vocabulary, folder: Path, **config: Any) -> Path:
        vocabulary.replace(chat_template=None).save(folder)
        (folder / "tokenizer_config.json").write_text(json.dumps(config))
        return folder

    def test_roles_of_the_files_replace_guesses(self, chat: Vocabulary, tmp_path: Path) -> None:
        folder = self.folder(chat, tmp_path, eos_token="<|end|>")
        assert Vocabulary.load(folder).special_tokens == {"eos": 261, "<s>": 0, "</s>": 1}
        (folder / "special_tokens_map.json").write_text(json.dumps({"pad_token": {"content": "</s>"}}))
        assert Vocabulary.load(folder).special_tokens == {"eos": 261, "pad": 1, "<s>": 0}

    def test_tokens_that_only_the_configuration_names_are_added(self, chat: Vocabulary, tmp_path: Path) -> None:
        folder = self.folder(
            chat,
            tmp_path,
            pad_token="<pad>",
            additional_special_tokens=["<img>", "</s>"],
            added_tokens_decoder={
                "264": {"content": "<late>", "special": True},
                "0": {"content": "<s>", "special": True},
            },
        )
        vocabulary = Vocabulary.load(folder)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        assert len(vocabulary) == len(tokenizer) == 265
        assert list(vocabulary.pieces[262:]) == tokenizer.convert_ids_to_tokens([262, 263, 264])
        assert vocabulary.special_tokens["pad"] == tokenizer.pad_token_id == 263

    def test_chat_templates(self, chat: Vocabulary, tmp_path: Path) -> None:
        folder = self.folder(chat, tmp_path, chat_template="old")
        assert Vocabulary.load(folder).chat_template == "old"
        named = [{"name": "default", "template": "d"}, {"name": "rag", "template": "r"}]
        self.folder(chat, tmp_path, chat_template=named)
        vocabulary = Vocabulary.load(folder)
        assert vocabulary.chat_template == "d"
        vocabulary.replace(chat_template="e").save(tmp_path / "out")
        again = Vocabulary.load(tmp_path / "out")
        assert again.chat_template == "e"
        assert AutoTokenizer.from_pretrained(tmp_path / "out").chat_template == {"default": "e", "rag": "r"}
        (folder / "chat_template.jinja").write_text("new")
        assert Vocabulary.load(folder).chat_template == "new"

    def test_other_main_files(self, tmp_path: Path) -> None:
        ranks = Vocabulary.from_merges([(A, B)], splitter=split.GPT2)
        ranks.save(tmp_path / "x.tiktoken")
        assert Vocabulary.load(tmp_path).encode("ab").tolist() == [256]
        ranks.save(tmp_path / "y.tiktoken.gz")
        with pytest.raises(VocabularyError, match=r"several rank files \(x\.tiktoken, y\.tiktoken\.gz\)"):
            Vocabulary.load(tmp_path)

    def test_folder_without_a_tokenizer(self, tmp_path: Path) -> None:
        with pytest.raises(VocabularyError, match=r"a folder without a tokenizer; expected one of tokenizer\.json"):
            Vocabulary.load(tmp_path)
        (tmp_path / "vocab.json").write_text("{}")
        with pytest.raises(VocabularyError, match="save it with a fast tokenizer of transformers first"):
            Vocabulary.load(tmp_path)

    @pytest.mark.parametrize(
        ("config", "message"),
        [
            ({"eos_token": 7}, "7 is no special token"),
            ({"eos_token": {"lstrip": True}}, "is no special token"),
            ({"additional_special_tokens": [None]}, "None is no special token"),
            ({"eos_token": "ab"}, "'ab' is an ordinary token"),
        ],
    )
    def test_bad_configuration(self, config: dict[str, Any], message: str, chat: Vocabulary, tmp_path: Path) -> None:
        with pytest.raises(VocabularyError, match=message):
            Vocabulary.load(self.folder(chat, tmp_path, **config))

    def test_broken_configuration(self, chat: Vocabulary, tmp_path: Path) -> None:
        folder = self.folder(chat, tmp_path)
        (folder / "tokenizer_config.json").write_text('{"eos_token": ')
        with pytest.raises(VocabularyError, match=r"tokenizer_config\.json: malformed JSON at line 1"):
            Vocabulary.load(folder)
        (folder / "tokenizer_config.json").write_text("{}")
        (folder / "chat_template.jinja").write_bytes(b"\xff")
        with pytest.raises(VocabularyError, match=r"chat_template\.jinja: not UTF-8 at byte 0"):
            Vocabulary.load(folder)


def test_nothing_of_a_folder_is_executed(chat: Vocabulary, tmp_path: Path) -> None:
    chat.save(tmp_path)
    config = json.loads((tmp_path / "tokenizer_config.json").read_text())
    config["auto_map"] = {"AutoTokenizer": ["evil.Slow", "evil.Fast"]}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    vocabulary = Vocabulary.load(tmp_path)
    assert not (tmp_path / "ran").exists()
    assert "auto_map" not in vocabulary.config


def test_parts_written_in_python_are_refused(chat: Vocabulary) -> None:
    class Spaces:
        def pre_tokenize(self, text: Any) -> None:
            text.split(lambda _, part: part.split(" ", "isolated"))

    tokenizer = chat.to_tokenizers()
    tokenizer.pre_tokenizer = PreTokenizer.custom(Spaces())
    with pytest.raises(VocabularyError, match="cannot be written down"):
        Vocabulary.from_tokenizer(tokenizer)


def test_slow_tokenizers_are_refused() -> None:
    with pytest.raises(VocabularyError, match="pass a fast tokenizer"):
        Vocabulary.from_tokenizer(object())  # type: ignore[arg-type]


def test_a_file_is_no_folder(chat: Vocabulary, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(VocabularyError, match="is a file; name a folder"):
        chat.save(tmp_path / "taken")
