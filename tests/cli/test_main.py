"""What holds for every command: help, version, exit codes, messages instead of stack traces."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest

import tokencraft
from tokencraft import cli
from tokencraft.cli import main

COMMANDS = ["adapt", "encode", "measure", "methods", "train", "transplant"]


def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[bytes]:
    """The command as users start it, in a process of its own."""
    command = [sys.executable, "-m", "tokencraft", *arguments]
    return subprocess.run(command, capture_output=True, check=False, **options)  # type: ignore[call-overload,no-any-return]


def test_help_is_fast_and_lists_the_commands() -> None:
    run("--help")  # compiles what is not compiled yet
    start = time.perf_counter()
    done = run("--help")
    assert time.perf_counter() - start < 1.5  # 0.1 s on a quiet machine
    assert done.returncode == 0
    for command in COMMANDS:
        assert f"\n  {command} " in done.stdout.decode()


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys; from tokencraft.cli import main; main(['--help'])\n"
        "print(set(sys.modules) & {'torch', 'transformers', 'numpy', 'pyarrow', 'matplotlib', 'tokenizers'})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


def test_version() -> None:
    done = run("--version")
    assert (done.returncode, done.stdout.decode()) == (0, f"tokencraft {tokencraft.__version__}\n")


@pytest.mark.parametrize(
    "command", [["adapt"], ["encode"], ["measure"], ["methods"], ["transplant"], ["extend"], ["train", "bpe"]]
)
def test_every_command_has_help_with_an_example_and_the_common_options(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--help"]) == 0
    text = capsys.readouterr().out
    assert f"tokencraft {' '.join(command)}" in text.partition("Example")[2]
    for option in ("--json", "--seed", "--threads", "--debug"):
        assert option in text


@pytest.mark.parametrize(
    "arguments",
    [[], ["nonsense"], ["measure"], ["train", "nonsense"], ["methods", "--nonsense"], ["methods", "--room", "kitchen"]],
)
def test_wrong_use_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_failure_exits_with_1_and_says_why(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    arguments = ["measure", str(tmp_path / "no.json"), "--corpus", str(tmp_path / "no.txt")]
    assert main(arguments) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == f"tokencraft: error: {tmp_path}/no.txt: No such file or directory; check the path\n"
    assert main([*arguments, "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (MemoryError(), 1, "out of memory"),
        (RuntimeError("oops"), 1, "unexpected RuntimeError: oops; run again with --debug"),
        (BrokenPipeError(), 0, ""),
        (OSError(28, "No space left on device", "/x"), 1, "error: /x: No space left on device"),
    ],
)
def test_whatever_happens_there_is_a_message(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    message: str,
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("tokencraft.catalog.methods", fail)
    monkeypatch.setattr(sys.stderr, "close", lambda: None)
    assert main(["methods"]) == code
    shown = capsys.readouterr().err
    assert message in shown
    assert "Traceback" not in shown


def test_warnings_are_for_people(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def warn() -> list[object]:
        warnings.warn("the corpus is small", stacklevel=1)
        warnings.warn("for developers", DeprecationWarning, stacklevel=1)
        return []

    monkeypatch.setattr("tokencraft.catalog.methods", warn)
    assert main(["methods", "--json"]) == 0
    assert capsys.readouterr() == ("[]\n", "tokencraft: warning: the corpus is small\n")


def test_output_is_utf8_whatever_the_locale(tmp_path: Path, vocabulary_file: Path) -> None:
    text = tmp_path / "Türkçe.txt"
    text.write_text("naïve", encoding="utf-8")
    environment = {**os.environ, "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    done = run("measure", str(vocabulary_file), "--corpus", str(text), "--each", env=environment)
    assert done.returncode == 0, done.stderr
    assert "Rényi" in done.stdout.decode("utf-8")


def test_ctrl_c_in_a_real_process(tmp_path: Path) -> None:
    import signal

    program = (
        "import sys, os, signal; from tokencraft import catalog\n"
        "catalog.methods = lambda: os.kill(os.getpid(), signal.SIGINT)\n"
        "from tokencraft.cli import main; sys.exit(main(['methods']))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode in (cli.INTERRUPTED, -signal.SIGINT)
    assert "Traceback" not in done.stderr


def test_context_names_the_command(
    capsys: pytest.CaptureFixture[str], vocabulary_file: Path, corpus_file: Path
) -> None:
    arguments = ["measure", str(vocabulary_file), "--corpus", str(corpus_file), "--json", "--seed", "3"]
    assert main(arguments) == 0
    context = json.loads(capsys.readouterr().out)["context"]
    assert context["command"] == " ".join(["tokencraft", *arguments])
    assert context["seed"] == 3
