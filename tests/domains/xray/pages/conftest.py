"""The worklist page over a department's store."""

from __future__ import annotations

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import domains.xray
from core.settings import Settings
from tests.domains.xray.pages.screens import APP


@pytest.fixture
def settings(department_home):
    return Settings(home=department_home)


@pytest.fixture
def page(department_home, monkeypatch):
    """The worklist page, read by Ada."""
    monkeypatch.setenv("ASSAY_HOME", str(department_home))
    monkeypatch.setenv("ASSAY_REVIEWER", "Ada")
    st.cache_resource.clear()
    opened = AppTest.from_file(APP, default_timeout=120)
    opened.session_state["pack"] = "parts"  # the page is the X-ray one whatever is chosen there
    opened.run().switch_page(str(domains.xray.pack.pages[0]))
    yield opened
    st.cache_resource.clear()
