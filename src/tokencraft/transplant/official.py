"""TokenAdapt's strings as the published code has them, for parity with it.

Tokens are compared as raw vocabulary strings, a token's text is what its tokenizer decodes it to (so that all parts of
characters become U+FFFD, and a leading space may vanish), its pieces are what the old tokenizer encodes that text to,
and every old string is a possible neighbour, special tokens and repetitions included.
"""

from __future__ import annotations

import numpy as np

from tokencraft.modeling.embedding import Embedder
from tokencraft.transplant.combinations import Combinations, Weights
from tokencraft.transplant.matching import Ids, Matching
from tokencraft.transplant.neighbours import nearest, unit_vectors
from tokencraft.transplant.weights import global_weights, local_weights
from tokencraft.vocabulary import Vocabulary


def match_strings(old: Vocabulary, new: Vocabulary) -> Matching:
    """Tokens whose raw strings are identical."""
    known = {piece: identifier for identifier, piece in enumerate(old.pieces) if piece}
    return Matching(old, new, np.array([known.get(piece, -1) if piece else -1 for piece in new.pieces], np.int64))


def estimate(
    matching: Matching,
    embedder: Embedder,
    *,
    global_weight: float,
    temperature: float,
    neighbours: int,
    threshold: float,
) -> Combinations:
    """The hybrid estimate over decoded strings."""
    old, new = matching.old.to_transformers(), matching.new.to_transformers()
    texts = [str(new.decode([identifier])) for identifier in matching.unique.tolist()]
    local = Combinations.none(len(texts))
    wide = local
    if global_weight < 1.0:
        encoded = old(texts, add_special_tokens=False)["input_ids"] if texts else []
        pieces = [np.array([i for i in ids if i < len(matching.old)], np.int64) for ids in encoded]
        local = _local(texts, pieces, [str(old.decode([i])) for i in range(len(matching.old))], embedder, temperature)
    if global_weight > 0.0:
        held = [(identifier, piece) for identifier, piece in enumerate(matching.old.pieces) if piece]
        index = np.array([identifier for identifier, _ in held], np.int64)
        wide = _global(texts, index, [piece for _, piece in held], embedder, temperature, neighbours, threshold)
    return local.mix(wide, global_weight)


def _local(
    texts: list[str], pieces: list[Ids], old_texts: list[str], embedder: Embedder, temperature: float
) -> Combinations:
    whole, parts = unit_vectors(embedder(texts)), unit_vectors(embedder(old_texts))
    rows: list[tuple[Ids, Weights]] = []
    for index, (text, ids) in enumerate(zip(texts, pieces, strict=True)):
        if len(ids) < 2 or not text:
            kept = ids if text else ids[:0]
            rows.append((kept, np.ones(len(kept))))
            continue
        cosines = (parts[ids] @ whole[index]).astype(np.float64)
        shares = np.array([len(old_texts[identifier]) / len(text) for identifier in ids.tolist()])
        rows.append((ids, local_weights(cosines, shares, temperature)))
    return Combinations.of(rows)


def _global(
    texts: list[str],
    index: Ids,
    old_strings: list[str],
    embedder: Embedder,
    temperature: float,
    neighbours: int,
    threshold: float,
) -> Combinations:
    found, cosines = nearest(embedder(texts), embedder(old_strings), neighbours)
    rows: list[tuple[Ids, Weights]] = []
    for ids, values in zip(found, cosines, strict=True):
        weights = global_weights(values, temperature, threshold)
        rows.append((index[ids][weights > 0], weights[weights > 0]) if len(weights) else (index[:0], weights))
    return Combinations.of(rows)
