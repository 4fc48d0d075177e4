"""Many named numbers as a field of coloured tiles, in order: a map for things that have no place on one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

_SIDE = 46  # of a tile and the gap after it, pixels
_GAP = 3
_LEGEND = 46  # height of the scale below the tiles
_STEPS = 48  # colours of the scale


def tiles(
    values: Sequence[tuple[str, float]],
    *,
    unit: str = "",
    title: str = "",
    columns: int = 20,
    limits: tuple[float, float] | None = None,
) -> str:
    """Draw a tile for each number: row by row, coloured on a logarithmic scale, the number written in it.

    The colours are those of cividis, which colour-blind readers see in the same order, and run from dark to light.

    Args:
        values: names and numbers above 0, in the order to draw them. Numbers that are not finite are left out.
        unit: after a number in its tooltip and on the scale, for example ``"x"``.
        title: above the tiles.
        columns: tiles in a row.
        limits: numbers at the ends of the scale, so that several fields share one; those of the values where left out.

    Returns:
        An ``<svg>`` element: the same text for the same input, no external references.

    Example:
        >>> tiles([("eng", 1.0), ("tur", 2.5)]).count("<rect")
        50
    """
    shown = [(name, value) for name, value in values if math.isfinite(value) and value > 0]
    low, high = limits or (min((v for _, v in shown), default=1.0), max((v for _, v in shown), default=1.0))
    columns = max(1, min(columns, len(shown) or 1))
    head = 26 if title else 0
    rows = -(-len(shown) // columns)
    width, height = max(columns * _SIDE, 8 * _SIDE), head + rows * _SIDE + _LEGEND
    parts = []
    if title:
        parts.append(f'<text x="0" y="16" font-size="13" font-weight="bold" fill="currentColor">{escape(title)}</text>')
    for position, (name, value) in enumerate(shown):
        x, y = position % columns * _SIDE, head + position // columns * _SIDE
        fill, ink = _colour(value, low, high)
        middle = x + (_SIDE - _GAP) / 2
        parts.append(
            f"<g><title>{escape(name)}: {value:.3g}{escape(unit)}</title>"
            f'<rect x="{x}" y="{y}" width="{_SIDE - _GAP}" height="{_SIDE - _GAP}" rx="4" fill="{fill}"/>'
            f'<text x="{middle}" y="{y + 18}" fill="{ink}" font-size="{_font_size(name)}">{escape(_short(name))}</text>'
            f'<text x="{middle}" y="{y + 33}" fill="{ink}" font-size="11">{value:.3g}</text></g>'
        )
    parts.append(_scale(low, high, unit, width, head + rows * _SIDE + 6))
    label = escape(title or "tiles", quote=True)
    return (
        f'<svg role="img" aria-label="{label}" viewBox="0 0 {width} {height}" width="{width}" '
        f'style="max-width: 100%; height: auto" font-family="sans-serif">'
        f'<g text-anchor="middle">{"".join(parts[1 if title else 0 : -1])}</g>'
        f"{parts[0] if title else ''}{parts[-1]}</svg>"
    )


def _scale(low: float, high: float, unit: str, width: int, top: float) -> str:
    """A strip of the colours with numbers below it."""
    step = width / _STEPS
    strip = "".join(
        f'<rect x="{k * step:.1f}" y="{top}" width="{step + 0.5:.1f}" height="10" '
        f'fill="{_colour(_between(low, high, (k + 0.5) / _STEPS), low, high)[0]}"/>'
        for k in range(_STEPS)
    )
    anchors = ((0.0, "start"), (0.25, "middle"), (0.5, "middle"), (0.75, "middle"), (1.0, "end"))
    labels = "".join(
        f'<text x="{share * width:.1f}" y="{top + 26}" font-size="11" fill="currentColor" text-anchor="{anchor}">'
        f"{_between(low, high, share):.3g}{escape(unit)}</text>"
        for share, anchor in (anchors if high > low else anchors[:1])
    )
    return strip + labels


def _between(low: float, high: float, share: float) -> float:
    return float(math.exp(math.log(low) + share * (math.log(high) - math.log(low))))


def _colour(value: float, low: float, high: float) -> tuple[str, str]:
    """Fill of a tile and the colour of what is written on it."""
    from matplotlib import colormaps  # slow to import, and only pictures need it

    share = (math.log(value) - math.log(low)) / (math.log(high) - math.log(low)) if high > low else 0.0
    red, green, blue, _ = colormaps["cividis"](min(max(share, 0.0), 1.0))
    luminance = sum(
        weight * (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4)
        for weight, part in zip((0.2126, 0.7152, 0.0722), (red, green, blue), strict=True)
    )
    ink = "#000000" if luminance > 0.179 else "#ffffff"  # where both contrast alike, by the formula of WCAG
    return "#" + "".join(f"{round(255 * part):02x}" for part in (red, green, blue)), ink


def _short(name: str) -> str:
    return name if len(name) <= 8 else name[:7] + "…"


def _font_size(name: str) -> int:
    return 12 if len(name) <= 5 else 9
