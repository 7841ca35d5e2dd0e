"""Second reads, adjudications and known cases in the queue, and the page of the readers."""

from __future__ import annotations

import re

import pytest

from core.decision.second_read import ReadState
from core.people import Person, Role
from core.records import reviews
from core.records.final_reads import count_states, final_reads
from core.records.gold_answers import choose_gold, list_gold
from core.records.read_claims import claim_case
from core.records.read_plans import ReadPlan, plan_of, set_plan
from core.records.worklist import case_detail, next_case
from core.service.review import review
from core.service.review.second_read import next_read
from core.types import Disposition
from tests.dashboard.views.test_review import press, settled, texts

NEGATIVE, POSITIVE = Disposition.NEGATIVE, Disposition.POSITIVE
ALL = ReadPlan(1.0, 1.0, 1.0)


@pytest.fixture
def read_once(store):
    """Grace has read every case, and somebody else reads each again."""
    set_plan(store, "parts", "", ALL, by="Grace")
    while (item := next_case(store, "parts")) is not None:
        reviews.review(store, item, POSITIVE, reviewer="Grace", comment="a deep flaw", label="dent")
    return store


def shown_of(page) -> str:
    return re.sub(r"<style>.*?</style>", "", texts(page), flags=re.DOTALL)


def test_a_second_reader_is_shown_the_pictures_and_nothing_of_any_answer(page, read_once):
    press(page.run(), "Skip")  # the file that does not read
    shown = shown_of(settled(page))
    assert "Judge it as if nobody had" in shown
    for hidden in ("Grace", "deep flaw", "dent", "probability", "distance", "assay-word", "worst"):
        assert hidden not in shown
    case_id = page.session_state["read_task"].detail.item.case_id
    press(page, "FAIL")
    assert count_states(read_once, "parts")[ReadState.AGREED] == 1
    [found] = final_reads(read_once, "parts")
    assert (found.case_id, found.disposition, found.label) == (case_id, POSITIVE, "dent")
    assert len(case_detail(read_once, case_id).reviews) == 1
    assert page.session_state["read_task"].detail.item.case_id != case_id

    press(page, "Undo")
    assert page.session_state["read_task"].detail.item.case_id == case_id
    assert "Judge it as if nobody had" in texts(page)
    assert final_reads(read_once, "parts") == []
    press(page, "PASS")
    assert count_states(read_once, "parts")[ReadState.DISPUTED] == 1


def test_whoever_read_first_is_not_asked_again(page, read_once, monkeypatch):
    monkeypatch.setenv("ASSAY_REVIEWER", "Grace")
    assert "All caught up" in texts(page.run())


def test_a_third_person_sees_both_answers_without_names_and_decides(page, read_once, monkeypatch):
    ada = Person.alone("Ada")
    task = next_read(read_once, ("parts",), ada, None)
    assert review.decide(read_once, task.detail.item, NEGATIVE, by=ada)
    monkeypatch.setenv("ASSAY_REVIEWER", "Mary")
    shown = shown_of(page.run())
    assert "Two people answered differently; you decide." in shown
    assert "● PASS" in shown
    assert "▲ FAIL: dent" in shown
    assert "Grace" not in shown
    assert "Ada" not in shown
    press(page, "FAIL")
    assert count_states(read_once, "parts")[ReadState.ADJUDICATED] == 1
    assert final_reads(read_once, "parts")[0].case_id == task.detail.item.case_id


def test_a_known_case_looks_like_a_second_read_and_leaves_its_case_alone(page, store):
    set_plan(store, "parts", "", ReadPlan(gold=0.03), by="Grace")
    known = next_case(store, "parts", after=next_case(store, "parts").case_id)
    reviews.review(store, known, POSITIVE, reviewer="Grace", comment="a deep flaw")
    before = case_detail(store, known.case_id)
    choose_gold(store, known.case_id, POSITIVE, by="Grace")
    for number in range(300):
        page.session_state["reviewer"] = f"Ada {number}"
        page.run()
        if page.session_state["read_task"] is not None:
            break
    shown = shown_of(page)
    assert f">{known.key}<" in shown
    assert "Judge it as if nobody had" in shown
    for hidden in ("Grace", "deep flaw", "known case", "assay-word", "probability"):
        assert hidden not in shown
    # As after a reload, whose address names the case.
    page.session_state["review_case"] = page.session_state["review_asked_for"] = known.case_id
    shown = shown_of(page.run())
    assert "Judge it as if nobody had" in shown
    assert "deep flaw" not in shown
    page.session_state["review_case"] = page.session_state["review_asked_for"] = ""
    press(page.run(), "PASS")
    assert page.session_state["read_task"] is None
    assert case_detail(store, known.case_id) == before


def test_a_case_that_somebody_else_has_is_left_to_them(page, store):
    first = next_case(store, "parts")
    second = next_case(store, "parts", after=first.case_id)
    claim_case(store, first.case_id, "parts", Person("grace", "Grace", Role.REVIEWER))
    assert f">{second.key}<" in texts(page.run())


@pytest.fixture
def readers(page):
    def show():
        page.switch_page("views/readers.py").run()
        assert not page.exception, page.exception
        return page

    page.run()
    return show


def test_the_readers_page_starts_empty_and_says_what_to_do(readers):
    shown = texts(readers())
    assert "No case is read twice." in shown
    assert "a lead sets below which share is" in shown
    assert "Nobody has reviewed a case in this time." in shown


def test_a_lead_sets_what_is_read_twice(readers, store):
    page = readers()
    page.number_input[0].set_value(5.0)
    page.number_input[1].set_value(20.0)
    page.number_input[3].set_value(2.0)
    next(one for one in page.button if one.label == "Set").click()
    page.run()
    plan = plan_of(store, "parts")
    assert (plan.negative, plan.positive, plan.defer, plan.gold) == (0.05, 0.2, 0.0, 0.02)
    assert "5 % of PASS, 20 % of FAIL, 0 % of REVIEW" in texts(page)


def test_agreement_people_and_disputes_stand_there_and_an_agreed_case_can_become_a_known_one(
    page, readers, read_once
):
    press(page, "Skip")
    press(press(press(page, "FAIL"), "FAIL"), "PASS")
    shown = texts(readers())
    assert "3 cases were read by two people" in shown
    assert "0.667 (95 % interval" in shown
    assert "Gwet" in shown
    assert "Drawn for a second read:" in shown
    assert "1 wait for a third person" in shown
    assert '<th scope="row">Ada</th><td>0</td><td>3</td>' in shown
    assert "None: the readers agreed" not in shown
    next(one for one in page.button if one.label == "Add").click()
    page.run()
    [gold] = list_gold(read_once, "parts")
    assert gold.disposition is POSITIVE
    next(one for one in page.button if one.label == "Withdraw").click()
    page.run()
    assert list_gold(read_once, "parts") == []


def test_nobody_named_sees_no_figures(readers, page):
    page.session_state["reviewer"] = ""
    assert "Give your name in the sidebar" in texts(readers())
