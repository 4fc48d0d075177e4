"""Premiums: how much more the same text costs in one language than in another, by vocabulary and for bytes alone.

The Universal Declaration of Human Rights in 388 files, seven published vocabularies, and bytes as one. Nothing is
random here, so there are no seeds; what could be wrong is the texts: fragments are left out, layout is taken away, and
translations differ in length for reasons of their own.

    python proofs/premiums.py
"""

from __future__ import annotations

import math
from typing import Any

import harness

from tokencraft.measure import PremiumRow, Premiums, premium_summary, read_parallel
from tokencraft.vocabulary import Vocabulary, split

PROOF = harness.Proof(
    "premiums",
    "The same text takes up to 15 times as many tokens in one language as in another, and more than 4 times as many "
    "bytes",
    "under no published vocabulary do two languages differ by 10 times or more, or in bytes none do by more than 4",
)


def main() -> None:
    data = harness.data_folder()
    vocabularies = {"bytes": Vocabulary.from_merges([], splitter=split.GPT2)}
    for path in sorted((data / "tokenizers").glob("*.gz")):
        vocabularies[path.name.partition(".")[0]] = Vocabulary.load(path)
    measurement = Premiums().measure(vocabularies, read_parallel(data / "text" / "udhr.json.gz"))
    rows = [numbers(name, measurement.rows) for name in vocabularies]
    print(premium_summary(measurement).to_text(200))
    published = [row["largest_over_smallest"] for row in rows if row["vocabulary"] != "bytes"]
    whole = max(published) >= 15 and rows[0]["largest_over_smallest"] > 4
    falsified = max(published) < 10 or rows[0]["largest_over_smallest"] <= 4
    PROOF.conclude(
        "failed" if falsified else "held" if whole else "inconclusive",
        rows,
        seeds=(),
        command="python proofs/premiums.py",
    )


def numbers(vocabulary: str, rows: tuple[PremiumRow, ...]) -> dict[str, Any]:
    own = [row for row in rows if row.vocabulary == vocabulary and row.complete]
    dearest, cheapest = own[0], own[-1]
    values = sorted(row.premium for row in own)
    return {
        "vocabulary": vocabulary,
        "vocab_size": dearest.vocab_size,
        "languages": len(own),
        "dearest": dearest.data,
        "dearest_tokens": dearest.tokens,
        "dearest_bytes": dearest.bytes,
        "cheapest": cheapest.data,
        "cheapest_tokens": cheapest.tokens,
        "cheapest_bytes": cheapest.bytes,
        "largest_over_smallest": dearest.premium / cheapest.premium,
        "largest_over_english": dearest.premium,
        "median_over_english": values[len(values) // 2],
        "english_is_cheaper_than": sum(row.premium > 1 for row in own) / len(own),
        "median_log2_premium_per_byte": math.log2(sorted(row.premium_per_byte for row in own)[len(own) // 2]),
    }


if __name__ == "__main__":
    main()
