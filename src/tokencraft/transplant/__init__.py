"""Models onto other vocabularies: a model and two vocabularies in, the model with new embedding rows out."""

from __future__ import annotations

from tokencraft.transplant.baselines import Global, Local, Mean, Random, ReTok
from tokencraft.transplant.initializer import Initializer
from tokencraft.transplant.tokenadapt import TokenAdapt
from tokencraft.transplant.transplanted import Transplanted, TransplantReport

__all__ = [
    "Global",
    "Initializer",
    "Local",
    "Mean",
    "Random",
    "ReTok",
    "TokenAdapt",
    "TransplantReport",
    "Transplanted",
    "initializers",
]


def initializers() -> dict[str, type[Initializer]]:
    """Every way to make new rows by the name it has on the command line.

    Example:
        >>> sorted(initializers())
        ['global', 'local', 'mean', 'random', 'retok', 'tokenadapt']
    """
    return {method.name: method for method in (TokenAdapt, Random, Mean, ReTok, Local, Global)}
