"""The hash by which a corpus is known: of the documents' texts in order, whatever their files are called."""

from __future__ import annotations

from hashlib import blake2b

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
