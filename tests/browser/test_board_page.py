"""The operator's board in a real browser, beside a line that runs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from core.records.final_reads import final_reads
from core.settings import Settings
from core.types import Disposition
from domains.parts.station.board.commands import CommandPoller
from domains.parts.station.plc.registers import OfflineReason
from domains.parts.station.records.overrides import OverrideReason, overrides_of, salt_answers
from domains.parts.station.records.verify_queue import SALT_SHARE, salt_queue
from domains.parts.station.result import LineReason
from tests.browser.board_line import STATION, BoardLine, home_of

FIRST_MS = 120_000
SIZES = ({"width": 1920, "height": 1080}, {"width": 1024, "height": 768})
# Looks at the board in every frame: whether anything that stood there is gone or fades.
WATCH = """() => {
    const hosts = [...document.querySelectorAll('*')]
    const board = hosts.map(one => one.shadowRoot?.querySelector('.board')).find(one => one)
    const first = {head: board.querySelector('.head'), image: board.querySelector('.picture img')}
    window.frames_seen = 0
    window.gone = []
    const look = () => {
        window.frames_seen++
        const image = board.querySelector('.picture img')
        if (!board.isConnected) window.gone.push('board')
        if (board.querySelector('.head') !== first.head) window.gone.push('head')
        if (!board.querySelector('.text').textContent) window.gone.push('word')
        const hasPicture = image === first.image && !image.hidden && image.naturalWidth > 0
        if (!hasPicture) window.gone.push('picture')
        if (board.querySelectorAll('.strip li').length < 20) window.gone.push('strip')
        const charts = [...document.querySelectorAll('.chart')]
        const drawn = charts.filter(one => one.querySelector('.xtick'))
        if (drawn.length < 2) window.gone.push('chart')
        window.watching = requestAnimationFrame(look)
    }
    look()
}"""

# Closes the viewer and presses a key at once; gives how often the page below gets it.
CLOSE_AND_PRESS = """dialog => {
    let received = 0
    const count = () => { received++ }
    document.addEventListener('keydown', count)
    dialog.close()
    document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'F5', bubbles: true }))
    document.removeEventListener('keydown', count)
    return received
}"""


@pytest.fixture
def line(rig_home: Path, tmp_path: Path) -> Iterator[BoardLine]:
    """A line with parts on record whose status is young."""
    made = BoardLine(Settings(home=home_of(rig_home, tmp_path), reviewer="Eva"))
    made.fill(130)
    with made.alive():
        yield made
    made.store.close()


@pytest.fixture
def board(page: Page, serve, line: BoardLine, tmp_path: Path) -> Page:
    """The board's page of that line, once it shows it."""
    page.set_viewport_size(SIZES[0])
    page.goto(f"{serve('Eva', tmp_path / 'line')}/parts")
    expect(page.locator(".head .text")).not_to_be_empty(timeout=FIRST_MS)
    expect(page.locator(".strip li")).to_have_count(20, timeout=FIRST_MS)
    expect(page.locator(".chart .xtick").first).to_be_visible(timeout=FIRST_MS)
    expect(page.locator(".chart.js-plotly-plot")).to_have_count(2, timeout=FIRST_MS)
    return page


def shows(board: Page, state: str, word: str) -> None:
    expect(board.locator(".head .text")).to_have_text(word, timeout=20_000)
    expect(board.locator(".head")).to_have_attribute("data-state", state)


def test_the_board_follows_the_line_and_says_when_it_does_not_answer(board, line, tmp_path):
    part = line.inspect()
    shows(board, "pass", "PASS")
    expect(board.locator(".head .id")).to_have_text(part.part_id)
    failed = line.inspect(LineReason.DEFECT)
    shows(board, "fail", "FAIL")
    expect(board.locator(".head .why")).to_have_text("The picture shows a defect.")
    expect(board.locator("figcaption")).to_contain_text("orange", timeout=FIRST_MS)
    expect(board.locator(".strip .name").first).to_have_text(failed.part_id)
    certificate = board.locator(".board-certificates")
    expect(certificate).to_contain_text("Escape ≤ 15 % certified on", timeout=FIRST_MS)
    board.screenshot(path=tmp_path / "board.png")
    assert (tmp_path / "board.png").stat().st_size > 50_000
    line.inspect()
    shows(board, "pass", "PASS")
    line.go_offline(OfflineReason.CHALLENGE)
    line.outstanding = ("b2", "g1")
    shows(board, "stop", "SHOW REFERENCE PARTS")
    expect(board.locator(".head .why")).to_contain_text("Still to be shown: b2, g1.")
    line.go_offline(OfflineReason.NONE)
    shows(board, "pass", "PASS")
    line.is_silent = True
    began = time.monotonic()
    shows(board, "stop", "NO ANSWER")
    print(f"no answer after {time.monotonic() - began:.1f} s")
    line.is_silent = False
    shows(board, "pass", "PASS")


