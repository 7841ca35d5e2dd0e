"""Memory of one browser session, and of its server, over many reviewed cases.

`nice -n 10 python -m tests.benchmarks.case_memory HOME [PRESSES]`, on a home that
`python -m tests.benchmarks.case_store HOME CASES PICTURES` made with a third more cases, and as
many pictures, as there are presses: some pass by themselves and wait for nobody. Every key is
pressed when the case before it has gone; every hundred presses rubbish is collected and counted
what is left. What grows with every case has a slope that is not zero.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import CDPSession, Page, TimeoutError, sync_playwright

from core.service.review import server as review_server
from core.settings import Settings
from tests.benchmarks.case_speed import CHROMIUM, OPENING_MS, WAIT_MS, answers

PRESSES = 2000
EVERY = 100
SETTLED = 500
"""Presses after which caches of fixed size are full: the slope is taken from there."""

UNITS = {
    "heap MiB": "JavaScript heap in use",
    "nodes": "DOM nodes",
    "listeners": "event listeners",
    "page MiB": "resident memory of the page's process",
    "server MiB": "resident memory of the server",
    "children MiB": "resident memory of its decoder processes",
}


def main() -> None:
    """Print what is in use every hundred presses, and the slopes."""
    home = Path(sys.argv[1])
    presses = int(sys.argv[2]) if len(sys.argv) > 2 else PRESSES
    with socket.socket() as probe:
        probe.bind((review_server.HOST, 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, **review_server.environment(Settings(home=home, reviewer="Ada"))}
    with subprocess.Popen(
        review_server.serve_command(port), env=environment, stdout=subprocess.DEVNULL
    ) as server:
        try:
            address = f"http://{review_server.HOST}:{port}"
            while not answers(f"{address}/_stcore/health"):
                time.sleep(0.2)
            _report(_press_keys(address, presses, server.pid))
        finally:
            server.terminate()


def _press_keys(address: str, presses: int, server: int) -> list[tuple[int, dict[str, float]]]:
    rows = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable")
        page.goto(address)
        page.locator("html[data-assay-case]").wait_for(state="attached", timeout=WAIT_MS)
        page.wait_for_timeout(OPENING_MS)
        renderer = _renderer(browser.new_browser_cdp_session())
        for number in range(presses + 1):
            if number % EVERY == 0:
                rows.append((number, measure(session) | _resident(renderer, server)))
                print(
                    number,
                    {name: round(value, 1) for name, value in rows[-1][1].items()},
                    flush=True,
                )
            if number < presses:
                press(page, "fj"[number % 2])
        session.send("Memory.simulatePressureNotification", {"level": "critical"})
        page.wait_for_timeout(OPENING_MS)
        left = _resident_mib(renderer)
        print(f"{left:.1f} MiB of the page's process once its caches are emptied")
        browser.close()
    return rows


def press(page: Page, key: str) -> None:
    """Press a verdict key until it counts; the next case stands on the screen then."""
    shown = page.evaluate("document.documentElement.dataset.assayCase")
    for _ in range(20):
        page.wait_for_timeout(450)
        page.keyboard.press(key)
        try:
            page.wait_for_function(
                "shown => (document.documentElement.dataset.assayCase ?? shown) !== shown",
                arg=shown,
                timeout=WAIT_MS // 20,
            )
        except TimeoutError:
            continue
        return
    raise RuntimeError(f"{shown} stays on the screen whatever is pressed")


def measure(session: CDPSession) -> dict[str, float]:
    """Return what the page holds once rubbish is collected.

    Args:
        session: A session with the page's debugger, in which ``Performance`` is enabled.
    """
    session.send("HeapProfiler.collectGarbage")
    counted = {
        one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]
    }
    heap = session.send("Runtime.getHeapUsage")
    return {
        "heap MiB": heap["usedSize"] / 2**20,
        "nodes": counted["Nodes"],
        "listeners": counted["JSEventListeners"],
    }


def _renderer(session: CDPSession) -> int:
    """Return the process of the page: the renderer that has used the most time."""
    found = session.send("SystemInfo.getProcessInfo")["processInfo"]
    return max((one for one in found if one["type"] == "renderer"), key=lambda one: one["cpuTime"])[
        "id"
    ]


def _resident(renderer: int, server: int) -> dict[str, float]:
    children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    return {
        "page MiB": _resident_mib(renderer),
        "server MiB": _resident_mib(server),
        "children MiB": sum(_resident_mib(int(one)) for one in children),
    }


def _resident_mib(process: int) -> float:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def _report(rows: list[tuple[int, dict[str, float]]]) -> None:
    settled = [row for row in rows if row[0] >= min(SETTLED, rows[-1][0] // 4)]
    presses = np.array([number for number, _ in settled])
    for name, what in UNITS.items():
        values = np.array([row[name] for _, row in settled])
        slope = np.polyfit(presses, values, 1)[0] * 1000 if len(values) > 1 else float("nan")
        print(
            f"{what}: {values[0]:.1f} after {presses[0]} presses, {values[-1]:.1f} after "
            f"{presses[-1]}, {slope:+.1f} per 1,000 presses ({name})"
        )


if __name__ == "__main__":
    main()
