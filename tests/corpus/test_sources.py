"""Which files a corpus reads, under which names, and how they are cut into shards."""

from __future__ import annotations

import os
from itertools import chain
from pathlib import Path

import pytest

from tokencraft.corpus import Corpus
from tokencraft.errors import CorpusError


def ids(corpus: Corpus) -> list[str]:
    return [document.id for document in corpus.documents()]


def test_folders_are_walked_in_sorted_order_without_hidden_entries(tmp_path: Path) -> None:
    for name in ("b/two.txt", "a.txt", "b/one.txt", ".hidden", ".git/config", "b/__pycache__/x.pyc", "empty.txt"):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("" if name == "empty.txt" else name)
    corpus = Corpus.from_files(tmp_path / "data")
    assert ids(corpus) == ["data/a.txt#0", "data/b/one.txt#0", "data/b/two.txt#0"]
    assert list(corpus) == ["a.txt", "b/one.txt", "b/two.txt"]


def test_ids_do_not_depend_on_where_the_corpus_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("here", "there"):
        (tmp_path / place / "sub").mkdir(parents=True)
        (tmp_path / place / "sub" / "x.txt").write_text("x")
        (tmp_path / place / "x.txt").write_text("x")
    monkeypatch.chdir(tmp_path / "here")
    assert ids(Corpus.from_files(["x.txt", "sub"])) == ["x.txt#0", "sub/x.txt#0"]
    absolute = [tmp_path / "there" / "x.txt", tmp_path / "there" / "sub"]
    assert ids(Corpus.from_files(absolute)) == ["x.txt#0", "sub/x.txt#0"]


def test_files_of_one_name_keep_apart(tmp_path: Path) -> None:
    for place in "ab":
        (tmp_path / place).mkdir()
        (tmp_path / place / "x.txt").write_text(place)
    assert ids(Corpus.from_files([tmp_path / "a" / "x.txt", tmp_path / "b" / "x.txt"])) == ["a/x.txt#0", "b/x.txt#0"]


def test_binary_files_are_left_out_of_folders_but_read_where_named(tmp_path: Path) -> None:
    (tmp_path / "picture.bin").write_bytes(b"\x89PNG\0\0\0\xff")
    (tmp_path / "text.txt").write_text("text")
    corpus = Corpus.from_files(tmp_path)
    assert list(corpus) == list(corpus) == ["text"]
    assert corpus.skipped == (f"{tmp_path.name}/picture.bin",)
    with pytest.raises(CorpusError, match="invalid UTF-8"):
        list(Corpus.from_files(tmp_path / "picture.bin"))


def test_folder_of_binary_files_is_empty_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "x.bin").write_bytes(b"\0\0")
    with pytest.raises(CorpusError, match=r"empty.*1 were left out as not text"):
        Corpus.from_files(tmp_path).require_documents()


def test_no_paths() -> None:
    with pytest.raises(CorpusError, match="no files were given"):
        Corpus.from_files([])


def test_missing_path(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"missing\.txt: No such file or directory"):
        Corpus.from_files(tmp_path / "missing.txt")


def test_folder_without_files(tmp_path: Path) -> None:
    (tmp_path / "sub" / "subsub").mkdir(parents=True)
    (tmp_path / ".hidden").write_text("x")
    with pytest.raises(CorpusError, match="the folder holds no readable files"):
        Corpus.from_files(tmp_path)


def test_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CorpusError, match="save a pipe to a file first"):
        Corpus.from_files(tmp_path / "pipe")


def test_file_that_became_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text("x")
    corpus = Corpus.from_files(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(CorpusError, match=r"x\.txt: this is a folder where a file is needed"):
        list(corpus)


@pytest.mark.parametrize("n", [1, 2, 3, 7, 50])
def test_shards_cut_large_text_files_where_documents_are_cut(tmp_path: Path, n: int) -> None:
    (tmp_path / "large.txt").write_text("".join(f"line {k} é\n" for k in range(400)))
    (tmp_path / "small.txt").write_text("small")
    (tmp_path / "records.jsonl").write_text('{"text": "a"}\n{"text": "b"}\n')
    corpus = Corpus.from_files(tmp_path, chunk_bytes=128)
    shards = corpus.shards(n)
    assert len(shards) <= n
    assert list(chain.from_iterable(shard.documents() for shard in shards)) == list(corpus.documents())
    if n in (2, 3):  # of about equal size
        sizes = [len("".join(shard)) for shard in shards]
        assert max(sizes) < 1.3 * min(sizes)
    again = list(chain.from_iterable(piece for shard in shards for piece in shard.shards(2)))
    assert again == list(corpus)


def test_size_is_known_for_plain_text_only(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("four")
    corpus = Corpus.from_files(tmp_path)
    assert corpus.size_bytes == 4
    assert corpus.filter(bool).size_bytes is None
    (tmp_path / "x.jsonl").write_text('{"text": "a"}\n')
    assert Corpus.from_files(tmp_path).size_bytes is None
