"""The review page under a person's fingers."""

from __future__ import annotations

from playwright.sync_api import expect

from core.records import reviews
from core.records.final_reads import final_reads
from core.records.store import NewDecision, record
from core.records.worklist import case_detail, counts, next_case
from core.types import Disposition
from dashboard.widgets import FOLLOW_S
from tests.benchmarks.case_memory import press
from tests.benchmarks.page_memory import measure_page

TITLE = '[data-testid="stMain"] .assay-title'
FIRST_TIME_MS = 120_000  # the network behind the heat map is exported on first use
LOADED = "images => images.length && images.every(one => one.complete && one.naturalWidth > 0)"
SETTLE_MS = 600
# Notes what stands on the screen in every frame: the case it is of, and whether parts of two show.
WATCH = """() => {
    window.shown = new Set()
    window.mixed = 0
    window.notices = ''
    const look = () => {
        window.notices += document.getElementById('assay-notice')?.textContent ?? ''
        const area = document.querySelector('.st-key-assay-case')
        if (area && getComputedStyle(area).visibility === 'visible') {
            const parts = [...area.querySelectorAll('[data-view-id]')].map(e => e.dataset.viewId)
            if (new Set(parts).size > 1) window.mixed++
            else window.shown.add(parts[0].split('-')[0])
        }
        requestAnimationFrame(look)
    }
    look()
}"""
# A slow station: every picture takes its time to be decoded.
SLOW_PICTURES = """
    const decode = HTMLImageElement.prototype.decode
    HTMLImageElement.prototype.decode = function () {
        return new Promise(done => setTimeout(done, 400)).then(() => decode.call(this))
    }
"""


def shows(page, case) -> None:
    """Wait until a case can be judged: all of it on the screen, and a moment for the eyes."""
    page.locator(f'html[data-assay-case^="{case.case_id}-"]').wait_for(
        state="attached", timeout=FIRST_TIME_MS
    )
    expect(page.locator(TITLE)).to_have_text(case.key)
    page.wait_for_timeout(SETTLE_MS)


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
    pictures = page.locator('[data-testid="stMain"] img[alt]')
    expect(pictures).to_have_count(5, timeout=FIRST_TIME_MS)
    page.wait_for_timeout(200)
    assert pictures.evaluate_all(LOADED)
    page.locator("button.assay-enlarge").first.click()
    large = page.locator("dialog[open] .pane")
    expect(large).to_have_attribute("data-resolution", "full")
    page.keyboard.press("f")  # is of the page below
    page.keyboard.press("Escape")
    expect(large).to_have_count(0)
    shows(page, worst)
    assert final_reads(store, "parts") == []
    page.screenshot(path=tmp_path / "review.png")
    assert (tmp_path / "review.png").stat().st_size > 50_000

    page.keyboard.press("n")
    note = page.get_by_label("Note")
    expect(note).to_be_focused()
    page.keyboard.type("fps: frame of plate, scratched")
    page.keyboard.press("Enter")
    expect(note).to_have_count(0)
    assert final_reads(store, "parts") == []
    page.keyboard.press("f")
    expect(page.locator(TITLE)).not_to_have_text(worst.key)
    (written,) = final_reads(store, "parts")
    assert (written.case_id, written.disposition, written.reviewer, written.comment) == (
        worst.case_id,
        Disposition.POSITIVE,
        "Ada",
        "fps: frame of plate, scratched",
    )

    shows(page, next_case(store, "parts", after=torn.case_id))
    page.keyboard.press("u")
    shows(page, worst)
    assert final_reads(store, "parts") == []
    assert len(case_detail(store, worst.case_id).reviews) == 2


def come_again(store, case_id: str, key: str) -> None:
    """Record a case once more under another name, as a worker does."""
    images = case_detail(store, case_id).images
    record(store, [NewDecision(key, f"{key}.png", key, one.decision) for one in images])


def test_a_new_case_comes_by_itself_to_whoever_waits_and_moves_nobody_else(page, serve, store):
    page.goto(serve("Ada"))
    torn = next_case(store, "parts")
    shows(page, torn)
    place = page.locator("html").get_attribute("data-assay-case")
    waiting = sum(counts(store, "parts").waiting.values())
    come_again(store, torn.case_id, "come-meanwhile")
    expect(page.get_by_text(f"{waiting + 1} waiting,")).to_be_visible(timeout=FIRST_TIME_MS)
    assert page.locator("html").get_attribute("data-assay-case") == place
    while (left := next_case(store, "parts")) is not None:
        reviews.review(store, left, Disposition.NEGATIVE, reviewer="Grace")
    page.keyboard.press("s")
    expect(page.get_by_text("New cases show up here by themselves")).to_be_visible(
        timeout=FIRST_TIME_MS
    )
    page.wait_for_timeout(1000)
    # A window over the page stays open with what is written in it; the case comes after it.
    page.get_by_role("button", name="Keys").click()
    box = page.get_by_role("dialog").get_by_role("textbox").first
    box.fill("alt+q")
    come_again(store, torn.case_id, "come-last")
    page.wait_for_timeout(2000 * FOLLOW_S)
    expect(box).to_have_value("alt+q")
    page.keyboard.press("Escape")
    shows(page, next_case(store, "parts"))
    assert next_case(store, "parts").key == "come-last"


