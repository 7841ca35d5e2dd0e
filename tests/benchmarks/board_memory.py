"""Memory of the operator's board, and of its server, over an hour of a line that runs.

`nice -n 10 python -m tests.benchmarks.board_memory [MINUTES] [PARTS_PER_SECOND]`. The line puts
parts on record as a station does, each with a picture of its own, one in twelve rejected; the board
stays open in chromium. Every minute rubbish is collected and counted what is left.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from core.settings import Settings
from domains.parts.station.faults.rig import make_product
from domains.parts.station.result import LineReason
from tests.benchmarks.page_memory import Row, print_row, print_slopes, watch_page
from tests.benchmarks.sets import HOME
from tests.browser.board_line import BoardLine

MINUTES, RATE = 60.0, 10.0
SETTLED = 10.0
"""Minutes after which caches of fixed size are full: the slope is taken from there."""

DEFECT_EVERY = 12
DRAWN = ".strip li:nth-child(20)"
DRAWN_MS = 120_000


def main() -> None:
    """Print what is in use every minute, and the slopes."""
    minutes, rate = (*map(float, sys.argv[1:]), *(MINUTES, RATE)[len(sys.argv) - 1 :])
    home = Path(tempfile.mkdtemp(prefix="board-", dir=HOME))
    (home / "cache").symlink_to((HOME / "cache").resolve(), target_is_directory=True)
    settings = Settings(home=home, reviewer="Ada")
    make_product(settings)
    line = BoardLine(settings)
    line.fill(60)
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    with line.alive(), running(line, rate) as parts:
        rows = measure(settings, minutes)
    print(f"{len(parts)} parts, {(len(parts) - 1) / (parts[-1] - parts[0]):.1f} a second")
    print_slopes(rows, SETTLED, 60, "minutes")
    line.store.close()
    shutil.rmtree(home)


def measure(settings: Settings, minutes: float) -> list[Row]:
    """Return what page and server hold, each minute."""
    rows: list[Row] = []
    with watch_page(settings, "parts", DRAWN, DRAWN_MS) as watched:
        began = time.monotonic()
        while not rows or rows[-1][0] < minutes:
            rows.append((round((time.monotonic() - began) / 60, 1), watched.measure()))
            print_row(rows[-1])
            watched.page.wait_for_timeout(60_000)
        left = watched.empty_caches()
    print(f"{left:.1f} MiB of the page's process once its caches are emptied")
    return rows


@contextmanager
def running(line: BoardLine, rate: float) -> Iterator[list[float]]:
    """Yield when each part was put on record, while a line runs."""
    stop, at = Event(), []

    def run() -> None:
        due = time.monotonic()
        while not stop.wait(max(0.0, due - time.monotonic())):
            bad = len(at) % DEFECT_EVERY == DEFECT_EVERY - 1
            line.inspect(*([LineReason.DEFECT] if bad else []))
            at.append(time.monotonic())
            due = max(due + 1 / rate, time.monotonic())

    thread = Thread(target=run, daemon=True)
    thread.start()
    try:
        yield at
    finally:
        stop.set()
        thread.join()


if __name__ == "__main__":
    main()
