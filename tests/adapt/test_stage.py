"""Stages are done once, resume where they were left, and refuse what does not belong to them."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tokencraft.adapt.stage import Stage, StageRunner, claim_folder, explain_disk_errors, folder_lock
from tokencraft.errors import StageError, TokencraftError


class Recorder:
    """Two stages, the second of which reads the first, and a list of the actions that ran."""

    def __init__(
        self, output: Path, *, first: int = 1, seed: int = 0, overwrite: bool = False, files: str = "x"
    ) -> None:
        self.ran: list[str] = []
        self.events: list[tuple[str, str]] = []
        self.runner = StageRunner(
            output=output,
            option_values={"first": first, "second": 2},
            versions={"tool": "1"},
            seed=seed,
            overwrite=overwrite,
            on_event=lambda event: self.events.append((event.kind, event.name)),
        )
        self.stages = [
            Stage("one", self._one, ("first",), inputs={"corpus files": files}),
            Stage("two", self._two, ("second",), ("one",), ("rate",)),
        ]

    def _one(self, folder: Path) -> dict[str, Any]:
        self.ran.append("one")
        (folder / "value.txt").write_text(str(self.runner.option_values["first"]))
        return {"value": self.runner.option_values["first"]}

    def _two(self, folder: Path) -> dict[str, Any]:
        self.ran.append("two")
        (folder / "checkpoint").mkdir(exist_ok=True)
        return {"double": 2 * self.runner.result("one")["value"], "rate": 12.5}

    def run(self, **options: Any) -> Recorder:
        self.runner.run(self.stages, **options)
        return self


def test_a_second_run_skips_everything(tmp_path: Path) -> None:
    first = Recorder(tmp_path / "out").run()
    second = Recorder(tmp_path / "out").run()
    assert first.ran == ["one", "two"]
    assert second.ran == []
    assert second.events == [("skipped", "one"), ("skipped", "two")]
    assert second.runner.result("two") == {"double": 2}


def test_measurements_stay_out_of_the_result(tmp_path: Path) -> None:
    Recorder(tmp_path / "out").run()
    record = json.loads((tmp_path / "out/stages/02-two/done.json").read_text())
    assert record["result"] == {"double": 2}
    assert record["timings"]["rate"] == 12.5
    assert not (tmp_path / "out/stages/02-two/checkpoint").exists()


def test_stop_after_leaves_the_rest_for_later(tmp_path: Path) -> None:
    assert Recorder(tmp_path / "out").run(stop_after="one").ran == ["one"]
    assert Recorder(tmp_path / "out").run().ran == ["two"]


@pytest.mark.parametrize(
    ("change", "named"),
    [({"first": 3}, "--first"), ({"seed": 5}, "--seed"), ({"files": "y"}, "corpus files")],
)
def test_a_change_is_an_error_that_names_it(tmp_path: Path, change: dict[str, Any], named: str) -> None:
    Recorder(tmp_path / "out").run()
    with pytest.raises(StageError, match=named):
        Recorder(tmp_path / "out", **change).run()


def test_overwrite_reruns_the_stage_and_what_follows(tmp_path: Path) -> None:
    Recorder(tmp_path / "out").run()
    again = Recorder(tmp_path / "out", first=3, overwrite=True).run()
    assert again.ran == ["one", "two"]
    assert again.runner.result("two") == {"double": 6}


def test_an_unfinished_stage_of_other_options_is_an_error_too(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "out")
    recorder.stages[1] = Stage("two", lambda folder: 1 / 0, ("second",), ("one",))
    with pytest.raises(ZeroDivisionError):
        recorder.run()
    changed = Recorder(tmp_path / "out")
    changed.runner.option_values = {"first": 1, "second": 9}
    with pytest.raises(StageError, match="--second"):
        changed.run()


def test_a_file_that_vanished_is_noticed(tmp_path: Path) -> None:
    Recorder(tmp_path / "out").run()
    (tmp_path / "out/stages/01-one/value.txt").unlink()
    with pytest.raises(StageError, match=r"value\.txt is missing or changed"):
        Recorder(tmp_path / "out").run()


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    Recorder(tmp_path / "out").run()
    (tmp_path / "out/stages/01-one/done.json").write_text("{half")
    with pytest.raises(StageError, match=r"done\.json is damaged"):
        Recorder(tmp_path / "out").run()


@pytest.mark.parametrize("name", ["notes.txt", "stages/foreign"])
def test_a_folder_with_something_else_in_it_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "stages").mkdir()
    (tmp_path / name).write_text("mine")
    with pytest.raises(StageError, match="already holds something"):
        claim_folder(tmp_path)
    assert (tmp_path / name).read_text() == "mine"


def test_an_output_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StageError, match="is a file"):
        claim_folder(tmp_path / "file")


def test_a_folder_whose_claim_was_cut_short_is_ours(tmp_path: Path) -> None:
    (tmp_path / "stages").mkdir()
    claim_folder(tmp_path)
    claim_folder(tmp_path)


def test_two_runs_cannot_share_a_folder_and_a_killed_one_frees_it(tmp_path: Path) -> None:
    lock = tmp_path / ".lock"
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            textwrap.dedent(
                f"""
                import time
                from pathlib import Path
                from tokencraft.adapt.stage import folder_lock
                with folder_lock(Path({str(lock)!r}), busy="in use"):
                    print("held", flush=True)
                    time.sleep(60)
                """
            ),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StageError, match=rf"in use.*process {holder.pid}"), folder_lock(lock, busy="in use"):
            pass
    finally:
        holder.kill()
        holder.wait()
    with folder_lock(lock, busy="in use"):
        pass


def test_a_full_disk_is_explained(tmp_path: Path) -> None:
    def fill(folder: Path) -> dict[str, Any]:
        raise OSError(errno.ENOSPC, "No space left on device", str(folder / "weights"))

    recorder = Recorder(tmp_path / "out")
    recorder.stages[1] = Stage("two", fill, ("second",), ("one",), ("rate",))
    with pytest.raises(TokencraftError, match="disk is full"):
        recorder.run()
    assert Recorder(tmp_path / "out").run().ran == ["two"], "the finished stage is kept"


def test_other_errors_pass(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), explain_disk_errors(tmp_path):
        raise FileNotFoundError("elsewhere")
