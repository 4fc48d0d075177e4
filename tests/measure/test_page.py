"""The page of an efficiency measurement."""

from __future__ import annotations

import re

import pytest

from tokencraft.corpus import Corpus
from tokencraft.measure import Efficiency, efficiency_page
from tokencraft.vocabulary import Vocabulary, split


@pytest.mark.parametrize("parts", [1, 2])
def test_page_shows_plots_numbers_and_tokens(parts: int) -> None:
    vocabularies = {
        "bytes": Vocabulary.from_merges([], splitter=split.GPT2),
        "pairs": Vocabulary.from_merges([(64, 65)], splitter=split.GPT2),  # a b
    }
    data = {f"part {k}": Corpus.from_iterable([f"ab<ab {k}"]) for k in range(parts)}
    page = efficiency_page(Efficiency().measure(vocabularies, data), vocabularies, data)
    assert page.count("<svg") == 2
    tokens = re.findall(r"(\w+): (\d+) tokens for 7 bytes", page)
    assert tokens == [("bytes", "7"), ("pairs", "5")] * parts
    assert page.count('title="id 256, 2 bytes">ab</span>') == 2 * parts
    assert "Warning" not in page
