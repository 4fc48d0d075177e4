"""A large corpus of distinct text that every Debian machine can make: installed Python packages and documentation.

Python sources and headers of site-packages and the standard library, and what lies under ``/usr/share/doc`` and
``/usr/share/man`` (tags stripped from HTML), in shuffled order, so that a beginning of the file is a smaller corpus of
the same kind. A document that mostly repeats lines of those before it is left out.
"""

from __future__ import annotations

import gzip
import html
import os
import random
import re
import sysconfig
from collections.abc import Iterator
from pathlib import Path

_SUFFIXES = re.compile(
    r"\.(pyi?|pyx|c|cc|cpp|h|hpp|html?|txt|md|rst|tex|texi|adoc|el|lua|p[lm]|vim|cmake|[1-8])(\.gz)?", re.IGNORECASE
)
SHORT_LINE = 16  # characters; shorter lines repeat everywhere and say nothing
_HIDDEN = re.compile(r"<(script|style)\b.*?</\1>", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")
_BLANK = re.compile(r"[ \t]*\n(?:[ \t]*\n)+")


def documents(seed: int = 0) -> Iterator[str]:
    """The distinct documents in shuffled order."""
    files = list(_files())
    random.Random(seed).shuffle(files)
    seen: set[int] = set()
    for path in files:
        text = _read(path)
        if text is None:
            continue
        lines = [(hash(line), len(line)) for line in text.split("\n") if len(line) >= SHORT_LINE]
        known = sum(size for value, size in lines if value in seen)
        if lines and 2 * known <= sum(size for _, size in lines):
            seen.update(value for value, _ in lines)
            yield text


def build(folder: Path, sizes: list[int]) -> dict[int, Path]:
    """A file for each size in bytes, each the beginning of the next; the largest is smaller where text runs out."""
    paths = {size: folder / f"scale-{size}.txt" for size in sorted(sizes)}
    if not all(path.is_file() for path in paths.values()):
        folder.mkdir(parents=True, exist_ok=True)
        largest = paths[max(sizes)]
        partial = largest.with_suffix(".part")
        written = 0
        with partial.open("wb") as out:
            for text in documents():
                data = text.encode("utf-8") + b"\n"
                written += out.write(data[: max(sizes) - written].decode("utf-8", "ignore").encode("utf-8"))
                if written >= max(sizes) - 4:
                    break
        partial.rename(largest)
        for size, path in paths.items():
            if path != largest:
                with largest.open("rb") as whole:
                    path.write_bytes(whole.read(size).decode("utf-8", "ignore").encode("utf-8"))
    return paths


def _files() -> Iterator[Path]:
    """Every file that may be text, in an order that does not depend on the file system."""
    roots = [sysconfig.get_path("purelib"), sysconfig.get_path("stdlib"), "/usr/share/doc", "/usr/share/man"]
    for root in roots:
        for folder, folders, names in os.walk(root):
            folders[:] = sorted(name for name in folders if name not in {"__pycache__", "site-packages"})
            for name in sorted(names):
                path = Path(folder, name)
                suffix = "".join(path.suffixes[-2:] if name.endswith(".gz") else path.suffixes[-1:])
                if _SUFFIXES.fullmatch(suffix) and not path.is_symlink():
                    yield path


def _read(path: Path) -> str | None:
    """The text of a file without tags; None where it is empty, huge or not UTF-8."""
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        text = data.decode("utf-8")
    except (OSError, EOFError, UnicodeDecodeError):
        return None
    if len(data) > 20_000_000 or "\0" in text:
        return None
    if path.name.removesuffix(".gz").lower().endswith((".html", ".htm")):
        text = _BLANK.sub("\n\n", html.unescape(_TAG.sub("", _HIDDEN.sub("", text))))
    return text.strip() or None
