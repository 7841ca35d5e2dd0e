"""Memory of one browser session, and of its server, over many reviewed cases.

`nice -n 10 python -m tests.benchmarks.case_memory HOME [PRESSES]`, on a home that
`python -m tests.benchmarks.case_store HOME CASES PICTURES` made with a third more cases, and as
many pictures, as there are presses: some pass by themselves and wait for nobody. Every key is
pressed when the case before it has gone; every hundred presses rubbish is collected and counted
what is left. What grows with every case has a slope that is not zero.
"""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Page, TimeoutError

from core.settings import Settings
from tests.benchmarks.case_speed import WAIT_MS
from tests.benchmarks.page_memory import print_row, print_slopes, watch_page

PRESSES = 2000
EVERY = 100
SETTLED = 500
"""Presses after which caches of fixed size are full: the slope is taken from there."""


def main() -> None:
    """Print what is in use every hundred presses, and the slopes."""
    settings = Settings(home=Path(sys.argv[1]), reviewer="Ada")
    presses = int(sys.argv[2]) if len(sys.argv) > 2 else PRESSES
    rows = []
    with watch_page(settings, "", "html[data-assay-case]", WAIT_MS) as watched:
        for number in range(presses + 1):
            if number % EVERY == 0:
                rows.append((number, watched.measure()))
                print_row(rows[-1])
            if number < presses:
                press(watched.page, "fj"[number % 2])
        left = watched.empty_caches()
    print(f"{left:.1f} MiB of the page's process once its caches are emptied")
    print_slopes(rows, SETTLED, 1000, "presses")


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


if __name__ == "__main__":
    main()
