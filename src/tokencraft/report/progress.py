"""A progress bar with rate and time left, on anything that takes longer than a second."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import rich.progress

OnProgress = Callable[[str, int, int | None], object]
"""Called now and then with what is being done, how much of it is done, and how much there is (None where unknown)."""

_PATIENCE_SECONDS = 1.0


class Progress:
    """A bar on standard error, used as a context manager; silent where standard error is not a terminal.

    It appears after one second, so that short work leaves no trace, and goes when the block ends. The calls are cheap
    and may come from any thread.

    Args:
        description: what is being done, for example ``"reading"``.
        total: how much there is; None where it is unknown.
        unit: what is counted, for example ``"bytes"`` (shown in kB, MB, ...) or ``"documents"``.

    Example:
        >>> with Progress("encoding", total=3, unit="documents") as progress:
        ...     for _ in range(3):
        ...         progress.advance(1)
    """

    def __init__(self, description: str, total: float | None = None, unit: str = "") -> None:
        """See the class; nothing is drawn before the block is entered."""
        self._description = description
        self._total = total
        self._unit = unit
        self._done = 0.0
        self._started = time.monotonic()
        self._lock = threading.Lock()
        self._bar: rich.progress.Progress | None = None
        self._task: rich.progress.TaskID | None = None
        self._timer: threading.Timer | None = None

    def __enter__(self) -> Progress:
        """Start the clock."""
        self._started = time.monotonic()
        if sys.stderr is not None and sys.stderr.isatty():
            self._timer = threading.Timer(_PATIENCE_SECONDS, self._show)
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()
        with self._lock:
            if self._bar is not None:
                self._bar.stop()
                self._bar = None

    @property
    def done(self) -> float:
        """How much is done so far."""
        return self._done

    def advance(self, amount: float = 1) -> None:
        """``amount`` more is done."""
        with self._lock:
            self._done += amount
            self._refresh()

    def update(self, done: float) -> None:
        """``done`` in all is done."""
        with self._lock:
            self._done = done
            self._refresh()

    def report(self, what: str, done: float, total: float | None, unit: str | None = None) -> None:
        """``done`` of ``total`` is done of ``what``; where that is new, the bar starts again.

        Fits :data:`OnProgress`, so that it can be handed to long-running functions.
        """
        with self._lock:
            if what != self._description:
                self._description = what
                self._started = time.monotonic()
                if self._bar is not None and self._task is not None:
                    self._bar.reset(self._task, start=True)
            self._done, self._total = done, total
            self._unit = self._unit if unit is None else unit
            self._refresh()

    def _refresh(self) -> None:
        if self._bar is not None and self._task is not None:
            self._bar.update(
                self._task, completed=self._done, total=self._total, description=self._description, unit=self._unit
            )

    def _show(self) -> None:
        """Draw the bar: called once, a second after the start."""
        from tokencraft.report.bar import bar

        with self._lock:
            self._bar = bar()
            self._task = self._bar.add_task(self._description, total=self._total, unit=self._unit)
            self._bar.tasks[0].start_time = self._bar.get_time() - (time.monotonic() - self._started)
            self._refresh()
            self._bar.start()
