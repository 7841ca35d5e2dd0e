"""The page Monitor and the line on every page while an alarm stands."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from core.records import alarms, deployments, reviews
from core.records.case_list import list_cases
from core.records.store import decisions
from core.service.monitoring.monitor import Monitor, raise_alarm
from core.service.monitoring.scopes import scopes_of
from core.service.monitoring.signals import Signal
from core.service.store import open_store
from core.types import Disposition

LONG_MS = 120_000
SERIOUS = {"serious", "critical"}


@pytest.fixture
def monitored(settings):
    """A store whose newest alarm voids, with figures of cases that people have read."""
    store = open_store(settings)
    made = next(one for one in decisions(store, pack="parts") if one.features)
    deployments.deploy(
        store, "parts", "", bundle=made.bundle, bundle_sha256=made.bundle_sha256,
        policy_id=made.policy_id, by="Grace", at=datetime(2020, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    for one in list_cases(store, "parts")[:-2]:
        answer = one.item.disposition
        answer = Disposition.NEGATIVE if answer is Disposition.DEFER else answer
        label = "scratched" if answer is Disposition.POSITIVE else "good"
        reviews.review(store, one.item, answer, reviewer="Ada", label=label)
        while Monitor(store, settings).turn():
            pass
    (scope,) = (one for one in scopes_of(store, settings) if one.rows.pack == "parts")
    pictures = [one.id for one in decisions(store, pack="parts") if one.features][:12]
    for kind, source, voids in (("drift", "brightness", False), ("escapes", "", True)):
        signal = Signal(kind, source, f"Something about {kind}.", {"pictures": pictures})
        assert raise_alarm(store, settings, scope, signal, voids=voids)
    yield store
    store.close()


def check(page):
    found = Axe().run(page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in SERIOUS] == []


def test_an_alarm_is_on_every_page_and_taking_note_of_it_restores_nothing(
    page, serve, monitored, tmp_path
):
    address = serve("Ada")
    page.goto(f"{address}/monitor")
    expect(page.get_by_text("Something about escapes.").first).to_be_visible(timeout=LONG_MS)
    expect(page.locator(".assay-banner")).to_contain_text("Nothing passes without a person")
    expect(page.locator('[class*="st-key-alarm-"] img')).to_have_count(24, timeout=LONG_MS)
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.wait_for_timeout(700)
            check(page)
            page.screenshot(path=tmp_path / f"monitor-{width}-{scheme}.png", full_page=True)
        wide = page.evaluate("document.scrollingElement.scrollWidth - innerWidth")
        assert wide <= 0
    alarm = alarms.list_alarms(monitored)[0]
    page.set_viewport_size({"width": 1280, "height": 900})
    page.locator(f".st-key-note-{alarm.id} button").click()
    expect(page.get_by_text("Ada took note").first).to_be_visible(timeout=LONG_MS)
    expect(page.locator(".assay-banner")).to_be_visible()
    page.goto(f"{address}/overview")
    expect(page.locator(".assay-banner")).to_be_visible(timeout=LONG_MS)
