"""A Ray cluster of several processes on this machine: order, errors, and workers that are killed."""

from __future__ import annotations

import operator
import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tokencraft import engine
from tokencraft.corpus import Corpus
from tokencraft.engine import Local, Ray
from tokencraft.engine.ray import _check_reachable
from tokencraft.errors import CorpusError, MissingExtraError, TokencraftError, UsageError
from tokencraft.learn import SuperBPE
from tokencraft.vocabulary import merges, split


@pytest.fixture(scope="module")
def cluster() -> Iterator[Ray]:
    """The engine on a cluster of two worker processes."""
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'tokencraft[cluster]'")
    yield Ray(2)
    ray.shutdown()


@pytest.fixture
def documents() -> list[str]:
    """Documents that share most of their pieces, as those of a corpus do."""
    return [f"by the way number {number % 97}, by the sea\nand {number % 13} words\n" * 3 for number in range(400)]


def test_map_keeps_order(cluster: Ray) -> None:
    assert list(cluster.map(lambda number: number * number, range(9))) == [k * k for k in range(9)]
    assert cluster.map_reduce(str, range(4), operator.add) == "0123"  # not commutative


def test_few_shards_are_in_flight(cluster: Ray) -> None:
    drawn = []

    def shards() -> Iterator[int]:
        for k in range(100):
            drawn.append(k)
            yield k

    results = cluster.map(abs, shards())
    assert next(results) == 0
    assert len(drawn) <= 5
    results.close()  # type: ignore[attr-defined]  # a generator


def test_errors_arrive_as_they_are(cluster: Ray) -> None:
    def fail(kind: str) -> None:
        raise MissingExtraError("thing", "extra") if kind == "extra" else CorpusError(f"bad {kind}")

    with pytest.raises(CorpusError, match="bad shard"):
        list(cluster.map(fail, ["shard"]))
    with pytest.raises(MissingExtraError, match=r"tokencraft\[extra\]"):
        list(cluster.map(fail, ["extra"]))


class KillsOneWorker:
    """The cluster, one worker of which is killed when its first shard is counted but not yet handed over."""

    def __init__(self, cluster: Ray, flag: Path) -> None:
        self.cluster, self.flag = cluster, flag

    def map(self, function: Callable[[Any], Any], shards: Iterable[Any]) -> Iterator[Any]:
        flag = self.flag

        def work(shard: Any) -> Any:
            result = function(shard)
            if not flag.exists():
                flag.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return self.cluster.map(work, shards)

    def map_reduce(self, function: Any, shards: Any, reduce: Any) -> Any:
        raise NotImplementedError


def test_a_killed_worker_changes_nothing(cluster: Ray, documents: list[str], tmp_path: Path) -> None:
    corpus = Corpus.from_iterable(documents)
    learner = SuperBPE(vocab_size=300)
    engine = KillsOneWorker(cluster, tmp_path / "killed")
    learner.train(corpus, engine=engine).save(tmp_path / "there.json")
    learner.train(corpus).save(tmp_path / "here.json")
    assert engine.flag.exists()
    assert (tmp_path / "there.json").read_bytes() == (tmp_path / "here.json").read_bytes()


def test_a_shard_that_kills_every_worker_is_an_error(cluster: Ray) -> None:
    def die(_: int) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(TokencraftError, match="lost with its worker 1 times"):
        list(Ray(2, retries=0).map(die, range(2)))


@pytest.mark.parametrize(
    "splitter", [split.GPT2, split.WHOLE, split.Regex((r"[aeiou]+",))], ids=["gpt2", "whole", "re"]
)
def test_counts_are_those_of_this_machine(cluster: Ray, documents: list[str], splitter: split.Splitter) -> None:
    corpus = Corpus.from_iterable(documents)
    here = merges.count(corpus, splitter, unit="line", max_doc_bytes=100)
    there = merges.count(corpus, splitter, unit="line", max_doc_bytes=100, engine=cluster)
    assert there.items() == here.items()
    assert (there.fingerprint, there.total_bytes) == (here.fingerprint, here.total_bytes)


def test_files_learned_on_the_cluster_give_the_same_bytes(cluster: Ray, documents: list[str], tmp_path: Path) -> None:
    for number, text in enumerate(documents[:60]):
        (tmp_path / f"{number:02}.txt").write_text(text)
    (tmp_path / "broken.txt").write_bytes(b"\xff\xfe\xfa")
    written = []
    for chosen in (None, Local(2), cluster):
        corpus = Corpus.from_files(tmp_path, encoding_errors="skip")
        vocabulary = SuperBPE(vocab_size=300).train(corpus, engine=chosen)
        vocabulary.save(target := tmp_path / ".out" / f"{len(written)}")
        written.append({path.name: path.read_bytes() for path in sorted(target.iterdir())})
        assert [name.rpartition("/")[2] for name in corpus.skipped] == ["broken.txt#0"]
    assert written[0] == written[1] == written[2]


def test_by_name() -> None:
    assert engine.get("ray", processes=3) == Ray(3)


@pytest.mark.parametrize("options", [{"processes": 0}, {"retries": -1}])
def test_impossible_options(options: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        Ray(**options)  # type: ignore[arg-type]


def test_without_ray_the_extra_is_named() -> None:
    script = """
        import sys
        sys.modules["ray"] = None
        from tokencraft.engine import Ray
        from tokencraft.errors import MissingExtraError
        try:
            list(Ray().map(abs, [1]))
        except MissingExtraError as error:
            print(error)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True)
    assert "tokencraft[cluster]" in done.stdout


def test_a_cluster_that_is_not_there() -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'tokencraft[cluster]'")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens
        with pytest.raises(TokencraftError, match="no Ray cluster at "):
            _check_reachable(f"127.0.0.1:{taken.getsockname()[1]}")
