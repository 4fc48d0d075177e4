"""The commands, put together. Nothing here or at the top of a command's file may be slow to import."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from tokencraft.cli import adapt, addition, encode, extend, measure, methods, mixture, train, transplant

EPILOG = "Help on a command: tokencraft COMMAND --help"


class Commands(TyperGroup):
    """The commands; the options of one are read from the library, which the list of commands must not import."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of this name."""
        return extend.command() if cmd_name == "extend" else super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands for the help."""
        names = self.list_commands(ctx)
        limit = formatter.width - 6 - max(map(len, names))
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.commands[name].get_short_help_str(limit)) for name in names])


def command() -> Any:
    """The command line as a click command."""
    app = typer.Typer(
        name="tokencraft",
        cls=Commands,
        help="The toolkit for the token layer of language models: learn vocabularies, measure them, move models.",
        epilog=EPILOG,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    )
    app.callback()(_tokencraft)
    modules = (
        adapt,
        encode,
        measure,
        addition,
        mixture,
        transplant,
        methods,
        extend,
    )  # the last one for the list alone
    for module in modules:
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
