"""Second reads on the worklist page: blind, by another reader, and decided by a third."""

from __future__ import annotations

import pytest
from sqlalchemy import delete

from core.decision.second_read import ReadState, draw_number
from core.people import Person
from core.records import read_list, reviews
from core.records.case_list import list_cases
from core.records.connection import writing
from core.records.deployment import Stage
from core.records.final_reads import count_states, final_reads
from core.records.read_plans import ReadPlan, plan_of
from core.records.tables import READ_CLAIMS
from core.records.worklist import case_detail
from core.service.review.read_plan import choose_known, set_plan
from core.service.review.readers import measure_readers
from core.service.review.reading_list import OPEN
from tests.domains.xray.pages.screens import (
    NEGATIVE,
    POSITIVE,
    VERDICT_WORDS,
    a_stage,
    panes,
    press,
    texts,
)

LENA = Person.alone("Lena")
ALL = ReadPlan(1.0, 1.0, 1.0)


@pytest.fixture
def read_once(store):
    """Grace has read all but one case, at a stage at which verdicts are shown."""
    a_stage(store, Stage.SUPERVISED)
    set_plan(store, "xray", ALL, LENA)
    *read, left = list_cases(store, "xray", OPEN)
    for one in read:
        assert reviews.review(
            store, one.item, POSITIVE, reviewer="Grace", label="zebra", comment="a deep shadow"
        )
    assert reviews.review(store, left.item, NEGATIVE, reviewer="Ada")
    return store


def test_a_second_reader_is_shown_the_pictures_alone_and_a_third_decides(
    page, read_once, monkeypatch
):
    press(page.run(), "Read")
    case_id = page.session_state["read_task"].detail.item.case_id
    shown = texts(page)
    assert "Read it as if nothing had judged it" in shown
    assert "1 of 1 to read" in shown
    for hidden in ("Grace", "zebra", "deep shadow", *VERDICT_WORDS):
        assert hidden not in shown
    assert all("heat" not in pane for pane in panes(page))
    press(page, "NORMAL")
    assert count_states(read_once, "xray")[ReadState.DISPUTED] == 1
    assert len(case_detail(read_once, case_id).reviews) == 1
    assert case_id not in {one.case_id for one in read_list.reads(read_once, "xray")}
    press(page, "Undo")
    assert page.session_state["read_task"].detail.item.case_id == case_id
    press(page, "NORMAL")

    monkeypatch.setenv("ASSAY_REVIEWER", "Mary")
    page.session_state["reviewer"] = "Mary"
    page.session_state["xray_case"] = page.session_state["xray_asked_for"] = case_id
    shown = texts(page.run())
    assert "Two people answered differently; you decide." in shown
    assert "▲ ABNORMAL: zebra" in shown
    assert "● NORMAL" in shown
    assert "Grace" not in shown
    assert not any(word in shown for word in VERDICT_WORDS)
    press(page, "NORMAL")
    assert count_states(read_once, "xray")[ReadState.ADJUDICATED] == 1
    [decided] = [one for one in final_reads(read_once, "xray") if one.case_id == case_id]
    assert decided.disposition is NEGATIVE
    assert read_list.reads(read_once, "xray")[0].last is NEGATIVE
    assert measure_readers(read_once, "xray", LENA).agreement.cases == 1


def test_whoever_read_first_is_not_asked_again(page, read_once):
    page.session_state["reviewer"] = "Grace"
    press(page.run(), "Read")
    # The one that Ada read first; after it nothing is left.
    ada = page.session_state["read_task"].detail.item.case_id
    assert case_detail(read_once, ada).reviews[0].reviewer == "Ada"
    press(page, "NORMAL")
    assert count_states(read_once, "xray")[ReadState.AGREED] == 1
    assert page.session_state["read_task"] is None
    assert "Nothing waits to be read." in texts(page)


def test_a_read_that_is_put_off_comes_again_later_and_another_one_meanwhile(page, read_once):
    press(page.run(), "Read")
    first = page.session_state["read_task"].detail.item.case_id
    press(page, "Next")
    assert page.session_state["read_task"].detail.item.case_id != first
    assert count_states(read_once, "xray")[ReadState.READ1] == 7


def test_no_other_read_comes_before_a_stat_or_before_a_case_that_was_chosen(page, store):
    set_plan(store, "xray", ALL, LENA)
    cases = list_cases(store, "xray", OPEN)
    stat = next(one.item for one in cases if one.headers[0].get("priority") == "STAT")
    read, chosen, *_ = (one.item for one in cases if one.item != stat)
    assert reviews.review(store, read, POSITIVE, reviewer="Grace")
    page.session_state["xray_screen"] = "Read"

    def is_other_read(reader: str, case_id: str) -> bool:
        page.session_state["reviewer"] = reader
        page.session_state["xray_case"] = page.session_state["xray_asked_for"] = case_id
        page.run()
        texts(page)
        return page.session_state["read_task"] is not None

    for number in range(8):
        release_claims(store)
        assert not is_other_read(f"Reader {number}", "")
        assert not is_other_read(f"Reader {number}", chosen.case_id)
    # The same readers get one before a case of the list that is neither: each with odds of a half.
    assert reviews.review(store, stat, POSITIVE, reviewer="Grace")
    found = []
    for number in range(8):
        release_claims(store)
        found.append(is_other_read(f"Reader {number}", ""))
    assert any(found)


def release_claims(store) -> None:
    with writing(store) as connection:
        connection.execute(delete(READ_CLAIMS))


def test_a_known_case_is_mixed_in_and_looks_like_any_other_blind_read(page, store):
    set_plan(store, "xray", ReadPlan(gold=0.03), LENA)
    cases = list_cases(store, "xray", OPEN)
    stat = next(one for one in cases if "priority" in one.headers[0])
    known = next(one for one in cases if one is not stat)
    for one in (stat, known):
        assert reviews.review(store, one.item, POSITIVE, reviewer="Grace", comment="a deep shadow")
    choose_known(store, known.item.case_id, POSITIVE, LENA)
    before = case_detail(store, known.item.case_id)
    page.session_state["xray_screen"] = "Read"
    page.run()
    upcoming, seed = page.session_state["xray_case"], plan_of(store, "xray").seed
    # Before a case a known one comes to three of a hundred readers.
    page.session_state["reviewer"] = next(
        name
        for name in map("Ada {}".format, range(1000))
        if draw_number(f"{seed} {name}", upcoming) < 0.03
    )
    page.run()
    shown = texts(page)
    assert "Read it as if nothing had judged it" in shown
    for hidden in ("Grace", "deep shadow", "known case", *VERDICT_WORDS):
        assert hidden not in shown
    press(page, "NORMAL")
    assert case_detail(store, known.item.case_id) == before
