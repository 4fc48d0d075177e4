"""The hashes by which texts and files are known again.

A corpus is known by its documents' texts in order, whatever their files are called; files are known by their names,
sizes and times, which costs no reading.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

_SIZE = 16


class Fingerprint:
    """Grows with the documents, so that whoever streams a corpus need not read it again for its fingerprint.

    It is the hash of the documents' hashes one after the other, so parts of a corpus can be hashed apart from each
    other (:func:`document_hash`) and put together in order (:meth:`extend`).

    Example:
        >>> fingerprint = Fingerprint()
        >>> fingerprint.add("a document")
        >>> len(fingerprint.hexdigest())
        32
    """

    def __init__(self) -> None:
        """Of no documents yet."""
        self._digest = blake2b(digest_size=_SIZE)

    def add(self, text: str) -> None:
        """The next document."""
        self._digest.update(document_hash(text))

    def extend(self, hashes: bytes) -> None:
        """The next documents, by their :func:`document_hash` one after the other."""
        self._digest.update(hashes)

    def hexdigest(self) -> str:
        """32 hexadecimal digits for the documents so far."""
        return self._digest.hexdigest()


def document_hash(text: str) -> bytes:
    """16 bytes that stand for a document in a :class:`Fingerprint`."""
    return blake2b(text.encode("utf-8"), digest_size=_SIZE).digest()


def file_signature(files: Iterable[tuple[str, Path]]) -> str:
    """A hash (32 hexadecimal digits) that changes when a file does; nothing is read.

    Args:
        files: what each file is called, which may be relative, and where it is.

    Raises:
        OSError: a file is not there.
    """
    digest = blake2b(digest_size=_SIZE)
    for name, path in files:
        status = path.stat()
        line = f"{name}\0{status.st_size}\0{status.st_mtime_ns}\n"
        digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
