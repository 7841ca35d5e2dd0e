"""Printing beside the line: a terminal that takes nothing must not hold a station up."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from queue import Full, Queue
from threading import Thread
from types import TracebackType
from typing import Self

MOST_WAITING = 1000
CLOSE_S = 2.0


class Terminal:
    """Prints in a thread of its own; a context manager.

    What comes while too much waits is left out, and what nobody reads any more, as behind a pipe
    that was closed: the store has every result.
    """

    def __init__(self) -> None:
        self._waiting: Queue[Callable[[], None] | None] = Queue(MOST_WAITING)
        self._thread = Thread(target=self._run, name="terminal", daemon=True)

    def __enter__(self) -> Self:
        """Return itself, printing."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Print what waits, but for two seconds at most."""
        with suppress(Full):
            self._waiting.put(None, timeout=CLOSE_S)
        self._thread.join(CLOSE_S)

    def add(self, write: Callable[[], None]) -> None:
        """Let something be printed; never waits.

        Args:
            write: Prints it.
        """
        with suppress(Full):
            self._waiting.put_nowait(write)

    def _run(self) -> None:
        while (write := self._waiting.get()) is not None:
            with suppress(OSError):
                write()
