"""The monitor as a process of its own: ``python -m core.jobs.monitor_main``.

It reads one line, the settings, and answers a line with what keeps it from watching, empty for
nothing, after every turn. It ends itself as soon as whoever started it is gone.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from time import sleep

from core.child_process import take_channel
from core.errors import AssayError
from core.logs import confine
from core.service.monitoring.monitor import Monitor
from core.service.store import open_store
from core.settings import Settings

NICENESS = 5
IDLE_S = 0.5


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
            monitor = monitor or Monitor(open_store(settings), settings)
            has_more = monitor.turn()
        except AssayError as exc:
            problem = exc.message
        channel.send(json.dumps(problem).encode() + b"\n")
        if not has_more:
            sleep(IDLE_S)


def _end_with_parent(lines: Iterator[bytes]) -> None:
    for _ in lines:
        pass
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