def hold_a_key(page):
    page.keyboard.down("f")
    for _ in range(60):
        page.keyboard.down("f")  # the browser gets a repeat
        page.wait_for_timeout(33)
    page.keyboard.up("f")


def click_ten_times(page):
    page.evaluate("""async () => {
        for (let i = 0; i < 10; i++) {
            document.querySelector('[class*="st-key-case-positive-"] button').click()
            await new Promise(done => setTimeout(done, 10))
        }
    }""")


def press_enter_and_click(page):
    button = page.locator('[class*="st-key-case-positive-"] button')
    button.focus()
    page.keyboard.down("Enter")
    button.evaluate("one => one.click()")
    for _ in range(30):
        page.keyboard.down("Enter")
        page.wait_for_timeout(33)
    page.keyboard.up("Enter")


def press_every_180_ms(page):
    for _ in range(10):
        page.keyboard.press("f")
        page.wait_for_timeout(180)


def test_every_way_of_pressing_twice_decides_each_case_once_and_none_unseen(page, serve, store):
    before = sum(counts(store, "parts").waiting.values())
    page.add_init_script(SLOW_PICTURES)
    address = serve("Ada")
    page.goto(address)
    torn = next_case(store, "parts")
    shows(page, torn)
    page.keyboard.press("s")
    page.evaluate(WATCH)
    for number, act in enumerate((hold_a_key, click_ten_times, press_enter_and_click), 1):
        case = next_case(store, "parts", after=torn.case_id)
        shows(page, case)
        act(page)
        shows(page, next_case(store, "parts", after=torn.case_id))
        written = final_reads(store, "parts")
        assert len(written) == number, act
        assert written[0].case_id == case.case_id
    press_every_180_ms(page)
    page.wait_for_timeout(2000)
    written = final_reads(store, "parts")
    assert 4 <= len(written) <= 3 + 9
    assert {one.case_id for one in written} <= set(page.evaluate("[...window.shown]"))
    assert all(len(case_detail(store, one.case_id).reviews) == 1 for one in written)
    assert page.evaluate("window.mixed") == 0
    assert "Not counted" in page.evaluate("window.notices")
    left = before - len(written)
    expect(page.get_by_text(f"{left} waiting, {len(written)} done today")).to_be_visible()


def test_a_key_does_nothing_before_the_case_is_painted(page, serve, store):
    # Nothing is ever painted, so that the press can only be of a case that nobody sees.
    page.add_init_script("window.requestAnimationFrame = () => 0")
    address = serve("Ada")
    page.goto(address)
    expect(page.locator(TITLE)).to_have_count(1, timeout=FIRST_TIME_MS)
    for _ in range(5):
        page.keyboard.press("f")
        page.wait_for_timeout(100)
    assert final_reads(store, "parts") == []


def test_two_tabs_on_one_case_decide_it_once(page, serve, store):
    address = serve("Ada")
    other = page.context.new_page()
    first = next_case(store, "parts")
    for tab in (page, other):
        tab.goto(address)
    for tab in (page, other):
        tab.bring_to_front()
        shows(tab, first)
        tab.keyboard.press("f")
    expect(other.get_by_text("changed while it was open here")).to_be_visible()
    assert len(case_detail(store, first.case_id).reviews) == 1
    assert len(final_reads(store, "parts")) == 1


def test_the_overview_draws_its_figure_without_asking_anybody(page, serve, tmp_path):
    page.goto(f"{serve('Ada')}/overview")
    expect(page.locator(".js-plotly-plot .bars").first).to_be_visible(timeout=FIRST_TIME_MS)
    expect(page.get_by_text("What more data would certify")).to_be_visible()
    page.screenshot(path=tmp_path / "overview.png", full_page=True)
    assert (tmp_path / "overview.png").stat().st_size > 20_000


PRESSES = 60


def test_what_the_page_holds_does_not_grow_with_the_cases_that_pass(page, serve, store):
    page.goto(serve("Ada"))
    shows(page, next_case(store, "parts"))
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    measured = []
    for number in range(1, PRESSES + 1):
        press(page, "s")  # each case comes again once all have been passed over
        if number >= PRESSES // 2:
            measured.append(measure_page(session))
    early, late = measured[: len(measured) // 2], measured[len(measured) // 2 :]
    for name, most in (("listeners", 4), ("nodes", 40)):
        grown = max(one[name] for one in late) - max(one[name] for one in early)
        assert grown <= most, (name, [one[name] for one in measured])
