"""What every method of this room returns, and how its arguments are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from tokencraft.corpus import Corpus
from tokencraft.errors import CorpusError, UsageError
from tokencraft.report import Column, Table, run_context
from tokencraft.vocabulary import Vocabulary

Row = TypeVar("Row")


@dataclass(frozen=True)
class Measurement(Generic[Row]):
    """Rows of numbers, one for each vocabulary on each part of the data.

    Args:
        title: what was measured.
        rows: one object a row, with the numbers as attributes.
        columns: ``(attribute, column)`` of the numbers that a table shows.
        context: versions, hardware, seed and command.
    """

    title: str
    rows: tuple[Row, ...]
    columns: tuple[tuple[str, Column], ...]
    context: Mapping[str, Any] = field(default_factory=run_context)

    def row(self, **keys: object) -> Row:
        """The only row whose attributes have these values, for example ``row(vocabulary="gpt2", data="English")``.

        Raises:
            UsageError: no row has them, or several have.
        """
        found = [row for row in self.rows if all(getattr(row, key) == value for key, value in keys.items())]
        if len(found) != 1:
            raise UsageError(f"{len(found)} rows of {self.title!r} have {keys}; name exactly one")
        return found[0]

    def table(self) -> Table:
        """The rows under columns with units."""
        body = [[getattr(row, attribute) for attribute, _ in self.columns] for row in self.rows]
        return Table(self.title, [column for _, column in self.columns], body, self.context)

    def to_json(self) -> dict[str, Any]:
        """The table in the JSON shape of all tables."""
        return self.table().to_json()


def named_vocabularies(vocabularies: Vocabulary | Mapping[str, Vocabulary]) -> dict[str, Vocabulary]:
    """Vocabularies by name; a single one is called after its method.

    Raises:
        UsageError: there is none.
    """
    if isinstance(vocabularies, Vocabulary):
        return {vocabularies.origin.method or "vocabulary": vocabularies}
    if not vocabularies:
        raise UsageError("there is no vocabulary to measure")
    return dict(vocabularies)


def named_data(data: Corpus | Mapping[str, Corpus]) -> dict[str, Corpus]:
    """Corpora by the name of their language or domain; a single one is called ``"all"``.

    Raises:
        UsageError: there is none.
        CorpusError: one has no documents; the message names it.
    """
    corpora = {"all": data} if isinstance(data, Corpus) else dict(data)
    if not corpora:
        raise UsageError("there is no data to measure on")
    for name, corpus in corpora.items():
        try:
            corpus.require_documents()
        except CorpusError as error:
            raise CorpusError(f"{name}: {error}" if len(corpora) > 1 else str(error)) from None
    return corpora
