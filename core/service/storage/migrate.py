"""store migrate: everything in one store, in another one on either engine, row for row."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from core.errors import ConfigError
from core.records import blobs
from core.records.addresses import is_same
from core.records.connection import Store, open_existing, open_store, reading, writing
from core.records.hash_chain import newest
from core.records.store import recorded_blobs
from core.records.transfer import check_empty, check_idle, combine, copy_rows
from core.service.progress import Progress, silent


@dataclass(frozen=True)
class StoreCopy:
    """What was copied.

    Attributes:
        rows: Rows by table.
        fingerprint: 64 hex digits over all rows; the same for the same rows on either engine.
        head: ``number:hash`` of the newest audit event, the same in both.
        pictures: Files copied or found in place.
        faults: One line for every picture that the source itself has lost or altered.
    """

    rows: dict[str, int]
    fingerprint: str
    head: str
    pictures: int
    faults: tuple[str, ...]


def migrate_store(
    source: str,
    target: str,
    *,
    source_blobs: Path | None = None,
    target_blobs: Path | None = None,
    progress: Progress = silent,
) -> StoreCopy:
    """Return what was copied from a store that nobody uses into an empty one.

    Pictures go first, rows in one transaction after them: an interrupted migration leaves a target
    without rows, and is simply started again. Nothing is written in the source, and nobody else
    can write there meanwhile.

    Args:
        source: Path or URL of the store; its tables must be those of this code.
        target: Path or URL of an empty database.
        source_blobs: Its folder of pictures; ``blobs`` beside a SQLite file unless given.
        target_blobs: Likewise; nothing is copied where it is the source's.
        progress: Called with how far it is.

    Raises:
        ConfigError: A URL cannot be used, or both name one database.
        StoreError: There is no source, workers use it, the target is not empty, or one failed.
    """
    if is_same(source, target):
        raise ConfigError(
            "Source and target are one database.", hint="Give an empty database as the target."
        )
    with (
        open_existing(source, source_blobs) as old,
        open_store(target, target_blobs) as new,
    ):
        with reading(new) as connection:
            check_empty(connection)
        # Nobody else writes in the source until all is copied.
        with writing(old) as connection:
            check_idle(connection)
            return copy_store(old, connection, new, progress)


def copy_store(
    old: Store, source: Connection, new: Store, progress: Progress = silent
) -> StoreCopy:
    """Return what was copied from one store into another, empty one.

    Args:
        old: The store, for its pictures.
        source: Sees one moment of it.
        new: The empty store.
        progress: Called with how far it is.

    Raises:
        StoreError: A store failed, or the target is not empty.
    """
    # The first read fixes the moment that `source` sees: whatever it sees has its picture by then.
    head = newest(source)
    faults = copy_pictures(old, new.blobs, progress)
    with writing(new) as target:
        figures = copy_rows(source, target, partial(progress, "Copying rows"))
    total = combine(figures)
    return StoreCopy(
        rows={name: one.rows for name, one in figures.items()},
        fingerprint=total.fingerprint,
        head=str(head),
        pictures=len(blobs.list_names(new.blobs)),
        faults=faults,
    )


def copy_pictures(old: Store, target: Path, progress: Progress = silent) -> tuple[str, ...]:
    """Return a line for each picture that the source has lost or altered, the others copied.

    Raises:
        StoreError: The database failed, or the target cannot be written.
    """
    names = sorted({*blobs.list_names(old.blobs), *recorded_blobs(old)})
    # Into its own folder this reads every file, and changes none.
    report = blobs.copy_many(old.blobs, target, names, partial(progress, "Copying pictures"))
    return (
        *(f"picture altered: {name}" for name in report.altered),
        *(f"picture missing: {name}" for name in report.missing),
    )
