"""A watched folder: files dropped there are received as if they had been sent.

Polled: a file is taken once its size and time have stood still for a while, however it came:
written in place, copied, or renamed into the folder. Taken files move to ``done``, refused ones to
``failed``, both inside the folder and under the path they had; what cannot be kept right now stays
where it is and is tried again. Nothing is ever deleted or overwritten.
"""

from __future__ import annotations

import logging
import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event as Flag
from threading import Thread

from core.errors import ConfigError, StoreError, UnreadableImage
from core.logs import Event, Word
from core.service.intake.listener import ThreadListener

DONE, FAILED = "done", "failed"

_LOG = logging.getLogger(__name__)
Take = Callable[[bytes], bool]
_Stat = tuple[int, int]


class WatchedFolder(ThreadListener):
    """Takes files from one folder.

    Args:
        folder: Where they are dropped; subfolders count, hidden files and links do not.
        take: Receive the content of a file; return False where another object of its name is here.
            It raises UnreadableImage where the file is refused, and StoreError or OSError where it
            cannot be kept right now.
        max_bytes: Largest file.
        pause_s: Seconds between two scans, for which a file must have stood still.
        wait_s: Seconds before a file that could not be kept is tried again.

    Raises:
        ConfigError: The folders for taken and refused files cannot be made.
    """

    def __init__(
        self,
        folder: Path,
        take: Take,
        *,
        max_bytes: int,
        pause_s: float = 1.0,
        wait_s: float = 30.0,
    ) -> None:
        self.folder, self.take, self.max_bytes = folder, take, max_bytes
        self.pause_s, self.wait_s = pause_s, wait_s
        self._last_scan: dict[Path, _Stat] = {}
        self._later: dict[Path, float] = {}
        self._stop = Flag()
        self._thread = Thread(target=self._watch, name="folder", daemon=True)
        try:
            for name in (DONE, FAILED):
                (self.folder / name).mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise ConfigError(
                f"The folder {self.folder} cannot be watched: {exc}.",
                hint="Give a folder that can be written.",
            ) from exc

    @property
    def location(self) -> str:
        """Where it is, in one line."""
        return f"folder {self.folder}"

    def stop(self, grace_s: float) -> None:
        """Scan no more; a file under way comes to its end."""
        self._stop.set()
        self._thread.join(grace_s)

    def _watch(self) -> None:
        while not self._stop.wait(self.pause_s):
            try:
                self.scan()
            except OSError as exc:
                _LOG.warning(
                    Event(Word.NOT_KEPT, {"transport": "folder", "error": type(exc).__name__})
                )

    def scan(self) -> int:
        """Return how many files, unchanged since the last scan, were taken and moved away."""
        found = dict(_files(self.folder))
        still = [path for path, stat in found.items() if self._last_scan.get(path) == stat]
        self._last_scan = found
        self._later = {path: until for path, until in self._later.items() if path in found}
        moved = 0
        for path in still:
            if self._stop.is_set():
                break
            if self._later.get(path, 0.0) <= time.monotonic():
                moved += self._receive(path)
        return moved

    def _receive(self, path: Path) -> bool:
        """Return whether one file was moved away; False when it stays for another time."""
        try:
            kept = self._read_and_take(path)
        except UnreadableImage:
            self._move(path, FAILED)
        except (StoreError, OSError):
            self._later[path] = time.monotonic() + self.wait_s
            return False
        else:
            self._move(path, DONE if kept else FAILED)
        return True

    def _read_and_take(self, path: Path) -> bool:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            content = file.read(self.max_bytes + 1)
        if len(content) > self.max_bytes:
            raise UnreadableImage("The file is too large.", hint="Raise ASSAY_MAX_BYTES.")
        return self.take(content)

    def _move(self, path: Path, where: str) -> None:
        if where == FAILED:
            _LOG.warning(Event(Word.REFUSED, {"transport": "folder"}))
        target = self.folder / where / path.relative_to(self.folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        number = 0
        free = target
        while free.exists():
            number += 1
            free = target.with_name(f"{target.name}.{number}")
        path.rename(free)
        self._last_scan.pop(path, None)


def _files(folder: Path) -> Iterator[tuple[Path, _Stat]]:
    """Yield the regular files with size and time, which change when they are written to."""
    for root, folders, names in os.walk(folder):
        folder_path = Path(root)
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and not (folder_path == folder and name in {DONE, FAILED})
        ]
        for name in names:
            try:
                found = (folder_path / name).lstat()
            except FileNotFoundError:
                continue
            if not name.startswith(".") and stat.S_ISREG(found.st_mode):
                yield folder_path / name, (found.st_size, found.st_mtime_ns)
