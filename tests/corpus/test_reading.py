"""One file as documents, and every way in which a file can be bad."""

from __future__ import annotations

import gzip
import io
import json
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from tokencraft.corpus import Corpus, Document
from tokencraft.corpus.reading import iterate_chunks
from tokencraft.errors import CorpusError

LINES = "".join(f"line number {k} naïve\n" for k in range(300))


def compress(path: Path, data: bytes) -> Path:
    packed = gzip.compress(data) if path.suffix == ".gz" else zstandard.ZstdCompressor().compress(data)
    path.write_bytes(packed)
    return path


@pytest.mark.parametrize("name", ["x.txt", "x.txt.gz", "x.txt.zst", "x", "x.py.GZ".lower()])
def test_text_reads_back_whole(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if path.suffix in (".gz", ".zst"):
        compress(path, LINES.encode())
    else:
        path.write_text(LINES, encoding="utf-8")
    assert list(Corpus.from_files(path)) == [LINES]
    documents = list(Corpus.from_files(path, chunk_bytes=1000).documents())
    assert len(documents) > 5
    assert "".join(text for _, text in documents) == LINES
    assert all(text.endswith("\n") for _, text in documents)
    for key, text in documents:  # the id is the place
        offset = int(key.rpartition("#")[2])
        assert LINES.encode()[offset : offset + len(text.encode())] == text.encode()


@given(st.binary(max_size=400), st.integers(16, 90))
def test_chunks_join_to_the_stream_and_can_be_sought(data: bytes, chunk_bytes: int) -> None:
    whole = list(iterate_chunks(io.BytesIO(data), chunk_bytes))
    assert b"".join(piece for _, _, piece in whole) == data
    assert all(len(piece) <= 2 * chunk_bytes for _, _, piece in whole)
    for first in range(len(data) // chunk_bytes):
        assert list(iterate_chunks(io.BytesIO(data), chunk_bytes, first)) == [c for c in whole if c[0] >= first]


@given(st.text(st.sampled_from("aé漢😀"), max_size=300), st.integers(16, 40))
def test_chunks_never_cut_a_character(text: str, chunk_bytes: int) -> None:
    pieces = [piece.decode() for _, _, piece in iterate_chunks(io.BytesIO(text.encode()), chunk_bytes)]
    assert "".join(pieces) == text


def test_lines_as_documents(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes("one\r\n\ntwo é\nthree".encode())
    expected = [Document("x.txt#0", "one"), Document("x.txt#6", "two é"), Document("x.txt#13", "three")]
    for chunk_bytes in (16, 1 << 20):
        assert list(Corpus.from_files(path, documents="line", chunk_bytes=chunk_bytes).documents()) == expected


def test_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("text", encoding="utf-8-sig")
    (tmp_path / "x.jsonl").write_text('{"text": "record"}', encoding="utf-8-sig")
    assert list(Corpus.from_files(tmp_path)) == ["record", "text"]


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    line = b"0123456789 " * 90 + b"\n"
    with gzip.open(tmp_path / "large.txt.gz", "wb", compresslevel=1) as file:
        for _ in range(64):
            file.write(line * 1024)  # 64 MB in all
    corpus = Corpus.from_files(tmp_path / "large.txt.gz")
    tracemalloc.start()
    total = sum(len(text) for text in corpus)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == 64 * 1024 * len(line)
    assert peak < 10 << 20


@pytest.mark.parametrize(("name", "kind"), [("x.txt.gz", "gzip"), ("x.txt.zst", "Zstandard")])
@pytest.mark.parametrize("kept", [0, 3, 0.5, -5])
def test_truncated_archive(tmp_path: Path, name: str, kind: str, kept: float) -> None:
    path = compress(tmp_path / name, LINES.encode() * 20)
    data = path.read_bytes()
    path.write_bytes(data[: int(kept * len(data)) if kept == 0.5 else int(kept)])
    with pytest.raises(CorpusError, match=rf"{name}: the {kind} file is truncated"):
        list(Corpus.from_files(path))


@pytest.mark.parametrize(("name", "kind"), [("x.txt.gz", "gzip"), ("x.txt.zst", "Zstandard")])
def test_damaged_archive(tmp_path: Path, name: str, kind: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"this was never compressed, whatever it is called")
    with pytest.raises(CorpusError, match=rf"{name}: the {kind} file is damaged"):
        list(Corpus.from_files(path))


def test_archives_of_several_members(tmp_path: Path) -> None:
    (tmp_path / "x.gz").write_bytes(gzip.compress(b"one ") + gzip.compress(b"two"))
    pack = zstandard.ZstdCompressor().compress
    (tmp_path / "y.zst").write_bytes(pack(b"three ") + pack(b"") + pack(b"four"))
    assert list(Corpus.from_files(tmp_path)) == ["one two", "three four"]


@pytest.mark.parametrize("name", ["bad.txt", "bad.txt.gz", "bad.txt.zst"])
@pytest.mark.parametrize("documents", ["file", "line"])
def test_invalid_utf8_is_found_at_its_byte(tmp_path: Path, name: str, documents: str) -> None:
    data = LINES.encode()[:5000] + b"\xff" + LINES.encode()[5000:]
    path = tmp_path / name
    path.write_bytes(data) if path.suffix == ".txt" else compress(path, data)
    corpus = Corpus.from_files(path, chunk_bytes=512, documents=documents)  # type: ignore[arg-type]
    with pytest.raises(CorpusError, match=rf"{name}: invalid UTF-8 at byte 5000 \(0xff"):
        list(corpus)


def test_invalid_utf8_behind_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_bytes(b"\xef\xbb\xbfab\xc3")
    with pytest.raises(CorpusError, match="at byte 5"):
        list(Corpus.from_files(tmp_path))


def test_utf16_is_recognised(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("text", encoding="utf-16")
    with pytest.raises(CorpusError, match=r"at byte 0 .*looks like UTF-16"):
        list(Corpus.from_files(tmp_path / "x.txt"))


def test_invalid_utf8_replaced(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_bytes(b"a\xffb")
    assert list(Corpus.from_files(tmp_path, encoding_errors="replace")) == ["a�b"]


def test_invalid_utf8_skipped_and_counted_once(tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_bytes(b"a\xffb")
    (tmp_path / "good.txt").write_text("good")
    corpus = Corpus.from_files(tmp_path, encoding_errors="skip")
    assert list(corpus) == list(corpus) == ["good"]
    assert corpus.skipped == (f"{tmp_path.name}/bad.txt#0",)
    lines = tmp_path / "lines.txt"
    lines.write_bytes(b"one\n\xff\nthree\n")
    assert list(Corpus.from_files(lines, documents="line", encoding_errors="skip")) == ["one", "three"]


@pytest.mark.parametrize("name", ["x.jsonl", "x.ndjson", "x.json.gz", "x.jsonl.zst"])
def test_json_lines(tmp_path: Path, name: str) -> None:
    data = b'{"text": "one\\nline", "n": 1}\n\n{"text": ""}\r\n{"text": "\xc3\xa9"}'
    path = tmp_path / name
    path.write_bytes(data) if path.suffix not in (".gz", ".zst") else compress(path, data)
    assert list(Corpus.from_files(path).documents()) == [Document(f"{name}#0", "one\nline"), Document(f"{name}#3", "é")]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"body": "x", "n": 1}', "x.jsonl, line 2: no field 'text'; the fields are 'body', 'n'"),
        (b"{}", "x.jsonl, line 2: no field 'text'; the fields are none"),
        (b'{"text": "x"', "x.jsonl, line 2, column 1.: not a JSON record"),
        (b'{"text": 3}', "line 2: the field 'text' is a number, not a string"),
        (b'{"text": null}', "line 2: the field 'text' is null, not a string"),
        (b'["x"]', "line 2: expected an object with the field 'text', found an array"),
        (b"[", "line 2, column .: not a JSON record.*array or a pretty-printed file"),
        (b'{"text": "\xff"}', "line 2: invalid UTF-8 at byte 24"),
        (b'{"text": "\\ud800"}', r"line 2: character 0 is the lone surrogate U\+D800"),
    ],
)
def test_bad_json_lines(tmp_path: Path, line: bytes, message: str) -> None:
    (tmp_path / "x.jsonl").write_bytes(b'{"text": "x"}\n' + line + b"\n")
    with pytest.raises(CorpusError, match=message):
        list(Corpus.from_files(tmp_path / "x.jsonl"))


def test_json_surrogates_replaced_or_skipped(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_bytes(b'{"text": "a\\ud800\xc3\xa9"}\n{"text": "\\ud83d\\ude00"}\n')
    assert list(Corpus.from_files(tmp_path, encoding_errors="replace")) == ["a�é", "😀"]
    assert list(Corpus.from_files(tmp_path, encoding_errors="skip")) == ["😀"]


def test_json_field_by_name(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text(json.dumps({"content": "x"}))
    assert list(Corpus.from_files(tmp_path, text_field="content")) == ["x"]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_parquet(tmp_path: Path, kind: pa.DataType) -> None:
    column = pa.array(["one", "", "two é"] * 200, pa.string()).cast(kind)
    pq.write_table(pa.table({"text": column, "n": range(600)}), tmp_path / "x.parquet", row_group_size=100)
    documents = list(Corpus.from_files(tmp_path / "x.parquet").documents())
    assert documents[:3] == [
        Document("x.parquet#0", "one"),
        Document("x.parquet#2", "two é"),
        Document("x.parquet#3", "one"),
    ]
    assert len(documents) == 400


def test_bad_parquet(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"body": ["a", None], "n": [1, 2]}), path)
    with pytest.raises(CorpusError, match=r"x\.parquet: no column 'text'; the columns are 'body', 'n'"):
        list(Corpus.from_files(path))
    with pytest.raises(CorpusError, match="the column 'n' holds int64, not strings"):
        list(Corpus.from_files(path, text_field="n"))
    with pytest.raises(CorpusError, match="row 1: the column 'body' is null"):
        list(Corpus.from_files(path, text_field="body"))
    data = path.read_bytes()
    for kept in (0, 3, len(data) // 2, len(data) - 5):
        path.write_bytes(data[:kept])
        with pytest.raises(CorpusError, match=r"x\.parquet: the Parquet file is truncated or damaged"):
            list(Corpus.from_files(path, text_field="body"))
    compress(tmp_path / "x.parquet.gz", data)
    with pytest.raises(CorpusError, match=r"x\.parquet\.gz: a Parquet file inside \.gz cannot be streamed"):
        list(Corpus.from_files(tmp_path / "x.parquet.gz"))


def test_parquet_that_lies_about_utf8(tmp_path: Path) -> None:
    lie = pa.Array.from_buffers(pa.string(), 2, pa.array([b"ok", b"\xff\xfe"], pa.binary()).buffers())
    pq.write_table(pa.table({"text": lie}), tmp_path / "x.parquet")
    with pytest.raises(CorpusError, match=r"x\.parquet, row 1: invalid UTF-8 at byte 0"):
        list(Corpus.from_files(tmp_path / "x.parquet"))
    assert list(Corpus.from_files(tmp_path / "x.parquet", encoding_errors="skip")) == ["ok"]


def test_real_data(data_folder: Path) -> None:
    manual = data_folder / "text" / "manuals"
    turkish = next(manual.glob("tr*.txt.gz"))
    assert "".join(Corpus.from_files(turkish)) == gzip.decompress(turkish.read_bytes()).decode()
    reviews = Corpus.from_files(data_folder / "classification" / "movie_reviews.jsonl.gz")
    assert sum(1 for _ in reviews) == 2000


def test_a_long_line_is_cut_before_a_space() -> None:
    """Splitters keep a space with the word behind it, so a cut after the space would make pieces the text has not."""
    text = b"word " * 40
    pieces = [piece for _, _, piece in iterate_chunks(io.BytesIO(text), 64)]
    assert b"".join(pieces) == text
    assert len(pieces) > 1
    assert all(piece.startswith(b" word") for piece in pieces[1:])
