"""TokenAdapt: a new row is a mixture of the row's pieces and of its nearest old tokens by meaning.

Paper: "Achieving Tokenizer Flexibility in Language Models through Heuristic Adaptation and Supertoken Learning",
arXiv 2505.09738.

    local   c_i = cos(phi(s), phi(s_i)),  a = softmax(c),  l_i = |s_i| / |s|,  w = softmax((a + l) / 2 / (tau + 1e-5))
    global  v = softmax(g / (tau + 1e-5)) over the k old tokens with the highest cosine g, those below theta left out
    row     (1 - w_g) * sum w_i E[p_i] + w_g * sum v_i E[q_i]

where s is the new token, s_i are its pieces p_i in the old vocabulary, q_i its neighbours and phi a text embedder.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

import numpy as np

from tokencraft.errors import UsageError
from tokencraft.modeling.embedding import Embedder, HashedNGrams
from tokencraft.paper import Paper
from tokencraft.transplant import official
from tokencraft.transplant.combinations import Combinations, Weights
from tokencraft.transplant.configuration import Template, with_chat_template
from tokencraft.transplant.initializer import Initializer
from tokencraft.transplant.matching import Ids, Matching, is_ordinary, text_of
from tokencraft.transplant.neighbours import nearest, unit_vectors
from tokencraft.transplant.pieces import pieces_of
from tokencraft.transplant.rows import Padding, RowPlan
from tokencraft.transplant.weights import global_weights, local_weights
from tokencraft.vocabulary import Vocabulary

PAPER = Paper(
    slug="tokenadapt",
    title="Achieving Tokenizer Flexibility in Language Models through Heuristic Adaptation and Supertoken Learning",
    arxiv="2505.09738",
    year=2025,
)


@dataclass(frozen=True, kw_only=True)
class TokenAdapt(Initializer):
    """The hybrid of a local and a global estimate.

    Args:
        global_weight: weight of the global estimate, 0 to 1; 0 leaves it out, 1 leaves the local one out.
        temperature: of both softmaxes; above 0.3 the pieces of a token weigh almost the same.
        neighbours: old tokens in the global estimate.
        threshold: cosine below which a neighbour does not count; it depends on the embedder.
        embedder: text to vectors.
        official: do as the published code does: compare raw strings, decode through the tokenizers, search all old
            strings, leave noise in padded rows and output biases alone, copy any chat template.

    The further arguments are those of :class:`~tokencraft.transplant.initializer.Initializer`.

    Example:
        >>> TokenAdapt(global_weight=0.0).name
        'tokenadapt'
    """

    paper: ClassVar[Paper] = PAPER
    name: ClassVar[str] = "tokenadapt"

    global_weight: float = 0.3
    temperature: float = 0.3
    neighbours: int = 3
    threshold: float = 0.0
    embedder: Embedder = field(default_factory=HashedNGrams)
    official: bool = False

    def __post_init__(self) -> None:
        if not 0.0 <= self.global_weight <= 1.0 or self.temperature < 0.0 or self.neighbours < 1:
            raise UsageError(
                f"TokenAdapt needs 0 <= global_weight <= 1, temperature >= 0 and neighbours >= 1, not "
                f"{self.global_weight}, {self.temperature} and {self.neighbours}"
            )

    @classmethod
    def paper_settings(cls) -> TokenAdapt:
        """The settings of the paper's main table."""
        return cls(global_weight=0.3, temperature=0.3, neighbours=3, threshold=0.0)

    def estimate(self, matching: Matching) -> Combinations:
        """The hybrid of :func:`local_estimate` and :func:`global_estimate`."""
        if self.official:
            return official.estimate(
                matching,
                self.embedder,
                global_weight=self.global_weight,
                temperature=self.temperature,
                neighbours=self.neighbours,
                threshold=self.threshold,
            )
        local = Combinations.none(len(matching.unique))
        wide = local
        if self.global_weight < 1.0:
            local = local_estimate(matching, self.embedder, self.temperature)
        if self.global_weight > 0.0:
            wide = global_estimate(matching, self.embedder, self.temperature, self.neighbours, self.threshold)
        return local.mix(wide, self.global_weight)

    def match(self, old: Vocabulary, new: Vocabulary) -> Matching:
        """Which tokens both vocabularies have; by raw strings where ``official``."""
        return official.match_strings(old, new) if self.official else super().match(old, new)

    def plan(self, old: Vocabulary, new: Vocabulary) -> RowPlan:
        """Where every new row comes from."""
        return replace(super().plan(old, new), whole=self.official)

    def padding(self, tied: bool, which: Literal["input", "output"]) -> Padding:
        """What padded rows hold; noise where ``official``."""
        return "random" if self.official else super().padding(tied, which)

    def chat_template(self, matching: Matching) -> tuple[Vocabulary, Template]:
        """The new vocabulary with its chat template; any old template is copied where ``official``."""
        return with_chat_template(matching, official=self.official)


