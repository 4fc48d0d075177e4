"""The commands, put together. Nothing here or at the top of a command's file may be slow to import."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tokencraft.cli import adapt, encode, measure, methods, train, transplant

EPILOG = "Help on a command: tokencraft COMMAND --help"


def command() -> Any:
    """The command line as a click command."""
    app = typer.Typer(
        name="tokencraft",
        help="The toolkit for the token layer of language models: learn vocabularies, measure them, move models.",
        epilog=EPILOG,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    )
    app.callback()(_tokencraft)
    for module in (adapt, encode, measure, transplant, methods):
        app.command(module.__name__.rpartition(".")[2], help=module.HELP, epilog=module.EXAMPLE)(module.command)
    app.add_typer(train.app, name="train")
    return typer.main.get_command(app)


def _show_version(value: bool) -> None:
    if value:
        from tokencraft import __version__

        print(f"tokencraft {__version__}")
        raise typer.Exit


def _tokencraft(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    pass
