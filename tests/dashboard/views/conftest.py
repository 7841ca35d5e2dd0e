"""The pages as a person meets them, each test on a store of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import dashboard
from core.settings import Settings

APP = Path(dashboard.__file__).parent / "app.py"


@pytest.fixture
def settings(assessed_home: Path) -> Settings:
    return Settings(home=assessed_home)


@pytest.fixture
def page(assessed_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    """The dashboard on the parts pack, whatever else is installed, reviewed by Ada."""
    monkeypatch.setenv("ASSAY_HOME", str(assessed_home))
    monkeypatch.setenv("ASSAY_REVIEWER", "Ada")
    st.cache_resource.clear()
    opened = AppTest.from_file(APP, default_timeout=60)
    opened.session_state["pack"] = "parts"
    yield opened
    st.cache_resource.clear()
