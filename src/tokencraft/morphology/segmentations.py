"""Gold segmentations: canonical morphemes (``vary @@ing``) as cuts of the word as it is written (``vary|ing``).

The form of the SIGMORPHON 2022 shared task; from canonical morphemes to tags of letters as in "Biomedical Language
Models are Robust to Sub-optimal Tokenization", arXiv 2306.17649: B begins a piece, I goes on.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tokencraft.errors import CorpusError, UsageError

_GOES_ON = "@@"


class Segmented(NamedTuple):
    """A word with its gold morphemes.

    Args:
        word: as it is written.
        segments: canonical morphemes, all but the first with ``@@``: ``"vary @@ing"``.
        category: three digits for inflection, derivation, compounding; empty where unknown.
    """

    word: str
    segments: str
    category: str = ""


def read_segmentations(path: str | os.PathLike[str]) -> Iterator[Segmented]:
    """The rows of a file: word, segments and, if there is one, category, between tabs, or commas where there are none.

    Args:
        path: text, also ``.gz``. Nothing is guessed: the word ``null`` is a word.

    Raises:
        CorpusError: the file cannot be read, or a line has no segments.
    """
    path = Path(path)
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as stream:
            for number, line in enumerate(stream, 1):
                text = line.rstrip("\r\n")
                if not text:
                    continue
                cells = text.split("\t" if "\t" in text else ",")
                if len(cells) < 2 or not cells[0] or not cells[1]:
                    raise CorpusError(f"{path}, line {number}: expected a word, a tab and its segments")
                yield Segmented(cells[0], cells[1], cells[2] if len(cells) > 2 else "")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path}: cannot be read: {error}") from None


def segments_to_bio(word: str, segments: str, *, official: bool = False) -> str:
    """Tags of the letters of a word: ``B`` begins a piece, ``I`` goes on.

    Canonical morphemes need not add up to the word. Those that do cut it exactly; else the last one is looked for at
    the end, the first at the beginning, the others anywhere in between; what is left over are pieces of their own.

    Args:
        word: as it is written.
        segments: see :class:`Segmented`.
        official: as the published code: the first morpheme and the last are not told apart where they touch, and
            ``boy @@s`` becomes ``bo|y|s`` by the rule that is meant for ``study @@s``.

    Returns:
        As many tags as letters; the first is ``B``.

    Example:
        >>> segments_to_bio("congruity", "congruent @@ity"), segments_to_bio("hepatalgia", "hepato @@algia")
        ('BIIIIIBII', 'BIIIIBIIII')
    """
    word, segments = word.lower(), segments.lower()
    adds_up = "".join(segments.replace(_GOES_ON, "").split()) == word
    if (official or not adds_up) and segments.endswith(f"y {_GOES_ON}s"):
        segments = f"{segments[: -len(f'y {_GOES_ON}s')]} {_GOES_ON}ie {_GOES_ON}s"
    morphemes = segments.replace(_GOES_ON, "").split()
    if not word or not morphemes:
        return "B" + "I" * (len(word) - 1) if word else ""
    if "".join(morphemes) == word:
        return "".join("B" + "I" * (len(morpheme) - 1) for morpheme in morphemes)
    markers = _markers(word, morphemes, official)
    return "".join("I" if at and markers[at] == markers[at - 1] else "B" for at in range(len(word)))


def _markers(word: str, morphemes: list[str], official: bool) -> list[int]:
    """Which morpheme each letter belongs to, -1 for none."""
    last = len(morphemes)
    markers = [-1] * len(word)
    if word.endswith(morphemes[-1]):
        markers[len(word) - len(morphemes[-1]) :] = [last] * len(morphemes[-1])
    first = len(morphemes[0])
    if word.startswith(morphemes[0]) and all(marker < 0 for marker in markers[:first]):
        markers[:first] = [last if official else 0] * first
    for index, morpheme in enumerate(morphemes[1:-1], 1):
        at = word.find(morpheme)
        while at >= 0:
            end = at + len(morpheme)
            free = all(marker < 0 for marker in markers[at:end])
            if free:
                markers[at:end] = [index] * len(morpheme)
            at = word.find(morpheme, end if free else at + 1)
    return markers


def bio_to_segments(word: str, bio: str) -> list[str]:
    """The pieces of a word by its tags; the first letter begins one whatever its tag.

    Raises:
        UsageError: there are not as many tags as letters.

    Example:
        >>> bio_to_segments("hepatalgia", "BIIIIBIIII")
        ['hepat', 'algia']
    """
    if len(bio) != len(word):
        raise UsageError(f"{len(bio)} tags for the {len(word)} letters of {word!r}")
    if not word:
        return []
    starts = [at for at in range(len(word)) if at == 0 or bio[at] == "B"]
    return [word[start:end] for start, end in zip(starts, [*starts[1:], len(word)], strict=True)]
