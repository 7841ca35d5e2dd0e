"""A defective part is used as it is by two people who signed in, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from core.people import Person, Role
from core.service.people.roles import Identity, grant
from core.settings import Settings
from domains.parts.station.records.agreements import open_requests
from domains.parts.station.records.overrides import OverrideKind, overrides_of
from tests.browser.board_line import STATION, BoardLine, home_of
from tests.browser.test_sign_in_page import sign_in

LONG_MS = 120_000


@pytest.fixture
def line(rig_home: Path, tmp_path: Path) -> Iterator[BoardLine]:
    made = BoardLine(Settings(home=home_of(rig_home, tmp_path)))
    made.fill(30)
    with made.alive():
        yield made
    made.store.close()


@pytest.fixture
def assessed_home(line, tmp_path) -> Path:
    """What `serve_team` serves."""
    return tmp_path / "line"


def signed_in(page: Page, address: str, subject: str) -> None:
    page.context.clear_cookies()
    page.goto(address)
    sign_in(page, subject)
    expect(page.get_by_text("Signed in as")).to_be_visible(timeout=LONG_MS)
    page.goto(f"{address}/parts-verify")
    expect(page.locator('[data-testid="stMain"] .assay-title')).to_be_visible(timeout=LONG_MS)


def test_one_asks_and_another_agrees_and_nobody_agrees_with_themselves(
    page, serve_team, openid, line, tmp_path
):
    people = {name: Identity(openid.address, name, name.title()) for name in ("ada", "grace")}
    for name, who in people.items():
        openid.add(name, name=who.name)
        grant(line.store, who, Role.REVIEWER, by=Person.alone("root"))
    base = serve_team()
    signed_in(page, base, "ada")
    title = page.locator('[data-testid="stMain"] .assay-title').inner_text()
    expect(page.get_by_alt_text("Picture with the region marked")).to_be_visible(timeout=LONG_MS)
    page.wait_for_timeout(1000)
    page.keyboard.press("F5")
    expect(page.get_by_text("they sign in, and agree below")).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_label("Second person")).to_have_count(0)
    # Typed and left by the click itself: what stands in the box counts.
    page.get_by_label("In your words").fill("concession 17")
    page.get_by_role("button", name="Use as is: Concession of the customer").click()
    expect(page.get_by_text("Waiting for a second person")).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_role("button", name="Agree", exact=True)).to_be_disabled()
    assert overrides_of(line.store, STATION) == []
    [asked] = open_requests(line.store, STATION)
    assert (asked.part_id, asked.who) == (title, people["ada"].id)

    signed_in(page, base, "grace")
    expect(page.get_by_text("Ada asks: Concession of the customer. concession 17")).to_be_visible()
    expect(page.get_by_alt_text(f"Picture of {title}")).to_be_visible(timeout=LONG_MS)
    for width, scheme in ((1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")):
        page.set_viewport_size({"width": width, "height": 1000})
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(700)
        page.screenshot(path=tmp_path / f"use-{width}-{scheme}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert not Axe().run(page).response["violations"]
    page.get_by_role("button", name="Agree", exact=True).click()
    expect(page.get_by_text("Waiting for a second person")).to_have_count(0, timeout=LONG_MS)
    [made] = overrides_of(line.store, STATION)
    assert (made.kind, made.who, made.second_person, made.is_second_typed) == (
        OverrideKind.USE_AS_IS, people["ada"].id, people["grace"].id, False,
    )  # fmt: skip
