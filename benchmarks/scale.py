"""Time and memory of learning SuperBPE against the size of the corpus, and with little memory, and on a Ray cluster.

The corpus is distinct text of one kind at every size (``scale_corpus.py``), read from a file in the page cache. Each
measurement is a process of its own; peak memory is that of the whole process, interpreter included, of the driver
alone on a cluster, where processor time is the driver's too. What is claimed: the processor time for a byte does not
grow from 100 MB up by more than 20%, memory stays within what was allowed, and everything that is not sampled gives the
vocabulary of the run with 8 GiB. Wall time depends on what else the machine does; processor time hardly.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from pathlib import Path
from typing import Any

from harness import CACHE, in_turn, measured, median, ratio, store, warm
from scale_corpus import build

GIB = 1 << 30
SIZES = [1_000_000, 10_000_000, 100_000_000, 300_000_000, 1_000_000_000]
LINEAR_FROM = 100_000_000


def main() -> None:
    """Measure, print and store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="*", type=int, default=SIZES, help="bytes of text")
    parser.add_argument("--vocab-size", type=int, default=50_000)
    parser.add_argument("--memory", nargs="*", type=float, default=[1], help="GiB allowed at the largest size, too")
    parser.add_argument("--little", nargs="*", type=float, default=[0.5], help="GiB allowed at 100 MB, too")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work(json.loads(arguments.worker))
    else:
        report(arguments)


def report(arguments: argparse.Namespace) -> None:
    """Run every size, and the largest with less memory and one on a cluster; store one table."""
    from tokencraft.report import Column, Table, run_context

    paths = build(CACHE, arguments.sizes)
    largest = max(arguments.sizes)
    middle = min(arguments.sizes, key=lambda size: abs(size - LINEAR_FROM))
    plans: list[tuple[int, float, str]] = [(size, 8.0, "local") for size in sorted(arguments.sizes)]
    plans.append((middle, 8.0, "ray"))
    plans += [(middle, memory, "local") for memory in arguments.little]
    plans += [(largest, memory, "local") for memory in arguments.memory]
    tasks = {
        f"{size} {memory} {engine}": {
            "path": str(paths[size]),
            "vocab_size": arguments.vocab_size,
            "memory": int(memory * GIB),
            "engine": engine,
        }
        for size, memory, engine in plans
    }
    samples = in_turn(__file__, tasks, repeats=arguments.repeats, threads=arguments.threads)
    base = median(samples[f"{middle} 8.0 local"], "cpu_seconds")
    base_rate = ratio(base, paths[middle].stat().st_size)
    rows: list[list[Any]] = []
    for size, memory, engine in plans:
        runs = samples[f"{size} {memory} {engine}"]
        reached = paths[size].stat().st_size
        seconds, busy, peak = (median(runs, name) for name in ("seconds", "cpu_seconds", "peak_bytes"))
        whole = samples[f"{size} 8.0 local"][0].get("fingerprint")
        used = runs[0].get("used")
        rows.append(
            [
                reached / 1e6,
                engine,
                memory,
                seconds,
                busy,
                ratio(reached / 1e6, seconds),
                ratio(ratio(busy, reached), base_rate),
                ratio(peak, GIB),
                ratio(peak, reached),
                None if used is None else 100 * used,
                "yes" if whole and runs[0].get("fingerprint") == whole else "no",
                runs[0].get("error", ""),
            ]
        )
    columns = [
        Column("corpus", "MB"),
        Column("engine"),
        Column("memory allowed", "GiB"),
        Column("time", "s"),
        Column("processor time", "s"),
        Column("speed", "MB/s"),
        Column("processor time a byte, to that of 100 MB", "ratio"),
        Column("peak memory", "GiB"),
        Column("peak memory", "bytes per corpus byte"),
        Column("tokens learned from", "%"),
        Column("vocabulary of the 8 GiB run"),
        Column("note"),
    ]
    reached = paths[largest].stat().st_size / 1e6
    title = (
        f"SuperBPE of {arguments.vocab_size:,} tokens on distinct text (Python packages, Debian documentation), of "
        f"which there were {reached:,.0f} MB; {arguments.threads} threads, median of {arguments.repeats} run(s), each "
        "in a fresh process, files warm in the page cache."
    )
    command = "python benchmarks/scale.py " + " ".join(sys.argv[1:])
    store("scale", Table(title, columns, rows, run_context(command=command.strip())))


def work(task: dict[str, Any]) -> None:
    """Train once and print what it took."""
    import psutil

    from tokencraft import engine
    from tokencraft.corpus import Corpus
    from tokencraft.learn import SuperBPE

    path, threads = Path(task["path"]), int(task["threads"])
    warm(path)
    chosen = None if task["engine"] == "local" else engine.get(task["engine"], processes=threads)
    if chosen is not None:
        list(chosen.map(abs, range(threads)))  # a cluster is there before the work comes
    before = psutil.Process().memory_info().rss
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the sample, which the result tells
        done = measured(
            lambda: SuperBPE(vocab_size=task["vocab_size"]).train(
                Corpus.from_files(path), threads=threads, engine=chosen, memory=task["memory"]
            )
        )
    noted = done.value.origin.hyperparameters.get("samples", [])
    used = min((sample["tokens"] / sample["of_tokens"] for sample in noted), default=1.0)
    result = {
        "seconds": done.seconds,
        "cpu_seconds": done.cpu_seconds,
        "peak_bytes": before + done.memory_bytes,
        "fingerprint": done.value.fingerprint(),
        "used": used,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
