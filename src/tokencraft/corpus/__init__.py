"""Documents: read, stream, split, shard. Every method that learns from text reads a :class:`Corpus`."""

from tokencraft.corpus.corpus import Corpus, Document
from tokencraft.corpus.decoding import utf8_length
from tokencraft.corpus.fingerprint import Fingerprint, document_hash, file_signature

__all__ = ["Corpus", "Document", "Fingerprint", "document_hash", "file_signature", "utf8_length"]
