"""Documents: read, stream, split, shard. Every method that learns from text reads a :class:`Corpus`."""

from tokencraft.corpus.corpus import Corpus, Document

__all__ = ["Corpus", "Document"]
