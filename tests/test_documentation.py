"""The documentation runs, and names the options, keys and numbers that exist."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]

#: A block of Python at the left edge; ``<!-- not run: REASON -->`` on the line before it keeps it from running.
BLOCK = re.compile(r"(?P<kept><!-- not run: .+ -->\n)?^```python\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE)
FLAG = re.compile(r"--[a-z][a-z0-9-]+")


def examples() -> Iterator[Any]:
    """Every Python example that runs, padded so that a traceback names the line of the page."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in BLOCK.finditer(text):
            if match["kept"] is None:
                line = text.count("\n", 0, match.start("code"))
                name = f"{page.relative_to(ROOT)}:{line + 1}"
                yield pytest.param(page, "\n" * line + match["code"], id=name)


@pytest.mark.parametrize(("page", "code"), list(examples()))
@pytest.mark.filterwarnings("ignore:the vocabulary has:UserWarning")
def test_example_runs(page: Path, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(code, str(page), "exec"), {"__name__": "__main__"})


def flags_of(*names: str) -> set[str]:
    """The options of a command, as the parser has them."""
    from tokencraft.cli.app import command

    found = command()
    for name in names:
        found = found.get_command(None, name)
    return {
        option
        for parameter in found.params
        for option in [*parameter.opts, *parameter.secondary_opts]
        if option.startswith("--")
    } - {"--help", "--install-completion", "--show-completion"}


def section(text: str, title: str) -> str:
    """The part of a page below the heading ``## title``."""
    match = re.search(rf"^## {title}$(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert match is not None, title
    return match[1]


def test_all_options_of_adapt_are_documented_and_no_others() -> None:
    rows = [line for line in section(page("adapt.md"), "Options").splitlines() if line.startswith("| `--")]
    documented = {flag for row in rows for flag in FLAG.findall(row.split("|")[1])}
    assert documented == flags_of("adapt")


@pytest.mark.parametrize(
    "command",
    [
        ("train", "bpe"),
        ("train", "superbpe"),
        ("extend",),
        ("measure",),
        ("mixture",),
        ("addition",),
        ("transplant",),
        ("encode",),
    ],
)
def test_options_of_the_other_commands_are_documented(command: tuple[str, ...]) -> None:
    text = page("cli.md")
    documented = set(FLAG.findall(section(text, "For all commands") + section(text, command[0])))
    documented |= set(FLAG.findall(section(text, "train"))) if command == ("extend",) else set()
    negations = {flag for flag in flags_of(*command) if flag.startswith("--no-")}
    assert flags_of(*command) - negations <= documented


def test_no_command_is_shown_with_an_option_it_lacks() -> None:
    for each in PAGES:
        for line in re.findall(r"^\$ tokencraft (.+)$", each.read_text(encoding="utf-8"), re.MULTILINE):
            words = line.split()
            names = tuple(words[: 2 if words[0] == "train" else 1])
            if names[0].islower():  # COMMAND stands for any
                assert set(FLAG.findall(line)) <= flags_of(*names) | {"--help"}, f"{each}: {line}"


def test_every_key_of_the_report_is_documented() -> None:
    schema = json.loads((ROOT / "src/tokencraft/adapt/report.schema.json").read_text(encoding="utf-8"))
    described = section(page("adapt.md"), "`report.json`")
    missing = [key for key in schema["properties"] if f"`{key}`" not in described]
    assert not missing


def test_fields_of_the_methods_are_documented() -> None:
    from dataclasses import fields

    from tokencraft.learn import KL3M, KL3MCharacters, LessIsBetter, SuperBPE, Supertokens
    from tokencraft.measure import (
        AdditionBench,
        ArithmeticTokenization,
        BoundaryStability,
        DescriptionLength,
        MixtureInference,
        QueryFormat,
    )
    from tokencraft.transplant import TokenAdapt

    for name, method in (
        ("kl3m", KL3M),
        ("kl3m", KL3MCharacters),
        ("kl3m", BoundaryStability),
        ("less-is-better", DescriptionLength),
        ("less-is-better", LessIsBetter),
        ("mixture-inference", MixtureInference),
        ("superbpe", SuperBPE),
        ("supertokens", Supertokens),
        ("tokenadapt", TokenAdapt),
        ("tokenization-counts", AdditionBench),
        ("tokenization-counts", ArithmeticTokenization),
        ("tokenization-counts", QueryFormat),
    ):
        described = section(page(f"methods/{name}.md"), "Options")
        assert [field.name for field in fields(method) if f"`{field.name}`" not in described] == []


def test_every_method_has_a_page_in_the_navigation() -> None:
    from tokencraft import catalog

    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for entry in catalog.methods():
        assert (ROOT / "docs" / "methods" / f"{entry.paper.slug}.md").is_file()
        assert f"methods/{entry.paper.slug}.md" in navigation


def test_tables_are_those_of_the_stored_results() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "write_tables.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def page(name: str) -> str:
    """The text of a page of the documentation."""
    return (ROOT / "docs" / name).read_text(encoding="utf-8")
