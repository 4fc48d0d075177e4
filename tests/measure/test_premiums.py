"""Premiums by hand, their invariants, and the page that shows them."""

from __future__ import annotations

import math
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from tokencraft.corpus import Corpus
from tokencraft.errors import UsageError
from tokencraft.measure import Premiums, premium_page, premium_summary, premium_tiles, read_parallel, widest
from tokencraft.vocabulary import Vocabulary, split
from tokencraft.vocabulary import bytes as canonical

ID = {value: position for position, value in enumerate(canonical.BYTE_ORDER)}
PAIRS = Vocabulary.from_merges([(ID[ord("a")], ID[ord("b")])], splitter=split.GPT2)
BYTES = Vocabulary.from_merges([], splitter=split.GPT2)
DATA = {
    "eng": Corpus.from_iterable(["abab", "abab"]),  # 8 bytes, 4 tokens
    "x": Corpus.from_iterable(["xyxyxyxyxy"]),  # 10 bytes, 10 tokens
    "ж": Corpus.from_iterable(["жжжж"]),  # 8 bytes, 4 characters, 8 tokens
    "bit": Corpus.from_iterable(["a"]),
}


def test_premiums_by_hand() -> None:
    measurement = Premiums(least_share=0.2, least_lines=0).measure({"pairs": PAIRS, "bytes": BYTES}, DATA)
    row = measurement.row(vocabulary="pairs", data="x")
    assert (row.tokens, row.bytes, row.characters) == (10, 10, 10)
    assert (row.premium, row.byte_premium, row.character_premium) == (2.5, 1.25, 1.25)
    assert (row.premium_per_byte, row.bytes_per_token) == (2, 1)
    row = measurement.row(vocabulary="pairs", data="ж")
    assert (row.premium, row.byte_premium, row.character_premium) == (2, 1, 0.5)
    assert measurement.row(vocabulary="bytes", data="x").premium == 1.25
    fragment = measurement.row(vocabulary="pairs", data="bit")
    assert not fragment.complete
    assert math.isnan(fragment.premium)
    assert fragment.tokens == 1
    assert [row.data for row in measurement.rows if row.vocabulary == "pairs"] == ["x", "ж", "eng", "bit"]


def test_tokens_never_stand_without_bytes_and_characters() -> None:
    names = [column.name for column in Premiums().measure(PAIRS, DATA).table().columns]
    assert names.index("bytes") < names.index("characters") < names.index("tokens")
    summary = [column.name for column in premium_summary(Premiums().measure(PAIRS, DATA)).columns]
    assert summary.index("tokens") == summary.index("bytes") + 1


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), st.text("abжx ", min_size=1, max_size=30), min_size=1))
def test_bytes_have_the_premium_of_their_bytes(texts: dict[str, str]) -> None:
    data = {name: Corpus.from_iterable([text]) for name, text in texts.items()}
    reference = next(iter(texts))
    for row in Premiums(reference, least_share=0, least_lines=0).measure(BYTES, data).rows:
        assert row.premium == row.byte_premium
        assert row.premium_per_byte == 1
        if row.data == reference:
            assert row.premium == 1


def test_half_a_text_shows_by_its_lines() -> None:
    data = {"eng": Corpus.from_iterable(["ab\nab\nab\nab"]), "x": Corpus.from_iterable(["xxxxx\nxxxxx"])}
    assert [row.complete for row in Premiums().measure(PAIRS, data).rows] == [True, False]
    assert [row.complete for row in Premiums(least_lines=0.5).measure(PAIRS, data).rows] == [True, True]


def test_summary_by_hand() -> None:
    table = premium_summary(Premiums(least_share=0.2, least_lines=0).measure({"pairs": PAIRS, "bytes": BYTES}, DATA))
    rows = [dict(zip([column.name for column in table.columns], row, strict=True)) for row in table.rows]
    assert [row["vocabulary"] for row in rows] == ["pairs", "bytes"]
    assert (rows[0]["languages"], rows[0]["bytes"], rows[0]["tokens"]) == (2, 8, 4)
    assert (rows[0]["median"], rows[0]["largest"], rows[0]["of"], rows[0]["2 or more"]) == (2.25, 2.5, "x", 1)
    assert (rows[1]["median"], rows[1]["2 or more"], rows[1]["per byte"]) == (1.125, 0, 1)
    alone = premium_summary(Premiums().measure(PAIRS, {"eng": DATA["eng"]}))
    assert alone.rows[0][2] == 0
    assert math.isnan(alone.rows[0][5])


def test_lost_text_is_shown() -> None:
    stock = tokenizers.Tokenizer(tokenizers.models.WordPiece({"[UNK]": 0, "abab": 1}, unk_token="[UNK]"))
    stock.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    stock.add_special_tokens(["[UNK]"])
    measurement = Premiums().measure({"lossy": Vocabulary.from_tokenizer(stock)}, DATA)
    assert measurement.row(data="x").unknown_share == 1
    assert "unknown" in [column.name for column in measurement.table().columns]
    assert "lossy: some text becomes unknown tokens" in premium_page(measurement)


def test_page() -> None:
    measurement = Premiums(least_share=0.2, least_lines=0).measure({"pairs": PAIRS, "bytes": BYTES}, DATA)
    html = premium_page(measurement)
    assert html.count("<svg") == 2
    assert "left out: bit" in html
    assert not re.search(r"(src|href)=", html)
    table = widest(measurement, 1)
    assert table.column("language") == ["x", "eng", "x", "ж"]


def test_tiles_share_a_scale_and_keep_the_order() -> None:
    measurement = Premiums(least_share=0.2, least_lines=0).measure({"pairs": PAIRS, "bytes": BYTES}, DATA)
    picture = ElementTree.fromstring(premium_tiles(measurement, "pairs"))
    titles = [each.text for each in picture.iter() if each.tag.endswith("title")]
    assert titles == ["x: 2.5x", "ж: 2x", "eng: 1x"]
    fills = [each.get("fill") for each in picture.iter() if each.tag.endswith("rect")]
    other = ElementTree.fromstring(premium_tiles(measurement, "bytes"))
    others = [each.get("fill") for each in other.iter() if each.tag.endswith("rect")]
    assert fills[2] == others[-49] != fills[0]  # 1x has one colour in both


def test_bad_calls() -> None:
    with pytest.raises(UsageError, match="'eng' is not among the texts: x"):
        Premiums().measure(PAIRS, {"x": DATA["x"]})
    with pytest.raises(UsageError, match="not among the texts"):
        Premiums().measure(PAIRS, DATA["x"])  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="0 to 1"):
        Premiums(least_share=2)


def test_declaration_of_human_rights(data_folder: Path) -> None:
    data = read_parallel(data_folder / "text" / "udhr.json.gz")
    gpt2 = Vocabulary.load(data_folder / "tokenizers" / "gpt-2.json.gz")
    some = {name: data[name] for name in ("eng", "tur", "mya", "dzo")}
    measurement = Premiums().measure({"gpt-2": gpt2}, some)
    stock = gpt2.to_tokenizers()
    counts = {
        name: len(stock.encode(next(iter(corpus)), add_special_tokens=False).ids) for name, corpus in some.items()
    }
    assert {row.data: row.tokens for row in measurement.rows} == counts
    assert (
        measurement.row(data="mya").premium == counts["mya"] / counts["eng"] > measurement.row(data="tur").premium > 1
    )
    assert not measurement.row(data="dzo").complete  # the file holds its title alone
