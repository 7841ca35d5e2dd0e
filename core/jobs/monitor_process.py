"""Watching a store beside work that must not be slowed: the monitor in a process of its own.

A turn of the monitor computes for up to a fifth of a second. In the process of a line's loop that
would delay the answers on parts, since Python runs one thread at a time.
"""

from __future__ import annotations

import json
import logging
import os
from threading import Event as Flag
from threading import Thread
from time import monotonic

from core.child_process import ChildLost, ChildProcess
from core.logs import Event, Word, outlet
from core.settings import Settings

AGAIN_S = 10.0
SILENT_S = 60.0
_POLL_S = 0.2

logger = logging.getLogger(__name__)


class MonitorProcess:
    """Keeps one process that watches the store of the settings.

    Any number may watch one store. One that ends or is silent for a minute is started anew.

    Args:
        settings: Handed to the process.
        again_s: Seconds until the next one is started.
    """

    def __init__(self, settings: Settings, again_s: float = AGAIN_S) -> None:
        self._settings, self._again_s = settings, again_s
        self._problem = ""
        self._stop = Flag()
        self._thread = Thread(target=self._run, name="monitor", daemon=True)

    @property
    def problem(self) -> str:
        """Why nobody watches here, as a sentence; empty while the process does."""
        return self._problem

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End the process."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow()
            except (ChildLost, OSError) as exc:
                self._show(f"its process ended ({exc})")
                logger.error(Event(Word.NOT_WATCHING, {"error": type(exc).__name__}))
            self._stop.wait(self._again_s)

    def _follow(self) -> None:
        """Pass on what one process answers, until it is lost, silent, or not needed any more."""
        child = ChildProcess("core.jobs.monitor_main", environment=os.environ, stderr=outlet())
        try:
            # Not as an argument, which everybody on the machine can read: it may hold a password.
            child.send(self._settings.model_dump_json().encode() + b"\n")
            answered = monotonic()
            while not self._stop.is_set():
                line = child.receive(_POLL_S)
                if line is not None:
                    answered = monotonic()
                    self._show(json.loads(line))
                elif monotonic() - answered > SILENT_S:
                    self._show(f"its process has not answered for {SILENT_S:g} s")
                    return
        finally:
            child.kill()

    def _show(self, reason: str) -> None:
        text = f"Nobody watches whether the certificate still holds: {reason}"
        self._problem = f"{text.rstrip('.')}." if reason else ""
