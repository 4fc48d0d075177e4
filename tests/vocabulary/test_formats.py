"""Which file is which, and files that are no vocabularies: ``formats.py`` and ``files.py``."""

from __future__ import annotations

import contextlib
import gzip
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokencraft.errors import TokencraftError, VocabularyError
from tokencraft.vocabulary import Vocabulary, files, split

A, B = 64, 65


@pytest.fixture(scope="module")
def ab() -> Vocabulary:
    return Vocabulary.from_merges([(A, B)], splitter=split.GPT2, appended_tokens=["<|endoftext|>"])


@pytest.mark.parametrize(
    "name", ["tokenizer.json", "x.json.gz", "x.tiktoken", "x.tiktoken.gz", "folder", "v1.2-folder"]
)
def test_every_format_round_trips(name: str, ab: Vocabulary, tmp_path: Path) -> None:
    ab.save(tmp_path / name)
    again = Vocabulary.load(tmp_path / name)
    assert again.tokens == ab.tokens
    assert again.encode("ab<|endoftext|>", specials="all").tolist() == [256, 257]
    assert again.special_tokens == {"eos": 257}


def test_same_vocabulary_same_bytes(ab: Vocabulary, tmp_path: Path) -> None:
    for name in ("a.json", "a.json.gz", "a.tiktoken.gz"):
        ab.save(tmp_path / name)
        first = (tmp_path / name).read_bytes()
        Vocabulary.load(tmp_path / name).save(tmp_path / f"again-{name}")
        assert name == "a.tiktoken.gz" or (tmp_path / f"again-{name}").read_bytes() == first


def test_a_failed_save_leaves_nothing(ab: Vocabulary, tmp_path: Path) -> None:
    paper = Vocabulary.from_merges([], splitter=split.SUPERBPE_PAPER_STAGE2)
    with pytest.raises(VocabularyError):
        paper.save(tmp_path / "x.tiktoken")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(TokencraftError, match="file"):
        ab.save(tmp_path / "file" / "x.json")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.json", b"", "the file is empty"),
        ("x.json", b"{", "malformed JSON at line 1, column 2"),
        ("x.json", b'{\n"a": 1,\n}', "malformed JSON at line 3"),
        ("x.json", b"[1, 2]", "holds a JSON list, expected an object"),
        ("x.json", b'{"version": "1.0"}', "without a model and its vocab"),
        ("x.json", b'{"model": {"type": "BPE", "vocab": {"a": 0, "a": 1}}}', "the key 'a' stands twice"),
        ("x.json", b"\xff\xfe{}", "not UTF-8 text at byte 0"),
        ("x.json", b'{"a":' * 100_000, "nested too deeply"),
        ("x.json", b"[" * 100_000, "nested too deeply"),
        ("x.json", b'{"a": ' + b"9" * 10_000 + b"}", "malformed JSON"),
        ("x.json.gz", b"{}", "damaged gzip archive"),
        ("x.json.gz", gzip.compress(os.urandom(4_000))[:-100], "the gzip archive is truncated"),
        ("x.json.gz", gzip.compress(b"x" * 4_000)[:14] + b"\x00" * 30, "gzip"),
        ("x.bin", b"x", "unknown kind of vocabulary file; expected tokenizer.json"),
        ("x", b"x", "unknown kind of vocabulary file"),
    ],
)
def test_bad_files(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(VocabularyError) as caught:
        Vocabulary.load(tmp_path / name)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / name))


@pytest.mark.parametrize("name", ["no.json", "no.tiktoken", "no.model", "no", "no.json.gz"])
def test_missing_files(name: str, tmp_path: Path) -> None:
    with pytest.raises(VocabularyError, match="there is no such file"):
        Vocabulary.load(tmp_path / name)


def test_a_folder_named_like_a_file(tmp_path: Path) -> None:
    (tmp_path / "x.json").mkdir()
    with pytest.raises(VocabularyError, match="a folder without a tokenizer"):
        Vocabulary.load(tmp_path / "x.json")
    with pytest.raises(VocabularyError, match="is a folder, not a vocabulary file"):
        files.read_bytes(tmp_path / "x.json")


def test_an_archive_that_grows_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST_FILE", 1 << 20)
    (tmp_path / "bomb.json.gz").write_bytes(gzip.compress(b" " * (2 << 20)))
    with pytest.raises(VocabularyError, match="holds more than 1 MiB"):
        Vocabulary.load(tmp_path / "bomb.json.gz")


@settings(max_examples=150, deadline=None)
@given(at=st.integers(0, 10_000), change=st.binary(max_size=4), name=st.sampled_from(["t.json", "t.tiktoken"]))
def test_damage_is_an_error_of_ours_or_harmless(
    at: int, change: bytes, name: str, ab: Vocabulary, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("damage")
    ab.save(folder / name)
    data = (folder / name).read_bytes()
    at %= len(data)
    (folder / name).write_bytes(data[:at] + change + data[at + len(change) :][: len(data) // 2 + at])
    with contextlib.suppress(VocabularyError):
        Vocabulary.load(folder / name).encode("ab <|endoftext|>")
