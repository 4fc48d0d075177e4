from __future__ import annotations

import dataclasses
import pickle
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokencraft.errors import UsageError, VocabularyError
from tokencraft.vocabulary import Origin, TokenKind, Vocabulary, split

# Ids of single bytes follow the GPT-2 alphabet: "!" is 0, so "a" is 64, "h" 71, "t" 83, and the space is 220.
A, B, C, E, H, T, SPACE = 64, 65, 66, 68, 71, 83, 220


@pytest.fixture(scope="module")
def the() -> Vocabulary:
    """Learnt "he", "the", " the", with a special token first and one last."""
    return Vocabulary.from_merges(
        [(H + 1, E + 1), (T + 1, 257), (SPACE + 1, 258)],
        splitter=split.GPT2,
        special_tokens=["<|endoftext|>"],
        appended_tokens=["<|img|>"],
        origin=Origin("bpe", {"vocab_size": 261}, "c0ffee"),
    )


def naive_bpe(data: bytes, vocabulary: Vocabulary, splitter: split.Splitter) -> list[int]:
    """Merge the best-ranked pair of neighbours, leftmost first, until none is left."""
    ranks = {tuple(pair): rank for rank, pair in enumerate(vocabulary.merges.tolist())}
    ids: list[int] = []
    start = 0
    for end in splitter.spans(data).tolist():
        piece = [vocabulary.tokens.index(bytes([value])) for value in data[start:end]]
        start = end
        while pairs := [(ranks[pair], at) for at, pair in enumerate(pairwise(piece)) if pair in ranks]:
            rank, at = min(pairs)
            piece[at : at + 2] = [int(vocabulary.merged[rank])]
        ids += piece
    return ids


def random_merges(choices: list[tuple[int, int]], first: int) -> list[tuple[int, int]]:
    """Merges whose sides exist by then, from any numbers."""
    return [(left % (first + rank), right % (first + rank)) for rank, (left, right) in enumerate(choices)]


class TestFromMerges:
    def test_ids_are_specials_bytes_merges_appended(self, the: Vocabulary) -> None:
        assert len(the) == 1 + 256 + 3 + 1
        assert the.tokens[0] == b"<|endoftext|>"
        assert the.tokens[257:] == (b"he", b"the", b" the", b"<|img|>")
        assert the.merged.tolist() == [257, 258, 259]
        assert [the.kinds[at] for at in (0, 1, 257, 260)] == [
            TokenKind.SPECIAL,
            TokenKind.BYTE,
            TokenKind.NORMAL,
            TokenKind.SPECIAL,
        ]

    def test_encodes_by_hand(self, the: Vocabulary) -> None:
        assert the.encode("the the he").tolist() == [258, 259, SPACE + 1, 257]
        assert the.encode("the the he").dtype == np.uint32

    def test_a_merge_that_makes_a_known_token_takes_its_id(self) -> None:
        # "ab"+"c" and "a"+"bc" are one token, as in the stock trainer.
        merges = [(A, B), (B, C), (256, C), (A, 257)]
        vocabulary = Vocabulary.from_merges(merges, splitter=split.GPT2)
        assert vocabulary.merged.tolist() == [256, 257, 258, 258]
        assert len(vocabulary) == 259

    def test_roles(self, the: Vocabulary) -> None:
        assert the.special_tokens == {"eos": 0, "<|img|>": 260}
        named = Vocabulary.from_merges(
            [], splitter=split.GPT2, special_tokens=["<a>", "<b>"], roles={"bos": "<a>", "eos": "<a>"}
        )
        assert named.special_tokens == {"bos": 0, "eos": 0, "<b>": 1}

    @pytest.mark.parametrize(
        ("merges", "options", "message"),
        [
            ([(0, 256)], {}, "merge 0 names the ids 0 and 256, but only 256 exist"),
            ([(-1, 0)], {}, "merge 0 names"),
            ([(0, 5)], {"special_tokens": ["x"]}, "merge 0 names id 0, which is a special"),
            ([(A + 1, B + 1)], {"special_tokens": ["ab"]}, "merge 0 spells the special token 'ab'"),
            ([(A, B)], {"appended_tokens": ["ab"]}, "merge 0 spells the special token 'ab'"),
            ([], {"special_tokens": ["x", "x"]}, "'x' is named twice"),
            ([], {"special_tokens": [""]}, "not empty"),
            ([], {"special_tokens": ["x"], "roles": {"eos": "y"}}, "'eos' names 'y'"),
            ([(1, 2, 3)], {}, "pairs of ids"),
            ([(1 << 40, 2)], {}, "pairs of ids"),
        ],
    )
    def test_refuses(self, merges: list[tuple[int, int]], options: dict[str, object], message: str) -> None:
        with pytest.raises(VocabularyError, match=message):
            Vocabulary.from_merges(merges, splitter=split.GPT2, **options)  # type: ignore[arg-type]

    @settings(max_examples=60, deadline=None)
    @given(
        choices=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 10_000)), max_size=12),
        letters=st.lists(st.sampled_from([b"a", b"b", b"ab", b" ", b"aa", b"\n", "é".encode(), b"1"]), max_size=30),
        splitter=st.sampled_from([split.GPT2, split.SUPERBPE_V2_STAGE2, split.WHOLE]),
    )
    def test_encodes_as_naive_bpe_does(
        self, choices: list[tuple[int, int]], letters: list[bytes], splitter: split.Splitter
    ) -> None:
        some = [(A, B), (A, A), (SPACE, A), (256, 257), (B, SPACE)]
        vocabulary = Vocabulary.from_merges(some + random_merges(choices, 256), splitter=splitter)
        data = b"".join(letters)
        assert vocabulary.encode(data).tolist() == naive_bpe(data, vocabulary, splitter)
        assert vocabulary.decode_bytes(vocabulary.encode(data)) == data


