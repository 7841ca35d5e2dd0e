"""Listeners: every way in that a process has, opened and closed together."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from threading import Thread
from typing import Protocol

GRACE_S = 5.0

_STOP = frozenset({signal.SIGTERM, signal.SIGINT})


class Listener(Protocol):
    """One way in, bound when it is made."""

    @property
    def location(self) -> str:
        """Where it is, in one line."""

    @property
    def is_alive(self) -> bool:
        """Whether it still takes objects."""

    def start(self) -> None:
        """Take objects, in threads of its own."""

    def stop(self, grace_s: float) -> None:
        """Take no new ones, and let those under way come to their end."""


class ThreadListener:
    """What a listener that works in one thread of its own has of that."""

    _thread: Thread

    @property
    def is_alive(self) -> bool:
        """Whether it still takes objects."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Take objects until it is stopped."""
        self._thread.start()


def serve(listeners: Sequence[Listener], on_ready: Callable[[], None]) -> bool:
    """Return whether SIGTERM or SIGINT, not a broken listener, ended the intake in good order.

    What was acknowledged is kept by then; a sender of anything else finds its connection aborted
    and sends it again.

    Args:
        listeners: Bound listeners.
        on_ready: Called once all of them are open.

    Returns:
        Whether a signal asked for the end; False when a listener broke.
    """
    # Waited for, not handled: a handler that touched a lock the main thread holds would hang.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOP)
    try:
        for listener in listeners:
            listener.start()
        on_ready()
        is_asked = False
        while not is_asked and all(listener.is_alive for listener in listeners):
            is_asked = signal.sigtimedwait(_STOP, 1.0) is not None
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    for listener in listeners:
        listener.stop(GRACE_S)
    return is_asked
