"""The publication a method comes from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Paper:
    """Where a method was published.

    Args:
        slug: the short name of the method's card and documentation page, for example ``"superbpe"``.
        title: the title of the publication.
        arxiv: the arXiv identifier, for example ``"2503.13423"``; None where there is none.
        year: the year of publication.
        url: where to read it; derived from ``arxiv`` when left out.
    """

    slug: str
    title: str
    arxiv: str | None
    year: int
    url: str = ""

    def __post_init__(self) -> None:
        if not self.url and self.arxiv:
            object.__setattr__(self, "url", f"https://arxiv.org/abs/{self.arxiv}")
