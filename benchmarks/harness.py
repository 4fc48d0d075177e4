"""What the benchmarks share: corpora, one measurement a process, contestants in turn, medians, results as files.

A benchmark script runs itself: the parent starts ``script --worker '{...}'`` once for every measurement, so that each
begins with a fresh process whose peak memory is its own, and the contestants take turns, so that a change in the
machine's load does not favour one of them.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import re
import resource
import statistics
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tokencraft.report import Progress, Table, write_json

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
CACHE = ROOT / "build" / "benchmarks"

Sample = dict[str, Any]


@dataclass(frozen=True)
class Measured:
    """One call.

    Args:
        seconds: wall time.
        cpu_seconds: processor time of all threads.
        memory_bytes: how far memory rose at its peak over what the process held before the call.
        value: what the call gave.
    """

    seconds: float
    cpu_seconds: float
    memory_bytes: int
    value: Any


def parser_of(
    description: str | None, contestants: Iterable[str], *, size: int, size_help: str
) -> argparse.ArgumentParser:
    """The options that the benchmarks on whole corpora share.

    Args:
        description: the docstring of the script.
        contestants: what ``--only`` takes.
        size: default of ``--bytes``.
        size_help: what ``--bytes`` says.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", choices=["code", "text", "both"], default="both")
    parser.add_argument("--bytes", type=int, default=size, help=size_help)
    parser.add_argument("--vocab-size", type=int, default=32_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", nargs="*", choices=list(contestants), help="leave the others out")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    return parser


def corpora_of(arguments: argparse.Namespace, size: int) -> dict[str, Path]:
    """The corpora that ``--corpus`` asks for, by name, about ``size`` bytes each; text only where it is there."""
    corpora = {"code": code_corpus(size)} if arguments.corpus != "text" else {}
    if arguments.corpus != "code":
        text = text_corpus(size)
        if text is None:
            print("no corpus of text: the real data is absent (TOKENCRAFT_DATA)", file=sys.stderr)
        else:
            corpora["text"] = text
    return corpora


def data_folder() -> Path:
    """Where the real data lies, or would."""
    return Path(os.environ.get("TOKENCRAFT_DATA", ROOT.parent / "shared" / "data"))


def measured(work: Callable[[], Any]) -> Measured:
    """Time a call and watch its memory; meant for a process that does nothing else."""
    _forget_peak()
    before = psutil.Process().memory_info().rss
    start, start_cpu = time.perf_counter(), time.process_time()
    value = work()
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - start_cpu
    return Measured(seconds, cpu_seconds, max(0, _peak() - before), value)


def in_turn(
    script: str | Path, tasks: Mapping[str, Mapping[str, Any]], *, repeats: int, threads: int
) -> dict[str, list[Sample]]:
    """Run every task ``repeats`` times, one process a run, all tasks once before any again.

    Args:
        script: the benchmark; called with ``--worker`` and the task as JSON, it prints a JSON object on its last line.
        tasks: what to run, by name. A task whose first run fails is left out, with its error under ``"error"``.
        repeats: how often.
        threads: what every library is told to use.

    Returns:
        The samples of every task, in the order of the runs.
    """
    samples: dict[str, list[Sample]] = {name: [] for name in tasks}
    with Progress(Path(script).stem, total=repeats * len(tasks), unit="runs") as progress:
        for _ in range(repeats):
            for name, task in tasks.items():
                if not (samples[name] and "error" in samples[name][0]):
                    samples[name].append(_run(script, task, threads))
                progress.advance()
    return samples


def median(samples: Sequence[Sample], key: str) -> float | None:
    """Median of a number over the samples that have it; None where none has, because the task failed."""
    values = [sample[key] for sample in samples if key in sample]
    return statistics.median(values) if values else None


def ratio(value: float | None, base: float | None) -> float | None:
    """``value / base`` where both are known."""
    return None if value is None or not base else value / base


def store(name: str, table: Table, **more: Any) -> Path:
    """Write a table, and what else belongs to it, to ``benchmarks/results/NAME.json``; print the table."""
    path = RESULTS / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, {**table.to_json(), **more})
    print(table.to_text())
    print(path)
    return path


def code_corpus(size: int) -> Path:
    """A file of about ``size`` bytes of Python code: site-packages and the standard library, equal files once."""
    path = CACHE / f"code-{size}.txt"
    if not path.is_file():
        folders = [Path(sysconfig.get_path("purelib")), Path(sysconfig.get_path("stdlib"))]
        _write_corpus(path, [file for folder in folders for file in sorted(folder.rglob("*.py"))], size)
    return path


def text_corpus(size: int) -> Path | None:
    """A file of at most ``size`` bytes of text in many languages from the real data; None where it is absent."""
    path = CACHE / f"text-{size}.txt"
    if not path.is_file():
        data = data_folder() / "text"
        files = [*sorted(data.glob("en/*")), *sorted(data.glob("manuals/*")), *sorted(data.glob("ud/*.txt"))]
        if not files:
            return None
        _write_corpus(path, files, size)
    return path


def warm(path: Path) -> None:
    """Bring a file into the page cache, where the disk is not what is measured."""
    with path.open("rb", buffering=0) as file:
        while file.read(1 << 20):
            pass


def _forget_peak() -> None:
    """Linux: let the peak begin anew, so that imports do not count."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _peak() -> int:
    """Most memory held so far, in bytes."""
    status = Path("/proc/self/status")
    if status.is_file():  # unlike ru_maxrss this leaves out what the parent held before the exec
        match = re.search(r"VmHWM:\s*(\d+) kB", status.read_text(encoding="ascii"))
        if match:
            return int(match[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _write_corpus(path: Path, files: Sequence[Path], size: int) -> None:
    from tokencraft.corpus import Corpus

    shuffled = list(files)
    random.Random(0).shuffle(shuffled)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    seen: set[int] = set()
    written = 0
    with partial.open("wb") as out:
        for text in Corpus.from_files(shuffled, encoding_errors="skip"):
            if written >= size:
                break
            data = text.encode("utf-8")[: size - written].decode("utf-8", "ignore").encode("utf-8")
            if hash(text) not in seen:
                seen.add(hash(text))
                written += out.write(data)
    partial.rename(path)


def _run(script: str | Path, task: Mapping[str, Any], threads: int) -> Sample:
    """One measurement in a process of its own."""
    limits = {name: str(threads) for name in ("RAYON_NUM_THREADS", "OMP_NUM_THREADS", "TOKENCRAFT_THREADS")}
    environment = {**os.environ, **limits, "TOKENIZERS_PARALLELISM": "true"}
    command = [sys.executable, str(script), "--worker", json.dumps({**task, "threads": threads})]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"exit {done.returncode}"]
        return {"error": " ".join(lines[-1].split())[:60]}
    sample: Sample = json.loads(done.stdout.strip().splitlines()[-1])
    return sample
