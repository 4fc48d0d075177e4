"""Resumable stages: each does its work once, records what it depended on, and is skipped while that is unchanged.

Stage ``NN-name`` owns ``stages/NN-name/`` in the output folder. ``started.json`` says what an unfinished stage began
with, ``done.json`` is written last and holds the stage's inputs (as hashes of earlier stages), options, versions, seed,
files and result. A run that is killed at any moment and started again continues with the first stage that is not done.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import re
import resource
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from tokencraft.errors import StageError, TokencraftError
from tokencraft.report import write_json

MARKER = "tokencraft adapt"
Result = dict[str, Any]


@dataclass(frozen=True)
class Stage:
    """One step of a run.

    Args:
        name: the name that the user sees; the folder is ``NN-name``.
        action: does the work inside the stage's folder and returns what the report needs, as JSON values.
        options: names of the options that the work depends on.
        needs: names of the stages whose results the work reads.
        inputs: hashes of what the work reads besides earlier stages, by a name that an error can use.
        measures: keys of the result that are measurements of this run (times, rates, peaks); they go to ``timings``.
    """

    name: str
    action: Callable[[Path], Result]
    options: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StageEvent:
    """What happened to a stage: ``kind`` is ``started``, ``finished`` or ``skipped``."""

    kind: str
    name: str
    number: int
    total: int
    seconds: float = 0.0


@dataclass
class StageRunner:
    """Runs stages in order inside one output folder that no other run may use meanwhile.

    Args:
        output: the output folder.
        option_values: the values of all options, by name, as JSON values.
        versions: versions of everything the results depend on.
        seed: the seed of the run.
        overwrite: rerun a stage that was done with other options, and everything after it.
        on_event: called when a stage starts, finishes or is skipped.
    """

    output: Path
    option_values: Mapping[str, Any]
    versions: Mapping[str, str]
    seed: int
    overwrite: bool = False
    on_event: Callable[[StageEvent], None] = lambda event: None
    done: dict[str, dict[str, Any]] = field(default_factory=dict)

    def folder(self, stages: Sequence[Stage], name: str) -> Path:
        """The folder of the named stage."""
        number = [stage.name for stage in stages].index(name) + 1
        return self.output / "stages" / f"{number:02d}-{name}"

    def result(self, name: str) -> Result:
        """What the named stage, which must be done, returned."""
        result: Result = self.done[name]["result"]
        return result

    def option_values_of(self, names: Sequence[str]) -> dict[str, Any]:
        """The values of the named options."""
        return {name: self.option_values[name] for name in names}

    def run(self, stages: Sequence[Stage], *, stop_after: str | None = None) -> None:
        """Bring every stage up to ``stop_after`` to its ``done.json``.

        Raises:
            StageError: the folder is in use or holds something else, or a stage was done with other options.
        """
        claim_folder(self.output)
        with folder_lock(self.output / "stages" / ".lock", busy="another run uses this output folder"):
            for number, stage in enumerate(stages, start=1):
                self._bring_to_done(stages, stage, number)
                if stage.name == stop_after:
                    break

    def _bring_to_done(self, stages: Sequence[Stage], stage: Stage, number: int) -> None:
        folder = self.folder(stages, stage.name)
        key = self._key(stage)
        record = _find_record(folder / "done.json")
        if record is not None and not self._differs(record, key, folder):
            _check_files(folder, record["files"])
            shutil.rmtree(folder / "checkpoint", ignore_errors=True)
            self.done[stage.name] = record
            self.on_event(StageEvent("skipped", stage.name, number, len(stages)))
            return
        started = _find_record(folder / "started.json")
        if record is not None or (started is not None and self._differs(started, key, folder)):
            for later in stages[number - 1 :]:
                shutil.rmtree(self.folder(stages, later.name), ignore_errors=True)
        self.on_event(StageEvent("started", stage.name, number, len(stages)))
        begin = time.perf_counter()
        with explain_disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            write_json(folder / "started.json", key)
            result = json.loads(json.dumps(stage.action(folder)))
            timings = {name: result.pop(name) for name in stage.measures if name in result}
            timings["seconds"] = time.perf_counter() - begin
            timings["peak_memory_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
            record = {**key, "files": _hash_files(folder), "result": result, "timings": timings}
            write_json(folder / "done.json", record)
            # Only now: a kill before the record is written must still find the checkpoint.
            shutil.rmtree(folder / "checkpoint", ignore_errors=True)
        self.done[stage.name] = record
        self.on_event(StageEvent("finished", stage.name, number, len(stages), timings["seconds"]))

    def _key(self, stage: Stage) -> dict[str, Any]:
        return {
            "stage": stage.name,
            "inputs": {**{f"result of stage {name}": _digest(self.done[name]) for name in stage.needs}, **stage.inputs},
            "options": {name: self.option_values[name] for name in stage.options},
            "versions": dict(self.versions),
            "seed": self.seed,
        }

    def _differs(self, record: Mapping[str, Any], key: Mapping[str, Any], folder: Path) -> bool:
        """Whether a stage was run with something else; an error that names it unless ``overwrite`` allows the rerun."""
        change = _first_change(record, key)
        if change is None:
            return False
        if self.overwrite:
            return True
        what, before, now = change
        raise StageError(
            f"{folder} was made with {what} {json.dumps(before)}, this run has {what} {json.dumps(now)}. "
            f"Run with the earlier value, choose another --output, or give --overwrite to rerun the stage "
            f"{key['stage']!r} and all that follow."
        )


def refuse_foreign(output: Path) -> None:
    """Refuse an output folder that holds something else than an earlier run.

    Raises:
        StageError: it does.
    """
    marker = output / "stages" / "run.json"
    if output.exists() and not output.is_dir():
        raise StageError(f"{output} is a file; --output names a folder.")
    if _find_record(marker) is None:
        # A kill between the folder's making and the marker's writing leaves an empty `stages` behind.
        foreign = [p.name for p in output.iterdir() if p.name != "stages"] if output.is_dir() else []
        if foreign or any(not p.name.startswith((".", "run.json")) for p in (output / "stages").glob("*")):
            raise StageError(
                f"{output} already holds something that is not a run of tokencraft adapt"
                f"{f' (for example {foreign[0]!r})' if foreign else ''}. Choose another --output or empty it."
            )


def claim_folder(output: Path) -> None:
    """Make ``output`` ours, or refuse it when it holds something else."""
    refuse_foreign(output)
    marker = output / "stages" / "run.json"
    if not marker.exists():
        with explain_disk_errors(output):
            marker.parent.mkdir(parents=True, exist_ok=True)
            write_json(marker, {"made_by": MARKER, "schema": 1})


@contextlib.contextmanager
def folder_lock(path: Path, *, busy: str, wait: bool = False) -> Iterator[None]:
    """Hold an advisory lock that the system releases however the process ends.

    Raises:
        StageError: another process holds the lock and ``wait`` is false.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except OSError as error:
            handle.seek(0)
            holder = handle.read().strip()
            raise StageError(f"{busy}: {path.parent}{f' (process {holder})' if holder else ''}.") from error
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield


