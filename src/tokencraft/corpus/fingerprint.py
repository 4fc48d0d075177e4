"""The hash by which a corpus is known: of the documents' texts in order, whatever their files are called."""

from __future__ import annotations

from hashlib import blake2b


class Fingerprint:
    """Grows with the documents, so that whoever streams a corpus need not read it again for its fingerprint.

    Example:
        >>> fingerprint = Fingerprint()
        >>> fingerprint.add("a document")
        >>> len(fingerprint.hexdigest())
        32
    """

    def __init__(self) -> None:
        """Of no documents yet."""
        self._digest = blake2b(digest_size=16)

    def add(self, text: str) -> None:
        """The next document."""
        data = text.encode("utf-8")
        self._digest.update(len(data).to_bytes(8, "little"))  # so that where documents end counts
        self._digest.update(data)

    def hexdigest(self) -> str:
        """32 hexadecimal digits for the documents so far."""
        return self._digest.hexdigest()
