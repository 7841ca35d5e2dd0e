"""What reaches the browser of who reads blind, byte by byte, and the page of the readers."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from core.decision.second_read import ReadState
from core.people import Person, Role
from core.records import reviews
from core.records.final_reads import count_states
from core.records.read_plans import ReadPlan, set_plan
from core.records.worklist import case_detail, next_case
from core.service.review import review
from core.service.review.second_read import next_read
from core.service.store import open_store
from core.types import Disposition
from dashboard.present import format_probability
from tests.browser.test_every_screen import check

POSITIVE = Disposition.POSITIVE
FIRST_TIME_MS = 120_000
SECRET = ("Grace", "zebra", "certified limit", "with its heat map", "Nearest known", "distance ")


@pytest.fixture
def store(settings):
    opened = open_store(settings)
    yield opened
    opened.close()


def hidden_texts(detail):
    """Whatever would give a verdict away: its numbers as they are written and as they are."""
    numbers = [
        number
        for image in detail.images
        if image.decision and image.decision.positive_probability is not None
        for number in (image.decision.positive_probability, *image.decision.probabilities)
    ]
    return {text for n in numbers for text in (format_probability(n), repr(n))} - {"0.0", "1.0"}


def shown(page, case_id):
    page.locator(f'html[data-assay-case*="{case_id}-"]').wait_for(
        state="attached", timeout=FIRST_TIME_MS
    )


def test_nothing_of_the_first_read_or_of_the_verdict_reaches_the_second_reader(
    page, serve, store, received
):
    torn = next_case(store, "parts")
    worst = next_case(store, "parts", after=torn.case_id)
    detail = case_detail(store, worst.case_id)
    reviews.review(store, torn, POSITIVE, reviewer="Somebody")
    address = serve("Ada")
    page.goto(address)
    shown(page, worst.case_id)
    expect(page.get_by_text("distance ").first).to_be_visible(timeout=FIRST_TIME_MS)
    page.wait_for_timeout(1000)
    sent = b"".join(received)  # as a first read all of it is sent: the test can fail
    assert b"Nearest known" in sent
    assert any(text.encode() in sent for text in hidden_texts(detail))

    set_plan(store, "parts", "", ReadPlan(1.0, 1.0, 1.0), by="Grace")
    while (item := next_case(store, "parts")) is not None:
        reviews.review(store, item, POSITIVE, reviewer="Grace", label="zebra", comment="zebra two")
    received.clear()
    page.goto("about:blank")
    page.goto(f"{address}/?filter=pack%3Dparts")
    expect(page.get_by_text("Judge it as if nobody had")).to_be_visible(timeout=FIRST_TIME_MS)
    shown(page, "")
    case_id = page.locator("html").get_attribute("data-assay-case").split("-")[0]
    detail = case_detail(store, case_id)
    assert hidden_texts(detail)
    page.wait_for_timeout(4000)  # what is worked out beside the page would come by now
    sent = b"".join(received)
    assert b"Judge it as if nobody had" in sent
    for text in (*SECRET, *hidden_texts(detail)):
        assert text.encode() not in sent, text
    page.keyboard.press("f")
    page.locator(f'html[data-assay-case^="{case_id}-"]').wait_for(state="detached")
    assert count_states(store, "parts")[ReadState.AGREED] == 1
    assert len(case_detail(store, case_id).reviews) == 1


def test_the_readers_page_has_no_fault_that_axe_finds_and_fits_a_phone(
    page, serve, store, tmp_path
):
    set_plan(store, "parts", "", ReadPlan(1.0, 1.0, 1.0, gold=0.02), by="Grace")
    # One is left: the sidebar offers the pack that has most to do.
    while next_case(store, "parts", after=(item := next_case(store, "parts")).case_id):
        reviews.review(store, item, POSITIVE, reviewer="Grace")
    bob = Person("Bob", "Bob", Role.REVIEWER)
    for number in range(8):
        task = next_read(store, ("parts",), bob, None)
        answer = Disposition.NEGATIVE if number < 2 else POSITIVE
        review.decide(store, task.detail.item, answer, by=bob)
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{serve('Lena')}/readers")
    check(page, "8 cases were read by two people", "Disagreements to decide")
    page.screenshot(path=tmp_path / "readers-1280.png", full_page=True)
    page.set_viewport_size({"width": 390, "height": 844})
    check(page, "8 cases were read by two people")
    page.screenshot(path=tmp_path / "readers-390.png", full_page=True)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 1280, "height": 900})
    page.locator("[data-testid=stMain] a", has_text="two answers differ").first.click()
    expect(page.get_by_text("Two people answered differently; you decide.")).to_be_visible(
        timeout=FIRST_TIME_MS
    )