@contextlib.contextmanager
def explain_disk_errors(folder: Path) -> Iterator[None]:
    """Turn a full or unwritable disk into an error that says how to go on."""
    try:
        yield
    except (OSError, SafetensorError) as error:
        number, place = _system_error(error)
        if number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise TokencraftError(
                f"the disk is full: writing to {place or folder} failed ({os.strerror(number)}). "
                "Free some space and run the same command again; finished stages are kept."
            ) from error
        if number in (errno.EACCES, errno.EROFS, errno.EPERM):
            raise TokencraftError(f"cannot write to {place or folder}: {os.strerror(number)}.") from error
        raise


def _system_error(error: OSError | SafetensorError) -> tuple[int, str | None]:
    """The system's error number and the file; safetensors has the number in its message only."""
    if isinstance(error, OSError):
        return error.errno or 0, error.filename
    found = re.search(r"os error (\d+)", str(error))
    return int(found[1]) if found else 0, None


def _digest(record: Mapping[str, Any]) -> str:
    """Hash of a finished stage: everything in its record but the times."""
    stable = {name: value for name, value in record.items() if name != "timings"}
    return hashlib.blake2b(json.dumps(stable, sort_keys=True).encode(), digest_size=16).hexdigest()


def _hash_files(folder: Path) -> dict[str, list[Any]]:
    """Size and hash of every file the stage left, but for the records and for checkpoints."""
    files: dict[str, list[Any]] = {}
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if not path.is_file() or relative.name in ("started.json", "done.json") or relative.parts[0] == "checkpoint":
            continue
        with path.open("rb") as handle:
            digest = hashlib.file_digest(handle, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
        files[relative.as_posix()] = [path.stat().st_size, digest]
    return files


def _check_files(folder: Path, files: Mapping[str, Sequence[Any]]) -> None:
    for name, (size, _) in files.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != size:
            raise StageError(
                f"{path} is missing or changed since its stage was done. Delete {folder} to rerun that stage."
            )


def _first_change(record: Mapping[str, Any], key: Mapping[str, Any]) -> tuple[str, Any, Any] | None:
    """The first of options, seed, versions and inputs in which two keys differ, as (what, before, now)."""
    if record.get("seed") != key["seed"]:
        return "--seed", record.get("seed"), key["seed"]
    for group, label in (("options", "--{}"), ("versions", "version of {}"), ("inputs", "{}")):
        before, now = record.get(group, {}), key[group]
        for name in sorted(set(before) | set(now)):
            if before.get(name) != now.get(name):
                shown = name.replace("_", "-") if group == "options" else name
                return label.format(shown), before.get(name), now.get(name)
    return None


def read_record(path: Path) -> dict[str, Any]:
    """The JSON object in a file that a finished stage wrote.

    Raises:
        StageError: the file is missing or damaged.
    """
    record = _find_record(path)
    if record is None:
        raise StageError(f"{path} is missing; delete its folder to rerun that stage.")
    return record


def _find_record(path: Path) -> dict[str, Any] | None:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (ValueError, NotADirectoryError) as error:
        raise StageError(f"{path} is damaged ({error}); delete its folder to rerun that stage.") from error
    if not isinstance(value, dict):
        raise StageError(f"{path} is damaged; delete its folder to rerun that stage.")
    return value
