"""The radiology worklist under a reader's fingers, with the pictures in a real browser."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import expect

from core.decision.second_read import ReadState
from core.records import deployments, reviews
from core.records.case_list import list_cases
from core.records.deployment import Stage
from core.records.final_reads import count_states, final_reads
from core.records.read_plans import ReadPlan, set_plan
from core.records.store import decisions
from core.records.worklist import case_detail
from core.service.review.reading_list import OPEN
from core.types import Disposition
from tests.browser.test_second_read_page import hidden_texts
from tests.xray_worklist import SITE, open_again

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
def supervised(store):
    made = decisions(store, pack="xray", limit=1)[0]
    for stage in (Stage.SHADOW, Stage.SUPERVISED):
        deployments.deploy(
            store, "xray", SITE, stage, by="Grace", evidence={}, bundle=made.bundle,
            bundle_sha256=made.bundle_sha256, policy_id=made.policy_id,
        )  # fmt: skip


def opened(page) -> None:
    """Wait until the list stands and the page rests, so that a key has somebody to hear it."""
    expect(page.get_by_text("6 to read")).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_test_id("stDataFrame").first).to_be_visible(timeout=LONG_MS)
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
        for one in list_cases(store, "xray", OPEN)
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
    written = final_reads(store, "xray")[::-1]
    assert [names[one.case_id] for one in written] == shown
    assert [one.disposition for one in written] == [
        Disposition.NEGATIVE,
        Disposition.POSITIVE,
        Disposition.NEGATIVE,
    ]
    assert all(len(case_detail(store, one.case_id).reviews) == 1 for one in written)
    page.screenshot(path=tmp_path / "reading.png")
    assert (tmp_path / "reading.png").stat().st_size > 50_000


def send_stat(store, key: str) -> float:
    """Have a STAT study come, as the worker records it; gives when."""
    last = list_cases(store, "xray", OPEN)[-1]
    open_again(store, last, key, priority="STAT", patient_name=f"Urgent^{key[-1]}")
    return time.monotonic()


def test_a_stat_study_appears_on_the_open_list_while_somebody_types(page, serve, store):
    page.goto(f"{serve()}/xray")
    opened(page)
    name = page.get_by_label("Your name")
    name.click()
    page.keyboard.type("Gra")
    came = send_stat(store, "1.2.901")
    expect(page.get_by_text("7 to read")).to_be_visible(timeout=LONG_MS)
    print(f"STAT on the open list after {time.monotonic() - came:.1f} s")
    page.keyboard.type("ce")
    expect(name).to_have_value("Grace")
    expect(name).to_be_focused()


def test_a_stat_study_is_announced_beside_the_case_being_read_which_stays_as_it_is(
    page, serve, store
):
    page.goto(f"{serve('Ada')}/xray")
    opened(page)
    page.keyboard.press("o")
    name = shows(page, 6)
    page.evaluate("""() => {
        window.away = 0
        const look = () => {
            window.away += !document.documentElement.dataset.assayCase
            requestAnimationFrame(look)
        }
        look()
    }""")
    place = page.locator("html").get_attribute("data-assay-case")
    came = send_stat(store, "1.2.902")
    expect(page.get_by_text("STAT waits 0 min: Urgent 2")).to_be_visible(timeout=LONG_MS)
    print(f"STAT announced beside the case after {time.monotonic() - came:.1f} s")
    expect(page.get_by_text("1 of 7 to read")).to_be_visible()
    page.wait_for_timeout(4000)  # past another look at the store
    assert page.locator(TITLE).inner_text() == name
    assert page.locator("html").get_attribute("data-assay-case") == place
    assert page.evaluate("window.away") == 0
    page.keyboard.press("a")
    expect(page.locator(TITLE)).to_have_text("Urgent 2", timeout=LONG_MS)
    [written] = final_reads(store, "xray")
    assert (
        case_detail(store, written.case_id).images[0].meta["patient_name"].replace("^", " ") == name
    )


def test_a_reader_with_nothing_to_read_is_given_what_comes(page, serve, store):
    for one in list_cases(store, "xray", OPEN):
        reviews.review(store, one.item, Disposition.NEGATIVE, reviewer="Grace")
    page.goto(f"{serve('Ada')}/xray")
    expect(page.get_by_text("Nothing waits to be read.")).to_be_visible(timeout=LONG_MS)
    page.wait_for_timeout(1000)
    page.keyboard.press("o")
    expect(page.locator('[class*="st-key-case-undo-nothing"]')).to_be_visible(timeout=LONG_MS)
    [first, *_] = final_reads(store, "xray")
    observed = case_detail(store, first.case_id).item
    assert reviews.undo(store, observed.case_id, observed.revision, reviewer="Grace")
    shows(page, 1)


@pytest.mark.usefixtures("supervised")
def test_nothing_of_the_first_read_or_of_the_verdict_reaches_a_second_reader(
    page, serve, store, received, tmp_path
):
    set_plan(store, "xray", "", ReadPlan(1.0, 1.0, 1.0), by="Grace")
    *read, left = list_cases(store, "xray", OPEN)
    page.goto(f"{serve('Ada')}/xray?case={left.item.case_id}")
    page.locator(f'html[data-assay-case^="{left.item.case_id}-"]').wait_for(
        state="attached", timeout=LONG_MS
    )
    page.wait_for_timeout(4000)
    detail = case_detail(store, left.item.case_id)
    sent = b"".join(received)  # as a first read all of it is sent: the test can fail
    assert any(text.encode() in sent for text in hidden_texts(detail))
    assert b"calibrated probability" in sent

    for one in (*read, left):
        given = {"label": "zebra", "comment": "zebra two"}
        assert reviews.review(store, one.item, Disposition.POSITIVE, reviewer="Grace", **given)
    page.goto("about:blank")
    received.clear()
    page.goto(f"{serve('Mary')}/xray")
    expect(page.get_by_text("Nothing waits to be read.")).to_be_visible(timeout=LONG_MS)
    page.wait_for_timeout(1000)
    page.keyboard.press("o")
    expect(page.get_by_text("Read it as if nothing had judged it")).to_be_visible(timeout=LONG_MS)
    page.locator("html[data-assay-case]").wait_for(state="attached", timeout=LONG_MS)
    case_id = page.locator("html").get_attribute("data-assay-case").split("-")[0]
    detail = case_detail(store, case_id)
    assert hidden_texts(detail)
    page.wait_for_timeout(4000)  # what is worked out beside the page would come by now
    page.keyboard.press("h")  # no heat map is there to be switched on
    page.wait_for_timeout(1000)
    sent = b"".join(received)
    assert b"Read it as if nothing had" in sent
    for text in ("Grace", "zebra", "calibrated", "orange raises", *hidden_texts(detail)):
        assert text.encode() not in sent, text
    expect(page.locator(".pane")).not_to_have_attribute("data-heat", "on")
    page.screenshot(path=tmp_path / "second-read.png")
    page.keyboard.press("a")
    page.locator(f'html[data-assay-case^="{case_id}-"]').wait_for(state="detached")
    assert count_states(store, "xray")[ReadState.AGREED] == 1
    assert len(case_detail(store, case_id).reviews) == 1


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
