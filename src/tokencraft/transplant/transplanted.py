"""What a transplant gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedModel

from tokencraft.report import Column, Table
from tokencraft.transplant.configuration import Template
from tokencraft.transplant.matching import text_of
from tokencraft.transplant.rows import RowPlan
from tokencraft.vocabulary import Vocabulary


@dataclass(frozen=True)
class TransplantReport:
    """Where every row of the new matrices came from.

    Args:
        method: name of the method, for example ``"tokenadapt"``.
        vocabulary: the new vocabulary, with the chat template it ended up with.
        plan: which rows were copied, and the weights of all others.
        chat_template: whether the template is the new vocabulary's own, copied from the old one, dropped because its
            markers are missing, or there is none.
    """

    method: str
    vocabulary: Vocabulary
    plan: RowPlan
    chat_template: Template

    @property
    def shared(self) -> int:
        """New tokens that took an old row as it was."""
        return len(self.plan.matching.shared)

    @property
    def new(self) -> int:
        """New tokens whose row was made."""
        return len(self.plan.matching.unique)

    @property
    def byte_fragments(self) -> int:
        """Those of :attr:`new` whose bytes are no text on their own."""
        return len(self.plan.matching.fragments)

    @property
    def left(self) -> int:
        """Those of :attr:`new` without an estimate: they got the method's fallback."""
        return len(self.plan.left)

    @property
    def padded_ids(self) -> tuple[int, ...]:
        """Ids whose rows mean nothing; the generation configuration suppresses them."""
        return tuple(self.plan.padded.tolist())

    def sources(self, identifier: int) -> list[tuple[int, float]]:
        """Old ids and weights that the row of a new token is made of; empty where it fell back or is padding."""
        matching = self.plan.matching
        if identifier < len(matching.new) and matching.source[identifier] >= 0:
            return [(int(matching.source[identifier]), 1.0)]
        place = matching.unique.searchsorted(identifier)
        if place == len(matching.unique) or matching.unique[place] != identifier:
            return []
        ids, weights = self.plan.combinations[int(place)]
        return list(zip(ids.tolist(), weights.tolist(), strict=True))

    def special_tokens(self) -> list[dict[str, Any]]:
        """Every special token of the new vocabulary: role, string, new id, and the old id it took the row of."""
        matching = self.plan.matching
        return [
            {
                "role": role,
                "string": matching.new.tokens[identifier].decode("utf-8", "replace"),
                "id": identifier,
                "old_id": int(matching.source[identifier]) if matching.source[identifier] >= 0 else None,
            }
            for role, identifier in matching.new.special_tokens.items()
        ]

    def table(self) -> Table:
        """Counts of rows by where they came from."""
        rows = [
            ["copied from the old vocabulary", self.shared],
            ["made from old rows", self.new - self.left],
            ["of these, parts of characters", self.byte_fragments],
            [f"without an estimate ({self.plan.fallback})", self.left],
            ["padding", len(self.padded_ids)],
            ["in all", self.plan.size],
        ]
        return Table(f"Rows by {self.method}", [Column("rows"), Column("count", "rows")], rows)

    def provenance(self, limit: int = 20) -> Table:
        """The first ``limit`` made rows with their sources."""
        matching = self.plan.matching
        rows = []
        for identifier in matching.unique[:limit].tolist():
            sources = self.sources(identifier)
            named = ", ".join(f"{_shown(matching.old, old)} {weight:.3f}" for old, weight in sources)
            rows.append([identifier, _shown(matching.new, identifier), named or self.plan.fallback])
        return Table(f"Sources by {self.method}", [Column("id"), Column("token"), Column("sources and weights")], rows)

    def to_json(self) -> dict[str, Any]:
        """Counts, special tokens and what became of the chat template."""
        return {
            "method": self.method,
            "old_size": len(self.plan.matching.old),
            "new_size": len(self.plan.matching.new),
            "rows": self.plan.size,
            "shared": self.shared,
            "new": self.new,
            "byte_fragments": self.byte_fragments,
            "without_estimate": self.left,
            "padded": len(self.padded_ids),
            "special_tokens": self.special_tokens(),
            "chat_template": self.chat_template,
        }


@dataclass(frozen=True)
class Transplanted(TransplantReport):
    """A model on a new vocabulary.

    Args:
        model: a copy of the model with new embeddings; the one passed in is as it was.
    """

    model: PreTrainedModel


def _shown(vocabulary: Vocabulary, identifier: int) -> str:
    """A token for people."""
    text = text_of(vocabulary, identifier)
    return repr(text) if text is not None else repr(vocabulary.tokens[identifier])
