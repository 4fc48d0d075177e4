"""``tokencraft train METHOD``: learn a vocabulary from files."""

from __future__ import annotations

import inspect
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from tokencraft.cli import options
from tokencraft.cli.fields import FieldOption, options_of, with_signature
from tokencraft.cli.output import context, note_skipped, print_json, print_table, progress

HELP = "Learn a vocabulary from files. METHOD is one of those listed below."
EXAMPLE = "\b\nExample:\n  tokencraft train superbpe --corpus data/*.txt --vocab-size 32000 --output tokenizer.json"

Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the file at --output if there is one.")]
Target = Annotated[
    Path,
    typer.Option(
        "--output",
        "-o",
        metavar="PATH",
        help="NAME.json for a tokenizer.json, NAME.tiktoken for ranks, else a folder for transformers.",
    ),
]
Required = inspect.Parameter.empty


class Trainers(TyperGroup):
    """One command for each class of ``tokencraft.learn`` that trains; the room is imported when it is needed."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of the methods."""
        return list(trainers())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of one method."""
        method = trainers().get(cmd_name)
        return None if method is None else _command(cmd_name, method)


app = typer.Typer(cls=Trainers, help=HELP, epilog=EXAMPLE, no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _train() -> None:
    pass


def trainers() -> dict[str, type]:
    """The classes of the learning room that train, by the name of their command."""
    from tokencraft import learn

    found = (getattr(learn, name) for name in learn.__all__)
    return {value.__name__.lower(): value for value in found if isinstance(value, type) and hasattr(value, "train")}


def _command(name: str, method: type) -> Any:
    fields = options_of(method)

    def run(**given: Any) -> None:
        _run(name, method, fields, given)

    fixed = {
        "corpus": (options.CorpusFiles, Required),
        "output": (Target, Required),
        "text_field": (options.TextField, "text"),
        "documents": (options.Documents, "file"),
        "encoding_errors": (options.EncodingErrors, "strict"),
        "overwrite": (Overwrite, False),
        "json": (options.Json, False),
        "seed": (options.Seed, 0),
        "threads": (options.Threads, None),
        "debug": (options.Debug, False),
    }
    kind = inspect.Parameter.KEYWORD_ONLY
    parameters = {
        key: inspect.Parameter(key, kind, default=default, annotation=hint) for key, (hint, default) in fixed.items()
    }
    first = {key: parameters.pop(key) for key in ("corpus", "output")}
    own = {field.name: field.parameter() for field in fields if field.name not in fixed}
    single = typer.Typer(add_completion=False, rich_markup_mode=None)
    summary = (method.__doc__ or "").strip().partition("\n")[0]
    example = EXAMPLE.replace("superbpe", name)
    single.command(name, help=summary, epilog=example)(with_signature(run, {**first, **own, **parameters}))
    return typer.main.get_command(single)


def _run(name: str, method: type, fields: list[FieldOption], given: dict[str, Any]) -> None:
    from tokencraft.learn import superword_report
    from tokencraft.report import Table

    output: Path = given["output"]
    _check_target(output, given["overwrite"])
    learner = method(**{field.name: field.value(given[field.name]) for field in fields})
    corpus = options.open_corpus(
        given["corpus"], given["text_field"], given["documents"], given["encoding_errors"]
    ).require_documents()
    start = time.perf_counter()
    with progress("learning") as listener:
        vocabulary = learner.train(corpus, threads=given["threads"], progress=listener)
    seconds = time.perf_counter() - start
    _save(vocabulary, output)
    note_skipped(corpus.skipped)
    depends = context(given["seed"])
    if given["json"]:
        print_json(
            {
                "output": str(output),
                "origin": vocabulary.origin.to_json(),
                "vocab_size": len(vocabulary),
                "merges": len(vocabulary.merges),
                "lossless": vocabulary.lossless,
                "superwords": vocabulary.is_superword,
                "fingerprint": vocabulary.fingerprint(),
                "skipped": len(corpus.skipped),
                "seconds": seconds,
                "context": depends,
            }
        )
        return
    rows: list[list[Any]] = [
        ["method", name],
        ["tokens", len(vocabulary)],
        ["merges", len(vocabulary.merges)],
        ["seconds", seconds],
        ["written to", str(output)],
    ]
    print_table(Table("Vocabulary", ["", "value"], rows, depends))
    if vocabulary.is_superword:
        print_table(superword_report(vocabulary))


def _is_file(output: Path) -> bool:
    return output.name.endswith((".json", ".json.gz", ".tiktoken", ".tiktoken.gz"))


def _check_target(output: Path, overwrite: bool) -> None:
    """Refuse before training what could not be written afterwards."""
    from tokencraft.errors import StageError
    from tokencraft.report import require_empty_folder

    if not _is_file(output):
        require_empty_folder(output)
    elif output.is_dir():
        raise StageError(f"{output}: cannot write a file here: there is a folder of this name")
    elif output.exists() and not overwrite:
        raise StageError(f"{output}: the file exists; pass --overwrite to replace it, or name another")


def _save(vocabulary: Any, output: Path) -> None:
    from tokencraft.report import atomic_folder

    if _is_file(output):
        output.parent.mkdir(parents=True, exist_ok=True)
        vocabulary.save(output)
        return
    with atomic_folder(output) as folder:
        vocabulary.save(folder)
