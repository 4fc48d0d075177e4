"""Where a run's model, corpus and general text come from, and how a change in them is noticed."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable
from dataclasses import dataclass

from tokencraft.adapt import embedded
from tokencraft.adapt.options import AdaptOptions
from tokencraft.corpus import Corpus
from tokencraft.errors import CorpusError

#: Plain-text files are cut into documents of at most so many bytes, so that one large file can be held out in part.
DOCUMENT_BYTES = 1 << 16
#: No scored document is longer than this share of the evaluation budget: one huge file must not be the whole sample.
LARGEST_EVALUATION_SHARE = 0.05


@dataclass(frozen=True)
class Sources:
    """The texts of a run.

    Args:
        whole: all documents of the corpus.
        train: documents to learn from.
        held_out: documents of the same corpus that nothing learns from.
        general: text of another kind, to measure forgetting with.
        signature: hash of the names, sizes and times of the files; changes when a file does.
        name: what the report calls the corpus.
    """

    whole: Corpus
    train: Corpus
    held_out: Corpus
    general: Corpus
    signature: str
    name: str


def open_sources(options: AdaptOptions) -> Sources:
    """The corpora that the options name; nothing is read yet but the list of files."""
    if options.corpus:
        corpus, name = _files(options, options.corpus), ", ".join(options.corpus)
    else:
        corpus, name = embedded.standard_library(), "the interpreter's standard library"
    signature = corpus.signature()
    train, held_out = corpus.split(options.held_out)
    if options.general:
        general = _files(options, options.general)
        signature += general.signature()
    else:
        general = embedded.general_text()
    return Sources(corpus, train, held_out, general, signature, name)


def _files(options: AdaptOptions, paths: Iterable[str]) -> Corpus:
    return Corpus.from_files(
        paths,
        text_field=options.text_field,
        encoding_errors=options.encoding_errors,
        chunk_bytes=DOCUMENT_BYTES,
    )


def evaluation_sample(corpus: Corpus, max_bytes: int, seed: int) -> list[str]:
    """A deterministic sample of documents of at most about ``max_bytes`` of UTF-8 in all.

    Documents are chosen by a seeded hash of their content, so their order in the corpus does not matter, and long ones
    are cut at a line end after :data:`LARGEST_EVALUATION_SHARE` of the budget.
    """
    longest = max(1024, int(max_bytes * LARGEST_EVALUATION_SHARE))
    salt = b"evaluation %d" % seed
    chosen: list[tuple[int, str, int]] = []  # (-hash, text, bytes): the largest hash leaves first
    total = 0
    for text in corpus:
        data = text.encode()
        rank = -int.from_bytes(hashlib.blake2b(data, digest_size=8, key=salt).digest(), "little")
        text = _cut(data, longest)
        size = len(text.encode())
        heapq.heappush(chosen, (rank, text, size))
        total += size
        while total > max_bytes and len(chosen) > 1:
            total -= heapq.heappop(chosen)[2]
    return [text for _, text, _ in sorted(chosen, reverse=True)]


def _cut(data: bytes, longest: int) -> str:
    """The document up to the last line end within ``longest`` bytes; without a line end, up to a character's end."""
    if len(data) <= longest:
        return data.decode()
    end = data.rfind(b"\n", 0, longest) + 1
    return data[: end or longest].decode(errors="ignore")


def without(corpus: Corpus, others: Corpus) -> Corpus:
    """The documents of ``corpus`` that do not occur in ``others``, so that general text is text the corpus lacks."""
    wanted = {hashlib.blake2b(text.encode(), digest_size=16).digest() for text in corpus}
    seen = {digest for text in others if (digest := hashlib.blake2b(text.encode(), digest_size=16).digest()) in wanted}
    return corpus.filter(lambda text: hashlib.blake2b(text.encode(), digest_size=16).digest() not in seen)


def require_both(train: Corpus, held_out: Corpus, share: float) -> None:
    """Refuse a split with an empty part.

    Raises:
        CorpusError: the corpus is empty, or has too few documents for the share held out.
    """
    try:
        train.require_documents()
        held_out.require_documents()
    except CorpusError as error:
        if next(iter(train), None) is None and next(iter(held_out), None) is None:
            raise
        raise CorpusError(
            f"the corpus has too few documents to hold {share:.0%} of them out; give more files, cut them into more "
            "documents (JSON Lines, Parquet, or several text files), or raise --held-out"
        ) from error
