"""Signing in as a person meets it: roles, an ended sign-in with a verdict in hand, the lock."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from core.people import Person, Role
from core.records.final_reads import final_reads
from core.service.people import roles
from core.service.people.roles import Identity, grant
from core.service.store import open_store
from core.settings import Settings
from core.types import Disposition

ROOT = Person.alone("root")
LONG_MS = 90_000


@pytest.fixture
def store(assessed_home: Path):
    opened = open_store(Settings(home=assessed_home))
    yield opened
    opened.close()


def sign_in(page: Page, subject: str) -> None:
    page.get_by_role("button", name="Sign in").click(timeout=LONG_MS)
    page.locator("input[name=sub]").fill(subject)
    page.get_by_role("button", name="Authorize").click()


def case_shown(page: Page) -> None:
    page.locator("html[data-assay-case]").wait_for(state="attached", timeout=LONG_MS)


def test_a_team_signs_in_and_each_may_do_what_their_role_allows(page, serve_team, openid, store):
    ada = Identity(openid.address, "ada", "Ada L.")
    openid.add("ada", name="Ada L.", groups=["0" * 36] * 60)
    base = serve_team()
    page.goto(base)
    expect(page.get_by_text("Sign in to go on.")).to_be_visible(timeout=LONG_MS)
    assert not Axe().run(page).response["violations"]
    expect(page.get_by_text("Your name")).to_have_count(0)
    sign_in(page, "ada")
    expect(page.get_by_text("Ada L., you have no role here yet.")).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_text("Subject: ada")).to_be_visible()
    grant(store, ada, Role.VIEWER, by=ROOT)
    case_shown(page)  # by itself
    expect(page.get_by_text("Signed in as")).to_be_visible()
    expect(page.get_by_role("button", name="FAIL F")).to_be_disabled()
    grant(store, ada, Role.REVIEWER, by=ROOT)
    expect(page.get_by_role("button", name="FAIL F")).to_be_enabled(timeout=LONG_MS)
    case_shown(page)
    # Taken away between two clicks: what is still on the screen writes nothing.
    grant(store, ada, Role.VIEWER, by=ROOT)
    page.keyboard.press("f")
    expect(page.get_by_role("button", name="FAIL F")).to_be_disabled(timeout=LONG_MS)
    assert final_reads(store, "parts") == []
    grant(store, ada, Role.NONE, by=ROOT)
    expect(page.get_by_text("you have no role here yet")).to_be_visible(timeout=LONG_MS)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="End Session")).to_be_visible(timeout=LONG_MS)
    page.get_by_role("button", name="End session").click()
    expect(page.get_by_text("Sign in to go on.")).to_be_visible(timeout=LONG_MS)


def test_a_verdict_after_the_end_of_a_sign_in_is_kept_and_stored_once(
    page, serve_team, openid, store
):
    grant(store, Identity(openid.address, "eva", "Eva"), Role.REVIEWER, by=ROOT)
    openid.add("eva", name="Eva")
    base = serve_team()
    page.goto(base)
    page.get_by_role("button", name="Sign in").wait_for(timeout=LONG_MS)
    at = int(time.time())
    openid.change(iat=at, exp=at + 15)
    sign_in(page, "eva")
    openid.change()
    case_shown(page)
    expect(page.get_by_text("Your sign-in has ended.")).to_be_visible(timeout=LONG_MS)
    page.keyboard.press("f")
    expect(page.get_by_text("Sign in again to go on.")).to_be_visible(timeout=LONG_MS)
    assert final_reads(store, "parts") == []
    page.goto(serve_team())  # a server that has just been started holds nothing in its memory
    sign_in(page, "eva")
    page.get_by_role("button", name="Store it").click(timeout=LONG_MS)
    expect(page.get_by_role("button", name="Store it")).to_have_count(0, timeout=LONG_MS)
    case_shown(page)
    (written,) = final_reads(store, "parts")
    assert written.reviewer == Identity(openid.address, "eva", "").id
    assert written.disposition is Disposition.POSITIVE


def test_a_page_that_nobody_is_at_locks_and_a_reload_does_not_open_it(
    page, serve_team, openid, store
):
    grant(store, Identity(openid.address, "ira", "Ira"), Role.VIEWER, by=ROOT)
    openid.add("ira", name="Ira")
    base = serve_team(idle_minutes=0.1)
    page.goto(base)
    sign_in(page, "ira")
    case_shown(page)
    expect(page.get_by_text("Sign in again to go on.")).to_be_visible(timeout=LONG_MS)
    expect(page.locator("[data-assay-locked]")).to_have_count(0)
    page.reload()
    expect(page.get_by_text("Sign in again to go on.")).to_be_visible(timeout=LONG_MS)


def test_alone_the_page_locks_too_and_asks_for_the_name(page, serve):
    page.goto(serve("Ada", idle_minutes=0.1))
    expect(page.get_by_text("nobody signs in")).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_text("Locked: nobody was here for a while.")).to_be_visible(timeout=LONG_MS)
    assert not Axe().run(page).response["violations"]
    page.locator(".st-key-name_to_unlock input").fill("Grace")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Grace")).to_be_visible(timeout=LONG_MS)


def test_an_admin_gives_a_role_and_nobody_else_has_the_page(page, serve_team, openid, store):
    root, grace = (Identity(openid.address, name, name.title()) for name in ("root", "grace"))
    for who in (root, grace):
        openid.add(who.subject, name=who.name)
    sign_in_of_grace = roles.sign_in(store, Settings(), grace)
    assert sign_in_of_grace.role is Role.NONE
    base = serve_team(admin=f"{openid.address} root")
    page.goto(base)
    sign_in(page, "root")
    page.get_by_role("link", name="People").click(timeout=LONG_MS)
    expect(page.get_by_text("Without a role: 1")).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_text("Root (you)")).to_be_visible()
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(500)
        assert not Axe().run(page).response["violations"]
    page.get_by_role("combobox", name="Role of Grace").focus()
    page.keyboard.press("ArrowDown")
    page.get_by_role("option", name="lead").wait_for()
    page.keyboard.type("lead")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Make lead").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("With a role: 2")).to_be_visible(timeout=LONG_MS)
    assert roles.person_of(store, grace).role is Role.LEAD
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="End session").click(timeout=LONG_MS)
    sign_in(page, "grace")
    case_shown(page)
    expect(page.get_by_role("link", name="People")).to_have_count(0)


def test_the_pack_is_asked_for_where_it_counts_and_stays_chosen_elsewhere(
    page, serve_team, openid, store
):
    openid.add("ada", name="Ada")
    grant(store, Identity(openid.address, "ada", "Ada"), Role.LEAD, by=ROOT)
    page.goto(serve_team())
    sign_in(page, "ada")
    case_shown(page)
    pack, links = page.get_by_label("Pack", exact=True), page.get_by_test_id("stSidebarNavLink")
    links.get_by_text("Overview", exact=True).click()
    page.get_by_role("heading", name="Overview").wait_for(timeout=LONG_MS)
    pack.click()
    page.get_by_role("option", name="crops").click()
    expect(page.get_by_text("Crop health from photographs")).to_be_visible(timeout=LONG_MS)
    for name in ("Cases", "Audit", "Xray", "Crops"):
        links.get_by_text(name, exact=True).click()
        expect(pack).to_have_count(0, timeout=LONG_MS)
    links.get_by_text("Quality", exact=True).click()
    expect(pack).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_text("Crop health from photographs")).to_be_visible(timeout=LONG_MS)
