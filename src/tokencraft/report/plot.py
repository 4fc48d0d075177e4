"""Plots as SVG text, drawn by matplotlib without a display, in colours that colour-blind readers can tell apart."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

# Okabe and Ito's palette, without its black and its yellow, which vanish on dark and on light pages.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
_MARKERS = ("o", "s", "^", "D", "v", "P")
_TEXT = "#010203"  # stands for the colour of the surrounding text until the SVG is done


class Series(NamedTuple):
    """One set of bars or one line."""

    name: str
    x: Sequence[Any]
    y: Sequence[float | None]


def draw(
    series: Sequence[Series],
    axes: tuple[str, str],
    *,
    kind: Literal["bar", "line"] = "line",
    log: bool = False,
    title: str = "",
    size: tuple[float, float] = (7.2, 3.6),
) -> str:
    """Draw ``series``.

    Args:
        series: what to draw; in bars every series has the same ``x``, or a gap where it lacks one.
        axes: the labels of the horizontal and the vertical axis.
        kind: bars or lines.
        log: whether the vertical axis is logarithmic.
        title: above the plot.
        size: width and height in inches.

    Returns:
        An ``<svg>`` element: the same bytes for the same input, no external references, text as text.
    """
    import matplotlib  # slow to import, and only plots need it
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    style = {
        "svg.fonttype": "none",
        "svg.hashsalt": "tokencraft",
        "font.family": "sans-serif",
        "font.size": 10,
        "text.color": _TEXT,
        "axes.edgecolor": _TEXT,
        "axes.labelcolor": _TEXT,
        "axes.titlecolor": _TEXT,
        "xtick.color": _TEXT,
        "ytick.color": _TEXT,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "legend.frameon": False,
    }
    with matplotlib.rc_context(style):
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasSVG(figure)
        plot = figure.add_subplot()
        (_bars if kind == "bar" else _lines)(plot, series)
        if log:
            plot.set_yscale("log")
        plot.grid(axis="y", color="#888888", alpha=0.25, linewidth=0.8)
        plot.set_axisbelow(True)
        plot.set_xlabel(axes[0])
        plot.set_ylabel(axes[1])
        if title:
            plot.set_title(title, loc="left", fontweight="bold", fontsize=11)
        if len(series) > 1:
            figure.legend(loc="outside lower center", ncols=min(len(series), 4))  # never on top of the data
        output = io.StringIO()
        figure.savefig(output, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _embed(output.getvalue(), title or axes[1])


def _lines(plot: Any, series: Sequence[Series]) -> None:
    for index, (name, xs, ys) in enumerate(series):
        marker = _MARKERS[index % len(_MARKERS)] if len(xs) <= 40 else ""
        values = [math.nan if y is None else y for y in ys]
        plot.plot(
            xs, values, color=PALETTE[index % len(PALETTE)], marker=marker, markersize=4, linewidth=1.8, label=name
        )


def _bars(plot: Any, series: Sequence[Series]) -> None:
    categories = list(dict.fromkeys(str(x) for one in series for x in one.x))
    width = 0.8 / max(len(series), 1)
    for index, (name, xs, ys) in enumerate(series):
        heights = {str(x): y for x, y in zip(xs, ys, strict=True) if y is not None}
        at = [k + (index - (len(series) - 1) / 2) * width for k in range(len(categories))]
        values = [heights.get(category, math.nan) for category in categories]
        plot.bar(at, values, width * 0.94, color=PALETTE[index % len(PALETTE)], label=name)
    crowded = sum(map(len, categories)) > 70
    plot.set_xticks(
        range(len(categories)), categories, rotation=35 if crowded else 0, ha="right" if crowded else "center"
    )


def _embed(svg: str, label: str) -> str:
    """The ``<svg>`` element alone, in the page's text colour, named for screen readers."""
    from html import escape

    element = svg[svg.index("<svg") :].strip().replace(_TEXT, "currentColor")
    return element.replace("<svg", f'<svg role="img" aria-label="{escape(label, quote=True)}"', 1)
