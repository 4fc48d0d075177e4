"""A progress bar with rate and time left, on anything that takes longer than a second."""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import rich.progress

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
        self._lock = threading.Lock()
        self._bar: rich.progress.Progress | None = None
        self._task: rich.progress.TaskID | None = None
        self._timer: threading.Timer | None = None

    def __enter__(self) -> Progress:
        """Start the clock."""
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
        self.update(self._done + amount)

    def update(self, done: float, total: float | None = None, description: str | None = None) -> None:
        """``done`` in all is done; the total and the description change where they are given."""
        with self._lock:
            self._done = done
            self._total = self._total if total is None else total
            self._description = self._description if description is None else description
            if self._bar is not None and self._task is not None:
                self._bar.update(self._task, completed=done, total=self._total, description=self._description)

    def _show(self) -> None:
        """Draw the bar: called once, a second after the start."""
        from tokencraft.report.bar import bar

        with self._lock:
            self._bar = bar(self._unit)
            self._task = self._bar.add_task(self._description, total=self._total, completed=int(self._done))
            self._bar.tasks[0].start_time = self._bar.get_time() - _PATIENCE_SECONDS
            self._bar.start()
