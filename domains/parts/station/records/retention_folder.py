"""Which folder a station may delete in: one that holds its own pictures and nothing else."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from core.errors import ConfigError, StoreError
from core.files import create_private

LOCK = ".station"

_PICTURE = re.compile(r"[0-9a-f]{64}|\.[0-9a-f]{64}\.[0-9a-f]{16}")
_FOLDER = re.compile(r"[0-9a-f]{2}")


def claim_folder(folder: Path, owner: str) -> Path:
    """Return a folder of pictures without links, claimed for one station.

    A file in it names the owner; it is written at the first claim.

    Args:
        folder: The blobs folder of the store.
        owner: Name of the station and of its store.

    Raises:
        ConfigError: It is the root, a home folder or above one, holds files that are no pictures
            of a store, or belongs to another station.
        StoreError: It cannot be read or written.
    """
    path = folder.expanduser().resolve()
    _refuse_place(path)
    try:
        foreign = next(_foreign(path), None) if path.is_dir() else None
        path.mkdir(parents=True, exist_ok=True)
        if foreign is None:
            create_private(path / LOCK, owner.encode())
            found = (path / LOCK).read_text(encoding="utf-8", errors="replace")
    except OSError as exc:
        raise StoreError(
            f"The folder of pictures {path} cannot be claimed: {exc}.",
            hint="Check that it is readable and writable.",
        ) from exc
    if foreign is not None:
        raise ConfigError(
            f"Retention deletes in no folder with other files: {path} holds {foreign}.",
            hint="Move it elsewhere, or give the store a folder of its own.",
        )
    if found != owner:
        raise ConfigError(
            f"The folder of pictures {path} belongs to the station {found!r}, not {owner!r}.",
            hint=f"Give each station a folder of its own; delete {LOCK} in it if that one is gone.",
        )
    return path


def _refuse_place(path: Path) -> None:
    home = Path.home().resolve()
    if path == Path(path.anchor) or path == home or path in home.parents:
        raise ConfigError(
            f"Retention deletes neither in the root nor in a home folder, got {path}.",
            hint="Give the store a folder of its own.",
        )


def _foreign(path: Path) -> Iterator[str]:
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.name == LOCK:
                continue
            if not entry.is_dir(follow_symlinks=False) or not _FOLDER.fullmatch(entry.name):
                yield entry.name
                continue
            with os.scandir(entry) as files:
                yield from (file.name for file in files if not _is_picture(file, entry.name))


def _is_picture(file: os.DirEntry[str], folder: str) -> bool:
    is_named = _PICTURE.fullmatch(file.name) and file.name.lstrip(".").startswith(folder)
    return bool(is_named) and file.is_file(follow_symlinks=False)
