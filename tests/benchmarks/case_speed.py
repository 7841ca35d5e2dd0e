"""Milliseconds from a key to the next case, and from a filter to its list, in chromium.

`nice -n 10 python -m tests.benchmarks.case_speed HOME [PRESSES]`, on a home that
`python -m tests.benchmarks.case_store HOME CASES` made. The browser measures: from the key or the
click to the second frame after what it asked for is on the screen as a whole.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Page, Response, sync_playwright

from core.service.review import server as review_server
from core.settings import Settings

CHROMIUM = "/usr/bin/chromium"
WAIT_MS = 120_000
PRESSES = 30
OPENING_MS = 12_000
"""The first heat map opens the bundle and exports its network, once a process."""

WATCH = """() => {
    window.took = []
    let began = null
    const html = document.documentElement
    const frame = () => new Promise(done => requestAnimationFrame(done))
    for (const name of ['keydown', 'pointerdown'])
        window.addEventListener(name, () => { began = performance.now() }, true)
    const note = async () => {
        if (began === null) return
        const start = began
        began = null
        await frame()
        await frame()
        window.took.push(performance.now() - start)
    }
    let last = html.dataset.assayCase
    let drawn = document.querySelector('[data-drawn]')?.dataset.drawn
    new MutationObserver(() => {
        const shown = html.dataset.assayCase
        if (shown && shown !== last) { last = shown; note() }
        const list = document.querySelector('[data-drawn]')?.dataset.drawn
        if (list && list !== drawn) { drawn = list; note() }
    }).observe(html, { subtree: true, childList: true, attributes: true,
        attributeFilter: ['data-assay-case', 'data-drawn'] })
}"""


def main() -> None:
    """Print the figures of one home folder."""
    home = Path(sys.argv[1])
    presses = int(sys.argv[2]) if len(sys.argv) > 2 else PRESSES
    with socket.socket() as probe:
        probe.bind((review_server.HOST, 0))
        port = probe.getsockname()[1]
    settings = Settings(home=home, reviewer="Ada")
    environment = {**os.environ, **review_server.environment(settings)}
    with subprocess.Popen(
        review_server.serve_command(port), env=environment, stdout=subprocess.DEVNULL
    ) as server:
        try:
            _measure(f"http://{review_server.HOST}:{port}", presses)
        finally:
            server.terminate()


def _measure(address: str, presses: int) -> None:
    while not answers(f"{address}/_stcore/health"):
        time.sleep(0.2)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        _report("next case after the key", _next_cases(page, address, presses))
        _report("list after the filter", _filters(page, address, presses // 2))
        _gallery(page, address)
        browser.close()
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def _next_cases(page: Page, address: str, presses: int) -> list[float]:
    page.goto(address)
    page.locator("html[data-assay-case]").wait_for(state="attached", timeout=WAIT_MS)
    page.wait_for_timeout(OPENING_MS)
    page.evaluate(WATCH)
    for _ in range(presses):
        page.wait_for_timeout(1500)
        shown = page.evaluate("document.documentElement.dataset.assayCase")
        page.keyboard.press("f")
        page.wait_for_function(
            "shown => (document.documentElement.dataset.assayCase ?? shown) !== shown",
            arg=shown,
            timeout=WAIT_MS,
        )
    return list(page.evaluate("window.took"))


def _filters(page: Page, address: str, rounds: int) -> list[float]:
    page.goto(f"{address}/cases?filter=state%3D")
    page.locator("tbody tr").first.wait_for(timeout=WAIT_MS)
    page.evaluate(WATCH)
    keys = page.locator("tbody td.name").all_text_contents()
    box = page.get_by_label("Search", exact=True)
    for number in range(rounds):
        page.wait_for_timeout(1000)
        box.fill(keys[1 + number % (len(keys) - 1)] if number % 2 == 0 else "")
        box.press("Enter")
        page.wait_for_timeout(3000)
    return list(page.evaluate("window.took"))


def _gallery(page: Page, address: str) -> None:
    """Print how the page grows over two thousand cases of small pictures, and their bytes."""
    sizes: list[int] = []

    def note(answer: Response) -> None:
        if "/t/" in answer.url and answer.status == 200:
            sizes.append(int(answer.headers["content-length"]))

    page.on("response", note)
    page.goto(f"{address}/cases?filter=state%3D&view=grid")
    page.locator(".tiles a").first.wait_for(timeout=WAIT_MS)
    session = page.context.new_cdp_session(page)
    nodes, whole, heap = [], [], []
    for _number in range(2000 // 60 + 1):
        page.wait_for_timeout(300)
        nodes.append(page.locator(".list *").count())
        session.send("HeapProfiler.collectGarbage")
        counters = session.send("Memory.getDOMCounters")
        whole.append(int(counters["nodes"]))
        heap.append(page.evaluate("performance.memory.usedJSHeapSize") / 2**20)
        first = page.locator(".tiles a").first.get_attribute("data-id")
        page.get_by_role("button", name="Next").click()
        page.wait_for_function(
            "id => [...document.querySelectorAll('*')].some(e => (e.shadowRoot ?? e)"
            ".querySelector?.('.tiles a') && (e.shadowRoot ?? e).querySelector('.tiles a')"
            ".dataset.id !== id)",
            arg=first,
            timeout=WAIT_MS,
        )
    print(
        f"small pictures, {60 * len(nodes):,} cases: {max(nodes)} nodes in the list at most, "
        f"{whole[2]} in the page after three screens and {whole[-1]} at the end, JavaScript "
        f"{heap[2]:.0f} and {heap[-1]:.0f} MiB; {len(sizes)} pictures of {max(sizes)} bytes at most"
    )


def _report(name: str, took: list[float]) -> None:
    ordered = sorted(took)
    print(
        f"{name}: median {statistics.median(ordered):.0f} ms, 90 % within "
        f"{ordered[int(0.9 * len(ordered))]:.0f}, {ordered[0]:.0f} to {ordered[-1]:.0f}, "
        f"n = {len(ordered)}",
        flush=True,
    )


def answers(url: str) -> bool:
    """Return whether a server answers there."""
    try:
        with urllib.request.urlopen(url) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


if __name__ == "__main__":
    main()
