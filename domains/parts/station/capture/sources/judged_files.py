"""Which files of a folder are judged already, kept across restarts.

It stands in the station's home, not in the watched folder, which often belongs to the camera's
machine and may be read-only or gone. An entry is written once its part is on record: a crash in
between has the file judged again, never skipped. It is no part of the store because it holds no
result: without it the files that still lie in the folder would be judged once more.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path

from core.errors import ConfigError

KEPT = 20_000
"""Entries of files that are gone, kept because a share that drops out announces them all again."""

log = logging.getLogger(__name__)


class JudgedFiles:
    """The digest of every judged file by name; used by one thread.

    Args:
        path: File of the record.
        folder: The watched folder, whose entries it reads and writes.
        kept: How many entries of files that are gone stay.

    Raises:
        ConfigError: The record cannot be opened.
    """

    def __init__(self, path: Path, folder: Path, kept: int = KEPT) -> None:
        self._folder, self._kept = str(folder.absolute()), kept
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, check_same_thread=False)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")
            self._database.execute(
                "CREATE TABLE IF NOT EXISTS judged (id INTEGER PRIMARY KEY AUTOINCREMENT,"
                " folder TEXT NOT NULL, name TEXT NOT NULL, sha256 TEXT NOT NULL,"
                " UNIQUE (folder, name) ON CONFLICT REPLACE)"
            )
            self._digests = dict(self._rows())
        except (OSError, sqlite3.Error) as exc:
            raise ConfigError(
                f"The record of judged files {path} cannot be used: {exc}.",
                hint="Remove it: files that still lie in the folder are then judged once more.",
            ) from exc

    def __len__(self) -> int:
        """Return how many files are remembered."""
        return len(self._digests)

    def digest_of(self, name: str) -> str:
        """Return the digest under which a file was judged last; empty where it was not."""
        return self._digests.get(name, "")

    def add(self, name: str, sha256: str) -> None:
        """Remember a file until this process ends."""
        self._digests[name] = sha256

    def save(self, name: str, sha256: str) -> None:
        """Remember a file across restarts; a record that refuses costs one more judgement."""
        self.add(name, sha256)
        try:
            with self._database:
                self._database.execute(
                    "INSERT INTO judged (folder, name, sha256) VALUES (?, ?, ?)",
                    (self._folder, name, sha256),
                )
        except sqlite3.Error as exc:
            log.warning("a judged file is remembered until the restart only: %s", exc)

    def prune(self, present: Collection[str]) -> None:
        """Drop the oldest entries of files that are gone, beyond those that are kept."""
        try:
            gone = [name for name, _ in self._rows() if name not in present]
            surplus = gone[: max(len(gone) - self._kept, 0)]
            with self._database:
                self._database.executemany(
                    "DELETE FROM judged WHERE folder = ? AND name = ?",
                    [(self._folder, name) for name in surplus],
                )
        except sqlite3.Error as exc:
            log.warning("the record of judged files was not shortened: %s", exc)
            return
        for name in surplus:
            self._digests.pop(name, None)

    def close(self) -> None:
        """Let the file go."""
        with closing(self._database):
            pass

    def _rows(self) -> list[tuple[str, str]]:
        return self._database.execute(
            "SELECT name, sha256 FROM judged WHERE folder = ? ORDER BY id", (self._folder,)
        ).fetchall()
