"""Lines of the list of cases as text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.packs import installed
from core.records.case_filter import CaseFilter, Facets
from core.records.case_status import QueueState
from core.records.cases import WorkItem
from core.service.review.browse import CaseLine
from core.types import Disposition, Reason
from dashboard import present
from dashboard.present.case_lines import HIDDEN, age_choice, describe_age, describe_matches

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def a_line(**given):
    item = WorkItem(
        case_id="0123",
        pack="parts",
        key="part 7",
        opened_at=NOW - timedelta(minutes=5),
        queue_state=QueueState.REVIEWED,
        disposition=Disposition.POSITIVE,
        positive_probability=0.93,
        decision_id="d",
        images=2,
        revision=1,
        product="bolt",
    )
    known = {
        "item": item,
        "name": "a.png",
        "content_key": "a" * 64,
        "sites": ("North", "South"),
        "reasons": (Reason.NOT_CERTIFIED,),
        "answer": Disposition.NEGATIVE,
        "is_hidden": False,
    }
    return CaseLine(**known | given)


def one(line):
    [made] = present.case_lines([line], installed(), NOW, lambda sha256: f"/t/{sha256[:2]}")
    return made


def test_a_line_says_what_was_found_what_a_person_answered_and_where():
    assert one(a_line()) == {
        "id": "0123",
        "name": "part 7 (2 images)",
        "mark": {"shape": "▲", "word": "FAIL", "kind": "positive"},
        "probability": "0.930",
        "state": "reviewed: ● PASS",
        "reason": "not certified",
        "product": "bolt",
        "site": "North, South",
        "opened": "5 min ago",
        "picture": "/t/aa",
    }


def test_a_hidden_line_has_neither_verdict_nor_probability():
    made = one(a_line(is_hidden=True, reasons=(), answer=None))
    assert made["mark"] == {"shape": "○", "word": HIDDEN, "kind": "none"}
    assert made["probability"] == made["reason"] == ""
    assert "FAIL" not in str(made)


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (timedelta(seconds=20), "just now"),
        (timedelta(minutes=59), "59 min ago"),
        (timedelta(hours=23), "23 h ago"),
    ],
)
def test_recent_cases_say_how_long_ago(ago, text):
    assert describe_age(NOW - ago, NOW) == text
    assert describe_age(NOW - timedelta(days=2), NOW).startswith("2026-02-28 ")


def test_an_age_of_the_address_that_is_not_among_the_choices_is_written_out():
    assert age_choice(CaseFilter(max_age_h=24)) == "last 24 hours"
    assert age_choice(CaseFilter(min_age_h=3, max_age_h=5)) == (
        "older than 3 hours, newer than 5 hours"
    )


def test_what_was_counted_and_what_was_not_is_stated():
    facets = [
        Facets("f", "parts", "", ("",), (), Disposition.POSITIVE, QueueState.WAITING, 1200),
        Facets("g", "parts", "", ("",), (), Disposition.NEGATIVE, QueueState.NEGATIVE, 7),
    ]

    def described(case_filter, is_complete=True):
        return describe_matches(case_filter, facets, is_complete=is_complete, searched=5000)

    assert described(CaseFilter()) == "1,200 cases"
    assert described(CaseFilter(states=())) == "1,207 cases"
    assert described(CaseFilter(max_age_h=1)) == "Of 1,200 cases of any age"
    assert "next 5,000 of 1,200 cases" in described(CaseFilter(text="x"), is_complete=False)
    assert described(CaseFilter(text="x")) == "Searched 1,200 cases"
