from __future__ import annotations

from hashlib import blake2b

from tokencraft.corpus import Corpus, Fingerprint, document_hash


def test_is_a_hash_of_the_documents_hashes() -> None:
    fingerprint = Fingerprint()
    fingerprint.add("ığ")
    fingerprint.add("x")
    inner = [blake2b(text.encode(), digest_size=16).digest() for text in ("ığ", "x")]
    expected = blake2b(b"".join(inner), digest_size=16).hexdigest()
    assert fingerprint.hexdigest() == expected == Corpus.from_iterable(["ığ", "x"]).fingerprint()


def test_parts_can_be_hashed_apart() -> None:
    fingerprint = Fingerprint()
    fingerprint.add("a")
    fingerprint.extend(document_hash("b") + document_hash("c"))
    assert fingerprint.hexdigest() == Corpus.from_iterable(["a", "b", "c"]).fingerprint()
