"""The bar that :class:`tokencraft.report.Progress` draws; apart, because ``rich`` is slow to import."""

from __future__ import annotations

from datetime import timedelta

from rich.console import Console
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text


class _RateColumn(ProgressColumn):
    """Units a second since the work began, and the time left at this rate.

    ``rich``'s own columns count from the first update that they see, which comes late here.
    """

    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        """For example ``12.3 MB/s, 0:01:05 left``."""
        if not task.elapsed or not task.completed:
            return Text("")
        rate = task.completed / task.elapsed
        shown = (
            f"{decimal(int(rate))}/s" if self._unit == "bytes" else f"{rate:,.1f} {self._unit}/s".replace(" /s", "/s")
        )
        if task.total is not None:
            shown += f", {timedelta(seconds=round(max(task.total - task.completed, 0) / rate))} left"
        return Text(shown, style="progress.data.speed")


def bar(unit: str) -> Progress:
    """A bar on standard error with what is done, time taken, rate and time left, that vanishes when it stops."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn() if unit == "bytes" else MofNCompleteColumn(),
        TimeElapsedColumn(),
        _RateColumn(unit),
        console=Console(stderr=True),
        transient=True,
    )
