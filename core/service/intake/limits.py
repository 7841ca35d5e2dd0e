"""What senders may ask of a process at most."""

from __future__ import annotations

import threading
from dataclasses import dataclass

MEBI = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What a sender may ask of this process at most.

    Attributes:
        object_bytes: Largest object, encoded.
        total_bytes: Most bytes in memory for all unfinished objects together.
        senders: Most connections that send, and most requests, at once.
        silence_s: Longest pause in seconds before a connection is closed.
        object_s: Longest time in seconds in which a connection must bring one object to its end.
        free_bytes: Free room on the disk below which nothing is taken.
    """

    object_bytes: int = 64 * MEBI
    total_bytes: int = 512 * MEBI
    senders: int = 16
    silence_s: float = 30.0
    object_s: float = 300.0
    free_bytes: int = 1024 * MEBI


class Budget:
    """Counts the bytes in memory for unfinished objects, over all threads.

    Args:
        limit: Most bytes at once.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = 0
        self._lock = threading.Lock()

    @property
    def used(self) -> int:
        """Bytes in memory right now."""
        return self._used

    def acquire(self, count: int) -> bool:
        """Return whether bytes were counted in; not where there would be too many."""
        with self._lock:
            if self._used + count > self._limit:
                return False
            self._used += count
            return True

    def release(self, count: int) -> None:
        """Count bytes out."""
        with self._lock:
            self._used -= count
