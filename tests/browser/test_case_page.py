"""A case looked at closely: every pixel, every tool, keys of any layout, a dying server."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import time
from dataclasses import replace
from multiprocessing.context import ForkServerProcess

import cv2
import numpy as np
import pytest
from playwright.sync_api import expect

from core.records import blobs
from core.records.connection import writing
from core.records.final_reads import final_reads
from core.records.store import NewDecision, decisions, record
from core.records.view_log import ViewKind, list_views
from core.records.worklist import case_detail, next_case
from core.service.review import server as review_server
from core.settings import Settings
from core.types import Disposition
from tests.browser.conftest import answers
from tests.browser.test_review_page import FIRST_TIME_MS, TITLE, WATCH, shows
from tests.forked import start_dashboard

PANE = '[data-testid="stMain"] .pane'
# How far the columns of the canvas's middle row differ from their neighbours, on average.
STRIPES = """canvas => {
    const y = Math.round(canvas.height / 2)
    const { data } = canvas.getContext('2d').getImageData(canvas.width / 2 - 40, y, 80, 1)
    let sum = 0
    for (let i = 1; i < 80; i++) sum += Math.abs(data[4 * i] - data[4 * i - 4])
    return sum / 79
}"""
# Buttons whose words do not fit.
CUT_OFF = """() => [...document.querySelectorAll('.st-key-case-side button p')]
    .filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.textContent)"""
PRESS = """init => document.body.dispatchEvent(
    new KeyboardEvent('keydown', { bubbles: true, cancelable: true, composed: true, ...init }))"""


@pytest.fixture
def striped(store) -> str:
    """A case whose picture of 4000 x 3000 has stripes of one pixel; gives its id."""
    picture = np.full((3000, 4000, 3), 90, np.uint8)
    picture[1400:1600, ::2], picture[1400:1600, 1::2] = 30, 220
    data = cv2.imencode(".png", picture)[1].tobytes()
    blobs.put_many(store.blobs, [data])
    made = next(one for one in decisions(store, pack="parts") if one.features)
    own = replace(made, content_key=hashlib.sha256(data).hexdigest())
    new = NewDecision("striped", "striped.png", "striped", own)
    record(store, [new])
    return new.case_id


def test_every_pixel_is_there_and_every_tool_works_by_key_and_by_click(
    page, serve, store, striped, tmp_path
):
    page.goto(f"{serve('Ada')}/?case={striped}")
    expect(page.locator(TITLE)).to_have_text("striped", timeout=FIRST_TIME_MS)
    pane, canvas = page.locator(PANE), page.locator(f"{PANE} canvas")
    expect(pane).to_have_attribute("data-resolution", "full", timeout=FIRST_TIME_MS)
    assert pane.bounding_box()["width"] > 640
    expect(page.get_by_text("4000 × 3000 px at")).to_be_visible()
    shows(page, case_detail(store, striped).item)
    page.screenshot(path=tmp_path / "case-whole.png")
    page.keyboard.press("z")
    assert canvas.evaluate(STRIPES) > 150
    expect(page.get_by_text("4000 × 3000 px at 100 %")).to_be_visible()
    page.keyboard.press("0")
    assert canvas.evaluate(STRIPES) < 60
    # The keys go on working after a click on a tool with the mouse.
    page.get_by_role("button", name="A quarter turn").click()
    expect(pane).to_have_attribute("data-turn", "90")
    page.keyboard.press("t")
    expect(pane).to_have_attribute("data-turn", "180")
    page.keyboard.press("x")
    expect(pane).to_have_attribute("data-mirrored", "true")
    page.keyboard.press("[")
    page.keyboard.press(".")
    expect(page.get_by_text("level 53 % · window 87 %")).to_be_visible()
    page.keyboard.press("0")
    page.keyboard.press("d")
    box = pane.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 100, y, steps=4)
    page.mouse.up()
    ratio = max(4000 / box["width"], 3000 / box["height"])
    found = page.locator(f"{PANE} .corner.bottom.left").inner_text()
    assert abs(int(found.rpartition(" · ")[2].split()[0]) - 100 * ratio) < 2 * ratio + 2
    for width in (1280, 1024, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(500)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(CUT_OFF) == []
        fail = page.locator('[class*="st-key-case-positive-"] button').bounding_box()
        assert fail["y"] + fail["height"] < 900
        page.screenshot(path=tmp_path / f"case-{width}.png", full_page=True)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.keyboard.press("j")
    shows(page, next_case(store, "parts"))
    expect(page.locator("#assay-live")).to_have_text("Kept: cannot judge, striped.")
    assert page.evaluate("document.activeElement.tagName") == "H1"
    events = [one for one in list_views(store, "Ada")[::-1] if one.view.case_id == striped]
    kinds = [one.kind for one in events]
    assert kinds == [ViewKind.SHOWN, ViewKind.ZOOMED, ViewKind.DECIDED]
    assert 0 == events[0].after_ms < events[1].after_ms < events[2].after_ms
    assert 0 < events[2].active_ms <= 60_000


def open_keys(page):
    """Open the window of the keys, once nothing is still to be drawn beside the case."""
    expect(page.get_by_text("distance ").first).to_be_visible(timeout=FIRST_TIME_MS)
    page.wait_for_timeout(1000)
    page.locator(".st-key-open_keys button").first.click()
    expect(page.locator("[role=dialog]")).to_have_count(1)


def test_keys_are_of_the_layout_and_can_be_changed(page, serve, store):
    page.goto(serve("Ada"))
    first = next_case(store, "parts")
    shows(page, first)
    for init in (
        {"key": "f", "code": "KeyF", "ctrlKey": True},
        {"key": "F", "code": "KeyF", "shiftKey": True},
        {"key": "f", "code": "KeyF", "isComposing": True},
        {"key": "f", "code": "KeyF", "repeat": True},
        {"key": "q", "code": "KeyF"},
    ):
        page.evaluate(PRESS, init)
    page.wait_for_timeout(700)
    assert final_reads(store, "parts") == []
    page.evaluate(PRESS, {"key": "ب", "code": "KeyF"})  # an Arabic layout
    second = next_case(store, "parts", after=first.case_id)
    shows(page, second)
    assert [one.case_id for one in final_reads(store, "parts")] == [first.case_id]

    # AZERTY: the key with the 7 types è, the figure takes shift; A is where QWERTY has Q.
    open_keys(page)
    page.get_by_label("FAIL").fill("7")
    page.get_by_label("PASS").fill("a")
    page.get_by_role("button", name="Keep").click()
    expect(page.locator("[role=dialog]")).to_have_count(0)
    shows(page, second)
    for init in (
        {"key": "q", "code": "KeyA"},
        {"key": "7", "code": "Digit7", "shiftKey": True},
        {"key": "f", "code": "KeyF"},
    ):
        page.evaluate(PRESS, init)
    page.wait_for_timeout(700)
    assert len(final_reads(store, "parts")) == 1
    page.evaluate(PRESS, {"key": "è", "code": "Digit7"})
    page.locator(f'html[data-assay-case^="{second.case_id}-"]').wait_for(state="detached")
    third = next_case(store, "parts")
    shows(page, third)
    page.evaluate(PRESS, {"key": "a", "code": "KeyQ"})
    page.locator(f'html[data-assay-case^="{third.case_id}-"]').wait_for(state="detached")
    given = [one.disposition for one in final_reads(store, "parts")[:2]]
    assert given == [Disposition.NEGATIVE, Disposition.POSITIVE]
    second = next_case(store, "parts")
    shows(page, second)

    open_keys(page)
    page.get_by_label("PASS").fill("p")
    page.get_by_label("FAIL").fill("r")
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_text("R is used by Streamlit")).to_be_visible()
    page.get_by_label("FAIL").fill("alt + f9")
    page.get_by_text("Keys without Ctrl or Alt").click()
    page.get_by_role("button", name="Keep").click()
    expect(page.locator("[role=dialog]")).to_have_count(0)
    page.reload()
    shows(page, second)
    page.keyboard.press("f")
    page.keyboard.press("p")
    page.wait_for_timeout(700)
    assert len(final_reads(store, "parts")) == 3
    page.keyboard.press("Alt+F9")
    expect(page.locator(TITLE)).not_to_have_text(second.key)
    assert len(final_reads(store, "parts")) == 4


def notices(page) -> str:
    return page.evaluate("window.notices")


def test_every_press_is_kept_once_or_named_as_not_counted(page, serve, store):
    address = serve("Ada")
    with writing(store):  # the page cannot claim a case: its first one takes long to open
        page.goto(address)
        page.locator(".assay-opening").wait_for(state="attached", timeout=FIRST_TIME_MS)
        page.keyboard.press("f")
        expect(page.get_by_text("Not counted: the case is still being opened.")).to_be_visible()
    first = next_case(store, "parts")
    shows(page, first)
    page.evaluate(WATCH)
    assert final_reads(store, "parts") == []

    # A server that is busy: the press waits for the store.
    with writing(store):
        page.keyboard.press("f")
        page.wait_for_timeout(500)
        page.keyboard.press("p")
        expect(page.get_by_text("Not counted: the press before it is being kept.")).to_be_visible()
        expect(page.get_by_text("Your press is on its way")).to_be_visible(timeout=15_000)
    second = next_case_after_one(store, page)
    assert [one.case_id for one in final_reads(store, "parts")] == [first.case_id]
    expect(page.get_by_text("Your press is on its way")).to_have_count(0)

    # A press that never reaches the server.
    page.evaluate("""() => {
        window.swallow = event => event.stopImmediatePropagation()
        document.addEventListener('click', window.swallow, true)
    }""")
    page.keyboard.press("f")
    expect(page.get_by_text("Not counted: the press did not reach")).to_be_visible(timeout=15_000)
    page.evaluate("document.removeEventListener('click', window.swallow, true)")
    assert len(final_reads(store, "parts")) == 1
    page.keyboard.press("f")
    expect(page.locator(TITLE)).not_to_have_text(second.key)
    assert len(final_reads(store, "parts")) == 2


def next_case_after_one(store, page):
    until = time.monotonic() + 60
    while not final_reads(store, "parts") and time.monotonic() < until:
        page.wait_for_timeout(100)
    found = next_case(store, "parts")
    shows(page, found)
    return found


def test_a_server_that_dies_under_a_press_is_named_and_the_page_goes_on_with_the_case(
    page, store, assessed_home
):
    with socket.socket() as probe:
        probe.bind((review_server.HOST, 0))
        port = probe.getsockname()[1]
    settings = Settings(home=assessed_home, reviewer="Ada")
    address = f"http://{review_server.HOST}:{port}"

    def start() -> ForkServerProcess:
        made = start_dashboard(settings, port)
        while not answers(f"{address}/_stcore/health"):
            assert made.is_alive()
        return made

    server = start()
    try:
        page.goto(address)
        shows(page, next_case(store, "parts"))
        page.keyboard.press("s")
        second = next_case(store, "parts", after=next_case(store, "parts").case_id)
        shows(page, second)
        os.kill(server.pid, signal.SIGSTOP)
        page.keyboard.press("f")
        page.wait_for_timeout(300)
        server.kill()
        server.join()
        expect(page.get_by_text("it was stopped, or")).to_be_visible(timeout=30_000)
        assert final_reads(store, "parts") == []
        server = start()
        expect(page.get_by_text("Not kept: the connection was lost")).to_be_visible(
            timeout=FIRST_TIME_MS
        )
        shows(page, second)
        page.keyboard.press("f")
        expect(page.locator(TITLE)).not_to_have_text(second.key)
        assert [one.case_id for one in final_reads(store, "parts")] == [second.case_id]
    finally:
        server.kill()
        server.join()