class TestValue:
    def test_is_immutable(self, the: Vocabulary) -> None:
        with pytest.raises(dataclasses.FrozenInstanceError):
            the.tokens = ()  # type: ignore[misc]
        with pytest.raises(ValueError, match="read-only"):
            the.merges[0, 0] = 1

    def test_does_not_share_the_array_it_was_made_from(self) -> None:
        merges = np.array([[A, B]], np.int32)
        vocabulary = Vocabulary.from_merges(merges, splitter=split.GPT2)
        merges[0, 0] = 0
        assert vocabulary.merges.tolist() == [[A, B]]

    def test_pickles_without_its_encoders(self, the: Vocabulary) -> None:
        the.encode("the")
        copy = pickle.loads(pickle.dumps(the))
        assert set(vars(copy)) == {each.name for each in dataclasses.fields(Vocabulary)}
        assert copy == the
        assert hash(copy) == hash(the)
        assert copy.encode("the he").tolist() == the.encode("the he").tolist()

    def test_equality_is_what_it_does_not_where_it_comes_from(self, the: Vocabulary) -> None:
        assert the.replace(origin=Origin()) == the
        assert the.replace(splitter=split.WHOLE, pre_tokenizer=None) != the
        assert the.replace(merges=the.merges[::-1].copy()) != the
        assert the.replace(special_tokens={"bos": 0, "<|img|>": 260}) != the
        assert the.replace(chat_template="{{ x }}") != the
        assert the != "the"

    def test_shows_itself(self, the: Vocabulary) -> None:
        assert repr(the) == "Vocabulary(bpe-merges, 261 tokens, eos=0, origin='bpe')"

    def test_tokens_by_id_and_ids_by_bytes(self, the: Vocabulary) -> None:
        assert the.token_bytes(259) == b" the"
        assert the.id_of(b" the") == 259
        assert the.id_of(b" thee") is None
        assert the.id_of(b"") is None
        assert the.byte_lengths[257:260].tolist() == [2, 3, 4]
        for outside in (-1, 261):
            with pytest.raises(VocabularyError, match=r"the ids are 0\.\.260"):
                the.token_bytes(outside)

    def test_id_of_prefers_text_over_specials(self) -> None:
        # The special token is spelt as the *bytes* of an ordinary one, in other characters than its piece.
        vocabulary = Vocabulary.from_merges([(SPACE + 1, A + 1)], splitter=split.GPT2, special_tokens=[" a"])
        assert vocabulary.tokens[0] == vocabulary.tokens[257] == b" a"
        assert vocabulary.id_of(b" a") == 257

    def test_knows_whether_merges_cross_words(self, the: Vocabulary) -> None:
        assert not the.is_superword
        crossing = Vocabulary.from_merges([(A, SPACE), (256, B)], splitter=split.WHOLE)
        assert crossing.is_superword
        trailing = Vocabulary.from_merges([(A, SPACE)], splitter=split.WHOLE)
        assert not trailing.is_superword

    def test_inconsistent_fields_are_refused(self, the: Vocabulary) -> None:
        with pytest.raises(VocabularyError, match="261 tokens but 260 kinds"):
            the.replace(kinds=the.kinds[:-1])
        with pytest.raises(VocabularyError, match="outside"):
            the.replace(merges=np.array([[0, 261]]))


