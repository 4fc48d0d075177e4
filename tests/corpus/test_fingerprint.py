from __future__ import annotations

from hashlib import blake2b

from tokencraft.corpus import Corpus, Fingerprint


def test_is_a_hash_of_lengths_and_bytes() -> None:
    fingerprint = Fingerprint()
    fingerprint.add("ığ")
    fingerprint.add("x")
    expected = blake2b(b"\x04\0\0\0\0\0\0\0" + "ığ".encode() + b"\x01\0\0\0\0\0\0\0x", digest_size=16)
    assert fingerprint.hexdigest() == expected.hexdigest() == Corpus.from_iterable(["ığ", "x"]).fingerprint()
