"""Fields of tiles: what is drawn, in which order and colours."""

from __future__ import annotations

import math
from xml.etree import ElementTree

import pytest

from tokencraft.report.tiles import tiles


def fills(picture: str) -> list[str | None]:
    return [each.get("fill") for each in ElementTree.fromstring(picture).iter() if each.tag.endswith("rect")]


def test_tiles_of_strange_values() -> None:
    picture = tiles([("<a&b>", 1.0), ("none", math.nan), ("zero", 0.0), ("a long name", 1.0)], title='"t" <&>')
    root = ElementTree.fromstring(picture)
    assert sum(each.tag.endswith("title") for each in root.iter()) == 2
    assert "a long …" in picture
    assert ElementTree.fromstring(tiles([])) is not None


def test_colours_follow_the_numbers_alone() -> None:
    first = fills(tiles([("a", 1.0), ("b", 4.0), ("c", 1.0)], limits=(1, 4)))[:3]
    assert first[0] == first[2] != first[1]
    assert fills(tiles([("x", 4.0)], limits=(1, 4)))[0] == first[1]
    assert fills(tiles([("x", 400.0)], limits=(1, 4)))[0] == first[1]  # beyond the scale is its end


def test_the_scale_is_logarithmic_and_labelled() -> None:
    picture = tiles([("a", 1.0), ("b", 16.0)], unit="x")
    labels = [each.text for each in ElementTree.fromstring(picture).iter() if (each.text or "").endswith("x")]
    assert labels == ["a: 1x", "b: 16x", "1x", "2x", "4x", "8x", "16x"]


@pytest.mark.parametrize("count", [1, 20, 21, 388])
def test_rows(count: int) -> None:
    picture = tiles([(str(k), k + 1.0) for k in range(count)], columns=20)
    root = ElementTree.fromstring(picture)
    rects = [each for each in root.iter() if each.tag.endswith("rect")][:count]
    assert len({(each.get("x"), each.get("y")) for each in rects}) == count
    assert len({each.get("y") for each in rects}) == -(-count // 20)
