"""The page of quality and the overview in a real browser, by keyboard alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from core.records import reviews
from core.records.proposals import list_proposals
from core.records.worklist import next_case
from core.types import Disposition

LONG_MS = 120_000


@pytest.fixture
def answered(store):
    """Three cases answered, one of them against its verdict."""
    for answer in (Disposition.NEGATIVE, Disposition.POSITIVE, Disposition.NEGATIVE):
        reviews.review(
            store, next_case(store, "parts"), answer, reviewer="Ada",
            at=datetime.now(UTC) - timedelta(minutes=1),
        )  # fmt: skip
    return store


def check(page: Page) -> None:
    """Hold a screen against axe, and against its width: nothing is cut off to the side."""
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme)
            page.wait_for_timeout(800)
            found = Axe().run(page)
            assert not found.response["violations"], f"{scheme}: {found.generate_report()}"
        main = page.locator('[data-testid="stMain"]')
        assert main.evaluate("one => one.scrollWidth <= one.clientWidth")
    page.set_viewport_size({"width": 1280, "height": 900})


def test_a_slide_by_keyboard_shows_flips_and_each_leads_to_its_case(page, serve, answered):
    page.goto(f"{serve('Ada')}/quality")
    expect(page.get_by_text("These are the limits in force.")).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_role("button", name="Propose this policy")).to_be_disabled()
    check(page)
    slider = page.get_by_role("slider", name="Escape at most")
    slider.focus()
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
    expect(page.get_by_text("would be another one")).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_text("Not certifiable: needs at least")).to_be_visible()
    expect(page.get_by_role("button", name="Propose this policy")).to_be_enabled()
    assert list_proposals(answered) == []
    flip = page.locator(".st-key-cases-flips a").first
    expect(flip).to_contain_text("PASS → REVIEW")
    case = flip.get_attribute("href").rpartition("case=")[2]
    flip.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**case={case}**", timeout=LONG_MS)


def test_the_overview_leads_from_a_rate_to_its_cases(page, serve, answered):
    page.goto(f"{serve('Ada')}/overview")
    button = page.get_by_role("button", name="Show these cases (1)")
    expect(button).to_be_visible(timeout=LONG_MS)
    check(page)
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".st-key-cases-overview a")).to_have_count(1)
    expect(page.locator(".st-key-cases-overview a")).to_contain_text("FAIL, Ada: PASS")
