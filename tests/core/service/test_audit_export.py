"""The audit log as CSV and PDF, read by programs that were not written here."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from pypdf import PdfReader

from core.errors import PermissionDenied
from core.people import Person, Role
from core.records import reviews
from core.records.audit_search import AuditQuery, case_ids_of
from core.records.store import new_decision, record
from core.records.worklist import next_case
from core.service.anchors import note_anchor
from core.service.audit_export import collect_events, to_csv, to_pdf
from core.settings import Settings
from core.types import Disposition
from tests.core.records.conftest import an_assessment

START = datetime(2026, 11, 1, 8, tzinfo=UTC)
LEAD = Person("lead", "Lea", Role.LEAD)
COMMENT = "the \u0141\u00f3d\u017a strip \u4e2d <b>"


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path / "home", anchor_file=str(tmp_path / "anchors"))


@pytest.fixture
def head(store, settings, tmp_path):
    """Two verdicts and a review by somebody whose name is a formula, anchored."""
    new = [
        new_decision(
            an_assessment(b"%d" % n, p=0.4 + n / 10, group=f"=case{n}"), pack="parts", name="a"
        )
        for n in (0, 1)
    ]
    record(store, new, at=START)
    item = next_case(store, "parts")
    reviews.review(
        store, item, Disposition.POSITIVE, reviewer='=HYPERLINK("x")', comment=COMMENT,
        at=START + timedelta(hours=1),
    )  # fmt: skip
    return note_anchor(store, tmp_path / "anchors")


def collect(store, settings, query=AuditQuery(), most=2000, by=LEAD):
    return collect_events(store, settings, query, by=by, most=most)


def pages(data):
    return [page.extract_text() for page in PdfReader(io.BytesIO(data)).pages]


def test_the_csv_holds_every_event_and_no_formula(store, settings, head):
    rows = list(csv.DictReader(io.StringIO(to_csv(collect(store, settings)).decode("utf-8-sig"))))

    assert [(row["number"], row["action"]) for row in rows] == [("2", "review"), ("1", "record")]
    assert rows[0]["person"] == '\'=HYPERLINK("x")'
    assert rows[0]["hash"] == head.hash
    assert rows[0]["anchored"].startswith("anchored 20")
    assert rows[1]["anchored"] == ""
    assert rows[0]["previous hash"] == rows[1]["hash"]
    assert rows[1]["written"].startswith("2 cases, 2 verdicts, 2 pictures")
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())


def test_the_pdf_says_who_decided_what_and_bears_the_anchor(store, settings, head):
    (text,) = pages(to_pdf(collect(store, settings), AuditQuery()))
    whole = text.replace("\n", "").replace(" ", "")

    assert f"Thelastof1anchorsis{head}" in whole
    assert "Thelogcontainseveryanchor." in whole
    assert "decidedFAIL,with1pictureonscreen" in whole
    assert '=HYPERLINK("x")' in whole
    assert re.search(r"the\u0141\u00f3d(\u017a|\\u017a)strip\\u4e2d<b>", whole)
    assert "VerdictREVIEW(probability0.500)bywidgets@0123456789abunderpolicypolicy-1" in whole


def test_the_same_events_give_the_same_bytes(store, settings, head):
    first, second = (to_pdf(collect(store, settings), AuditQuery()) for _ in range(2))
    assert first == second
    assert to_csv(collect(store, settings)) == to_csv(collect(store, settings))


def test_a_search_is_exported_alone_and_what_was_cut_off_is_named(store, settings, head):
    (case_id,) = case_ids_of(store, "=case0")
    found = collect(store, settings, AuditQuery(case_id=case_id))
    assert [one.seq for one in found.events] == [1]
    cut = collect(store, settings, most=1)
    assert "1 events (there are more: choose a shorter time); all, newest first." in pages(
        to_pdf(cut, AuditQuery())
    )[0].replace("\n", " ")


def test_a_broken_log_says_so_in_the_pdf(store, settings, head, tmp_path):
    (tmp_path / "anchors").write_text(f"1:{'0' * 64} 2026-11-01T09:00:00+00:00\n")
    (text,) = pages(to_pdf(collect(store, settings), AuditQuery()))
    assert "The log breaks at event 1" in text


def test_many_events_fill_many_pages_with_the_heading_on_each(store, settings):
    for n in range(120):
        new = new_decision(an_assessment(b"%d" % n, group=f"g{n}"), pack="parts", name="a")
        record(store, [new], at=START + timedelta(minutes=n))
    found = pages(to_pdf(collect(store, settings), AuditQuery()))
    assert len(found) > 5
    assert all("Time (UTC)" in text for text in found)


def test_a_reviewer_may_not_export(store, settings):
    with pytest.raises(PermissionDenied, match="it takes the role lead"):
        collect(store, settings, by=Person("r", "Rea", Role.REVIEWER))
