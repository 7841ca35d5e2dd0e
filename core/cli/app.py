"""The application: how commands are found, how progress is shown, how errors are said."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

import typer

from core.errors import AssayError
from core.pool import THREAD_NAME

if TYPE_CHECKING:
    from core.service.progress import Progress

app = typer.Typer(
    name="assay",
    help="Visual inspection and triage: a decision with a stated error rate, or a person decides.",
    epilog="A pack may bring commands of its own: `assay xray --help`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main() -> None:
    """Run the command line.

    Exit codes: 0 done, 1 an AssayError in one line, 2 wrong usage. ``--debug`` shows the trace.
    """
    from core.cli import judge, keep, learn, look, worker

    for module in (look, learn, judge, worker, keep):
        module.register(app)
    _mount_packs(sys.argv[1:2])
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
        print(f"assay: {_in_words(exc)}", file=sys.stderr)  # noqa: T201
        _leave(1)
        sys.exit(1)


def _in_words(exc: Exception) -> str:
    said = " ".join(str(exc).split())
    if isinstance(exc, AssayError):
        return said
    if isinstance(exc, OSError) and exc.strerror:
        return f"{exc.filename or 'the system'}: {exc.strerror}. (--debug: trace)"
    return f"unexpected {type(exc).__name__}: {said} (--debug: trace)"


def _leave(code: int) -> None:
    """End at once where a thread still hangs in the network: unwinding it would abort."""
    if any(thread.name == THREAD_NAME for thread in threading.enumerate()):
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _mount_packs(words: list[str]) -> None:
    """Add the commands that the pack asked for brings; nothing is imported for any other."""
    if not {point.name for point in entry_points(group="assay.domains")} & set(words):
        return
    from core.packs import commands_of

    group = commands_of(words[0])
    if isinstance(group, typer.Typer):
        app.add_typer(group, name=words[0])


def say(text: str) -> None:
    """Print one line for people."""
    typer.echo(text)


def say_json(value: Any, *, indent: int | None = None) -> None:  # noqa: ANN401
    """Print one JSON value; NaN, which JSON does not know, becomes null."""
    typer.echo(json.dumps(finite(value), indent=indent, ensure_ascii=False))


def finite(value: Any) -> Any:  # noqa: ANN401
    """Replace every number that is none by None, at any depth."""
    if isinstance(value, dict):
        return {name: finite(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [finite(part) for part in value]
    return None if isinstance(value, float) and not abs(value) < float("inf") else value


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Show progress on stderr, and nothing at all when it is not a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    console = Console(stderr=True)
    columns = (TextColumn("{task.description:>22}"), BarColumn(), MofNCompleteColumn())
    with Bars(
        *columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal
    ) as bars:
        tasks: dict[str, Any] = {}

        def show(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=total)
            bars.update(tasks[step], completed=done, total=total or None)

        yield show