def local_estimate(matching: Matching, embedder: Embedder, temperature: float) -> Combinations:
    """Each unique token from its pieces; a single piece is a copy."""
    old, new, unique = matching.old, matching.new, matching.unique
    pieces = pieces_of(matching)
    needed = np.unique(np.concatenate([np.zeros(0, np.int64), *pieces]))
    whole = unit_vectors(embedder([shown(new, identifier) for identifier in unique.tolist()]))
    parts = unit_vectors(embedder([shown(old, identifier) for identifier in needed.tolist()]))
    rows = []
    for index, (identifier, ids) in enumerate(zip(unique.tolist(), pieces, strict=True)):
        if len(ids) < 2:
            rows.append((ids, np.ones(len(ids))))
            continue
        cosines = (parts[np.searchsorted(needed, ids)] @ whole[index]).astype(np.float64)
        rows.append((ids, local_weights(cosines, _shares(matching, identifier, ids), temperature)))
    return Combinations.of(rows)


def global_estimate(
    matching: Matching, embedder: Embedder, temperature: float, neighbours: int, threshold: float
) -> Combinations:
    """Each unique token from its nearest old tokens; parts of characters, which are no text, have no estimate."""
    old, new, unique = matching.old, matching.new, matching.unique
    index = searchable(old)
    texts = [text_of(new, identifier) for identifier in unique.tolist()]
    asked = [place for place, text in enumerate(texts) if text]
    rows: list[tuple[Ids, Weights]] = [(np.zeros(0, np.int64), np.zeros(0))] * len(unique)
    if not len(index) or not asked:
        return Combinations.of(rows)
    found, cosines = nearest(
        embedder([texts[place] or "" for place in asked]),
        embedder([shown(old, identifier) for identifier in index.tolist()]),
        neighbours,
    )
    for place, ids, values in zip(asked, found, cosines, strict=True):
        weights = global_weights(values, temperature, threshold)
        kept = weights > 0
        rows[place] = (index[ids][kept], weights[kept]) if len(weights) else rows[place]
    return Combinations.of(rows)


def searchable(vocabulary: Vocabulary) -> Ids:
    """Tokens that may be neighbours: text, not special or unused, each text once."""
    seen: dict[bytes, int] = {}
    for identifier, token in enumerate(vocabulary.tokens):
        if is_ordinary(vocabulary, identifier) and text_of(vocabulary, identifier) is not None:
            seen.setdefault(token, identifier)
    return np.array(list(seen.values()), np.int64)


def shown(vocabulary: Vocabulary, identifier: int) -> str:
    """A token as text for the embedder; bytes that are no text are spelt out, not replaced by U+FFFD."""
    return vocabulary.tokens[identifier].decode("utf-8", "backslashreplace")


def _shares(matching: Matching, identifier: int, ids: Ids) -> Weights:
    """Length of each piece in the token's: in characters, in bytes where a piece is no text."""
    texts = [text_of(matching.old, piece) for piece in ids.tolist()]
    whole = text_of(matching.new, identifier)
    if whole is not None and all(text is not None for text in texts):
        return np.array([len(text or "") for text in texts]) / len(whole)
    lengths = np.array([len(matching.old.tokens[piece]) for piece in ids.tolist()])
    return np.asarray(lengths / len(matching.new.tokens[identifier]), dtype=np.float64)
