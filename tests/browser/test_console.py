"""No page asks for what there is not, writes an error into the console, or cuts words off."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Response, expect

from core.packs import installed
from core.people import Person, Role
from core.service.people.roles import Identity, grant
from core.service.store import open_store
from core.settings import Settings
from tests.browser.test_every_screen import LONG_MS, SHARED
from tests.browser.test_sign_in_page import sign_in

OWN = tuple(
    pack.name if number == 0 else f"{pack.name}-{file.stem}"
    for pack in installed().values()
    for number, file in enumerate(pack.pages)
)


@pytest.fixture
def errors(page: Page) -> list[str]:
    """Whatever goes wrong in the browser."""
    found: list[str] = []

    def keep_refused(answer: Response) -> None:
        if answer.status >= 400:
            found.append(f"{answer.status} {answer.url}")

    page.on("response", keep_refused)
    page.on("console", lambda one: found.append(one.text) if one.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


# Words in a button, a link or a cell that are cut off where it ends.
CUT = """() => [...document.querySelectorAll("[data-testid=stMain] *")].filter(one => {
    const style = getComputedStyle(one), hides = style.overflowX === 'hidden'
    const shows = one.innerText && one.clientWidth > 20 && one.clientHeight > 4
    return (hides || style.textOverflow === "ellipsis") && shows
        && one.scrollWidth > one.clientWidth + 1 && !one.querySelector("svg, canvas, img")
}).map(one => one.innerText)"""
WIDTHS = (1920, 1280, 1024, 640, 390)


def check_words(page: Page) -> None:
    """Hold a page against words that are cut off, at every width."""
    size = page.viewport_size
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(300)
        assert page.evaluate(CUT) == [], f"{page.url} at {width} px"
    page.set_viewport_size(size)


def visit(page: Page, address: str, names: tuple[str, ...]) -> None:
    """Open each page by its address, as a bookmark does, let it come to rest, and look at it."""
    for name in names:
        page.goto(f"{address}/{name}")
        heading = page.locator("[data-testid=stMain]").locator("h1, h2").first
        expect(heading).to_be_attached(timeout=LONG_MS)
        page.wait_for_timeout(1000)
        check_words(page)


def test_every_page_of_one_person_alone(page, errors, serve):
    visit(page, serve("Ada"), (*SHARED, *OWN))
    assert errors == []


def test_a_worklist_with_studies(page, errors, serve, department_home):
    visit(page, serve("Ada", department_home), ("xray",))
    assert errors == []


def test_every_page_of_a_team_below_a_path(page, errors, serve_team, openid, assessed_home):
    openid.add("root", name="Root")
    store = open_store(Settings(home=assessed_home))
    grant(store, Identity(openid.address, "root", "Root"), Role.ADMIN, by=Person.alone("shell"))
    store.close()
    address = serve_team()
    page.goto(address)
    sign_in(page, "root")
    page.wait_for_url(f"{address}/**", timeout=LONG_MS)
    errors.clear()  # the provider's own page
    visit(page, address, (*SHARED, "people", *OWN))
    assert errors == []
