"""The review page: what is taken back, put off or given up."""

from __future__ import annotations

import streamlit as st
from streamlit.testing.v1 import AppTest

from core.records import reviews
from core.records.final_reads import final_reads
from core.records.skipped_cases import list_skipped
from core.records.worklist import case_detail, next_case
from core.types import Disposition
from tests.dashboard.views.conftest import APP
from tests.dashboard.views.screen import press, texts, waiting

NEGATIVE = Disposition.NEGATIVE


def test_an_undo_takes_back_the_persons_own_last_verdict_and_shows_its_case(page, store):
    first = next_case(store, "parts")
    press(press(page.run(), "FAIL"), "FAIL")
    second = final_reads(store, "parts")[0]
    grace = next_case(store, "parts")
    reviews.review(store, grace, NEGATIVE, reviewer="Grace")
    press(page, "Undo")
    assert {r.case_id for r in final_reads(store, "parts")} == {
        first.case_id,
        grace.case_id,
    }
    assert f">{second.key}<" in texts(page)
    press(page, "PASS")
    assert case_detail(store, second.case_id).reviews[-1].disposition is NEGATIVE


def test_a_skipped_case_comes_back_when_the_others_are_done(page, store):
    total = waiting(store)
    first = next_case(store, "parts")
    press(page.run(), "Skip")
    for left in range(total - 1, 0, -1):
        assert f"{left + 1} waiting" in texts(page)
        press(page, "FAIL")
    assert f">{first.key}<" in texts(page)
    press(page, "Cannot judge, retake")
    assert "All caught up" in texts(page)
    assert f"{total} cases reviewed" in texts(page)
    press(page, "Undo")
    assert f">{first.key}<" in texts(page)


def test_a_skipped_case_stays_behind_after_a_restart_and_for_that_person_alone(page, store):
    first = next_case(store, "parts")
    second = next_case(store, "parts", after=first.case_id)
    press(page.run(), "Skip")
    st.cache_resource.clear()  # as a server that has just been started, and a new tab
    anew = AppTest.from_file(APP, default_timeout=120).run()
    assert f">{second.key}<" in texts(anew)
    press(anew, "Skip")
    again = AppTest.from_file(APP, default_timeout=120).run()
    assert list_skipped(store, "Ada") == [first.case_id, second.case_id]
    assert f">{first.key}<" not in texts(again)
    assert f">{second.key}<" not in texts(again)
    anew.session_state["reviewer"] = "Grace"
    anew.session_state["review_case"] = ""
    assert f">{first.key}<" in texts(anew.run())


def test_an_undo_shows_the_earlier_answer_keeps_its_note_and_survives_a_new_session(page, store):
    first = next_case(store, "parts")
    press(page.run(), "Note")
    page.text_input(key="review_note_text").input("scratch").run()
    press(page, "FAIL")
    again = AppTest.from_file(APP, default_timeout=60)
    again.session_state["pack"] = "parts"
    press(again.run(), "Undo")
    shown = texts(again)
    assert f">{first.key}<" in shown
    assert "You had answered ▲ FAIL" in shown
    assert ">scratch<" in shown
    press(again, "FAIL")
    assert case_detail(store, first.case_id).reviews[-1].comment == "scratch"


def test_escape_gives_up_a_note_and_a_question(page, store):
    press(page.run(), "Note")
    press(page, "Cancel")
    assert not any(one.key == "review_note_text" for one in page.text_input)
    press(page, "PASS")
    assert "Nobody can see this picture" in texts(page)
    press(page, "Cancel")
    assert "Nobody can see this picture" not in texts(page)
    assert final_reads(store, "parts") == []
