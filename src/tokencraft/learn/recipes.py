"""SuperBPE's options by name: the splitters of its two recipes, and strings in the byte alphabet."""

from __future__ import annotations

from tokencraft.errors import UsageError
from tokencraft.vocabulary import split
from tokencraft.vocabulary.bytes import from_printable

RECIPES: dict[str, tuple[split.Splitter, split.Splitter]] = {
    "v2": (split.SUPERBPE_V2_STAGE1, split.SUPERBPE_V2_STAGE2),
    "paper": (split.SUPERBPE_PAPER_STAGE1, split.SUPERBPE_PAPER_STAGE2),
}
"""The splitters of stage 1 and stage 2 by recipe."""
PRETOKEN_RUNS = "pretoken-runs"
"""What stage 2 of SuperBPE may be instead of a splitter."""


def splitter_of(recipe: str | split.Splitter, stage: int) -> split.Splitter:
    """The splitter of a recipe, or the splitter given.

    Raises:
        UsageError: there is no such recipe.
    """
    if not isinstance(recipe, str):
        return recipe
    if recipe not in RECIPES:
        runs = f", {PRETOKEN_RUNS!r} for stage 2 of SuperBPE" if stage == 1 else ""
        raise UsageError(
            f"there is no recipe {recipe!r}; there are {', '.join(map(repr, RECIPES))}{runs}, or give a splitter"
        )
    return RECIPES[recipe][stage]


def forbidden(strings: tuple[str, ...]) -> tuple[bytes, ...]:
    """The bytes of strings in the byte alphabet.

    Raises:
        UsageError: a string holds another character.
    """
    try:
        return tuple(from_printable(string) for string in strings)
    except ValueError as error:
        raise UsageError(f"forbid is written in the byte alphabet of tokenizer.json (Ġ is a space): {error}") from None
