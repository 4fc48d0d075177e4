"""A page that shows premiums: a field of tiles for each vocabulary, and the numbers behind it."""

from __future__ import annotations

from tokencraft.measure.measurement import Measurement
from tokencraft.measure.premiums import PremiumRow, premium_summary
from tokencraft.report import Table
from tokencraft.report.html import callout, page, paragraph
from tokencraft.report.tiles import tiles

_EXPLANATION = (
    "Each tile is a language; its number is the premium: tokens for this text for each token in the reference "
    "language. Tiles run from the highest premium to the lowest, and all fields share one scale of colours. Per byte, "
    "a premium is divided by what the bytes of the text cost anyway: above 1, the vocabulary compresses the language "
    "less than it does the reference."
)


def premium_page(measurement: Measurement[PremiumRow]) -> str:
    """A self-contained page of HTML.

    Args:
        measurement: what :meth:`Premiums.measure <tokencraft.measure.Premiums.measure>` returned.
    """
    names = list(dict.fromkeys(row.vocabulary for row in measurement.rows))
    fragments = sorted({row.data for row in measurement.rows if not row.complete})
    lossy = sorted({row.vocabulary for row in measurement.rows if row.unknown_tokens})
    notes = [
        *([f"Too short to compare, and left out: {', '.join(fragments)}."] if fragments else []),
        *([f"{', '.join(lossy)}: some text becomes unknown tokens, so premiums look small."] if lossy else []),
    ]
    sections = [
        ("", "".join(callout(note, "warning") for note in notes)),
        ("By vocabulary", premium_summary(measurement).to_html() + paragraph(_EXPLANATION)),
        *((f"Premiums: {name}", premium_tiles(measurement, name)) for name in names),
        ("All numbers", measurement.table().to_html()),
    ]
    return page(measurement.title, [each for each in sections if each[1]], subtitle=" · ".join(names))


def premium_tiles(measurement: Measurement[PremiumRow], vocabulary: str) -> str:
    """The premiums of one vocabulary as a field of tiles, SVG text; the scale is that of all vocabularies.

    Args:
        measurement: what :meth:`Premiums.measure <tokencraft.measure.Premiums.measure>` returned.
        vocabulary: its name there.
    """
    complete = [row for row in measurement.rows if row.complete]
    values = [row.premium for row in complete]
    own = [(row.data, row.premium) for row in complete if row.vocabulary == vocabulary]
    limits = (min(values), max(values)) if values else None
    return tiles(own, unit="x", title=f"{vocabulary}: {len(own)} languages by premium", limits=limits)


def widest(measurement: Measurement[PremiumRow], count: int = 10) -> Table:
    """The languages that pay most and least under each vocabulary.

    Args:
        measurement: what :meth:`Premiums.measure <tokencraft.measure.Premiums.measure>` returned.
        count: languages from either end.
    """
    rows = []
    for name in dict.fromkeys(row.vocabulary for row in measurement.rows):
        own = [row for row in measurement.rows if row.vocabulary == name and row.complete]
        rows += own[:count] + own[max(count, len(own) - count) :]
    return Measurement(measurement.title, tuple(rows), measurement.columns, measurement.context).table()
