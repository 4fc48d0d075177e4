"""What a new token is made of: bytes that concatenate to its own."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tokencraft.transplant.matching import match
from tokencraft.transplant.pieces import LongestMatch, pieces_of
from tokencraft.vocabulary import Vocabulary
from transplant.conftest import vocabulary_of
from transplant.test_matching import sentencepiece_like


def pieces(old: Vocabulary, new: Vocabulary) -> dict[bytes, list[bytes]]:
    matching = match(old, new)
    found = pieces_of(matching)
    return {
        new.tokens[identifier]: [old.tokens[piece] for piece in ids.tolist()]
        for identifier, ids in zip(matching.unique.tolist(), found, strict=True)
    }


def test_text_goes_through_the_encoder() -> None:
    # merges make "to" then "ken"; the longest match would take "tok"
    old = vocabulary_of(["ken", "to", "tok"])
    assert pieces(old, vocabulary_of(["token"]))[b"token"] == [b"to", b"ken"]
    assert [old.tokens[i] for i in LongestMatch(old)(b"token").tolist()] == [b"tok", b"e", b"n"]


def test_parts_of_characters_come_from_bytes() -> None:
    old = vocabulary_of([b"\xf0\x9f"])
    found = pieces(old, vocabulary_of([b"\xf0\x9f\x98", "😀"]))
    assert found[b"\xf0\x9f\x98"] == [b"\xf0\x9f", b"\x98"]
    assert b"".join(found["😀".encode()]) == "😀".encode()


def test_a_space_in_front_is_not_added() -> None:
    """A vocabulary that puts a space before every text still spells tokens with and without one."""
    found = pieces(sentencepiece_like(), vocabulary_of(["ath", " thea", "ea"]))
    assert found[b"ath"] == [b"a", b"th"]
    assert found[b" thea"] == [b" the", b"a"]
    assert found[b"ea"] == [b"e", b"a"]


@given(st.lists(st.binary(min_size=2, max_size=6), max_size=6), st.lists(st.binary(min_size=2, max_size=8), max_size=6))
def test_pieces_concatenate(old_words: list[bytes], new_words: list[bytes]) -> None:
    old, new = vocabulary_of(old_words), vocabulary_of(new_words)
    for token, parts in pieces(old, new).items():
        assert b"".join(parts) == token


def test_bytes_nobody_holds_are_left_out() -> None:
    one = sentencepiece_like()
    kept = [i for i, piece in enumerate(one.pieces) if not piece.startswith("<0x")]
    assert len(kept) < len(one)
    longest = LongestMatch(vocabulary_of(["ab"]).replace(kinds=tuple([3] * 257 + [0])))
    assert longest(b"xabyab").tolist() == [257, 257]
    assert longest(b"xyz").tolist() == []
