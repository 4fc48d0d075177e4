"""A table of results that shows itself in a terminal, as Markdown, JSON, HTML and as a plot."""

from __future__ import annotations

import html
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from tokencraft.errors import UsageError
from tokencraft.report.context import run_context

if TYPE_CHECKING:
    import rich.table


class Column(NamedTuple):
    """A column of a :class:`Table`.

    Args:
        name: its heading.
        unit: the unit of its numbers, for example ``"bytes/token"``; empty where they have none.
    """

    name: str
    unit: str = ""

    @property
    def heading(self) -> str:
        """Name and unit."""
        return f"{self.name} [{self.unit}]" if self.unit else self.name


@dataclass(frozen=True, init=False)
class Table:
    """Rows of results under columns with units.

    Args:
        title: what the table shows.
        columns: :class:`Column`, or ``(name, unit)``, or just a name.
        rows: one sequence a row, as long as ``columns``: strings, numbers, booleans or None.
        context: ``{"seed", "versions", "hardware", "command"}`` as :func:`run_context` gives it; filled in where left
            out.

    Raises:
        UsageError: a row is not as long as ``columns``.

    Example:
        >>> print(Table("Compression", [("tokens", ""), ("ratio", "bytes/token")], [[1234567, 4.25]]).to_markdown())
        | tokens | ratio [bytes/token] |
        |---:|---:|
        | 1,234,567 | 4.25 |
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    context: Mapping[str, Any]

    def __init__(
        self,
        title: str,
        columns: Sequence[Column | tuple[str, str] | str],
        rows: Sequence[Sequence[Any]],
        context: Mapping[str, Any] | None = None,
    ) -> None:
        """See the class."""
        headings = tuple(Column(c) if isinstance(c, str) else Column(*c) for c in columns)
        body = tuple(tuple(_plain(value) for value in row) for row in rows)
        for number, row in enumerate(body):
            if len(row) != len(headings):
                raise UsageError(f"table {title!r}: row {number} has {len(row)} values for {len(headings)} columns")
        object.__setattr__(self, "title", title)
        object.__setattr__(self, "columns", headings)
        object.__setattr__(self, "rows", body)
        object.__setattr__(self, "context", run_context() if context is None else dict(context))

    def column(self, name: str) -> list[Any]:
        """The values under the column ``name``."""
        index = self._index(name)
        return [row[index] for row in self.rows]

    def to_text(self, width: int = 120) -> str:
        """For a terminal of ``width`` characters, without colours."""
        from rich.console import Console

        output = io.StringIO()
        Console(file=output, width=width, color_system=None, force_terminal=False).print(self.__rich__())
        return "\n".join(line.rstrip() for line in output.getvalue().splitlines())

    def __rich__(self) -> rich.table.Table:
        """For ``rich``, which prints it with colours."""
        from rich import box
        from rich.table import Table as RichTable
        from rich.text import Text

        table = RichTable(title=Text(self.title, style="bold"), title_justify="left", box=box.SIMPLE_HEAD)
        for index, column in enumerate(self.columns):
            heading = Text(column.name)
            if column.unit:
                heading.append(f"\n{column.unit}", style="dim not bold")
            table.add_column(heading, justify="right" if self._numeric(index) else "left", overflow="fold")
        for row in self.rows:
            table.add_row(*(Text(format_value(value)) for value in row))
        return table

    def to_markdown(self) -> str:
        """A Markdown table, without the title."""

        def line(cells: Sequence[str]) -> str:
            escaped = (cell.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ") for cell in cells)
            return "| " + " | ".join(escaped) + " |"

        rule = "|" + "|".join("---:" if self._numeric(i) else "---" for i in range(len(self.columns))) + "|"
        body = [line([format_value(value) for value in row]) for row in self.rows]
        return "\n".join([line([column.heading for column in self.columns]), rule, *body])

    def to_json(self) -> dict[str, Any]:
        """``{"title", "columns": [{"name", "unit"}], "rows", "context"}``; NaN and infinities become null."""
        return {
            "title": self.title,
            "columns": [{"name": column.name, "unit": column.unit} for column in self.columns],
            "rows": [[_finite(value) for value in row] for row in self.rows],
            "context": {key: self.context.get(key) for key in ("seed", "versions", "hardware", "command")},
        }

    def to_html(self) -> str:
        """A fragment of HTML, everything escaped: put it into a page of :func:`tokencraft.report.html.page`."""
        numeric = [' class="number"' if self._numeric(index) else "" for index in range(len(self.columns))]
        heads = "".join(
            f'<th scope="col"{kind}>{html.escape(column.name)}'
            + (f' <span class="unit">{html.escape(column.unit)}</span>' if column.unit else "")
            + "</th>"
            for column, kind in zip(self.columns, numeric, strict=True)
        )
        body = "\n".join(
            "<tr>"
            + "".join(f"<td{k}>{html.escape(format_value(v))}</td>" for v, k in zip(row, numeric, strict=True))
            + "</tr>"
            for row in self.rows
        )
        return (
            f'<div class="scroll"><table><caption>{html.escape(self.title)}</caption>\n'
            f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
        )

    def plot(
        self,
        x: str,
        y: str | Sequence[str],
        *,
        kind: Literal["bar", "line"] = "bar",
        group: str | None = None,
        log: bool = False,
        title: str | None = None,
    ) -> str:
        """The table as a picture.

        Args:
            x: the column along the horizontal axis.
            y: the column or columns drawn, in one unit.
            kind: bars for categories, lines for curves.
            group: a column whose values become one series each, in place of several ``y``.
            log: whether the vertical axis is logarithmic.
            title: above the plot; the table's own where left out.

        Returns:
            SVG text without external references; letters and axes take the colour of the text around it.
        """
        from tokencraft.report.plot import Series, draw

        names = [y] if isinstance(y, str) else list(y)
        unit = self.columns[self._index(names[0])]
        xs = self.column(x)
        if group is None:
            series = [Series(name, xs, self.column(name)) for name in names]
        else:
            labels = self.column(group)
            values = self.column(names[0])
            series = []
            for label in dict.fromkeys(labels):
                chosen = [i for i, other in enumerate(labels) if other == label]
                series.append(Series(format_value(label), [xs[i] for i in chosen], [values[i] for i in chosen]))
        axes = (self.columns[self._index(x)].heading, unit.heading if len(names) == 1 else unit.unit)
        return draw(series, axes, kind=kind, log=log, title=self.title if title is None else title)

    def _index(self, name: str) -> int:
        for index, column in enumerate(self.columns):
            if column.name == name:
                return index
        raise UsageError(f"table {self.title!r} has no column {name!r}; it has {[c.name for c in self.columns]}")

    def _numeric(self, index: int) -> bool:
        """Whether a column holds numbers and nothing else."""
        values = [row[index] for row in self.rows if row[index] is not None]
        return bool(values) and all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values)


def format_value(value: Any) -> str:
    """A value for people: thousands separated, four significant digits, a dash for what is missing."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        if not math.isfinite(value):
            return "–" if math.isnan(value) else f"{value}"
        if value == 0:
            return "0"
        if abs(value) >= 1000:
            return f"{value:,.0f}"
        return f"{value:.4g}" if abs(value) >= 1e-4 else f"{value:.2e}"
    return str(value)


def _plain(value: Any) -> Any:
    """NumPy scalars as Python numbers; everything else as it is."""
    return value.item() if hasattr(value, "item") and getattr(value, "ndim", None) == 0 else value


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
