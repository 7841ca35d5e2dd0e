"""The address of the review page: it leads back to a case, and never to one that was just left."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from core.records.worklist import case_detail, next_case
from core.types import Disposition
from dashboard import address
from tests.dashboard.views.conftest import APP
from tests.dashboard.views.test_review import press, texts

NEGATIVE, POSITIVE = Disposition.NEGATIVE, Disposition.POSITIVE


def test_the_address_names_the_case_and_leads_back_to_it(page, store):
    second = next_case(store, "parts", after=next_case(store, "parts").case_id)
    press(page.run(), "Skip")
    assert page.query_params["case"] == second.case_id
    again = AppTest.from_file(APP, default_timeout=60)
    again.session_state["pack"] = "parts"
    again.query_params["case"] = second.case_id
    again.query_params["filter"] = "verdict=positive"
    assert f">{second.key}<" in texts(again.run())
    press(again, "FAIL")
    standing = next_case(store, "parts", after=next_case(store, "parts").case_id)
    assert again.query_params["case"] == standing.case_id
    assert "verdict=positive" in texts(again)
    reviewed = AppTest.from_file(APP, default_timeout=60)
    reviewed.session_state["pack"] = "parts"
    reviewed.query_params["case"] = second.case_id
    assert "Reviewed: ▲ FAIL by Ada" in texts(reviewed.run())
    press(reviewed, "PASS")
    assert [one.disposition for one in case_detail(store, second.case_id).reviews] == [
        POSITIVE,
        NEGATIVE,
    ]


def test_an_address_that_names_no_case_leads_to_the_queue_and_says_so(page, store):
    page.query_params["case"] = "no-such-case"
    page.query_params["filter"] = "verdict=perhaps"
    shown = texts(page.run())
    assert "The filter in the address cannot be used" in shown
    assert "holds no case" in page.toast[0].value
    assert f">{next_case(store, 'parts').key}<" in shown


def test_a_browser_that_lags_behind_does_not_bring_the_answered_case_back(page, store, monkeypatch):
    first = next_case(store, "parts")
    press(page.run(), "FAIL")
    second = next_case(store, "parts")
    page.query_params["case"] = first.case_id  # asked before it heard of the second
    assert f">{second.key}<" in texts(page.run())
    assert page.query_params["case"] == second.case_id
    # Later it is a person who asks for it, by a link or the way back.
    monkeypatch.setattr(address, "LAG_S", 0.0)
    page.query_params["case"] = first.case_id
    assert "Reviewed: ▲ FAIL by Ada" in texts(page.run())
