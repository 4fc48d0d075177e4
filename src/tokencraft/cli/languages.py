"""What ``tokencraft measure`` says of languages: words and morphemes of a vocabulary, premiums over parallel texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from tokencraft.measure import LinguisticIntegrity
    from tokencraft.morphology import Lexicon

LexiconFiles = Annotated[
    list[str] | None,
    typer.Option(
        "--lexicon",
        metavar="FILES...",
        help="Also measure how many pieces are words and morphemes: lists of roots, words=, affixes= and unimorph= "
        "before other files, and treebanks (.conllu).",
    ),
]
Language = Annotated[
    str, typer.Option("--language", metavar="CODE", help="Language of --lexicon, for lower case: tr and az differ.")
]
AnalyserName = Annotated[
    Literal["zeyrek"] | None,
    typer.Option("--analyser", help="Also ask this analyser what a word is: zeyrek reads Turkish."),
]
MinLength = Annotated[
    int,
    typer.Option("--min-length", metavar="INTEGER", min=1, help="Characters from which a piece counts as a word."),
]
Morphemes = Annotated[
    Path | None,
    typer.Option(
        "--morphemes", metavar="FILE", help="Also score the pieces of words against gold morphemes (SIGMORPHON's form)."
    ),
]
Parallel = Annotated[
    Path | None,
    typer.Option(
        "--parallel",
        metavar="PATH",
        help="Also measure premiums: the same text in many languages, a JSON object or a folder of files.",
    ),
]
Reference = Annotated[
    str, typer.Option("--reference", metavar="NAME", help="The language that others are relative to.")
]


def integrity(files: Sequence[str], language: str, analyser: str | None, min_length: int) -> LinguisticIntegrity | None:
    """The measure that the options ask for, if they do."""
    if not files and analyser is None:
        return None
    from tokencraft.measure import LinguisticIntegrity
    from tokencraft.morphology import Lexicon, Zeyrek

    language = language or ("tr" if analyser == "zeyrek" else "")
    lexicon = Lexicon(language=language)
    for each in files:
        lexicon |= _lexicon(each, language)
    return LinguisticIntegrity(lexicon, Zeyrek() if analyser == "zeyrek" else None, min_length=min_length)


def _lexicon(argument: str, language: str) -> Lexicon:
    """One file of ``--lexicon``."""
    from tokencraft.morphology import Lexicon

    kind, equals, path = argument.partition("=")
    if not equals or Path(argument).exists():
        kind, path = "", argument
    if kind == "unimorph":
        return Lexicon.from_unimorph(path, language=language)
    if not kind and Path(path.removesuffix(".gz").removesuffix(".zst")).suffix == ".conllu":
        return Lexicon.from_conllu(path, language=language)
    part: Any = kind or "roots"
    return Lexicon.from_list(path, part, language=language)
