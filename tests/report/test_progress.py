"""The progress bar: where it shows, and where it must not."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading

import pytest

from tokencraft.report import Progress

PROGRAM = """
import time
from tokencraft.report import Progress
with Progress("counting", total=300, unit={unit!r}) as progress:
    for _ in range(3):
        progress.advance(100)
        time.sleep({pause})
"""


def on_a_terminal(unit: str, pause: float) -> str:
    """What the program draws on a terminal of its own."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    program = PROGRAM.format(unit=unit, pause=pause)
    process = subprocess.Popen([sys.executable, "-c", program], stderr=theirs, env=environment)
    os.close(theirs)
    drawn = b""
    while True:
        try:
            block = os.read(ours, 4096)
        except OSError:  # Linux: the other side is closed
            break
        if not block:
            break
        drawn += block
    os.close(ours)
    assert process.wait() == 0
    return drawn.decode()


def test_shows_after_a_second_with_count_rate_and_time() -> None:
    drawn = on_a_terminal("documents", 0.7)
    for part in ("counting", "200 of 300 documents", "/s, ", " left"):
        assert part in drawn


def test_bytes_in_readable_units() -> None:
    drawn = on_a_terminal("bytes", 0.6)
    assert " of 300 bytes" in drawn
    assert "bytes/s, " in drawn


def test_short_work_leaves_no_trace() -> None:
    assert on_a_terminal("documents", 0.0) == ""


def test_silent_where_standard_error_is_no_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    with Progress("counting", total=2) as progress:
        progress.advance()
        progress.update(2)
        progress.report("more", 3, None)
    assert progress.done == 3
    assert capfd.readouterr() == ("", "")


def test_threads_may_advance_together() -> None:
    with Progress("counting") as progress:
        workers = [threading.Thread(target=lambda: [progress.advance() for _ in range(2000)]) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert progress.done == 8000
