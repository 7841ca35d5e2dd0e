"""store backup and restore: a home folder as of one moment, made while everything runs.

A backup is itself a home folder: the rows in SQLite, whatever the engine, the pictures, the bundles
and what packs keep beside them. It is complete once its database is there: that comes last. Made
again into the same folder it copies what is new, and takes what retention has cleared since.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

from core.errors import ConfigError, StoreError
from core.files import flush, replacing
from core.people import Person, Role
from core.records import audit, blobs
from core.records.clearings import still_cleared
from core.records.connection import Store, open_existing, open_store, reading
from core.records.hash_chain import Head
from core.records.store import recorded_blobs
from core.records.transfer import check_empty
from core.service.anchors import anchor_file, read_anchors
from core.service.progress import Progress, silent
from core.service.storage.migrate import StoreCopy, copy_pictures, copy_store
from core.service.store import open_store as open_own_store
from core.settings import Settings

DATABASE = "assay.sqlite"
_UNFINISHED = ".restore-unfinished"
_SQLITE = b"SQLite format 3\0"
_LEFT_OUT = frozenset({"blobs", "cache", "reserve", DATABASE, _UNFINISHED})
_SUFFIXES = ("-wal", "-shm", ".lock", ".part")


def backup_store(
    folder: Path, settings: Settings, *, by: Person, progress: Progress = silent
) -> StoreCopy:
    """Return what a backup holds, made while others go on reading and writing.

    Args:
        folder: Where to; new, empty, or an earlier backup, which is brought up to date.
        settings: Where the store and the home folder are.
        by: Who asks.
        progress: Called with how far it is.

    Raises:
        PermissionDenied: The person may not make one.
        ConfigError: The folder holds something else, or lies in the home folder.
        StoreError: The store or the folder failed; an earlier backup there still stands.
    """
    by.require(Role.ADMIN, "make a backup")
    _check_folder(folder, settings)
    with closing(open_own_store(settings)) as store:
        # The bulk of them before the moment that the rows are of, so that this is soon over.
        copy_pictures(store, folder / "blobs", progress)
        with replacing(folder / DATABASE) as draft:
            with open_store(draft, folder / "blobs") as new, reading(store) as source:
                copied = copy_store(store, source, new, progress)
                with reading(new) as connection:
                    gone = still_cleared(connection)
                expected = recorded_blobs(new)
            blobs.remove_many(folder / "blobs", gone)
            _copy_home(settings.home, folder)
            faults = _faults(folder, expected, copied)
    return replace(copied, pictures=len(blobs.list_names(folder / "blobs")), faults=faults)


def restore_store(
    folder: Path, settings: Settings, *, by: Person, progress: Progress = silent
) -> tuple[StoreCopy, list[str]]:
    """Return what came back from a backup, and sentences about what did not.

    The backup's audit log is checked first, against the anchors too.

    Args:
        folder: The backup.
        settings: The home folder, which must be empty, and the store.
        by: Who asks.
        progress: Called with how far it is.

    Raises:
        PermissionDenied: The person may not.
        ConfigError: The home folder, or the store, is not empty.
        StoreError: The backup was altered, or a store failed; restoring may be started again.
    """
    by.require(Role.ADMIN, "restore a backup")
    _check_home(settings)
    with open_existing(folder / DATABASE) as old:
        remarks = _check_log(old, settings, progress)
        home = settings.home
        home.mkdir(parents=True, exist_ok=True)
        (home / _UNFINISHED).touch()
        _copy_home(folder, home)
        with closing(open_own_store(settings)) as new, reading(old) as source:
            with reading(new) as connection:
                check_empty(connection)
            copied = copy_store(old, source, new, progress)
    (home / _UNFINISHED).unlink()
    flush([home])
    return copied, remarks


def _check_folder(folder: Path, settings: Settings) -> None:
    if folder.resolve().is_relative_to(settings.home.resolve()):
        raise ConfigError(
            f"The backup {folder} would lie in the home folder.", hint="Choose another disk."
        )
    if folder.is_file():
        raise ConfigError(f"{folder} is a file; expected a folder.", hint="Choose another name.")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "blobs").is_dir():
        raise ConfigError(
            f"{folder} holds something else than a backup.", hint="Choose an empty folder."
        )
    try:
        (folder / "blobs").mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise ConfigError(
            f"The backup folder {folder} cannot be made: {exc.strerror}.",
            hint="Choose a folder that is yours.",
        ) from exc


def _check_home(settings: Settings) -> None:
    home = settings.home
    if home.is_dir() and any(home.iterdir()) and not (home / _UNFINISHED).exists():
        raise ConfigError(
            f"The home folder {home} is not empty; nothing was restored.",
            hint="Set ASSAY_HOME to a new folder, or move the old one away.",
        )


def _check_log(old: Store, settings: Settings, progress: Progress) -> list[str]:
    """Return what the anchors know that the backup lacks, after checking what it holds."""
    file = anchor_file(settings)
    noted = [one.head for one in (read_anchors(file) if file else ())]
    last = audit.head(old)
    report = audit.verify(
        old,
        *(one for one in noted if one.seq <= last.seq),
        watch=partial(progress, "Checking the log"),
    )
    if report.faults:
        raise StoreError(
            f"The backup was altered: {report.faults[0].kind}, {report.faults[0].subject}, and "
            f"{len(report.faults) - 1} findings more. Nothing was restored.",
            hint="Take an earlier backup.",
        )
    return _describe_lost(last, [one for one in noted if one.seq > last.seq], file)


def _describe_lost(last: Head, later: list[Head], file: Path | None) -> list[str]:
    if not later:
        return []
    return [
        f"The anchors go on to event {later[-1].seq}: {later[-1].seq - last.seq} events that came "
        f"after this backup (event {last.seq}) are lost.",
        f"From now on the log breaks with them: keep {file} and begin a new anchor file.",
    ]


def _faults(folder: Path, expected: list[str], copied: StoreCopy) -> tuple[str, ...]:
    present = set(blobs.list_names(folder / "blobs"))
    altered = tuple(line for line in copied.faults if line.startswith("picture altered"))
    return altered + tuple(f"picture missing: {one}" for one in expected if one not in present)


def _copy_home(source: Path, target: Path) -> None:
    """Copy what lies beside the store and its pictures: bundles, keys and what packs keep.

    Raises:
        StoreError: A file cannot be copied.
    """
    for path in sorted(source.rglob("*")):
        inside = path.relative_to(source)
        if inside.parts[0].startswith(DATABASE) or inside.parts[0] in _LEFT_OUT:
            continue
        if path.is_symlink() or not path.is_file() or path.name.endswith(_SUFFIXES):
            continue
        try:
            _copy_file(path, target / inside)
        except FileNotFoundError:
            continue  # whoever uses the home has just removed it
        except (OSError, sqlite3.Error) as exc:
            raise StoreError(
                f"The file {path} cannot be copied to {target}: {exc}.",
                hint="Check that the disk has room and the file can be read.",
            ) from exc


def _copy_file(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with path.open("rb") as file:
        is_database = file.read(len(_SQLITE)) == _SQLITE
    with replacing(target) as draft:
        if is_database:
            # Another process may write in it: SQLite copies one moment of it.
            with closing(sqlite3.connect(path)) as old, closing(sqlite3.connect(draft)) as new:
                old.backup(new)
        else:
            shutil.copy2(path, draft)
