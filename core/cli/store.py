"""store: moved to another engine, kept as a backup, brought back."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.options import Json
from core.cli.output import print_json, print_line, progress_bar

if TYPE_CHECKING:
    from core.people import Person
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


@store.command("backup")
def store_backup(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of the backup.")],
    json: Json = False,
) -> None:
    """Copy the home folder as of one moment, while everything runs.

    Rows, pictures, bundles and what packs keep. An earlier backup is brought up to date. It holds
    keys and pictures: keep it as safe as the home folder.
    """
    from core.service.storage.backup import backup_store
    from core.settings import Settings

    with progress_bar() as progress:
        copied = backup_store(folder, Settings(), by=_shell_user(), progress=progress)
    _print_copy(copied, json=json)


@store.command("restore")
def store_restore(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of the backup.")],
    json: Json = False,
) -> None:
    """Bring a backup back into an empty home folder.

    Its audit log is checked first, and held against ASSAY_ANCHOR_FILE where that is set.
    """
    from core.service.storage.backup import restore_store
    from core.settings import Settings

    with progress_bar() as progress:
        copied, remarks = restore_store(folder, Settings(), by=_shell_user(), progress=progress)
    for remark in remarks:
        typer.echo(f"assay: {remark}", err=True)
    _print_copy(copied, json=json)


def _shell_user() -> Person:
    from getpass import getuser

    from core.people import Person

    # Who has a shell as the home's owner may read and replace every file in it.
    return Person.alone(getuser())


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
