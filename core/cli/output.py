"""What commands print: lines, JSON and progress bars."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from core.service.progress import Progress


def print_line(text: str) -> None:
    """Print a line of text."""
    typer.echo(text)


def print_json(value: Any, *, indent: int | None = None) -> None:  # noqa: ANN401
    """Print one JSON value; NaN, which JSON does not know, becomes null."""
    typer.echo(json.dumps(finite(value), indent=indent, ensure_ascii=False))


def finite(value: Any) -> Any:  # noqa: ANN401
    """Return the value with NaN and infinity replaced by None, at any depth."""
    if isinstance(value, dict):
        return {name: finite(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [finite(part) for part in value]
    return None if isinstance(value, float) and not abs(value) < float("inf") else value


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Yield what draws progress bars on stderr, and nothing where that is not a terminal."""
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
