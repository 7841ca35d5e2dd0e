"""The audit page: search, an opened event, replay, export and the check of everything."""

from __future__ import annotations

import sqlite3
import time

import pytest

from core.records import audit, reviews
from core.records.audit_search import case_ids_of
from core.records.worklist import next_case
from core.service.anchors import note_anchor
from core.service.store import open_store
from core.types import Disposition
from tests.dashboard.views.screen import texts


@pytest.fixture
def opened(settings):
    store = open_store(settings)
    yield store
    store.close()


@pytest.fixture
def review(opened):
    item = next_case(opened, "parts")
    reviews.review(
        opened, item, Disposition.POSITIVE, reviewer="Bob", comment="**deep** <b>scratch</b>"
    )
    return item


@pytest.fixture
def page_of(page, tmp_path, monkeypatch, review):
    monkeypatch.setenv("ASSAY_ANCHOR_FILE", str(tmp_path / "away" / "anchors"))

    def show():
        # A browser forgets the address of the page before; AppTest keeps it.
        page.query_params.clear()
        page.switch_page("views/audit.py").run()
        assert not page.exception, page.exception
        return page

    page.run()
    return show


def labels(page):
    return [one.label for one in page.button if str(one.key).startswith("event_")]


def until(page, found):
    for _ in range(100):
        page.run()
        if found(page):
            return
        time.sleep(0.2)
    raise AssertionError(texts(page))


def test_events_are_listed_searched_and_opened(page_of, opened, review):
    page = page_of()
    assert "Bob · review · 1 review" in labels(page)[0].replace("\\", "")
    assert len(labels(page)) == audit.head(opened).seq
    page.text_input[0].set_value(review.key).run()
    assert [label.split("·")[2].strip() for label in labels(page)] == ["review", "record"]
    page.button(key=f"event_{audit.head(opened).seq}").click().run()
    shown = texts(page)
    assert "Bob decided FAIL, with 1 picture on screen." in shown
    assert "**deep** &lt;b&gt;scratch&lt;/b&gt;" in shown
    page.text_input[0].set_value("nothing of that name").run()
    assert "No case has that name or id." in texts(page)


def test_a_verdict_is_replayed_from_the_page(page_of, opened, review):
    page = page_of()
    (case_id,) = case_ids_of(opened, review.key)
    page.text_input[0].set_value(case_id).run()
    (recorded,) = [one for one in page.button if str(one.key) == labels_of_record(page)]
    recorded.click().run()
    replays = [one for one in page.button if one.label.startswith("Replay ")]
    assert len(replays) >= 1
    replays[0].click().run()
    until(page, lambda page: "Computed again: the same to the last bit." in texts(page))


def labels_of_record(page):
    return next(
        str(one.key)
        for one in page.button
        if str(one.key).startswith("event_") and "record" in one.label
    )


def test_everything_is_checked_and_a_break_is_named(page_of, opened, settings, tmp_path):
    page = page_of()
    assert "No anchor was noted yet" in texts(page)
    noted = note_anchor(opened, tmp_path / "away" / "anchors")
    page.run()
    assert "The log contains every anchor." in texts(page)
    page.button(key="check_all").click().run()
    until(page, lambda page: "Everything is as it was written." in texts(page))
    database = sqlite3.connect(settings.home / "assay.sqlite")
    with database:
        database.execute("UPDATE audit_events SET hash = ? WHERE seq = ?", ("0" * 64, noted.seq))
    database.close()
    page.run()
    assert f"The log breaks at event {noted.seq}" in texts(page)
    page.button(key="check_all").click().run()
    until(page, lambda page: f"event edited: audit_events {noted.seq}" in texts(page))


def test_the_search_is_exported(page_of):
    page = page_of()
    page.button(key="export").click().run()
    until(page, lambda page: len(page.get("download_button")) == 2)


def test_nobody_reads_it_without_a_name(page_of, monkeypatch):
    monkeypatch.setenv("ASSAY_REVIEWER", "")
    page = page_of()
    page.session_state["reviewer"] = ""
    page.run()
    assert labels(page) == []
    assert "Nobody is named who could read the audit log." in texts(page)
