"""The radiology worklist under a reader's fingers, with the pictures in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from core.records import releases, reviews
from core.records.listing import listed
from core.records.releases import Stage
from core.records.store import decisions
from core.records.worklist import case_detail
from core.service.stores import open_store
from core.settings import Settings
from core.types import Disposition
from domains.xray.worklist.reading_list import OPEN
from tests.xray_worklist import SITE

LONG_MS = 120_000  # the network behind the heat map is exported on first use
TITLE = '[data-testid="stMain"] .assay-title'
# Grey levels on the canvas: the darkest, the brightest and how many differ.
LEVELS = """canvas => {
    const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data
    const greys = new Set()
    let coloured = 0
    for (let i = 0; i < data.length; i += 4) {
        greys.add(data[i])
        coloured += data[i] - data[i + 2] > 24
    }
    return {mean: data.filter((_, i) => i % 4 === 0).reduce((a, b) => a + b, 0) * 4 / data.length,
            levels: greys.size, coloured}
}"""


@pytest.fixture
def assessed_home(department_home):
    """What `serve` serves."""
    return department_home


@pytest.fixture
def store(department_home):
    opened = open_store(Settings(home=department_home))
    yield opened
    opened.close()


@pytest.fixture
def supervised(store):
    made = decisions(store, pack="xray", limit=1)[0]
    for stage in (Stage.SHADOW, Stage.SUPERVISED):
        releases.release(
            store, "xray", SITE, stage, by="Grace", evidence={}, bundle=made.bundle,
            policy_id=made.policy_id,
        )  # fmt: skip


def opened(page) -> None:
    """Wait until the list stands and the page rests, so that a key has somebody to hear it."""
    expect(page.get_by_text("6 to read")).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_test_id("stDataFrame")).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_text("O opens the first")).to_be_visible(timeout=LONG_MS)
    page.wait_for_timeout(1000)


def shows(page, left: int) -> str:
    """Wait until a case can be answered, and a moment for the eyes; gives the patient's name."""
    expect(page.get_by_text(f"1 of {left} to read")).to_be_visible(timeout=LONG_MS)
    button = page.locator('[class*="st-key-case-positive-"] button:enabled')
    expect(button).to_have_count(1, timeout=LONG_MS)
    expect(page.locator("canvas").first).to_be_visible(timeout=LONG_MS)
    page.locator("html[data-assay-case]").wait_for(state="attached", timeout=LONG_MS)
    page.wait_for_timeout(600)
    return page.locator(TITLE).inner_text()


def test_three_cases_are_read_by_keys_and_each_has_one_review(page, serve, store, tmp_path):
    names = {
        one.item.case_id: one.headers[0]["patient_name"].replace("^", " ")
        for one in listed(store, "xray", OPEN)
    }
    page.goto(f"{serve('Ada')}/xray")
    opened(page)
    expect(page.get_by_text("Research and decision support").first).to_be_visible()
    page.keyboard.press("o")
    shown = []
    for left, key in ((6, "n"), (5, "a"), (4, "n")):
        shown.append(shows(page, left))
        page.keyboard.press(key)
    shows(page, 3)
    said = reviews.reviewed(store, "xray")[::-1]
    assert [names[one.case_id] for one in said] == shown
    assert [one.disposition for one in said] == [
        Disposition.NEGATIVE,
        Disposition.POSITIVE,
        Disposition.NEGATIVE,
    ]
    assert all(len(case_detail(store, one.case_id).reviews) == 1 for one in said)
    page.screenshot(path=tmp_path / "reading.png")
    assert (tmp_path / "reading.png").stat().st_size > 50_000


@pytest.mark.usefixtures("supervised")
def test_window_invert_zoom_and_heat_map_work_by_keys_without_a_rerun(page, serve):
    page.goto(f"{serve('Ada')}/xray")
    opened(page)
    page.keyboard.press("o")
    shows(page, 6)
    pane, canvas = page.locator(".pane"), page.locator(".pane canvas")
    expect(pane).to_have_attribute("data-heat", "off", timeout=LONG_MS)
    plain = canvas.evaluate(LEVELS)
    assert plain["levels"] > 60
    assert plain["coloured"] == 0
    page.keyboard.press("h")
    expect(pane).to_have_attribute("data-heat", "on")
    assert canvas.evaluate(LEVELS)["coloured"] > 1000
    page.keyboard.press("h")
    page.keyboard.press("i")
    expect(pane).to_have_attribute("data-inverted", "true")
    page.keyboard.press("i")
    page.keyboard.press(".")
    darker = canvas.evaluate(LEVELS)
    assert darker["mean"] < plain["mean"] - 2
    page.keyboard.press("[")
    page.keyboard.press("+")
    expect(page.get_by_text("level 53 % · window 87 % · zoom 1.3")).to_be_visible()
    page.keyboard.press("0")
    expect(page.get_by_text("level 50 % · window 100 % · zoom 1.0")).to_be_visible()
    assert canvas.evaluate(LEVELS) == plain
    # A key that is typed into the comment is no command.
    page.keyboard.press("m")
    comment = page.get_by_label("Comment", exact=True)
    expect(comment).to_be_focused(timeout=LONG_MS)
    page.keyboard.type("hi, [0] an")
    expect(comment).to_have_value("hi, [0] an")
    expect(pane).to_have_attribute("data-heat", "off")
    expect(pane).to_have_attribute("data-inverted", "false")
