"""Concepts: the terms of a domain by semantic type, from ontologies, term lists and annotated text.

    OBO             names and synonyms, all of them or those below some roots
    UMLS RRF        MRCONSO.RRF with MRSTY.RRF beside it, by semantic type
    CSV, TSV, text  a column of terms, or a term a line
    tagged text     the entities of a CoNLL file (word, tag), by their label

Each also with ``.gz``. A semantic type is a name and its terms; :func:`read_types` reads what the command line takes.
"""

from __future__ import annotations

import csv
import gzip
import os
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from tokencraft.errors import CorpusError, UsageError

Concepts = Mapping[str, Sequence[str]]
"""Terms by the name of their semantic type."""

_HEADERS = ("term", "name", "concept", "string", "label", "preferred label", "str")
_SYNONYM = re.compile(r'synonym: "((?:[^"\\]|\\.)*)"(?: ([A-Z]+))?')
_TAGGED = (".conll", ".iob", ".bio")


def read_types(specifications: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Terms by semantic type from specifications such as ``drug=chebi.obo#CHEBI:23888``.

    ``NAME=PATH`` takes all terms of a file, ``NAME=PATH#PART`` those of a part: below roots of an OBO file (ids or
    names), of semantic types of a UMLS folder (names or TUIs), in a column of a table, or entities with a label;
    several parts stand between commas. ``PATH`` alone is a file that names the types itself: tagged text, or a table
    with the columns ``type`` and ``term``. Terms of one name are put together.

    Raises:
        UsageError: a specification without a name for a file that names no types.
        CorpusError: a file cannot be read, or has no such part.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "drugs.csv"
        >>> _ = path.write_text("code,name\\n1,aspirin\\n2,penicillin V\\n")
        >>> read_types([f"drug={path}#name"])
        {'drug': ('aspirin', 'penicillin V')}
    """
    found: dict[str, list[str]] = {}
    for specification in specifications:
        name, equals, rest = specification.partition("=")
        if not equals or os.path.exists(specification):
            name, rest = "", specification
        where, parts = _parts(rest)
        path = Path(where)
        for type_name, terms in (_named(path) if not name else {name: read_terms(path, parts)}).items():
            found.setdefault(type_name, []).extend(terms)
    return {name: tuple(dict.fromkeys(terms)) for name, terms in found.items()}


def read_terms(path: str | os.PathLike[str], parts: Sequence[str] = ()) -> list[str]:
    """The terms of one semantic type from a file of any kind, by its name.

    Args:
        path: ``*.obo``; a folder or ``MRCONSO.RRF`` of the UMLS; ``*.csv``, ``*.tsv``; ``*.conll``; else text with a
            term a line. Each also with ``.gz``.
        parts: see :func:`read_types`; all terms where left out.

    Raises:
        CorpusError: the file is missing, damaged, or lacks a part.
    """
    path = Path(path)
    suffix = Path(path.name.removesuffix(".gz")).suffix.lower()
    if path.is_dir() or suffix == ".rrf":
        return read_rrf(path, parts or None)
    if suffix == ".obo":
        return read_obo(path, parts or None)
    if suffix in (".csv", ".tsv"):
        if len(parts) > 1:
            raise UsageError(f"{path}: the terms of a table stand in one column, not in {len(parts)}")
        return read_column(path, parts[0] if parts else None)
    if suffix in _TAGGED:
        entities = read_tagged(path)
        _check_parts(path, parts, entities)
        return [term for label, terms in entities.items() if not parts or label in parts for term in terms]
    return _kept(line.strip() for line in _lines(path))


def read_obo(
    path: str | os.PathLike[str],
    roots: Sequence[str] | None = None,
    *,
    synonyms: Sequence[str] = ("EXACT",),
) -> list[str]:
    """Names and synonyms of the terms of an OBO file that are not obsolete.

    Args:
        path: the file.
        roots: ids or names; only these terms and those below them by ``is_a``. All terms where left out.
        synonyms: scopes of the synonyms to take: ``EXACT``, ``NARROW``, ``BROAD``, ``RELATED``.

    Raises:
        CorpusError: it holds no terms, or not the roots.
    """
    path = Path(path)
    terms: dict[str, list[str]] = {}
    children: dict[str, list[str]] = {}
    ids: dict[str, str] = {}
    for stanza in _stanzas(path):
        if "is_obsolete: true" in stanza:
            continue
        identifier = next((line[4:].strip() for line in stanza if line.startswith("id: ")), "")
        own = [line[6:].strip() for line in stanza if line.startswith("name: ")]
        ids |= dict.fromkeys([*own, identifier], identifier)
        for line in stanza:
            match = _SYNONYM.match(line)
            if match and (match[2] or "RELATED") in synonyms:
                own.append(re.sub(r"\\(.)", r"\1", match[1]))
            elif line.startswith("is_a: "):
                children.setdefault(line[6:].partition("!")[0].partition("{")[0].strip(), []).append(identifier)
        terms[identifier] = own
    if not terms:
        raise CorpusError(f"{path}: holds no [Term] stanza; is it an OBO file?")
    if roots is None:
        return _kept(term for own in terms.values() for term in own)
    _check_parts(path, roots, ids)
    wanted = [ids[root] for root in roots]
    below = dict.fromkeys(wanted)
    for identifier in wanted:  # grows while it is read: breadth first
        new = [child for child in children.get(identifier, ()) if child not in below]
        below |= dict.fromkeys(new)
        wanted += new
    return _kept(term for identifier in below for term in terms.get(identifier, ()))


def read_rrf(
    path: str | os.PathLike[str], semantic_types: Sequence[str] | None = None, *, language: str | None = "ENG"
) -> list[str]:
    """Distinct strings of the UMLS Metathesaurus that are not suppressed.

    Args:
        path: the folder with ``MRCONSO.RRF`` and ``MRSTY.RRF`` (or ``.gz``), or ``MRCONSO.RRF`` itself.
        semantic_types: names such as ``Sign or Symptom``, or TUIs such as ``T184``; all where left out.
        language: LAT of the strings; None for any.

    Raises:
        CorpusError: a file is missing or has too few fields, or there is no such type.
    """
    path = Path(path)
    folder = path if path.is_dir() else path.parent
    concepts: set[str] | None = None
    if semantic_types is not None:
        concepts, seen = set(), set()
        for cui, tui, _, name, *_ in _rows(_one_of(folder, "MRSTY.RRF"), 4):
            seen |= {tui, name}
            if tui in semantic_types or name in semantic_types:
                concepts.add(cui)
        _check_parts(folder, semantic_types, sorted(seen, key=lambda part: (len(part) == 4, part)))
    strings = _one_of(folder, "MRCONSO.RRF") if path.is_dir() else path
    return _kept(
        row[14].strip()
        for row in _rows(strings, 17)
        if (language is None or row[1] == language) and row[16] == "N" and (concepts is None or row[0] in concepts)
    )


def read_column(path: str | os.PathLike[str], column: str | None = None) -> list[str]:
    """The terms in a column of a comma- or tab-separated file.

    Args:
        path: ``*.tsv`` is separated by tabs, anything else by commas.
        column: its name in the first line. Where left out: the column called term, name, concept, string or label, else
            the first column of a file without a line of names.

    Raises:
        CorpusError: there is no such column, or the file is not a table.
    """
    path = Path(path)
    rows = _table(path)
    first = next(rows, None)
    if first is None:
        raise CorpusError(f"{path}: the file is empty")
    names = [cell.strip().lower() for cell in first]
    if column is not None:
        if column.lower() not in names:
            raise CorpusError(f"{path}: there is no column {column!r}; the first line has {', '.join(first)}")
        at = names.index(column.lower())
    else:
        at = next((names.index(name) for name in _HEADERS if name in names), -1)
        if at < 0:
            rows, at = iter([first, *rows]), 0
    return _kept(row[at].strip() for row in rows if len(row) > at)


def read_tagged(path: str | os.PathLike[str]) -> dict[str, list[str]]:
    """The entities of tagged text by label: lines of word and tag (``B-drug``, ``I-drug``, ``O``), the tag last.

    Tags without a label (``B``, ``I``) count as ``entity``. This makes types from the task's own training data.

    Raises:
        CorpusError: a line has no tag.
    """
    path = Path(path)
    entities: dict[str, list[str]] = {}
    words: list[str] = []
    label = ""
    for number, line in enumerate([*_lines(path), ""], 1):
        cells = line.split()
        if len(cells) == 1:
            raise CorpusError(f"{path}, line {number}: expected a word and its tag, found {line.strip()!r:.60}")
        tag = cells[-1] if cells else "O"
        kind, _, own = tag.partition("-")
        if words and (kind != "I" or (own or "entity") != label):
            entities.setdefault(label, []).append(" ".join(words))
            words = []
        if kind in ("B", "I"):
            label = own or "entity"
            words.append(cells[0])
    return {label: list(dict.fromkeys(found)) for label, found in entities.items()}


def _named(path: Path) -> dict[str, list[str]]:
    """The terms of a file that names their types itself."""
    name = path.name.removesuffix(".gz")
    if name.endswith(_TAGGED):
        return read_tagged(path)
    rows = _table(path) if name.endswith((".csv", ".tsv")) else iter(())
    names = [cell.strip().lower() for cell in next(rows, [])]
    if not {"type", "term"} <= set(names):
        raise UsageError(f"{path}: say which semantic type its terms have: NAME={path}")
    kind, term = names.index("type"), names.index("term")
    found: dict[str, list[str]] = {}
    for row in rows:
        if len(row) > max(kind, term):
            found.setdefault(row[kind].strip(), []).append(row[term].strip())
    return {name: _kept(terms) for name, terms in found.items()}


def _parts(specification: str) -> tuple[str, tuple[str, ...]]:
    """Path and parts of ``PATH#PART,PART``; a path that exists may hold a ``#`` itself."""
    if os.path.exists(specification):
        return specification, ()
    path, _, parts = specification.rpartition("#") if "#" in specification else (specification, "", "")
    return path, tuple(part.strip() for part in parts.split(",") if part.strip())


