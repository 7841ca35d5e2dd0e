"""The audit page in a browser: found by key and mouse, read by a screen reader, nothing cut off."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from core.records import reviews
from core.records.worklist import next_case
from core.service.store import open_store
from core.types import Disposition

LONG_MS = 60_000
SHOTS = os.environ.get("ASSAY_SCREENSHOTS", "")


@pytest.fixture
def reviewed(settings):
    store = open_store(settings)
    item = next_case(store, "parts")
    reviews.review(store, item, Disposition.POSITIVE, reviewer="Bob")
    store.close()
    return item


def test_an_event_is_found_opened_and_read_at_every_width(page, serve, reviewed):
    address = serve("Ada")
    assert requests.get(f"{address}/healthz", timeout=30).json() == {"status": "ok"}
    assert "assay_reviews_total 1.0" in requests.get(f"{address}/metrics", timeout=30).text
    page.goto(f"{address}/audit")
    first = page.get_by_role("button", name="Bob · review")
    expect(first).to_be_visible(timeout=LONG_MS)
    page.get_by_label("Case").fill(reviewed.key)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name=" · record · ")).to_have_count(1, timeout=LONG_MS)
    first.click()
    expect(page.get_by_text("Bob decided FAIL, with 1 picture on screen.")).to_be_visible(
        timeout=LONG_MS
    )
    link = page.get_by_role("link", name=f"Open case {reviewed.case_id}")
    assert f"case={reviewed.case_id}" in link.get_attribute("href")
    page.reload()
    expect(page.get_by_text("Bob decided FAIL, with 1 picture on screen.")).to_be_visible(
        timeout=LONG_MS
    )
    for width, scheme in ((1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(800)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        found = Axe().run(page)
        assert not found.response["violations"], found.generate_report()
        if SHOTS:
            page.screenshot(path=Path(SHOTS) / f"audit-{width}-{scheme}.png", full_page=True)
