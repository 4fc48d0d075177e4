"""Self-contained pages: no network, no scripts, light and dark, fit to print, colours safe for colour-blind readers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Literal, NamedTuple


class Section(NamedTuple):
    """A part of a page.

    Args:
        heading: its heading, plain text.
        body: its content, HTML.
    """

    heading: str
    body: str


class Figure(NamedTuple):
    """A number that the reader should see first.

    Args:
        label: what it is.
        value: the number as text, with its unit.
        note: what it is compared with, or how to read it.
    """

    label: str
    value: str
    note: str = ""


def page(title: str, sections: Iterable[tuple[str, str]], *, subtitle: str = "") -> str:
    """A whole HTML document.

    Args:
        title: plain text; also the title of the window.
        sections: :class:`Section` or ``(heading, html)``; a heading may be empty.
        subtitle: plain text below the title.

    Returns:
        HTML text with its style inside; nothing is loaded from anywhere.
    """
    parts = "\n".join(
        "<section>" + (f"<h2>{escape(heading)}</h2>" if heading else "") + f"\n{body}\n</section>"
        for heading, body in sections
    )
    below = f'<p class="subtitle">{escape(subtitle)}</p>' if subtitle else ""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<header><h1>{escape(title)}</h1>{below}</header>\n<main>\n{parts}\n</main>\n</body>\n</html>\n"
    )


def paragraph(text: str) -> str:
    """Plain text as a paragraph."""
    return f"<p>{escape(text)}</p>"


def callout(text: str, kind: Literal["note", "warning", "success"] = "note") -> str:
    """Plain text in a box that stands out; the kind is also written, not only coloured."""
    return f'<p class="callout {kind}"><strong>{kind.capitalize()}.</strong> {escape(text)}</p>'


def figures(items: Iterable[tuple[str, str] | tuple[str, str, str]]) -> str:
    """A row of :class:`Figure` cards."""
    cards = []
    for item in items:
        label, value, note = Figure(*item)
        below = f"<small>{escape(note)}</small>" if note else ""
        cards.append(f"<div><span>{escape(label)}</span><strong>{escape(value)}</strong>{below}</div>")
    return f'<div class="figures">{"".join(cards)}</div>'


def side_by_side(items: Iterable[tuple[str, str]]) -> str:
    """``(heading, html)`` pairs next to each other, below each other on narrow screens."""
    columns = "".join(f"<div><h3>{escape(heading)}</h3>{body}</div>" for heading, body in items)
    return f'<div class="side-by-side">{columns}</div>'


def coloured_tokens(pieces: Sequence[bytes], ids: Sequence[int] | None = None) -> str:
    """A text cut into tokens, neighbours in different colours.

    Spaces, tabs and line ends are marked; bytes that are no whole characters are shown in hexadecimal. Hovering over
    a token shows its length and, where given, its id.

    Args:
        pieces: the bytes of the tokens, in order.
        ids: their ids.
    """
    spans = []
    for index, piece in enumerate(pieces):
        label = f"{len(piece)} byte{'s' if len(piece) != 1 else ''}"
        if ids is not None:
            label = f"id {int(ids[index])}, {label}"
        spans.append(f'<span class="t{index % 5}" title="{label}">{_visible(piece)}</span>')
    return f'<div class="tokens">{"".join(spans)}</div>'


def _visible(piece: bytes) -> str:
    """The text of a token as HTML, with marks for what is invisible."""
    shown = []
    for character in piece.decode("utf-8", errors="surrogateescape"):
        if character == "\n":
            shown.append("<i>⏎</i>\n")
        elif character in _MARKS:
            shown.append(f"<wbr><i>{_MARKS[character]}</i>")  # a line may break before a mark
        elif "\udc80" <= character <= "\udcff":
            shown.append(f"<b>{ord(character) - 0xDC00:02X}</b>")
        elif character == "\r":
            shown.append("<b>CR</b>")
        elif not character.isprintable():
            shown.append(f"<b>U+{ord(character):04X}</b>")
        else:
            shown.append(escape(character))
    return "".join(shown)


_MARKS = {" ": "·", "\t": "⇥"}

_STYLE = """
:root { --paper: #ffffff; --ink: #1b1f24; --soft: #5b6470; --line: #d5dae0; --card: #f4f6f8; --accent: #0072b2;
  --note: #e6f1f8; --warning: #fdecdc; --success: #def3ea;
  --t0: #cfe6f5; --t1: #fbe0b8; --t2: #cdeee0; --t3: #f6d9e8; --t4: #e4e6ea; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14171b; --ink: #e6e9ed; --soft: #9aa4b0; --line: #343b44; --card: #1e2329; --accent: #56b4e9;
    --note: #12304a; --warning: #4a2c10; --success: #0f3d2e;
    --t0: #134a6e; --t1: #664109; --t2: #0b5540; --t3: #65304d; --t4: #3d434c; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 68rem; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.3rem; margin: 2.4rem 0 .8rem; padding-bottom: .3rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 0 0 .5rem; color: var(--soft); }
.subtitle, small, .unit, caption { color: var(--soft); }
.unit { font-weight: normal; font-size: .85em; display: block; }
.scroll { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .4rem; }
th, td { padding: .4rem .7rem; text-align: left; border-bottom: 1px solid var(--line); vertical-align: bottom; }
td { vertical-align: top; }
thead th { border-bottom: 2px solid var(--soft); }
.number { text-align: right; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .8rem; margin: 1rem 0; }
.figures > div { background: var(--card); border-radius: .5rem; padding: .8rem 1rem; }
.figures span, .figures small { display: block; color: var(--soft); font-size: .87rem; }
.figures strong { display: block; font-size: 1.55rem; line-height: 1.3; font-variant-numeric: tabular-nums; }
.callout { padding: .7rem 1rem; border-left: 4px solid var(--accent); border-radius: .25rem; background: var(--note); }
.callout.warning { background: var(--warning); border-color: #d55e00; }
.callout.success { background: var(--success); border-color: #009e73; }
.side-by-side { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(24rem, 100%), 1fr)); gap: 1.2rem; }
.side-by-side > div { min-width: 0; }
.tokens { font: .84rem/1.75 ui-monospace, "Cascadia Mono", "DejaVu Sans Mono", monospace; white-space: pre-wrap;
  overflow-wrap: anywhere; background: var(--card); border-radius: .5rem; padding: .8rem 1rem; tab-size: 1; }
.tokens span { padding: .08em 0; border-radius: .2em; }
.t0 { background: var(--t0); } .t1 { background: var(--t1); } .t2 { background: var(--t2); }
.t3 { background: var(--t3); } .t4 { background: var(--t4); }
.tokens i { font-style: normal; opacity: .45; }
.tokens b { font-weight: normal; font-size: .72em; opacity: .8; border: 1px solid currentColor; border-radius: .3em;
  padding: 0 .2em; }
svg { max-width: 100%; height: auto; display: block; margin: 1rem 0; }
code { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .9em; overflow-wrap: anywhere; }
details > summary { cursor: pointer; color: var(--accent); }
@media print {
  :root { --paper: #ffffff; --ink: #000000; --soft: #444444; --line: #bbbbbb; --card: #f4f6f8; }
  body { max-width: none; padding: 0; font-size: 11pt; }
  .scroll { overflow: visible; }
  table { font-size: 7.5pt; }
  th, td { padding: .2rem .3rem; }
  section, table, .figures, svg { break-inside: avoid; }
  .tokens span, .callout, .figures > div { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
