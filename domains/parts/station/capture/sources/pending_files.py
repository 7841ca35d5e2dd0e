"""Which files of a watched folder are complete, and in which order they come; no I/O, no clock."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

Notice = Literal["found", "touched", "complete"]
"""How a file became known: by listing the folder, while it was written, or closed or renamed."""

PATIENCE_S = 2.0


@dataclass(frozen=True, slots=True, order=True)
class FileState:
    """What the file system says of a file; the order is that of judging."""

    mtime_ns: int
    name: str
    size: int = 0
    ctime_ns: int = 0
    inode: int = 0


@dataclass(frozen=True, slots=True)
class PendingFile:
    """A file that is not judged yet.

    Attributes:
        state: What the file system stated last.
        still_since: From when on it has not changed, in seconds of the monotonic clock.
        notice: How it became known.
        is_refused: Whether it was read in this state and did not decode.
    """

    state: FileState
    still_since: float
    notice: Notice
    is_refused: bool = False


class PendingFiles:
    """Holds files back until they are complete, whatever their time stamps claim.

    A file that was closed or renamed is complete at once. One that was found by listing is when it
    stood still for the settling time; one that somebody was seen writing, or that did not decode,
    only when it stood still for two seconds more: its end may have been lost, or it never comes.

    Args:
        settle_s: The settling time in seconds.
    """

    def __init__(self, settle_s: float) -> None:
        self._settle_s = settle_s
        self._waiting: dict[str, PendingFile] = {}
        self._ready: dict[str, PendingFile] = {}
        self._order: list[FileState] = []

    def __len__(self) -> int:
        """Return how many files are held."""
        return len(self._waiting) + len(self._ready)

    def __iter__(self) -> Iterator[str]:
        """Yield the names that are held."""
        yield from [*self._waiting, *self._ready]

    def note(self, state: FileState, now: float, notice: Notice) -> None:
        """Take note of a file and its state."""
        name = state.name
        known = self._ready.get(name) or self._waiting.get(name)
        is_same = known is not None and known.state == state
        if known is not None and notice == "found":
            if is_same:
                return
            # It changed since an event: its writer is at work again.
            notice = "found" if known.notice == "found" else "touched"
        self._ready.pop(name, None)
        if known is not None and is_same:
            self._waiting[name] = replace(known, notice=notice)
        else:
            self._waiting[name] = PendingFile(state, now, notice)

    def forget(self, name: str) -> None:
        """Drop a file that is gone."""
        self._waiting.pop(name, None)
        self._ready.pop(name, None)

    def pop(self, now: float) -> PendingFile | None:
        """Return the complete file that comes first by time and name, and hold it no longer."""
        for file in [one for one in self._waiting.values() if now >= self._due_at(one)]:
            del self._waiting[file.state.name]
            self._ready[file.state.name] = file
            heapq.heappush(self._order, file.state)
        while self._order:
            state = heapq.heappop(self._order)
            first = self._ready.get(state.name)
            if first is not None and first.state == state:
                return self._ready.pop(state.name)
        return None

    def put_back(self, file: PendingFile) -> None:
        """Hold a file again that did not decode, unless something newer is known of it."""
        name = file.state.name
        if name not in self._waiting and name not in self._ready:
            self._waiting[name] = replace(file, is_refused=True)

    def is_given_up(self, file: PendingFile, now: float) -> bool:
        """Return whether a file that does not decode has stood still for long enough."""
        return now >= file.still_since + self._settle_s + PATIENCE_S

    def next_due_at(self) -> float | None:
        """Return when the next file may be complete; None where none waits."""
        if self._ready:
            return 0.0
        return min(map(self._due_at, self._waiting.values()), default=None)

    def _due_at(self, file: PendingFile) -> float:
        if file.is_refused or file.notice == "touched":
            return file.still_since + self._settle_s + PATIENCE_S
        if file.notice == "complete":
            return file.still_since
        return file.still_since + self._settle_s
