"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tokencraft.errors import StageError, TokencraftError
from tokencraft.report import atomic_folder, atomic_path, read_json, require_empty_folder, write_json, write_text


def entries(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def test_writes_and_replaces(tmp_path: Path) -> None:
    write_text(tmp_path / "new" / "x.txt", "é\n")
    write_text(tmp_path / "new" / "x.txt", "ü\n")
    assert (tmp_path / "new" / "x.txt").read_bytes() == "ü\n".encode()
    assert entries(tmp_path / "new") == ["x.txt"]


def test_json(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", {"ü": [1, None]})
    assert "ü" in (tmp_path / "x.json").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "x.json").read_bytes()) == {"ü": [1, None]}
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "x.json", float("nan"))
    assert json.loads((tmp_path / "x.json").read_bytes()) == {"ü": [1, None]}
    assert entries(tmp_path) == ["x.json"]


def test_reading_json_says_what_is_wrong(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", [1, "ü"])
    assert read_json(tmp_path / "x.json") == [1, "ü"]
    with pytest.raises(TokencraftError, match=r"y\.json: cannot be read: No such file"):
        read_json(tmp_path / "y.json")
    (tmp_path / "y.json").write_text("{\n1")
    with pytest.raises(TokencraftError, match=r"y\.json, line 2: not JSON"):
        read_json(tmp_path / "y.json")
    (tmp_path / "y.json").write_bytes(b'"\xff"')
    with pytest.raises(TokencraftError, match=r"y\.json: not JSON: invalid UTF-8 at byte 1"):
        read_json(tmp_path / "y.json")


def test_failure_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("old")

    def interrupted() -> None:
        with atomic_path(tmp_path / "x") as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert (tmp_path / "x").read_text() == "old"
    assert entries(tmp_path) == ["x"]


def test_new_files_have_ordinary_permissions(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    write_text(tmp_path / "x", "")
    assert (tmp_path / "x").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_folder_where_the_file_should_go(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    with pytest.raises(TokencraftError, match="there is a folder of this name"):
        write_text(tmp_path / "x", "")


def test_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(TokencraftError, match=r"y: cannot be written"):
        write_text(tmp_path / "x" / "y", "")


def test_full_disk_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(TokencraftError, match=r"x: cannot be written: the disk is full"), atomic_path(tmp_path / "x"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert entries(tmp_path) == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_really_full_disk(tmp_path: Path) -> None:
    def write() -> None:
        with atomic_path(tmp_path / "x") as temporary:
            temporary.symlink_to("/dev/full")
            temporary.write_text("x" * 100_000)

    with pytest.raises(TokencraftError, match="the disk is full"):
        write()
    assert entries(tmp_path) == []


def test_file_size_limit(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(TokencraftError, match="x: cannot be written: the file is larger"):
            write_text(tmp_path / "x", "x" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert entries(tmp_path) == []


def test_errors_about_other_files_pass(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "x"):
        Path("/nonexistent/input").read_bytes()


def test_killed_writer_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("old")
    program = (
        "import os, signal, sys; from tokencraft.report import atomic_path\n"
        "with atomic_path(sys.argv[1]) as t:\n t.write_text('half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", program, tmp_path / "x"], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "x").read_text() == "old"


def test_atomic_folder(tmp_path: Path) -> None:
    with atomic_folder(tmp_path / "out") as temporary:
        (temporary / "sub").mkdir()
        (temporary / "sub" / "x").write_text("x")
        assert entries(tmp_path) == [temporary.name]
    assert (tmp_path / "out" / "sub" / "x").read_text() == "x"
    with pytest.raises(RuntimeError, match="oops"), atomic_folder(tmp_path / "other") as temporary:
        raise RuntimeError("oops")
    assert entries(tmp_path) == ["out"]


def test_output_folders_that_hold_something_are_refused(tmp_path: Path) -> None:
    require_empty_folder(tmp_path / "missing")
    (tmp_path / "empty").mkdir()
    require_empty_folder(tmp_path / "empty")
    for name in "abcde":
        (tmp_path / name).write_text("")
    with pytest.raises(StageError, match=r"not empty \(it holds a, b, c and 3 more\)"):
        require_empty_folder(tmp_path)
    with pytest.raises(StageError, match="must be a folder, and this is a file"):
        require_empty_folder(tmp_path / "a")
    with pytest.raises(StageError), atomic_folder(tmp_path):
        pass
