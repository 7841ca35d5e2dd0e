"""What the file system announces of one folder, as names and what happened to them."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic

from watchdog.events import (
    FileClosedEvent,
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers.api import BaseObserver
from watchdog.observers.inotify import InotifyFullEmitter
from watchdog.observers.inotify_move_event_grouper import InotifyMoveEventGrouper

from domains.parts.station.capture.sources.pending_files import Notice

log = logging.getLogger(__name__)

Announced = tuple[str, Notice]
_WAKE: Announced = ("", "found")


class FolderEvents(FileSystemEventHandler):
    """Collects a folder's events for one thread that waits for them.

    Where the folder was replaced, as by mounting a share anew, the old one's events mean nothing:
    ``follow`` notices by its inode and follows the new one.

    Args:
        folder: The folder; those in it are not followed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._queue: SimpleQueue[Announced] = SimpleQueue()
        # Anything that is moved out of the folder would hold up all events for half a second, in
        # which its new name is awaited. Here a name that is gone needs no other to belong to.
        InotifyMoveEventGrouper.delay = 0.0
        # The full emitter tells a file that was moved in from one that was created.
        self._observer = BaseObserver(InotifyFullEmitter)
        self._followed: tuple[int, int] | None = None

    def follow(self) -> None:
        """Follow the folder that has the path now; where that fails, listing it has to do."""
        try:
            status = os.stat(self._folder)
            place = (status.st_dev, status.st_ino)
            if place == self._followed:
                return
            self._followed = None
            if not self._observer.is_alive():
                self._observer.start()
            self._observer.unschedule_all()
            self._observer.schedule(self, str(self._folder), recursive=False)
            self._followed = place
        except OSError as exc:
            log.warning("no events of %s, it is listed only: %s", self._folder, exc)

    def take(self, timeout_s: float) -> list[Announced]:
        """Return what was announced since, waiting for the first; empty when nothing was."""
        taken, until = [], monotonic() + timeout_s
        try:
            taken.append(self._queue.get(timeout=max(until - monotonic(), 0.001)))
            while True:
                taken.append(self._queue.get_nowait())
        except Empty:
            return [one for one in taken if one is not _WAKE]

    def wake(self) -> None:
        """End the present or next wait."""
        self._queue.put(_WAKE)

    def stop(self) -> None:
        """Follow nothing any more."""
        if self._observer.is_alive():
            self._observer.stop()
            self._observer.join()

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Collect one event; called by the observer's thread."""
        if isinstance(event, FileMovedEvent):
            self._put(event.src_path, "found")  # it is gone, which the waiting thread finds out
            self._put(event.dest_path, "complete")
        elif isinstance(event, FileClosedEvent):
            self._put(event.src_path, "complete")
        elif isinstance(event, FileCreatedEvent | FileModifiedEvent):
            self._put(event.src_path, "touched")

    def _put(self, path: bytes | str, notice: Notice) -> None:
        if path and Path(os.fsdecode(path)).parent == self._folder:
            self._queue.put((os.path.basename(os.fsdecode(path)), notice))
