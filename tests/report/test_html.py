"""Pages: self-contained, escaped, and tokens that show every byte."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tokencraft.report import html


class Spans(HTMLParser):
    """Collects the text of every token's span."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.spans: list[str] = []
        self.titles: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag == "span":
            self.spans.append("")
            self.titles.append(dict(attributes)["title"] or "")

    def handle_data(self, data: str) -> None:
        if self.spans:
            self.spans[-1] += data


def test_page_is_self_contained_and_escaped() -> None:
    page = html.page("A & <b>", [("One <i>", "<p>body</p>"), html.Section("", "<p>two</p>")], subtitle="<u>")
    assert page.startswith("<!DOCTYPE html>")
    for part in ("<title>A &amp; &lt;b&gt;</title>", "<h2>One &lt;i&gt;</h2>", "<p>body</p>", "&lt;u&gt;"):
        assert part in page
    assert page.count("<h2>") == 1
    assert not re.search(r"(src|href|@import|url\()", page)
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page


def test_parts_escape_plain_text() -> None:
    assert "&lt;b&gt;" in html.callout("<b>", "warning")
    assert "Warning" in html.callout("x", "warning")
    assert html.paragraph("a<b") == "<p>a&lt;b</p>"
    cards = html.figures([("label <", "1 %"), html.Figure("x", "2", "note")])
    assert "label &lt;" in cards
    assert cards.count("<small>") == 1
    assert "<h3>left &amp;</h3><p>x</p>" in html.side_by_side([("left &", "<p>x</p>")])


def test_tokens_show_what_is_invisible() -> None:
    pieces = [b"a b", b"\n", b"\t", b"\xe2\x80", b"\x94", b"\x00", b"<", b"\r", "é".encode()]
    spans = Spans(html.coloured_tokens(pieces, range(9)))
    assert spans.spans == ["a·b", "⏎\n", "⇥", "E280", "94", "U+0000", "<", "CR", "é"]
    assert spans.titles[:2] == ["id 0, 3 bytes", "id 1, 1 byte"]


def test_neighbours_differ_in_colour() -> None:
    classes = re.findall(r'class="(t\d)"', html.coloured_tokens([b"x"] * 12))
    assert len(classes) == 12
    assert all(a != b for a, b in pairwise(classes))


@given(st.lists(st.binary(min_size=1, max_size=12), max_size=8))
def test_any_bytes_make_one_span_a_token(pieces: list[bytes]) -> None:
    fragment = html.coloured_tokens(pieces)
    assert len(Spans(fragment).spans) == len(pieces)
    fragment.encode("utf-8")
