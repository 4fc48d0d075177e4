"""A page that shows what Efficiency measured: plots, the table, and texts cut into tokens."""

from __future__ import annotations

from collections.abc import Mapping

from tokencraft.corpus import Corpus
from tokencraft.measure.efficiency_row import EfficiencyRow
from tokencraft.measure.measurement import Measurement
from tokencraft.report.html import callout, coloured_tokens, page, paragraph, side_by_side
from tokencraft.vocabulary import Vocabulary

_EXCERPT = 700
_EXPLANATIONS = (
    "Compression is bytes of UTF-8 a token: higher means fewer tokens for the same text. Fertility is tokens a word, "
    "where words are what white space separates. Used is the share of the entries that occurred in this text. "
    "The Rényi efficiency is 1 where all entries are used alike. Byte fallback is the share of tokens that are one "
    "byte of a character that has no token of its own."
)


def efficiency_page(
    measurement: Measurement[EfficiencyRow], vocabularies: Mapping[str, Vocabulary], data: Mapping[str, Corpus]
) -> str:
    """A self-contained page of HTML.

    Args:
        measurement: what :meth:`Efficiency.measure <tokencraft.measure.Efficiency.measure>` returned.
        vocabularies: the vocabularies, by the names used there.
        data: the texts, by the names used there; the beginning of the first document of each is shown in tokens.
    """
    table = measurement.table()
    several = len(data) > 1
    plots = [
        table.plot("data" if several else "vocabulary", name, group="vocabulary" if several else None, title=title)
        for name, title in (("compression", "Compression"), ("Rényi efficiency", "Rényi efficiency"))
    ]
    lossy = [name for name, vocabulary in vocabularies.items() if not vocabulary.lossless]
    warning = f"{', '.join(lossy)}: not every text comes back, so few tokens may mean lost text." if lossy else ""
    sections = [
        ("", callout(warning, "warning") if warning else ""),
        ("Compression and evenness", side_by_side(zip(("", ""), plots, strict=True))),
        ("All numbers", table.to_html() + paragraph(_EXPLANATIONS)),
        *((f"The same text in tokens: {name}", _excerpt(corpus, vocabularies)) for name, corpus in data.items()),
    ]
    return page("Encoding efficiency", sections, subtitle=" · ".join(vocabularies))


def _excerpt(corpus: Corpus, vocabularies: Mapping[str, Vocabulary]) -> str:
    """The beginning of the first document, cut by every vocabulary."""
    text = next(iter(corpus))[:_EXCERPT]
    shown = []
    for name, vocabulary in vocabularies.items():
        ids = vocabulary.encode(text).tolist()
        tokens = coloured_tokens([vocabulary.token_bytes(identifier) for identifier in ids], ids)
        shown.append((f"{name}: {len(ids):,} tokens for {len(text.encode('utf-8')):,} bytes", tokens))
    return side_by_side(shown)
