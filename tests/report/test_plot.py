"""Plots are self-contained SVG that say what they show."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from tokencraft.report.plot import PALETTE, Series, draw


def colours(svg: str) -> set[str]:
    return {colour for colour in PALETTE if colour.lower() in svg}


@pytest.mark.parametrize("kind", ["bar", "line"])
@pytest.mark.parametrize("count", [1, 3])
def test_every_series_has_its_colour_and_name(kind: str, count: int) -> None:
    series = [Series(f"series {k}", ["a", "b"], [k + 1.0, None]) for k in range(count)]
    svg = draw(series, ("x axis", "y axis"), kind=kind, title="<title>")  # type: ignore[arg-type]
    assert colours(svg) == set(PALETTE[:count])
    texts = {element.text for element in ElementTree.fromstring(svg).iter()}
    assert {"x axis", "y axis", "<title>"} <= texts
    assert ("series 0" in texts) == (count > 1)  # one series needs no legend


def test_series_may_lack_categories() -> None:
    svg = draw([Series("p", ["a"], [1.0]), Series("q", ["b"], [2.0])], ("x", "y"), kind="bar")
    assert {"a", "b"} <= {element.text for element in ElementTree.fromstring(svg).iter()}


def test_logarithmic_axis() -> None:
    line = Series("p", [1, 2, 3], [1.0, 100.0, 10_000.0])
    assert draw([line], ("x", "y"), log=True) != draw([line], ("x", "y"))
