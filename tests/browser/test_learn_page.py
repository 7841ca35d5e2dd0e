"""The page on which a station learns, in a real browser, with a worker beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import pytest
from playwright.sync_api import Page, expect

from core.jobs.worker import work
from core.records.deployments import history
from core.settings import Settings
from domains.parts.station.faults.rig import PRODUCT
from domains.parts.station.learning.folder import GOOD, place_of
from domains.parts.station.recipe import keep_station
from domains.parts.station.result import LineReason
from tests.browser.board_line import FILE, BoardLine, home_of
from tests.browser.test_board_page import FIRST_MS, SIZES, axe

LONG_MS = 300_000


@pytest.fixture
def line(rig_home: Path, tmp_path: Path) -> Iterator[BoardLine]:
    """A line whose parts wait to be learned from, and a worker for that."""
    settings = Settings(home=home_of(rig_home, tmp_path), reviewer="Eva")
    keep_station(settings.home, FILE)
    made, stop = BoardLine(settings), Event()
    worker = Thread(
        target=work, args=([], made.store, settings), kwargs={"stop": stop, "lanes": ["train"]}
    )
    worker.start()
    with made.alive():
        yield made
    stop.set()
    worker.join()
    made.store.close()


def test_good_parts_are_captured_looked_at_and_learned_by_keys_alone(
    page: Page, serve, line: BoardLine, tmp_path: Path
):
    page.set_viewport_size(SIZES[0])
    page.goto(f"{serve('Eva', tmp_path / 'line')}/parts-learn")
    certificates = page.locator(".board-certificates")
    expect(certificates).to_contain_text("Escape ≤ 15 % certified on", timeout=FIRST_MS)
    axe(page, SIZES[0])
    begin = page.get_by_role("button", name="Begin")
    begin.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("0 of 20 captured")).to_be_visible(timeout=FIRST_MS)
    look = page.get_by_role("button", name="Look at them")
    expect(look).to_be_disabled()
    line.fill(7, every=100)
    line.inspect(LineReason.FRAME_STALE)
    line.inspect(LineReason.DEFECT, part_id="scratched-1")
    expect(page.get_by_text("8 of 20 captured")).to_be_visible(timeout=FIRST_MS)
    expect(page.get_by_text("not captured. The frame is older than its trigger.")).to_be_visible()
    expect(page.locator(".learn-parts img")).to_have_count(8)
    for size in SIZES:
        axe(page, size)
    page.set_viewport_size(SIZES[0])
    look.focus()
    page.keyboard.press("Enter")
    odd = page.locator(".learn-part.odd")
    expect(odd).to_have_count(1, timeout=LONG_MS)
    expect(odd).to_contain_text("1. scratched-1")
    expect(page.locator(".learn-part.plain")).to_have_count(7)
    learn = page.get_by_role("button", name="Learn 8 good parts")
    expect(learn).to_be_disabled()  # before a person has decided on the odd one
    for size in SIZES:
        axe(page, size)
    page.set_viewport_size(SIZES[0])
    page.get_by_role("radio", name="It is good").focus()
    page.keyboard.press("ArrowRight")
    learn = page.get_by_role("button", name="Learn 7 good parts")
    expect(learn).to_be_enabled(timeout=FIRST_MS)
    learn.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".learn-progress")).to_be_visible(timeout=FIRST_MS)
    axe(page, SIZES[0])
    expect(page.get_by_text("Learned last")).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_text("This holds for parts like those kept: 1 odd part was")).to_be_visible()
    # Seven good parts bound no overkill of 5 %, and the line says so in place of the certificate.
    expect(certificates).to_contain_text("Escape ≤ 5 % NOT CERTIFIED yet: 59", timeout=FIRST_MS)
    for size in SIZES:
        axe(page, size)
    place = place_of(tmp_path / "line", FILE, FILE.recipes[0])
    assert {label: len(found) for label, found in place.data.groups().items()} == {GOOD: 7}
    assert [one.number for one in history(line.store, "parts", PRODUCT)] == [2, 1]
    assert not place.incoming.pictures()
