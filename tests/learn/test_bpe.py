from __future__ import annotations

import gzip
import sysconfig
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stock_trainer import stock_merges
from tokencraft.corpus import Corpus
from tokencraft.errors import CorpusError, TrainingError, UsageError
from tokencraft.learn import BPE
from tokencraft.vocabulary import Vocabulary, split

pytestmark = pytest.mark.filterwarnings("ignore:the vocabulary has")  # where a corpus is tiny on purpose

SMALL = "The quick brown fox jumps over the lazy dog. The dog sleeps, the fox doesn't! 12345 aaaaaaa bbbbbb\n\n\n"


def merges_of(vocabulary: Vocabulary) -> list[tuple[bytes, bytes]]:
    return [(vocabulary.tokens[left], vocabulary.tokens[right]) for left, right in vocabulary.merges.tolist()]


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for copies of the texts; code always, the rest where the real data is."""
    folder = tmp_path_factory.mktemp("texts")
    library = Path(sysconfig.get_path("stdlib"))
    code = [path.read_text("utf-8", "ignore") for path in sorted(library.glob("*.py"))]
    (folder / "code.txt").write_text("".join(code)[:2_500_000], "utf-8", newline="")
    return folder


@pytest.mark.parametrize("splitter", ["gpt2", "superbpe_v2_stage1", "cl100k", "superbpe_paper_stage1"])
def test_equals_the_stock_trainer_on_code(texts: Path, splitter: str) -> None:
    pattern = split.NAMED[splitter]
    assert isinstance(pattern, split.Regex)
    vocabulary = BPE(vocab_size=8000, splitter=pattern, unit="line").train(Corpus.from_files(texts / "code.txt"))
    assert merges_of(vocabulary) == stock_merges(texts / "code.txt", 8000, pattern)


@pytest.mark.parametrize("language", ["english", "turkish"])
def test_equals_the_stock_trainer_on_text(texts: Path, data_folder: Path, language: str) -> None:
    path = texts / f"{language}.txt"
    if language == "english":
        path.write_bytes((data_folder / "text/en/wikitext2.valid.txt").read_bytes())
    else:
        with gzip.open(data_folder / "text/manuals/tr.txt.gz") as file:
            path.write_bytes(file.read() + (data_folder / "text/ud/tr.train.txt").read_bytes())
    size = 12_000
    vocabulary = BPE(vocab_size=size, unit="line", special_tokens=("<s>", "</s>")).train(Corpus.from_files(path))
    expected = stock_merges(path, size, split.SUPERBPE_V2_STAGE1, special_tokens=["<s>", "</s>"])
    assert len(vocabulary) == size
    assert merges_of(vocabulary) == expected


def test_documents_are_read_as_the_stock_trainer_reads_an_iterator() -> None:
    documents = [SMALL * 3, "  indented\n\n  text\t", SMALL[5:60]]
    vocabulary = BPE(vocab_size=400, splitter=split.GPT2).train(Corpus.from_iterable(documents))
    assert merges_of(vocabulary) == stock_merges(documents, 400, split.GPT2)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=80), min_size=1, max_size=5),
    st.integers(0, 3),
    st.sampled_from([None, 2, 3, 6]),
)
def test_equals_the_stock_trainer_on_any_unicode(
    documents: list[str], min_frequency: int, max_token_length: int | None
) -> None:
    learner = BPE(vocab_size=300, splitter=split.GPT2, min_frequency=min_frequency, max_token_length=max_token_length)
    vocabulary = learner.train(Corpus.from_iterable(documents), threads=2)
    expected = stock_merges(documents, 300, split.GPT2, min_frequency=min_frequency, max_token_length=max_token_length)
    assert merges_of(vocabulary) == expected
    for document in documents:
        assert vocabulary.decode(vocabulary.encode(document)) == document


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_does_not_depend_on_threads(threads: int) -> None:
    corpus = Corpus.from_iterable([SMALL * 20, SMALL[3:] * 7, *(f"word{n} " * (n % 5) + "x" for n in range(300))])
    vocabulary = BPE(vocab_size=500).train(corpus, threads=threads)
    assert vocabulary.fingerprint() == BPE(vocab_size=500).train(corpus).fingerprint()


def test_resuming_from_merges_is_learning_at_once() -> None:
    corpus = Corpus.from_iterable([SMALL * 5])
    at_once = BPE(vocab_size=330).train(corpus)
    half = BPE(vocab_size=290).train(corpus)
    resumed = BPE(vocab_size=330, init_merges=tuple(merges_of(half))).train(corpus)
    assert resumed.fingerprint() == at_once.fingerprint()


def test_ids_are_special_tokens_then_bytes_then_merges() -> None:
    vocabulary = BPE(vocab_size=260, special_tokens=("<pad>", "<eos>")).train(Corpus.from_iterable(["abab"]))
    assert vocabulary.tokens[:2] == (b"<pad>", b"<eos>")
    assert vocabulary.tokens[2:5] == (b"!", b'"', b"#")
    assert vocabulary.tokens[258:] == (b"ab", b"abab")
    assert set(vocabulary.tokens[2:258]) == {bytes([value]) for value in range(256)}


def test_text_never_becomes_a_special_token() -> None:
    corpus = Corpus.from_iterable(["<s><s><s> a"] * 10)
    vocabulary = BPE(vocab_size=270, splitter=split.WHOLE, special_tokens=("<s>",)).train(corpus)
    assert vocabulary.tokens.count(b"<s>") == 1
    assert 0 not in vocabulary.encode("<s><s> a").tolist()


def test_a_veto_decides() -> None:
    corpus = Corpus.from_iterable(["abab abab"])
    vocabulary = BPE(vocab_size=262, veto=lambda left, right: right.endswith(b"b")).train(corpus)
    assert not any(token.endswith(b"b") for token in vocabulary.tokens[256:])
    assert b"ba" in vocabulary.tokens


def test_long_documents_can_be_cut_off() -> None:
    corpus = Corpus.from_iterable(["ab" + "xy" * 100, "ab"])
    vocabulary = BPE(vocab_size=258, max_doc_bytes=2).train(corpus)
    assert vocabulary.tokens[256:] == (b"ab",)


def test_a_corpus_too_small_for_the_size_is_said() -> None:
    with pytest.warns(UserWarning, match="258 tokens instead of 1,000"):
        vocabulary = BPE(vocab_size=1000).train(Corpus.from_iterable(["abc"]))
    assert len(vocabulary) == 258


def test_origin_says_how_it_was_made() -> None:
    corpus = Corpus.from_iterable([SMALL])
    origin = BPE(vocab_size=260, splitter=split.GPT2).train(corpus).origin
    assert origin.method == "bpe"
    assert origin.hyperparameters["splitter"] == "gpt2"
    assert origin.corpus == corpus.fingerprint()


def test_wrong_use_is_refused() -> None:
    corpus = Corpus.from_iterable(["text"])
    with pytest.raises(TrainingError, match="smaller than its alphabet: 257"):
        BPE(vocab_size=256, special_tokens=("<s>",)).train(corpus)
    with pytest.raises(TrainingError, match="no token by then"):
        BPE(vocab_size=300, init_merges=((b"ab", b"c"),)).train(corpus)
    with pytest.raises(TrainingError, match="sequence of strings"):
        BPE(special_tokens="<s>").train(corpus)  # type: ignore[arg-type]
    with pytest.raises(CorpusError, match="empty"):
        BPE().train(Corpus.from_iterable([]))
    with pytest.raises(UsageError, match="Corpus"):
        BPE().train("text")  # type: ignore[arg-type]


def test_a_corpus_is_read_once() -> None:
    reads = []

    def texts() -> list[str]:
        reads.append(1)
        return [SMALL]

    BPE(vocab_size=280).train(Corpus.from_iterable(texts))
    assert len(reads) == 1