def test_a_stop_reaches_the_station_and_its_answer_the_board(board, line):
    asked = []

    def take(command) -> None:
        asked.append((command.name, command.argument))
        command.answer(True, "")

    poller = CommandPoller(line.store, STATION, take)
    poller.start()
    board.locator(".st-key-command-stop button").click()
    expect(board.get_by_text("Stop: done.")).to_be_visible(timeout=30_000)
    poller.close()
    assert asked == [("stop", "Eva")]
    board.locator(".st-key-command-acknowledge button").click()
    unanswered = board.get_by_text("Acknowledge: the station did not answer within 5 s")
    expect(unanswered).to_be_visible(timeout=30_000)
    assert asked == [("stop", "Eva")]


def test_one_tap_names_a_defect_and_it_is_a_review(board, line):
    part = line.inspect(LineReason.DEFECT)
    tile = board.locator(".strip button", has_text=part.part_id)
    tile.click()
    expect(board.locator("dialog .what")).to_contain_text(f"{part.part_id} · FAIL")
    board.locator("dialog .frame").click()
    large = board.locator("dialog[open] .pane")
    expect(large).to_have_attribute("data-resolution", "full", timeout=30_000)
    board.get_by_role("button", name="Larger").click()
    expect(large.locator(".bottom.left")).to_contain_text("zoom 1.3")
    board.keyboard.press("Escape")
    expect(large).to_have_count(0)
    expect(board.locator("dialog .what")).to_be_visible()
    line.inspect()  # the next part does not take the open one away
    shows(board, "pass", "PASS")
    expect(board.locator("dialog .what")).to_contain_text(f"{part.part_id} · FAIL")
    board.locator("dialog .names button", has_text="scratched").click()
    expect(board.get_by_text("scratched is kept.")).to_be_visible(timeout=30_000)
    (written,) = final_reads(line.store, "parts")
    assert (written.key, written.disposition, written.label, written.reviewer) == (
        part.part_id, Disposition.POSITIVE, "scratched", "Eva",
    )  # fmt: skip
    tile.click()
    board.locator("dialog .names button", has_text="scratched").click()
    expect(board.get_by_text("scratched is kept already.")).to_be_visible(timeout=30_000)
    assert len(final_reads(line.store, "parts")) == 1


def test_a_picture_that_still_loads_opens_once_it_is_there(board, line):
    part, waiting = line.inspect(LineReason.DEFECT), []
    tile = board.locator(".strip button", has_text=part.part_id)
    expect(tile).to_be_visible(timeout=30_000)
    board.route("**/assay-offered/**", lambda route: waiting.append(route))
    tile.click()
    expect(board.locator("dialog .what")).to_contain_text(f"{part.part_id} · FAIL")
    frame = board.locator("dialog .frame")
    assert not frame.locator("img").evaluate("one => one.naturalWidth")
    expect(board.locator(".st-key-assay-enlarge")).to_be_attached(timeout=30_000)
    frame.dispatch_event("click")
    board.wait_for_timeout(500)
    assert waiting
    board.unroute("**/assay-offered/**")  # which lets go of those that wait
    large = board.locator("dialog[open] .pane")
    expect(large).to_have_attribute("data-resolution", "full", timeout=30_000)
    assert board.locator("dialog[open]:has(.pane)").evaluate(CLOSE_AND_PRESS) == 1
    expect(large).to_have_count(0)
    board.keyboard.press("Escape")
    tile.click()  # the same part again: its picture is drawn again
    expect(frame.locator("img")).to_have_js_property("naturalWidth", 720, timeout=30_000)


def test_a_name_that_is_new_is_typed_once_and_then_offered(board, line):
    part = line.inspect(LineReason.DEFECT)
    board.locator(".strip button", has_text=part.part_id).click()
    other = board.get_by_label("Another name")
    other.fill("ok")
    other.press("Enter")
    refused = board.get_by_text("No defect can be called 'ok'.")
    expect(refused).to_be_visible(timeout=30_000)
    line.inspect()  # neither the parts that come nor time takes the sentence away
    board.wait_for_timeout(6_000)
    expect(refused).to_be_visible()
    board.locator(".strip button", has_text=part.part_id).click()
    expect(refused).to_have_count(0)
    other.fill("tiefer Riß")
    other.press("Enter")
    expect(board.get_by_text("tiefer Riß is kept.")).to_be_visible(timeout=30_000)
    (written,) = final_reads(line.store, "parts")
    assert (written.key, written.label) == (part.part_id, "tiefer Riß")
    line.inspect(LineReason.DEFECT)
    board.locator(".strip button").first.click()
    offered = board.locator("dialog .names button", has_text="tiefer Riß")
    expect(offered).to_be_visible(timeout=30_000)


