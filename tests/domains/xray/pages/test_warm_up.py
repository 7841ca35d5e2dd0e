"""What the first radiograph waits for is there before anybody asks for the page."""

import psutil
import pytest
import streamlit as st

from core.packs import import_path
from core.service.store import open_store
from core.settings import Settings
from dashboard import first_page
from domains.xray import pack


@pytest.fixture
def home(monkeypatch):
    def choose(folder):
        monkeypatch.setenv("ASSAY_HOME", str(folder))
        monkeypatch.setenv("ASSAY_REVIEWER", "Ada")
        st.cache_resource.clear()

    yield choose
    st.cache_resource.clear()


def readers():
    """Return the processes of this one that read pictures."""
    own = psutil.Process().children(recursive=True)
    return {one.pid for one in own if "core.imaging.child" in one.cmdline()}


def test_the_process_that_reads_starts_where_a_radiograph_waits(home, department_home):
    home(department_home)
    before = readers()
    warm_up = import_path(pack.warm_up)
    warm_up()
    assert len(readers() - before) == 1
    warm_up()
    assert len(readers() - before) == 1


def test_none_starts_where_no_radiograph_waits(home, tmp_path):
    open_store(Settings(home=tmp_path)).close()
    home(tmp_path)
    before = readers()
    import_path(pack.warm_up)()
    assert readers() == before


def test_a_store_that_does_not_open_is_left_to_the_page(home, tmp_path):
    (tmp_path / "assay.sqlite").write_bytes(b"no database" * 100)
    home(tmp_path)
    before = readers()
    first_page.warm_up(pack)
    assert readers() == before
