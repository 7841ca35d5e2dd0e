"""Seconds from the start of `assay review` to the first picture painted in chromium.

`python -m tests.benchmarks first_picture` makes a home of drawn plates and a small radiology
department once. The browser is open already, and asks for the page as soon as the server answers;
every run has a process and a browser profile of its own, so nothing of the page is cached.
"""

from __future__ import annotations

import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from core.records.case_list import list_cases
from core.service.review import server as review_server
from core.service.review.reading_list import OPEN
from core.service.store import open_store
from core.settings import Settings
from tests.benchmarks.case_speed import CHROMIUM, answers
from tests.benchmarks.case_store import make_home
from tests.benchmarks.sets import HOME
from tests.xray_worklist import make_department

REPEATS = 7
ASSAY = Path(sys.executable).with_name("assay")
HOMES = HOME / "first-picture"
WAIT_MS = 60_000
_PAINTED = "html[data-assay-case]"


def main() -> None:
    """Print the seconds for a part and for a radiograph, runs of both in turns."""
    department = _department()
    pages = {"part": (_parts(), ""), "radiograph": (department, _first_radiograph(department))}
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in pages}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        for _ in range(1 + REPEATS):  # the first brings the files into memory
            for name, (home, path) in pages.items():
                took[name].append(_start_once(browser, home, path))
        browser.close()
    for name, (_, *runs) in took.items():
        _report(f"first {name}", [painted for _, painted in runs])
        _report(f"of it until the server answers, {name}", [up for up, _ in runs])


def _start_once(browser: Browser, home: Path, path: str) -> tuple[float, float]:
    """Return the seconds until the server answered, and until the picture was painted."""
    with socket.socket() as probe:
        probe.bind((review_server.HOST, 0))
        port = probe.getsockname()[1]
    address = f"http://{review_server.HOST}:{port}"
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    environment = {**os.environ, "ASSAY_HOME": str(home), "ASSAY_REVIEWER": "Ada"}
    began = time.perf_counter()
    with subprocess.Popen(
        [ASSAY, "review", "--port", str(port)], env=environment, stdout=subprocess.DEVNULL
    ) as server:
        try:
            while not answers(f"{address}/_stcore/health"):
                time.sleep(0.01)
            answered = time.perf_counter() - began
            page.goto(f"{address}/{path}", wait_until="commit")
            page.locator(_PAINTED).wait_for(state="attached", timeout=WAIT_MS)
            return answered, time.perf_counter() - began
        finally:
            page.context.close()
            server.send_signal(signal.SIGTERM)


def _parts() -> Path:
    home = HOMES / "parts"
    if not home.exists():
        make_home(home, 1400, 60)
    return home


def _department() -> Path:
    root = HOMES / "department"
    if not (root / "home").exists():
        cache = Settings(home=root / "learned")
        cache.cache.mkdir(parents=True, exist_ok=True)
        make_department(root, cache)
    return root / "home"


def _first_radiograph(home: Path) -> str:
    """Return the address of a case that waits, as a link to it has it."""
    store = open_store(Settings(home=home))
    first, *_ = list_cases(store, "xray", OPEN)
    store.close()
    return f"xray?case={first.item.case_id}"


def _report(name: str, took: list[float]) -> None:
    print(
        f"{name}: median {statistics.median(took):.2f} s ({min(took):.2f} to {max(took):.2f}), "
        f"{len(took)} runs, load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores",
        flush=True,
    )
