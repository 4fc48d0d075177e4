"""The bar that :class:`tokencraft.report.Progress` draws; apart, because ``rich`` is slow to import."""

from __future__ import annotations

from datetime import timedelta

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.table import Column
from rich.text import Text


class _CountColumn(ProgressColumn):
    """What is done, and of how much."""

    def render(self, task: Task) -> Text:
        """For example ``12.3 MB of 60.1 MB``, ``200 of 300 documents``."""
        unit = task.fields["unit"]
        numbers = [task.completed] if task.total is None else [task.completed, task.total]
        if unit == "bytes":
            return Text(" of ".join(decimal(int(number)) for number in numbers), style="progress.download")
        return Text(f"{' of '.join(f'{number:,.0f}' for number in numbers)} {unit}".rstrip(), style="progress.download")


class _RateColumn(ProgressColumn):
    """Units a second since the work began, and the time left at this rate.

    ``rich``'s own columns count from the first update that they see, which comes late here.
    """

    def render(self, task: Task) -> Text:
        """For example ``12.3 MB/s, 0:01:05 left``."""
        if not task.elapsed or not task.completed:
            return Text("")
        rate = task.completed / task.elapsed
        shown = f"{decimal(int(rate))}/s" if task.fields["unit"] == "bytes" else f"{rate:,.1f}/s"
        if task.total is not None:
            shown += f", {timedelta(seconds=round(max(task.total - task.completed, 0) / rate))} left"
        return Text(shown, style="progress.data.speed")


def bar() -> Progress:
    """A bar on standard error with what is done, time taken, rate and time left, that vanishes when it stops."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        _CountColumn(Column(no_wrap=True)),
        TimeElapsedColumn(),
        _RateColumn(Column(no_wrap=True)),
        console=Console(stderr=True),
        transient=True,
    )
