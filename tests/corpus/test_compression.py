"""Decompression on the fly against the compressors' own one-shot functions."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tokencraft.corpus.compression import clear_errors, open_bytes
from tokencraft.errors import CorpusError

any_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def read(path: Path, size: int) -> bytes:
    """The file in reads of this size."""
    with clear_errors(path), open_bytes(path) as stream:
        return b"".join(iter(lambda: stream.read(size), b""))


@any_folder
@given(st.lists(st.binary(max_size=200), min_size=1, max_size=4), st.integers(1, 300))
def test_frames_join(tmp_path: Path, members: list[bytes], size: int) -> None:
    (tmp_path / "x.gz").write_bytes(b"".join(map(gzip.compress, members)))
    (tmp_path / "x.zst").write_bytes(b"".join(map(zstandard.ZstdCompressor().compress, members)))
    (tmp_path / "x").write_bytes(b"".join(members))
    for name in ("x", "x.gz", "x.zst"):
        assert read(tmp_path / name, size) == b"".join(members)


@any_folder
@given(st.binary(min_size=1, max_size=500), st.data())
def test_every_truncation_is_found(tmp_path: Path, content: bytes, data: st.DataObject) -> None:
    for name, packed in (("x.gz", gzip.compress(content)), ("x.zst", zstandard.ZstdCompressor().compress(content))):
        kept = data.draw(st.integers(0, len(packed) - 1), label=name)
        (tmp_path / name).write_bytes(packed[:kept])
        with pytest.raises(CorpusError, match=r"is (truncated|damaged)"):
            read(tmp_path / name, 100)


def test_large_expansion_is_streamed(tmp_path: Path) -> None:
    content = b"a" * (1 << 24)
    (tmp_path / "x.zst").write_bytes(zstandard.ZstdCompressor().compress(content))
    assert read(tmp_path / "x.zst", 1 << 16) == content


def test_damage_in_the_middle(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(bytes(range(256)) * 50))
    packed[-6] ^= 0xFF  # the check sum
    (tmp_path / "x.gz").write_bytes(packed)
    with pytest.raises(CorpusError, match=r"x\.gz: the gzip file is damaged"):
        read(tmp_path / "x.gz", 100)
