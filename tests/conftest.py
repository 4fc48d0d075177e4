"""Shared fixtures: the folder of real data, and small corpora that ship with Python."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest


def shared_data() -> Path | None:
    """The folder of real data: ``TOKENCRAFT_DATA``, else ``../shared/data`` beside the checkout; None where absent."""
    folder = Path(os.environ.get("TOKENCRAFT_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
    return folder if (folder / "README.md").is_file() else None


@pytest.fixture(scope="session", autouse=True)
def _control_c_is_heard() -> None:
    """A shell that starts us in the background has SIGINT ignored, here and in the processes that tests start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Path of the real data; the test is skipped where it is absent."""
    folder = shared_data()
    if folder is None:
        pytest.skip("real data is absent: set TOKENCRAFT_DATA or put it at ../shared/data")
    return folder
