"""The monitor as a process of its own: ``python -m core.jobs.monitor_main``.

It reads one line, the settings, and answers a line with what keeps it from watching, empty for
nothing, after every turn. It ends itself as soon as whoever started it is gone.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from time import sleep

from core.child_process import take_channel
from core.errors import AssayError
from core.jobs.comparisons import INTERVAL_S, Comparisons, compare_claimed
from core.logs import confine
from core.records.connection import Store
from core.service.monitoring.monitor import Monitor
from core.service.store import open_store
from core.settings import Settings

NICENESS = 5
IDLE_S = 0.5

logger = logging.getLogger(__name__)


def main() -> None:
    """Watch the store until the parent is gone."""
    channel = take_channel()
    confine()
    lines = channel.lines()
    settings = Settings.model_validate(json.loads(next(lines)))
    threading.Thread(target=_end_with_parent, args=(lines,), daemon=True).start()
    os.nice(NICENESS)
    monitor: Monitor | None = None
    while True:
        problem, has_more = "", False
        try:
            if monitor is None:
                store = open_store(settings)
                threading.Thread(target=_compare, args=(store, settings), daemon=True).start()
                monitor = Monitor(store, settings)
            has_more = monitor.turn()
        except AssayError as exc:
            problem = exc.message
        channel.send(json.dumps(problem).encode() + b"\n")
        if not has_more:
            sleep(IDLE_S)


def _compare(store: Store, settings: Settings) -> None:
    """Search what people reviewed for copies; on a thread, since many pictures take minutes."""
    comparisons = Comparisons(store, settings)
    worker = f"{socket.gethostname()}:{os.getpid()}:monitor"
    while True:
        has_more = False
        try:
            comparisons.turn()
            has_more = compare_claimed(store, settings, worker)
        except AssayError as exc:
            logger.warning("reviewed pictures were not compared: %s", exc.message)
        except Exception:
            logger.exception("the comparison of reviewed pictures failed")
        if not has_more:
            sleep(INTERVAL_S)


def _end_with_parent(lines: Iterator[bytes]) -> None:
    for _ in lines:
        pass
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
