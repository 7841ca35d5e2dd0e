"""Room held back on the store's disk, so that a full disk can still be put on record."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from core.errors import StoreError


class ReserveFile:
    """A file that takes room until the disk is full, and is deleted then.

    Args:
        path: Where it lies: on the disk of the store's database.
        size: Bytes that it takes.
    """

    def __init__(self, path: Path, size: int) -> None:
        self.path, self._size = path, size

    @property
    def is_held(self) -> bool:
        """Whether it is there in full size."""
        try:
            return self.path.stat().st_size >= self._size
        except OSError:
            return False

    def hold(self) -> bool:
        """Return whether the room is taken after trying to.

        It is taken again only with twice its size free: otherwise the next part would find the disk
        full at once. Blocks are written, not left out as in a sparse file.

        Raises:
            StoreError: It cannot be written for another reason than a full disk.
        """
        if self.is_held:
            return True
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if shutil.disk_usage(self.path.parent).free < 2 * self._size:
                return False
            with self.path.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, self._size)
                os.fsync(file.fileno())
        except OSError as exc:
            self.free()
            raise StoreError(
                f"The reserve of {self._size:,} bytes cannot be held in {self.path}: {exc}.",
                hint="Check that the folder is writable and its disk has room.",
            ) from exc
        return True

    def free(self) -> bool:
        """Return whether there was any room to give back, and give it back."""
        try:
            self.path.unlink()
        except OSError:
            return False
        return True
