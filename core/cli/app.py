"""The application: how commands are found and how errors are printed."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from importlib.metadata import entry_points

import typer

from core.errors import AssayError
from core.ordered_map import THREAD_NAME

app = typer.Typer(
    name="assay",
    help="Visual inspection and triage: a verdict with a certified error rate, or human review.",
    epilog="Commands of a pack: `assay PACK --help`, such as `assay xray --help`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main() -> None:
    """Run the command line.

    Exit codes: 0 done, 1 an AssayError in one line, 2 wrong usage. ``--debug`` shows the trace.
    """
    register_commands(sys.argv[1:2])
    debug = "--debug" in sys.argv
    if debug:
        sys.argv.remove("--debug")
    try:
        app()
    except SystemExit as exc:
        _leave(exc.code if isinstance(exc.code, int) else 1 if exc.code else 0)
        raise
    except Exception as exc:
        if debug:
            raise
        print(f"assay: {_describe_error(exc)}", file=sys.stderr)  # noqa: T201
        _leave(1)
        sys.exit(1)


def register_commands(arguments: list[str]) -> None:
    """Add every command of ours, and those of the pack that the first argument names."""
    from core.cli import (
        admin,
        assess,
        batch,
        deploy,
        info,
        people,
        recertify,
        store,
        train,
        units,
        worker,
    )

    modules = (
        info, train, assess, batch, deploy, recertify, worker, store, people, admin, units,
    )  # fmt: skip
    for module in modules:
        module.register(app)
    _mount_packs(arguments)


def _describe_error(exc: Exception) -> str:
    message = " ".join(str(exc).split())
    if isinstance(exc, AssayError):
        return message
    if isinstance(exc, OSError) and exc.strerror:
        return f"{exc.filename or 'the system'}: {exc.strerror}. (--debug: trace)"
    return f"unexpected {type(exc).__name__}: {message} (--debug: trace)"


def _leave(code: int) -> None:
    """End at once where a thread still hangs in the network: unwinding it would abort."""
    if any(thread.name == THREAD_NAME for thread in threading.enumerate()):
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _mount_packs(arguments: list[str]) -> None:
    """Add the commands of the pack named first; nothing is imported of any other."""
    if not {point.name for point in entry_points(group="assay.domains")} & set(arguments):
        return
    from core.packs import commands_of

    group = commands_of(arguments[0])
    if isinstance(group, typer.Typer):
        app.add_typer(group, name=arguments[0])
