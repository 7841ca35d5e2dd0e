"""What one page of a browser, and the server behind it, hold in memory, and how that grows."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from playwright.sync_api import CDPSession, Page, sync_playwright

from core.service.review import server as review_server
from core.settings import Settings
from tests.benchmarks.case_speed import CHROMIUM, answers

UNITS = {
    "heap MiB": "JavaScript heap in use",
    "nodes": "DOM nodes",
    "listeners": "event listeners",
    "page MiB": "resident memory of the page's process",
    "server MiB": "resident memory of the server",
    "children MiB": "resident memory of its decoder processes",
}
Row = tuple[float, dict[str, float]]


@dataclass(frozen=True, slots=True)
class WatchedPage:
    """A page in chromium whose memory is measured, and that of its server.

    Attributes:
        page: The page.
        session: A session with its debugger, in which ``Performance`` is enabled.
        renderer: Its process.
        server: The server's process.
    """

    page: Page
    session: CDPSession
    renderer: int
    server: int

    def measure(self) -> dict[str, float]:
        """Return what is held, by the names of ``UNITS``, once rubbish is collected."""
        children = Path(f"/proc/{self.server}/task/{self.server}/children").read_text().split()
        return measure_page(self.session) | {
            "page MiB": _resident_mib(self.renderer),
            "server MiB": _resident_mib(self.server),
            "children MiB": sum(_resident_mib(int(one)) for one in children),
        }

    def empty_caches(self) -> float:
        """Return the MiB that the page's process still holds once its caches are emptied."""
        self.session.send("Memory.simulatePressureNotification", {"level": "critical"})
        self.page.wait_for_timeout(5000)
        return _resident_mib(self.renderer)


def measure_page(session: CDPSession) -> dict[str, float]:
    """Return what the page itself holds once rubbish is collected.

    Args:
        session: A session with the page's debugger, in which ``Performance`` is enabled.
    """
    session.send("HeapProfiler.collectGarbage")
    metrics = session.send("Performance.getMetrics")["metrics"]
    counted = {one["name"]: one["value"] for one in metrics}
    heap = session.send("Runtime.getHeapUsage")
    return {
        "heap MiB": heap["usedSize"] / 2**20,
        "nodes": counted["Nodes"],
        "listeners": counted["JSEventListeners"],
    }


@contextmanager
def watch_page(settings: Settings, path: str, ready: str, wait_ms: int) -> Iterator[WatchedPage]:
    """Yield a page of a dashboard of its own.

    Args:
        settings: Whose home and reviewer it is.
        path: Of the page.
        ready: Selector of what stands on it once it is drawn.
        wait_ms: How long that may take.
    """
    with _serving(settings) as (address, server), sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable")
        page.goto(f"{address}/{path}")
        page.locator(ready).first.wait_for(state="attached", timeout=wait_ms)
        page.wait_for_timeout(5000)
        renderer = _renderer(browser.new_browser_cdp_session())
        yield WatchedPage(page, session, renderer, server)
        browser.close()


@contextmanager
def _serving(settings: Settings) -> Iterator[tuple[str, int]]:
    with socket.socket() as probe:
        probe.bind((review_server.HOST, 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, **review_server.environment(settings)}
    with subprocess.Popen(
        review_server.serve_command(port), env=environment, stdout=subprocess.DEVNULL
    ) as server:
        try:
            address = f"http://{review_server.HOST}:{port}"
            while not answers(f"{address}/_stcore/health"):
                time.sleep(0.2)
            yield address, server.pid
        finally:
            server.terminate()


def _renderer(session: CDPSession) -> int:
    """Return the process of the page: the renderer that has used the most time."""
    found = session.send("SystemInfo.getProcessInfo")["processInfo"]
    renderers = (one for one in found if one["type"] == "renderer")
    return int(max(renderers, key=lambda one: one["cpuTime"])["id"])


def _resident_mib(process: int) -> float:
    """Return the resident memory of a process in MiB."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def print_row(row: Row) -> None:
    """Print one measurement."""
    print(row[0], {name: round(value, 1) for name, value in row[1].items()}, flush=True)


def print_slopes(rows: Sequence[Row], settled: float, per: float, unit: str) -> None:
    """Print what each figure was once caches of fixed size were full, at the end, and its slope.

    Args:
        rows: Measurements, by what was counted until then.
        settled: From which count on.
        per: Counts for which the slope is given.
        unit: What is counted.
    """
    rows = [row for row in rows if row[0] >= min(settled, rows[-1][0] / 4)]
    counts = np.array([number for number, _ in rows])
    for name, what in UNITS.items():
        values = np.array([row[name] for _, row in rows])
        slope = np.polyfit(counts, values, 1)[0] * per if len(values) > 1 else float("nan")
        print(
            f"{what}: {values[0]:.1f} after {counts[0]:g} {unit}, {values[-1]:.1f} after "
            f"{counts[-1]:g}, {slope:+.1f} per {per:,g} {unit} ({name})"
        )
