"""Every method: one command each on manuals in 14 languages and on Python code, and back again from 388 languages."""

from __future__ import annotations

import gzip
import json
import sysconfig
from collections.abc import Mapping
from pathlib import Path

import pytest

from tokencraft.cli import main
from tokencraft.cli.train import trainers
from tokencraft.learn.options import CorpusOptions, TextOptions
from tokencraft.vocabulary import TokenKind, Vocabulary
from tokencraft.vocabulary.normalization import Normalizer

SIZE = "6000"
LANGUAGE_BYTES = 24_000
MODULES = ("ast.py", "csv.py", "gettext.py", "heapq.py", "json/decoder.py", "shlex.py", "textwrap.py", "zipfile.py")
METHODS = list(trainers())


@pytest.fixture(scope="module")
def manuals(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("manuals")
    for path in sorted((data_folder / "text" / "manuals").glob("*.txt.gz")):
        text = gzip.decompress(path.read_bytes())[:LANGUAGE_BYTES].decode("utf-8", "ignore")
        (folder / path.name.removesuffix(".gz")).write_text(text, encoding="utf-8")
    assert len(list(folder.iterdir())) == 14
    return folder


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("code")
    for name in MODULES:
        source = Path(sysconfig.get_path("stdlib")) / name
        if source.is_file():
            (folder / name.replace("/", "_")).write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def declarations(data_folder: Path) -> list[str]:
    """The beginning of the Universal Declaration of Human Rights in every language there is."""
    texts: Mapping[str, str] = json.loads(gzip.decompress((data_folder / "text" / "udhr.json.gz").read_bytes()))
    assert len(texts) > 300
    return [text[:400] for text in texts.values()]


@pytest.mark.parametrize("corpus", ["manuals", "code"])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.filterwarnings("ignore")
def test_one_command_learns_a_vocabulary_that_gives_text_back(
    method: str,
    corpus: str,
    declarations: list[str],
    tmp_path: Path,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder: Path = request.getfixturevalue(corpus)
    output = tmp_path / "tokenizer"  # a folder, which also holds the roles of special tokens
    assert main(["train", method, "--corpus", str(folder), "--vocab-size", SIZE, "-o", str(output), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    vocabulary = Vocabulary.load(output)
    assert vocabulary.fingerprint() == report["fingerprint"]
    assert len(vocabulary) == report["vocab_size"] > 300
    assert report["origin"]["hyperparameters"]["vocab_size"] == int(SIZE)
    encoded = vocabulary.encode_batch(declarations)
    for text, ids in zip(declarations, encoded, strict=True):
        came_back, there = vocabulary.decode(ids), expected(vocabulary, text)
        if vocabulary.algorithm == "wordpiece":
            unknown = vocabulary.special_tokens["unk"]
            assert unknown in ids or squeezed(came_back) == squeezed(there)
        else:
            assert came_back == there


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.filterwarnings("ignore")
def test_every_method_takes_the_shared_options(
    method: str, manuals: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    learner = trainers()[method]
    assert issubclass(learner, CorpusOptions)
    output = tmp_path / "tokenizer"
    specials = ("[UNK]", "[CLS]", "[SEP]", "<|a b|>")
    options = [word for special in specials for word in ("--special-tokens", special)]
    options += ["--unit", "line", "--max-doc-bytes", "9000"]
    options += ["--normalizer", "nfc", "--lowercase"]
    if issubclass(learner, TextOptions):
        options += ["--digits", "r2l3", "--min-frequency", "2", "--max-token-length", "12"]
    assert main(["train", method, "--corpus", str(manuals), "--vocab-size", SIZE, "-o", str(output), *options]) == 0
    vocabulary = Vocabulary.load(output)
    origin = vocabulary.origin.hyperparameters
    assert (origin["unit"], origin["max_doc_bytes"], origin["normalizer"], origin["lowercase"]) == (
        "line",
        9000,
        "nfc",
        True,
    )
    assert vocabulary.id_of(b"<|a b|>") in vocabulary.encode("x<|a b|>y", specials="all")
    assert "CAFÉ" not in vocabulary.decode(vocabulary.encode("CAFE\u0301"))
    kinds = zip(vocabulary.tokens, vocabulary.kinds, strict=True)
    ordinary = [token for token, kind in kinds if kind == TokenKind.NORMAL]
    assert not any(len(token) > 1 and token.isupper() for token in ordinary)
    if issubclass(learner, TextOptions):
        pieces = [vocabulary.decode([each]).strip() for each in vocabulary.encode("of 7654321 in").tolist()]
        assert [piece for piece in pieces if piece.isdigit()] == ["7", "654", "321"]
        if method != "ktokeniser":  # whose pieces of concepts have their own limit
            assert max(map(len, ordinary)) <= 12


def expected(vocabulary: Vocabulary, text: str) -> str:
    """What a text becomes on its way through the vocabulary."""
    if vocabulary.lossless:
        return text
    assert vocabulary.normalizer is not None
    return Normalizer(vocabulary.normalizer)(text)


def squeezed(text: str) -> str:
    """Without the white space, which WordPiece does not keep."""
    return "".join(text.split())
