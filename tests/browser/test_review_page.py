"""The review page under a person's fingers."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from core.records import reviews
from core.records.worklist import case_detail, counts, next_case
from core.service.stores import open_store
from core.settings import Settings
from core.types import Disposition
from dashboard.widgets import SETTLE_S

TITLE = '[data-testid="stMain"] .assay-title'
FIRST_TIME_MS = 120_000  # the network behind the heat map is exported on first use
LOADED = "images => images.length && images.every(one => one.complete && one.naturalWidth > 0)"
# Notes every case title that was ever on the page.
WATCH = """() => {
    window.titles = new Set()
    const note = () => document.querySelectorAll('%s').forEach(e => titles.add(e.textContent))
    note()
    new MutationObserver(note).observe(
        document.body, {subtree: true, childList: true, characterData: true})
}"""


@pytest.fixture
def store(assessed_home):
    opened = open_store(Settings(home=assessed_home))
    yield opened
    opened.close()


def shows(page, case) -> None:
    """Wait until a case can be judged: its title, its buttons, and a moment for the eyes."""
    expect(page.locator(TITLE)).to_have_text(case.key, timeout=FIRST_TIME_MS)
    button = page.locator(f'[class*="st-key-positive-{case.case_id}-"] button:enabled')
    button.wait_for(timeout=FIRST_TIME_MS)
    page.wait_for_timeout(1000 * SETTLE_S + 200)


def test_a_person_signs_in_judges_and_takes_back_by_keys_alone(page, serve, store, tmp_path):
    torn = next_case(store, "parts")
    worst = next_case(store, "parts", after=torn.case_id)
    page.goto(serve())
    expect(page.locator(TITLE)).to_have_text(torn.key, timeout=FIRST_TIME_MS)
    page.get_by_label("Your name").fill("Ada")
    page.keyboard.press("Enter")
    shows(page, torn)
    page.keyboard.press("s")
    shows(page, worst)
    pictures = page.locator('[data-testid="stMain"] [data-testid="stImage"] img')
    expect(pictures).to_have_count(7, timeout=FIRST_TIME_MS)
    page.wait_for_timeout(200)
    assert pictures.evaluate_all(LOADED)
    page.screenshot(path=tmp_path / "review.png")
    assert (tmp_path / "review.png").stat().st_size > 50_000

    page.keyboard.press("n")
    note = page.get_by_label("Note")
    expect(note).to_be_focused()
    page.keyboard.type("fps: frame of plate, scratched")
    page.keyboard.press("Enter")
    expect(note).to_have_count(0)
    assert reviews.reviewed(store, "parts") == []
    page.keyboard.press("f")
    expect(page.locator(TITLE)).not_to_have_text(worst.key)
    (said,) = reviews.reviewed(store, "parts")
    assert (said.case_id, said.disposition, said.reviewer, said.comment) == (
        worst.case_id,
        Disposition.POSITIVE,
        "Ada",
        "fps: frame of plate, scratched",
    )

    shows(page, next_case(store, "parts", after=torn.case_id))
    page.keyboard.press("u")
    shows(page, worst)
    assert reviews.reviewed(store, "parts") == []
    assert len(case_detail(store, worst.case_id).reviews) == 2


@pytest.mark.parametrize("pause_ms", [0, 70, 180])
def test_ten_fast_presses_decide_only_cases_that_were_shown_each_once(page, serve, store, pause_ms):
    before = sum(counts(store, "parts").waiting.values())
    page.goto(serve("Ada"))
    shows(page, next_case(store, "parts"))
    page.evaluate(WATCH % TITLE)
    for _ in range(10):
        page.keyboard.press("f")
        page.wait_for_timeout(pause_ms)
    page.wait_for_timeout(2000)
    said = reviews.reviewed(store, "parts")
    shown = set(page.evaluate("[...window.titles]"))
    assert 1 <= len(said) <= 10
    assert {one.key for one in said} <= shown
    assert all(len(case_detail(store, one.case_id).reviews) == 1 for one in said)
    left = sum(counts(store, "parts").waiting.values())
    assert left == before - len(said)
    expect(page.get_by_text(f"{left} waiting, {len(said)} done today")).to_be_visible()


def test_the_overview_draws_its_figure_without_asking_anybody(page, serve, tmp_path):
    page.goto(f"{serve('Ada')}/overview")
    expect(page.locator(".js-plotly-plot .bars").first).to_be_visible(timeout=FIRST_TIME_MS)
    expect(page.get_by_text("What more data would buy")).to_be_visible()
    page.screenshot(path=tmp_path / "overview.png", full_page=True)
    assert (tmp_path / "overview.png").stat().st_size > 20_000
