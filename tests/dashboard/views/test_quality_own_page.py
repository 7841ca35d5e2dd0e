"""A pack that is reviewed on a page of its own: no list tells what a reader must not know."""

from __future__ import annotations

from dataclasses import replace

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.records.store import NewDecision, decisions, record
from core.records.values import now
from core.service.store import open_store
from core.settings import Settings
from core.types import Disposition
from tests.dashboard.views.conftest import APP
from tests.dashboard.views.screen import texts


@pytest.fixture
def page(department_home, monkeypatch):
    monkeypatch.setenv("ASSAY_HOME", str(department_home))
    monkeypatch.setenv("ASSAY_REVIEWER", "Ada")
    st.cache_resource.clear()
    opened = AppTest.from_file(APP, default_timeout=60)
    opened.session_state["pack"] = "xray"
    yield opened.run()
    st.cache_resource.clear()


def test_a_flip_of_a_case_that_nobody_read_is_counted_and_not_listed(page, department_home):
    store = open_store(Settings(home=department_home))
    made = decisions(store, pack="xray", limit=1)[0]
    passed = replace(
        made, content_key="0" * 64, disposition=Disposition.NEGATIVE, positive_probability=0.0,
        ood_p=1.0, findings=(), audit_probability=None, decided_at=now(),
    )  # fmt: skip
    record(store, [NewDecision("9.9", "x.dcm", "x.dcm", passed, {}, spans_products=True)])
    store.close()
    page.switch_page("views/quality.py").run()
    for box in [one for one in page.selectbox if one.label == "Product"]:
        box.select(made.product).run()
    slider = next(one for one in page.select_slider if one.label.endswith("at most"))
    slider.set_value(0.001).run()
    assert not page.exception, page.exception
    shown = texts(page)
    assert "would be another one; 0 of them are listed" in shown
    assert "wait for a person who must not know the verdict" in shown
    assert not any("case=" in one.proto.query_string for one in page.get("page_link"))


def test_the_overview_leads_to_no_list_that_shares_verdicts(page):
    page.switch_page("views/overview.py").run()
    assert not page.exception, page.exception
    assert "The last seven days" in "\n".join(one.value for one in page.header)
    assert not any("filter=" in one.proto.query_string for one in page.get("page_link"))