class TestEncoding:
    def test_specials_stay_text_unless_asked_for(self, the: Vocabulary) -> None:
        text = "the<|endoftext|> the<|img|>"
        assert the.encode(text, specials="all").tolist() == [258, 0, 259, 260]
        plain = the.encode(text).tolist()
        assert not {0, 260} & set(plain)
        assert the.decode(plain) == the.decode([258, 0, 259, 260]) == text

    def test_batches_are_the_single_encodings_one_after_another(self, the: Vocabulary) -> None:
        texts = ["the the", "", b"the \xff", "he<|img|>", "\ud800"]
        for specials in ("none", "all"):
            batch = the.encode_batch(texts, specials=specials)  # type: ignore[arg-type]
            singles = [the.encode(text, specials=specials).tolist() for text in texts]  # type: ignore[arg-type]
            assert [ids.tolist() for ids in batch] == singles
            assert len(batch) == 5
            assert batch[-1].tolist() == singles[-1]
            assert batch.offsets.tolist() == np.cumsum([0, *map(len, singles)]).tolist()
            assert batch.ids.dtype == np.uint32
            assert batch.encoder in ("gigatoken", "native", "tokenizers")
        assert len(the.encode_batch([])) == 0
        valid = ["the the", "", "he<|img|>"]
        for threads in (1, 2, 5):
            assert the.encode_batch(valid, threads=threads).ids.tolist() == the.encode_batch(valid).ids.tolist()
        with pytest.raises(UsageError, match="threads is 0"):
            the.encode_batch(valid, threads=0)

    def test_unknown_wish_about_specials(self, the: Vocabulary) -> None:
        with pytest.raises(UsageError, match='"none" or "all"'):
            the.encode("x", specials="some")  # type: ignore[arg-type]

    @settings(max_examples=100, deadline=None)
    @given(data=st.binary(max_size=60))
    def test_any_bytes_round_trip(self, data: bytes, the: Vocabulary) -> None:
        assert the.lossless
        assert the.decode_bytes(the.encode(data)) == data

    @settings(max_examples=100, deadline=None)
    @given(text=st.text(max_size=60))
    def test_any_text_round_trips(self, text: str, the: Vocabulary) -> None:
        assert the.decode(the.encode(text)) == text
        assert the.decode(the.encode(text, specials="all")) == text

    def test_lone_surrogates_keep_their_bytes(self, the: Vocabulary) -> None:
        assert the.decode_bytes(the.encode("a\ud800b")) == b"a\xed\xa0\x80b"

    def test_threads_may_share_a_new_vocabulary(self, the: Vocabulary) -> None:
        fresh = pickle.loads(pickle.dumps(the))
        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(lambda _: fresh.encode("the the he").tolist(), range(32)))
        assert results == [[258, 259, SPACE + 1, 257]] * 32
