"""store: moved to another engine, kept as a backup, brought back."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.options import Json
from core.cli.output import print_json, print_line, progress_bar

if TYPE_CHECKING:
    from core.service.storage.migrate import StoreCopy

store = typer.Typer(no_args_is_help=True, help="The store: move it, back it up, bring it back.")

Pictures = Annotated[Path | None, typer.Option(help="Its folder of pictures (blobs).")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(store, name="store")


@store.command("migrate")
def store_migrate(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="Path or URL of the store.")],
    target: Annotated[str, typer.Argument(metavar="TARGET", help="Path or URL, empty so far.")],
    source_blobs: Pictures = None,
    target_blobs: Pictures = None,
    json: Json = False,
) -> None:
    """Copy a store row for row to another engine, pictures included.

    Stop everything that uses it first. SQLite (PATH or sqlite:///PATH) keeps its pictures beside
    the file; a server's (postgresql://USER@HOST/DATABASE) lie in ASSAY_HOME unless a folder is
    given. Set PGPASSWORD rather than writing a password here.
    """
    from core.service.storage.migrate import migrate_store
    from core.settings import Settings

    own = Settings().blobs
    with progress_bar() as progress:
        copied = migrate_store(
            source,
            target,
            source_blobs=source_blobs or _on_server(source, own),
            target_blobs=target_blobs or _on_server(target, own),
            progress=progress,
        )
    _print_copy(copied, json=json)


def _on_server(where: str, own: Path) -> Path | None:
    return own if where.startswith("postgres") else None


def _print_copy(copied: StoreCopy, *, json: bool) -> None:
    if json:
        print_json(asdict(copied))
    else:
        counts = ", ".join(f"{name} {n}" for name, n in copied.rows.items() if n)
        print_line(f"Copied and read back: {sum(copied.rows.values())} rows ({counts}).")
        print_line(f"{copied.pictures} pictures.")
        print_line(f"Hash over all rows {copied.fingerprint}.")
        print_line(f"Audit head {copied.head}.")
        for fault in copied.faults:
            print_line(fault)
    if copied.faults:
        raise typer.Exit(1)
