"""Documents of another corpus, each changed on its way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tokencraft.corpus.reading import Skipped
from tokencraft.corpus.sources import Record, Source

if TYPE_CHECKING:
    from tokencraft.corpus.corpus import Corpus


@dataclass(frozen=True, eq=False)
class Mapped:
    """The documents of a corpus with ``function`` applied to their text; those that become empty are left out.

    Args:
        corpus: where the documents come from.
        function: new text from old.
    """

    corpus: Corpus
    function: Callable[[str], str]

    @property
    def skipped(self) -> Skipped:
        """See :class:`~tokencraft.corpus.sources.Source`."""
        return self.corpus.source.skipped

    def records(self) -> Iterator[Record]:
        """See :class:`~tokencraft.corpus.sources.Source`."""
        for name, position, text in self.corpus.records():
            changed = self.function(text)
            if changed:
                yield name, position, changed

    def shards(self, n: int) -> Sequence[Source]:
        """See :class:`~tokencraft.corpus.sources.Source`."""
        return [Mapped(shard, self.function) for shard in self.corpus.shards(n)]

    @property
    def size_bytes(self) -> int | None:
        """The size before; None where it is not known without reading."""
        return self.corpus.size_bytes

    def signature(self) -> str | None:
        """None: what a function does to text cannot be told without reading."""
        return None
