"""A table in all its forms."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import numpy as np
import pytest

from tokencraft.errors import UsageError
from tokencraft.report import Column, Table
from tokencraft.report.table import format_value

CONTEXT = {"seed": 1, "versions": {"python": "3"}, "hardware": {"cores": 2}, "command": "x"}
TABLE = Table(
    "A <title>",
    [Column("name"), ("size", "tokens"), Column("ratio", "bytes/token"), "good"],
    [["a|b", 12345, 4.25, True], ["<script>", None, float("nan"), False]],
    CONTEXT,
)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (True, "yes"),
        (1234567, "1,234,567"),
        (-5, "-5"),
        (0.0, "0"),
        (3.14159, "3.142"),
        (12345.678, "12,346"),
        (0.00012346, "0.0001235"),
        (1.5e-7, "1.50e-07"),
        (float("nan"), "–"),
        (float("inf"), "inf"),
        ("text", "text"),
    ],
)
def test_values_for_people(value: object, shown: str) -> None:
    assert format_value(value) == shown


def test_columns_are_made_from_names_and_pairs() -> None:
    assert TABLE.columns == (Column("name"), Column("size", "tokens"), Column("ratio", "bytes/token"), Column("good"))
    assert TABLE.column("size") == [12345, None]
    with pytest.raises(UsageError, match="no column 'sise'"):
        TABLE.column("sise")


def test_rows_must_fit() -> None:
    with pytest.raises(UsageError, match="row 1 has 1 values for 2 columns"):
        Table("t", ["a", "b"], [[1, 2], [3]])


def test_numpy_numbers_become_plain() -> None:
    table = Table("t", ["a", "b", "c"], [[np.int64(3), np.float32(0.5), np.bool_(True)]], CONTEXT)
    assert table.rows == ((3, 0.5, True),)
    assert [type(value) for value in table.rows[0]] == [int, float, bool]


def test_json_has_the_published_shape() -> None:
    value = TABLE.to_json()
    assert json.loads(json.dumps(value, allow_nan=False)) == {
        "title": "A <title>",
        "columns": [
            {"name": "name", "unit": ""},
            {"name": "size", "unit": "tokens"},
            {"name": "ratio", "unit": "bytes/token"},
            {"name": "good", "unit": ""},
        ],
        "rows": [["a|b", 12345, 4.25, True], ["<script>", None, None, False]],
        "context": CONTEXT,
    }


def test_context_is_filled_in() -> None:
    context = Table("t", ["a"], []).to_json()["context"]
    assert set(context) == {"seed", "versions", "hardware", "command"}
    assert context["versions"]["tokencraft"]


def test_text_holds_every_cell_and_unit() -> None:
    text = TABLE.to_text()
    for part in ("A <title>", "bytes/token", "a|b", "12,345", "4.25", "yes", "<script>", "–"):
        assert part in text
    assert "\x1b" not in text
    assert all(len(line) <= 60 for line in Table("t", ["a"], [["word " * 100]]).to_text(60).splitlines())


def test_markdown() -> None:
    assert TABLE.to_markdown().splitlines() == [
        "| name | size [tokens] | ratio [bytes/token] | good |",
        "|---|---:|---:|---|",
        "| a\\|b | 12,345 | 4.25 | yes |",
        "| <script> | – | – | no |",
    ]


def test_html_is_escaped_and_well_formed() -> None:
    fragment = TABLE.to_html()
    assert "<script>" not in fragment
    table = ElementTree.fromstring(fragment)
    assert [cell.text for cell in table.iter("td")] == ["a|b", "12,345", "4.25", "yes", "<script>", "–", "–", "no"]
    HTMLParser().feed(fragment)


@pytest.mark.parametrize("kind", ["bar", "line"])
def test_plot_is_one_self_contained_svg(kind: str) -> None:
    table = Table(
        "Sizes & more", ["x", ("y", "s"), ("z", "s")], [["a", 1, 2.0], ["b", 3, None], ["c", 2, 1.0]], CONTEXT
    )
    svg = table.plot("x", ["y", "z"], kind=kind)  # type: ignore[arg-type]
    root = ElementTree.fromstring(svg)
    assert root.tag.endswith("svg")
    texts = {element.text for element in root.iter() if element.tag.endswith("text")}
    assert {"Sizes & more", "a", "b", "c", "y", "z"} <= texts
    assert 'href="http' not in svg
    assert "currentColor" in svg
    assert svg == table.plot("x", ["y", "z"], kind=kind)  # type: ignore[arg-type]


def test_plot_by_group() -> None:
    table = Table("t", ["x", "y", "who"], [[1, 2, "us"], [1, 3, "them"], [2, 5, "us"]], CONTEXT)
    texts = {e.text for e in ElementTree.fromstring(table.plot("x", "y", group="who")).iter()}
    assert {"us", "them", "1", "2"} <= texts