def _check_parts(path: Path, wanted: Sequence[str], there: Iterable[str]) -> None:
    known = set(there)
    for part in wanted:
        if part not in known:
            some = ", ".join(list(there)[:8])
            raise CorpusError(f"{path}: holds no {part!r}; it has {some}{', ...' if len(known) > 8 else ''}")


def _kept(terms: Iterable[str]) -> list[str]:
    """Distinct terms in their order, without empty ones."""
    return list(dict.fromkeys(filter(None, terms)))


def _stanzas(path: Path) -> Iterator[list[str]]:
    """The lines of every ``[Term]`` of an OBO file."""
    stanza: list[str] | None = None
    for line in [*_lines(path), "["]:
        if line.startswith("["):
            if stanza is not None:
                yield stanza
            stanza = [] if line.strip() == "[Term]" else None
        elif stanza is not None:
            stanza.append(line.strip())


def _rows(path: Path, least: int) -> Iterator[list[str]]:
    """The fields of a file of the UMLS."""
    for number, line in enumerate(_lines(path), 1):
        fields = line.rstrip("\n").split("|")
        if len(fields) < least:
            raise CorpusError(f"{path}, line {number}: {len(fields)} fields between |, expected at least {least}")
        yield fields


def _table(path: Path) -> Iterator[list[str]]:
    tabs = path.name.removesuffix(".gz").endswith(".tsv")
    try:
        yield from csv.reader(_lines(path), delimiter="\t" if tabs else ",")
    except csv.Error as error:
        raise CorpusError(f"{path}: not a table: {error}") from None


def _one_of(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise CorpusError(f"{folder / name}: there is no such file; semantic types stand in it")


def _lines(path: Path) -> Iterator[str]:
    """The lines of a file of UTF-8, decompressed, with errors that say where."""
    number = 0
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            for number, line in enumerate(stream, 1):
                yield line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path}, line {number}: not UTF-8 at byte {error.start}") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CorpusError(f"{path}: the gzip archive is damaged or truncated ({error})") from None
    except FileNotFoundError:
        raise CorpusError(f"{path}: there is no such file") from None
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read: {error.strerror or error}") from None
