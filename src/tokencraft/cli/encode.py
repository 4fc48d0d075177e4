"""``tokencraft encode``: files in, shards of token ids out."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Literal

import typer

from tokencraft.cli import options
from tokencraft.cli.output import context, note_skipped, print_json, print_table, progress

HELP = """Encode files into shards of token ids.

The folder gets NNNNN.ids.npy and NNNNN.offsets.npy (or NNNNN.parquet) and, last, manifest.json. A run that was
stopped goes on when the same command is given again."""
EXAMPLE = "\b\nExample:\n  tokencraft encode tokenizer.json --corpus data/*.jsonl --append eos --output shards"


def command(
    vocabulary: Annotated[str, typer.Argument(metavar="VOCABULARY", help="tokenizer.json, tiktoken ranks, or folder.")],
    corpus: options.CorpusFiles,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="A new or empty folder.")],
    format: Annotated[Literal["npy", "parquet"], typer.Option("--format", help="The format of the shards.")] = "npy",
    shard_tokens: Annotated[
        int, typer.Option("--shard-tokens", metavar="INTEGER", min=1, help="Tokens after which a shard ends.")
    ] = 1 << 25,
    append: Annotated[
        str | None,
        typer.Option("--append", metavar="TOKEN", help="Special token behind every document, by role or string."),
    ] = None,
    dropout: Annotated[
        float, typer.Option("--dropout", metavar="NUMBER", min=0.0, max=1.0, help="Probability to leave a merge out.")
    ] = 0.0,
    superword_dropout: Annotated[
        float,
        typer.Option(
            "--superword-dropout",
            metavar="NUMBER",
            min=0.0,
            max=1.0,
            help="Probability to leave out a merge across a space, so that a model learns superwords in parts too.",
        ),
    ] = 0.0,
    text_field: options.TextField = "text",
    documents: options.Documents = "file",
    encoding_errors: options.EncodingErrors = "strict",
    json: options.Json = False,
    seed: options.Seed = 0,
    threads: options.Threads = None,
    debug: options.Debug = False,
) -> None:
    """Encode files into shards of token ids."""
    from tokencraft.report import Table
    from tokencraft.vocabulary import Vocabulary
    from tokencraft.vocabulary.shards import encode_to_shards

    texts = options.open_corpus(corpus, text_field, documents, encoding_errors)
    loaded = Vocabulary.load(vocabulary)
    start = time.perf_counter()
    with progress("encoding") as listener:
        written = encode_to_shards(
            loaded,
            texts,
            output,
            format=format,
            shard_tokens=shard_tokens,
            append=append,
            dropout=dropout,
            superword_dropout=superword_dropout,
            seed=seed,
            threads=threads,
            progress=listener,
        )
    seconds = time.perf_counter() - start
    note_skipped(texts.skipped)
    manifest, depends = written.manifest, context(seed)
    if json:
        print_json({"output": str(output), **manifest, "seconds": seconds, "context": depends})
        return
    columns: list[str | tuple[str, str]] = [
        "shard",
        "documents",
        ("text", "bytes"),
        "tokens",
        ("compression", "bytes/token"),
    ]
    rows = [
        [shard.ids, shard.documents, shard.bytes, shard.tokens, shard.bytes / max(shard.tokens, 1)]
        for shard in written.shards
    ]
    print_table(Table(f"Shards in {output}, encoded by {manifest['encoder']}", columns, rows, depends))
