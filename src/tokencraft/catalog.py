"""The methods of tokencraft, read from the classes: every class of a room that carries a ``paper``.

A method of the published 43 is known by the slug of its paper; other classes with a paper (baselines, references) are
entries too. Only modules of the rooms are imported, and no module of a room imports an optional dependency at its top.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from typing import Any

import tokencraft
from tokencraft.paper import Paper

#: The 43 methods by room, as their pages in the documentation are called.
SLUGS: dict[str, tuple[str, ...]] = {
    "learn": ("superbpe", "kl3m", "less-is-better"),
    "measure": ("turkish-standards", "tokenization-counts", "biomedical-segmentation", "mixture-inference"),
    "transplant": ("tokenadapt", "zett", "dynamic-tokenization", "k-tokeniser"),
    "bytelevel": ("byte-probabilities", "equal-info-windows"),
    "feed": ("codeact", "prepacking", "bytetransformer", "tokenring"),
    "shorten": ("tcra", "longtext-hacks"),
    "visual": ("divprune", "token-correlation", "read-seg"),
    "models": ("mrt5", "word-pooled", "hierarchical-autoregressive", "lexinvariant", "ernie-gram", "dupmae"),
    "images": ("titok", "flextok", "textok", "seed-tokenizer", "robusttok"),
    "diffusion": ("follow-the-flow", "class-tokens", "core-context", "sage"),
    "provenance": ("robust-watermark", "alignment-resampling", "aura", "token-forcing"),
    "context": ("needle-threading", "tempscale"),
}


@dataclass(frozen=True)
class Entry:
    """A class that implements a publication, or a part of one.

    Args:
        room: the room it lives in.
        name: its name, importable from the room or from ``module``.
        module: the module that defines it.
        summary: the first line of its docstring.
        paper: the publication.
    """

    room: str
    name: str
    module: str
    summary: str
    paper: Paper

    @property
    def is_method(self) -> bool:
        """Whether it belongs to the 43 methods, rather than being a baseline or a reference."""
        return any(self.paper.slug in slugs for slugs in SLUGS.values())

    def to_json(self) -> dict[str, Any]:
        """``{"slug", "class", "room", "arxiv", "year"}``."""
        paper = self.paper
        return {
            "slug": paper.slug,
            "class": self.name,
            "room": self.room,
            "arxiv": paper.arxiv,
            "year": paper.year,
        }


def entries() -> list[Entry]:
    """Every class of a room that carries a paper, in the order of the rooms, then of the slugs and the names."""
    present = {module.name for module in pkgutil.iter_modules(tokencraft.__path__)}
    found = [entry for room in SLUGS if room in present for entry in _entries_of(room)]
    rooms = list(SLUGS)
    return sorted(found, key=lambda entry: (rooms.index(entry.room), entry.paper.slug, entry.name))


def methods() -> list[Entry]:
    """The entries that belong to the 43 methods; a method of several parts has one entry a part."""
    return [entry for entry in entries() if entry.is_method]


def _entries_of(room: str) -> list[Entry]:
    """The classes of one room, each where it is defined."""
    package = importlib.import_module(f"tokencraft.{room}")
    modules = [importlib.import_module(m.name) for m in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    return [
        Entry(room, name, module.__name__, (value.__doc__ or "").strip().partition("\n")[0], value.__dict__["paper"])
        for module in [package, *modules]
        for name, value in vars(module).items()
        if isinstance(value, type)
        and value.__module__ == module.__name__
        and isinstance(value.__dict__.get("paper"), Paper)
    ]
