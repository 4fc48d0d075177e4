"""Writing without half-written files: a temporary neighbour, then a rename."""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tokencraft.errors import StageError, TokencraftError

_CANNOT_WRITE = {
    errno.ENOSPC: "the disk is full; free some space and run again",
    errno.EDQUOT: "the disk quota is used up; free some space and run again",
    errno.EFBIG: "the file is larger than the file system or a limit allows",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.EIO: "input/output error of the disk",
    errno.ENOTDIR: "a part of the path is a file, not a folder",
    errno.ENAMETOOLONG: "the name is too long",
}


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path in the folder of ``path``; what was written there becomes ``path`` when the block ends well.

    The folder is made where it is missing. If the block raises, or the process dies, ``path`` is what it was before.

    Raises:
        TokencraftError: ``path`` is a folder, or it cannot be written (disk full, read-only); the message names it.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "ids.bin"
        >>> with atomic_path(target) as temporary:
        ...     _ = temporary.write_bytes(b"ids")
        >>> target.read_bytes()
        b'ids'
    """
    target = Path(path)
    if target.is_dir():
        raise TokencraftError(f"{target}: cannot write a file here: there is a folder of this name")
    temporary = _neighbour(target)
    with _clear_errors(target, temporary):
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            _flush_to_disk(temporary)
            os.replace(temporary, target)
            _flush_to_disk(target.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary folder beside ``path`` that becomes ``path`` when the block ends well, and vanishes otherwise.

    Raises:
        StageError: ``path`` exists and is not an empty folder.
        TokencraftError: it cannot be written.
    """
    target = Path(path)
    require_empty_folder(target)
    temporary = _neighbour(target)
    with _clear_errors(target, temporary):
        try:
            temporary.mkdir(parents=True)
            yield temporary
            for file in sorted(temporary.rglob("*")):
                _flush_to_disk(file)
            if target.exists():
                target.rmdir()
            os.replace(temporary, target)
            _flush_to_disk(target.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def require_empty_folder(path: str | os.PathLike[str]) -> None:
    """Accept a folder that is missing or empty.

    Raises:
        StageError: ``path`` is a file, or a folder that holds something.
    """
    folder = Path(path)
    if folder.is_dir():
        held = sorted(entry.name for entry in folder.iterdir())
        if held:
            more = f" and {len(held) - 3} more" if len(held) > 3 else ""
            raise StageError(
                f"{folder}: the output folder is not empty (it holds {', '.join(held[:3])}{more}); "
                "name an empty or new one"
            )
    elif folder.exists() or folder.is_symlink():
        raise StageError(f"{folder}: the output must be a folder, and this is a file")


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write ``text`` as UTF-8 with ``\\n`` line ends, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write ``value`` as indented JSON in UTF-8, whole or not at all; NaN raises ``ValueError``."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def read_json(path: str | os.PathLike[str]) -> Any:
    """The JSON value in a file.

    Raises:
        TokencraftError: the file is missing or is not JSON; the message names it and the line.
    """
    try:
        return json.loads(Path(path).read_bytes())
    except OSError as error:
        raise TokencraftError(f"{path}: cannot be read: {error.strerror or error}") from None
    except json.JSONDecodeError as error:
        raise TokencraftError(f"{path}, line {error.lineno}: not JSON: {error.msg}") from None
    except UnicodeDecodeError as error:
        raise TokencraftError(f"{path}: not JSON: invalid UTF-8 at byte {error.start}") from None


def _neighbour(target: Path) -> Path:
    """A name beside ``target`` that nobody else uses."""
    return target.with_name(f".{target.name[:100]}.{secrets.token_hex(6)}.tmp")


@contextmanager
def _clear_errors(target: Path, temporary: Path) -> Iterator[None]:
    """Name ``target`` in errors of the file system that are about writing it; other errors pass as they are."""
    try:
        yield
    except OSError as error:
        about_another = error.filename is not None and not str(error.filename).startswith(
            (str(temporary), str(target), str(target.parent))
        )
        if about_another or error.errno not in _CANNOT_WRITE:
            raise
        raise TokencraftError(f"{target}: cannot be written: {_CANNOT_WRITE[error.errno]}") from error


def _flush_to_disk(path: Path) -> None:
    """Make the content of a file, or the names in a folder, survive a power cut."""
    if os.name == "nt" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
