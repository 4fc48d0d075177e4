"""The command line: one file a command, no logic here. ``main`` turns errors into messages and exit codes."""

from __future__ import annotations

import os
import shlex
import sys
import traceback
import warnings
from collections.abc import Sequence

DONE, FAILED, WRONG_USE, INTERRUPTED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``tokencraft`` with these arguments, by default those of the process.

    Returns:
        The exit code: 0 done, 1 failed, 2 wrong use, 130 interrupted by Ctrl-C.
    """
    import typer

    from tokencraft.cli.app import command
    from tokencraft.cli.arguments import spread
    from tokencraft.cli.output import invocation
    from tokencraft.errors import TokencraftError, UsageError

    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    invocation.set(shlex.join(["tokencraft", *arguments]))
    _write_any_text()
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")  # they show even where there is no terminal
    usage_error, click_error = typer.BadParameter.__mro__[1:3]  # click's own, which typer does not name
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            code = command().main(args=spread(arguments), prog_name="tokencraft", standalone_mode=False)
        if code == INTERRUPTED:  # newer versions of typer turn Ctrl-C into this
            raise KeyboardInterrupt
        return code if isinstance(code, int) else DONE
    except (KeyboardInterrupt, typer.Abort):
        _complain("interrupted; what was finished is kept, and nothing is half-written", debug)
        return INTERRUPTED
    except UsageError as error:
        _complain(str(error), debug)
        return WRONG_USE
    except TokencraftError as error:
        _complain(str(error), debug)
        return FAILED
    except BrokenPipeError:  # the reader of our output, such as head, has seen enough
        sys.stderr.close()
        return DONE
    except OSError as error:
        where = "" if error.filename is None else f"{error.filename}: "
        _complain(f"{where}{error.strerror or error}", debug)
        return FAILED
    except MemoryError:
        _complain("out of memory; take smaller batches, fewer threads or a sample of the corpus", debug)
        return FAILED
    except Exception as error:
        if isinstance(error, click_error):
            error.show()  # type: ignore[attr-defined]  # click's, which typer does not name
            return WRONG_USE if isinstance(error, usage_error) else FAILED
        kind = type(error).__name__
        hint = "" if debug else "; run again with --debug for the stack trace"
        _complain(f"unexpected {kind}: {error}{hint}", debug)
        return FAILED


def _complain(message: str, debug: bool) -> None:
    """The message on standard error, below the stack trace where that was asked for."""
    if debug:
        traceback.print_exc()
    print(f"tokencraft: error: {message}", file=sys.stderr)


def _show_warning(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
    """A warning for people: without file and line."""
    if not issubclass(category, (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)):
        print(f"tokencraft: warning: {message}", file=sys.stderr)


def _write_any_text() -> None:
    """Let output be UTF-8 whatever the locale says; names of files that are not text are shown with escapes."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
