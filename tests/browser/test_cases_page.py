"""The list of cases under a person's hands."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from core.records.case_filter import CaseFilter
from core.records.case_page import CaseOrder, page_of_cases
from core.records.worklist import case_detail, count_matching
from core.types import Disposition

FIRST_TIME_MS = 120_000
SETTLE_MS = 800
ROWS = "tbody tr"
NODES = """() => {
    const roots = [...document.querySelectorAll('*')].map(e => e.shadowRoot).filter(Boolean)
    const list = roots.map(root => root.querySelector('.list')).find(Boolean)
        ?? document.querySelector('.list')
    return list.querySelectorAll('*').length
}"""
CUT = "all => all.filter(e => e.offsetWidth && e.scrollWidth > e.clientWidth + 1).length"
EVERY = CaseFilter(states=())


def opens(page, case) -> None:
    """Wait until the review page shows a case, whatever its state."""
    page.wait_for_url(f"**/?case={case.case_id}*", timeout=FIRST_TIME_MS)
    page.locator(f'html[data-assay-case^="{case.case_id}-"]').wait_for(
        state="attached", timeout=FIRST_TIME_MS
    )


def test_every_case_is_found_and_opened_by_mouse_and_by_keys(page, serve, store):
    worst = page_of_cases(store, EVERY, limit=100)
    oldest = page_of_cases(store, EVERY, order=CaseOrder.OLDEST, limit=100)
    passed = page_of_cases(store, CaseFilter(verdicts=(Disposition.NEGATIVE,), states=()))
    home = serve("Ada")
    page.goto(f"{home}/cases?filter=state%3D")
    expect(page.locator(ROWS)).to_have_count(len(worst), timeout=FIRST_TIME_MS)
    page.locator(ROWS).nth(1).locator("td").last.click()
    opens(page, worst[1])

    page.goto(f"{home}/cases?filter=state%3D&order=oldest")
    expect(page.locator(ROWS).first).to_contain_text(oldest[0].key[:12], timeout=FIRST_TIME_MS)
    page.locator(f"{ROWS} a").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    opens(page, oldest[2])

    page.goto(f"{home}/cases?filter=verdict%3Dnegative%26state%3D")
    expect(page.locator(ROWS)).to_have_count(len(passed), timeout=FIRST_TIME_MS)
    page.locator(ROWS).first.click()
    opens(page, passed[0])
    # A person who looks at one that passed may say otherwise.
    page.wait_for_timeout(SETTLE_MS)
    page.keyboard.press("f")
    expect(page.locator(f'html[data-assay-case^="{passed[0].case_id}-0-"]')).to_have_count(0)
    [review] = case_detail(store, passed[0].case_id).reviews
    assert (review.disposition, review.reviewer) == (Disposition.POSITIVE, "Ada")


def test_filter_search_and_place_are_in_the_address_and_survive_a_reload(page, serve, store):
    page.goto(f"{serve('Ada')}/cases")
    expect(page.locator(ROWS)).to_have_count(
        sum(count_matching(store, CaseFilter()).waiting.values()), timeout=FIRST_TIME_MS
    )
    box = page.get_by_label("Search", exact=True)
    box.fill("plate-of-two")
    box.press("Enter")
    expect(page.locator(ROWS)).to_have_count(1)
    assert "text%3Dplate-of-two" in page.url
    page.reload()
    expect(page.locator(ROWS)).to_have_count(1, timeout=FIRST_TIME_MS)
    expect(page.get_by_label("Search", exact=True)).to_have_value("plate-of-two")
    page.goto(f"{page.url.partition('?')[0]}?filter=colour%3Dred")
    expect(page.get_by_text("'colour' is none of")).to_be_visible(timeout=FIRST_TIME_MS)


def test_nothing_is_cut_at_any_width_and_axe_finds_nothing(page, serve):
    home = serve("Ada")
    page.goto(f"{home}/cases?filter=state%3D&view=grid")
    expect(page.locator(".tiles a").first).to_be_visible(timeout=FIRST_TIME_MS)
    expect(page.locator(".tiles img").first).to_have_js_property("complete", value=True)
    page.wait_for_timeout(1000)
    assert page.locator(".tiles img").first.evaluate("image => image.naturalWidth") == 160
    assert page.evaluate(NODES) <= 400
    for mode in ("grid", "table"):
        page.goto(f"{home}/cases?filter=state%3D&view={mode}")
        expect(page.locator(".tiles a, tbody tr").first).to_be_visible(timeout=FIRST_TIME_MS)
        for width in (1920, 1280, 1024, 390):
            page.set_viewport_size({"width": width, "height": 840})
            page.wait_for_timeout(400)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            cut = page.locator("tbody td, .tiles a").evaluate_all(CUT)
            assert cut == 0, f"{mode} at {width}"
            if width in (1280, 390):
                check_axe(page)


def check_axe(page) -> None:
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(800)
        found = Axe().run(page)
        assert not found.response["violations"], f"{scheme}: {found.generate_report()}"


def test_many_are_confirmed_after_a_spot_check_decided_one_by_one(page, serve, store):
    positive = CaseFilter(verdicts=(Disposition.POSITIVE,))
    cases = page_of_cases(store, positive)
    page.goto(f"{serve('Ada')}/cases?filter=verdict%3Dpositive")
    expect(page.locator(ROWS)).to_have_count(len(cases), timeout=FIRST_TIME_MS)
    page.get_by_text("Select", exact=True).click()
    page.get_by_role("button", name="Select this page").click(timeout=FIRST_TIME_MS)
    page.get_by_role("button", name="Confirm with a spot check").click()
    answered = ""
    for number in range(1, min(5, len(cases)) + 1):
        expect(page.get_by_text(f"Spot check, {number} of")).to_be_visible(timeout=FIRST_TIME_MS)
        expect(page.get_by_text("probability")).to_have_count(0)
        # That of the case before, which counts no more, stands until the next is drawn.
        fail = page.locator(f"[class*=st-key-spot-{Disposition.POSITIVE.value}-]{answered}")
        expect(fail).to_have_count(1, timeout=FIRST_TIME_MS)
        names = fail.get_attribute("class").split()
        answered += next(f":not(.{one})" for one in names if one.startswith("st-key-spot-"))
        fail.get_by_role("button").click()
    expect(page.get_by_text(f"{len(cases)} cases confirmed")).to_be_visible(timeout=FIRST_TIME_MS)
    for case in cases:
        reviews = case_detail(store, case.case_id).reviews
        assert [(one.revision, one.disposition) for one in reviews] == [(0, Disposition.POSITIVE)]
    page.get_by_role("button", name="Back to the list").click()
    expect(page.get_by_text("No case matches this filter.")).to_be_visible()
