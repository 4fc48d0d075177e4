"""The stream of documents as a whole: order, ids, splits, samples, shards."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from hashlib import blake2b
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokencraft.corpus import Corpus, Document
from tokencraft.errors import CorpusError, UsageError

texts = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), max_size=30)
numbers = [f"document number {k}" for k in range(2000)]


def test_iterates_again_and_in_order() -> None:
    corpus = Corpus.from_iterable(["b", "a", "c"])
    assert list(corpus) == list(corpus) == ["b", "a", "c"]
    assert list(corpus.documents()) == [Document("0", "b"), Document("1", "a"), Document("2", "c")]


def test_empty_documents_are_left_out_and_ids_keep_their_place() -> None:
    assert list(Corpus.from_iterable(["", "x", ""]).documents()) == [Document("1", "x")]


def test_one_shot_iterator_is_kept() -> None:
    corpus = Corpus.from_iterable(word for word in ("x", "y"))
    assert list(corpus) == list(corpus) == ["x", "y"]


def test_function_and_reiterable_are_read_anew() -> None:
    class Three:
        def __iter__(self) -> Iterator[str]:
            yield from ("1", "2", "3")

    assert list(Corpus.from_iterable(lambda: iter(["x"]))) == ["x"]
    corpus = Corpus.from_iterable(Three())
    assert list(corpus) == list(corpus) == ["1", "2", "3"]


def test_one_string_is_refused() -> None:
    with pytest.raises(CorpusError, match="put it in a list"):
        Corpus.from_iterable("not a corpus")


def test_items_that_are_not_text_are_refused() -> None:
    with pytest.raises(CorpusError, match="document 1: expected a str, found int"):
        list(Corpus.from_iterable(["x", 3]))  # type: ignore[list-item]
    with pytest.raises(CorpusError, match=r"document 0: character 1 is the lone surrogate U\+D800"):
        list(Corpus.from_iterable(["a\ud800"]))


@pytest.mark.parametrize("corpus", [Corpus.from_iterable([]), Corpus.from_iterable([""]).filter(bool)])
def test_empty_corpus(corpus: Corpus) -> None:
    with pytest.raises(CorpusError, match="the corpus is empty"):
        corpus.require_documents()


def test_require_documents_gives_the_corpus_back() -> None:
    corpus = Corpus.from_iterable(["x"])
    assert corpus.require_documents() is corpus


@given(texts)
def test_split_is_disjoint_complete_and_independent_of_order(documents: list[str]) -> None:
    train, held_out = Corpus.from_iterable(documents).split(0.3)
    assert sorted(chain(train, held_out)) == sorted(documents)
    assert not set(train) & set(held_out)
    backwards, _ = Corpus.from_iterable(documents[::-1]).split(0.3)
    assert sorted(backwards) == sorted(train)


def test_split_goes_by_the_hash_of_the_content() -> None:
    def hashed(text: str) -> float:
        digest = blake2b(text.encode(), digest_size=8, key=b"split 0").digest()
        return int.from_bytes(digest, "little") / 2**64

    _, held_out = Corpus.from_iterable(numbers).split(0.05)
    assert list(held_out) == [text for text in numbers if hashed(text) < 0.05]
    assert 60 < len(list(held_out)) < 140  # 100 expected, standard deviation 10


def test_split_of_a_split_is_fresh() -> None:
    train, _ = Corpus.from_iterable(numbers).split(0.5)
    again, held_out = train.split(0.5)
    assert len(list(again)) > 400 < len(list(held_out))


@pytest.mark.parametrize("share", [0.0, 1.0, -1, 2])
def test_split_of_nothing_is_refused(share: float) -> None:
    with pytest.raises(UsageError, match="between 0 and 1"):
        Corpus.from_iterable(["x"]).split(share)


@given(texts, st.integers(0, 200), st.integers(0, 5))
def test_sample_takes_the_smallest_hashes_that_fit(documents: list[str], max_bytes: int, seed: int) -> None:
    def hashed(text: str) -> bytes:
        return blake2b(text.encode(), digest_size=8, key=b"sample %d" % seed).digest()[::-1]

    chosen: set[str] = set()
    total = 0
    for text in sorted(set(documents), key=hashed):
        size = len(text.encode()) * documents.count(text)
        if chosen and total + size > max_bytes:
            break
        chosen.add(text)
        total += size
    assert list(Corpus.from_iterable(documents).sample(max_bytes, seed)) == [t for t in documents if t in chosen]


def test_filter_combines() -> None:
    corpus = Corpus.from_iterable(numbers).filter(lambda t: t.endswith("7")).filter(lambda t: "19" in t)
    assert list(corpus)[:2] == ["document number 197", "document number 1197"]


@given(texts, st.integers(1, 7))
def test_shards_follow_one_another(documents: list[str], n: int) -> None:
    corpus = Corpus.from_iterable(documents)
    shards = corpus.shards(n)
    assert len(shards) <= n
    assert list(chain.from_iterable(shard.documents() for shard in shards)) == list(corpus.documents())


def test_shards_of_a_filtered_corpus_can_be_pickled(tmp_path: Path) -> None:
    for k in range(5):
        (tmp_path / f"{k}.txt").write_text(f"file {k}\n")
    train, _ = Corpus.from_files(tmp_path).split(0.4)
    shards = [pickle.loads(pickle.dumps(shard)) for shard in train.shards(3)]
    assert list(chain.from_iterable(shards)) == list(train)


@given(texts, st.integers(1, 50))
def test_batches_hold_what_fits(documents: list[str], max_bytes: int) -> None:
    batches = list(Corpus.from_iterable(documents).batches(max_bytes))
    assert list(chain.from_iterable(batches)) == documents
    for batch, following in zip(batches, [*batches[1:], None], strict=False):
        size = len("".join(batch).encode())
        assert size <= max_bytes or len(batch) == 1
        assert following is None or size + len(following[0].encode()) > max_bytes


def test_fingerprint_is_of_the_contents_in_order(tmp_path: Path) -> None:
    one = Corpus.from_iterable(["ab", "c"]).fingerprint()
    assert one == Corpus.from_iterable(["ab", "", "c"]).fingerprint()
    assert one != Corpus.from_iterable(["c", "ab"]).fingerprint()
    assert one != Corpus.from_iterable(["a", "bc"]).fingerprint()
    (tmp_path / "x.txt").write_text("ab")
    (tmp_path / "y.md").write_text("c")
    assert Corpus.from_files(tmp_path).fingerprint() == one


def test_signature_changes_with_the_files_without_reading_them(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_bytes(b"\xff not read")
    signature = Corpus.from_files(tmp_path).signature()
    assert signature == Corpus.from_files(tmp_path).signature()
    assert signature != Corpus.from_files(tmp_path, encoding_errors="skip").signature()
    (tmp_path / "x.txt").write_bytes(b"other")
    assert signature != Corpus.from_files(tmp_path).signature()
    memory = Corpus.from_iterable(["x"])
    assert memory.signature() == memory.fingerprint()
    filtered = Corpus.from_files(tmp_path).filter(bool)
    assert filtered.signature() == filtered.fingerprint()


def test_dataset() -> None:
    datasets = pytest.importorskip("datasets")
    dataset = datasets.Dataset.from_dict({"body": ["one", "", "three"], "n": [1, 2, 3]})
    corpus = Corpus.from_dataset(dataset, "body")
    assert list(corpus.documents()) == [Document("0", "one"), Document("2", "three")]
    assert list(chain.from_iterable(corpus.shards(2))) == ["one", "three"]
    assert list(Corpus.from_dataset(dataset.to_iterable_dataset(), "body")) == ["one", "three"]
    with pytest.raises(CorpusError, match="no column 'text'; the columns are 'body', 'n'"):
        Corpus.from_dataset(dataset)
    with pytest.raises(CorpusError, match="dictionary of splits"):
        Corpus.from_dataset(datasets.DatasetDict(train=dataset))


def test_wrong_options() -> None:
    with pytest.raises(UsageError, match="'file' or 'line'"):
        Corpus.from_files("x", documents="paragraph")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="strict"):
        Corpus.from_files("x", encoding_errors="ignore")
    with pytest.raises(UsageError, match="at least 1 shard"):
        Corpus.from_iterable(["x"]).shards(0)
