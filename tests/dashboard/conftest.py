"""The dashboard as its pages' code sees it, on a store of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.records.connection import Store
from core.service.stores import open_store
from core.settings import Settings
from dashboard import app as app_module
from dashboard import widgets

REVIEWER = "Ada"


@pytest.fixture
def store(assessed_home: Path) -> Iterator[Store]:
    opened = open_store(Settings(home=assessed_home))
    yield opened
    opened.close()