def key_that_salts() -> bytes:
    """Return a station's secret by which part 12, once it is confirmed, comes before the next."""
    waiting = list(range(24, 132, 12))
    for number in range(100_000):
        key = number.to_bytes(32, "big")
        salted = [one.number for one in salt_queue(waiting, [12], SALT_SHARE, key)]
        if salted == [12, *waiting]:
            return key
    raise AssertionError("no key found")


def test_rejected_parts_and_one_known_to_be_bad_are_verified_by_keys(page, serve, line, tmp_path):
    secret = tmp_path / "line" / "stations" / "verify.key"
    secret.write_bytes(key_that_salts())
    address = serve("Eva", tmp_path / "line")
    page.goto(f"{address}/parts-verify")
    title = page.locator('[data-testid="stMain"] .assay-title')
    release = page.get_by_text("Release: Dust or dirt that came off")
    is_marked(page, "A000012")
    page.get_by_alt_text("Picture with the region marked").click()
    large = page.locator("dialog[open] .pane")
    expect(large).to_have_attribute("data-resolution", "full", timeout=30_000)
    expect(large).to_have_attribute("data-heat", "on")
    page.keyboard.press("h")
    page.keyboard.press("+")
    expect(large).to_have_attribute("data-heat", "off")
    expect(large.locator(".bottom.left")).to_contain_text("zoom 1.3")
    page.keyboard.press("F5")  # is of the page below
    page.wait_for_timeout(1000)
    expect(release).to_have_count(0)
    axe(page, SIZES[0])
    page.keyboard.press("Escape")
    expect(large).to_have_count(0)
    page.keyboard.press("F5")
    expect(release).to_be_visible(timeout=30_000)
    page.keyboard.press("F9")
    expect(release).to_have_count(0)
    page.keyboard.press("F8")
    expect(page.get_by_text("Reject: The defect is there")).to_be_visible(timeout=30_000)
    page.wait_for_timeout(500)
    page.keyboard.press("1")
    expect(page.get_by_text("released 0 % (0 of 1; 95 % interval 0 to 97.5 %)")).to_be_visible(
        timeout=30_000
    )
    (made,) = overrides_of(line.store, STATION)
    assert (made.number, made.reason, made.who, made.role) == (
        12, OverrideReason.DEFECT_CONFIRMED, "Eva", "operator",
    )  # fmt: skip
    # What was confirmed comes again among the others, and nothing tells it from them.
    is_marked(page, "A000012")
    page.keyboard.press("F5")
    expect(release).to_be_visible(timeout=30_000)
    page.wait_for_timeout(500)
    page.keyboard.press("2")
    expect(title).to_have_text("A000024", timeout=30_000)
    assert salt_answers(line.store, STATION) == [("Eva", True)]
    assert [one.number for one in overrides_of(line.store, STATION)] == [12]
    for size in SIZES:
        axe(page, size)
    page.goto(f"{address}/parts")
    alarm = page.get_by_text("Eva released a part known to be bad: look again.")
    expect(alarm).to_be_visible(timeout=FIRST_MS)


def is_marked(page: Page, title: str) -> None:
    """Wait until a part is before the person with its region marked, and the page rests."""
    expect(page.locator('[data-testid="stMain"] .assay-title')).to_have_text(
        title, timeout=FIRST_MS
    )
    expect(page.get_by_alt_text("Picture with the region marked")).to_be_visible(timeout=FIRST_MS)
    page.wait_for_timeout(1500)


def test_it_is_for_everybody_to_read(board, line):
    line.inspect(LineReason.DEFECT)
    shows(board, "fail", "FAIL")
    for size in SIZES:
        axe(board, size)
    board.locator(".strip button").first.click()
    expect(board.locator("dialog .names button").first).to_be_visible()
    axe(board, SIZES[0])
    line.go_offline(OfflineReason.OPERATOR)
    board.keyboard.press("Escape")
    shows(board, "stop", "STOP")
    axe(board, SIZES[0])


def axe(page: Page, size) -> None:
    page.set_viewport_size(size)
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(800)
        found = Axe().run(page)
        assert not found.response["violations"], f"{scheme}, {size}: {found.generate_report()}"


def test_nothing_flickers_at_ten_parts_a_second(board, line):
    board.wait_for_timeout(2000)
    board.evaluate(WATCH)
    stop = Event()
    thread = Thread(target=run_line, args=(line, stop))
    thread.start()
    board.wait_for_timeout(6000)
    stop.set()
    thread.join()
    board.evaluate("cancelAnimationFrame(window.watching)")
    assert board.evaluate("window.frames_seen") > 20
    assert board.evaluate("window.gone") == []


def run_line(line: BoardLine, stop: Event, period_s: float = 0.1) -> int:
    """Put a part on record every tenth of a second, and return how many."""
    count, due = 0, time.monotonic()
    while not stop.is_set():
        line.inspect(*([LineReason.DEFECT] if count % 9 == 8 else []))
        count += 1
        due += period_s
        time.sleep(max(0.0, due - time.monotonic()))
    return count
