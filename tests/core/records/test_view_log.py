"""What people look at is recorded once, in order, and under the audit log."""

from __future__ import annotations

import pytest

from core.errors import DataError, PermissionDenied
from core.people import Person, Role
from core.records import audit, worklist
from core.records.view_log import Showing, ViewKind, append_events, list_views
from core.service.review.viewing import record_view, summarize_days, viewing_of, write_csv

GRACE = Person("g", "Grace", Role.REVIEWER)


@pytest.fixture
def view(store, assessment, keep):
    keep(store, assessment(b"one", p=0.9, group="part 1"))
    item = worklist.next_case(store, "parts")
    return Showing("v1", GRACE.id, item.case_id, item.revision)


def test_a_showing_is_recorded_in_order_and_covered_by_the_log(store, view):
    record_view(store, view, {"events": [{"kind": "shown", "after_ms": 0}], "active_ms": 0})
    later = [{"kind": "zoomed", "after_ms": 812.5}, {"kind": "decided", "after_ms": 1500}]
    record_view(store, view, {"events": later, "active_ms": 90_000})
    found = list_views(store, GRACE.id)[::-1]
    assert [(one.kind, one.number, one.after_ms) for one in found] == [
        (ViewKind.SHOWN, 0, 0.0),
        (ViewKind.ZOOMED, 1, 812.5),
        (ViewKind.DECIDED, 2, 1500.0),
    ]
    assert [one.active_ms for one in found] == [0.0, 60_000.0, 60_000.0]
    report = audit.verify(store)
    assert (report.events, report.faults) == (3, ())


def test_no_browser_fills_the_log_with_one_showing(store, view):
    for _ in range(5):
        append_events(store, view, [(ViewKind.ZOOMED, 1.0)] * 3, 1.0)
    assert len(list_views(store)) == 8


@pytest.mark.parametrize(
    "sent",
    [
        None,
        [],
        {"events": []},
        {"events": [{"kind": "slept", "after_ms": 0}], "active_ms": 0},
        {"events": [{"kind": "shown", "after_ms": -1}], "active_ms": 0},
        {"events": [{"kind": "shown", "after_ms": float("nan")}], "active_ms": 0},
        {"events": [{"kind": "shown", "after_ms": 0}], "active_ms": float("inf")},
        {"events": [{"kind": "shown", "after_ms": 0}] * 9, "active_ms": 0},
    ],
)
def test_what_is_no_record_of_a_showing_is_refused(store, view, sent):
    with pytest.raises(DataError):
        record_view(store, view, sent)
    assert list_views(store) == []


def test_each_sees_their_own_and_a_lead_everybodys(store, view):
    append_events(store, view, [(ViewKind.SHOWN, 0.0)], 0.0)
    mary = Person("=m", "Mary", Role.LEAD)
    assert viewing_of(store, mary) == []
    assert [one.view.person_id for one in viewing_of(store, GRACE)] == ["g"]
    with pytest.raises(PermissionDenied):
        viewing_of(store, GRACE, of_everybody=True)
    other = Showing("v2", mary.id, view.case_id, 0)
    append_events(store, other, [(ViewKind.SHOWN, 0.0)], 0.0)
    everybody = viewing_of(store, mary, of_everybody=True)
    assert len(everybody) == 2
    append_events(store, view, [(ViewKind.ZOOMED, 10.0), (ViewKind.DECIDED, 1500.0)], 1200.0)
    [day] = summarize_days(viewing_of(store, GRACE))
    assert day[1:] == ("1", "1", "1", "1.5 s", "0.0 min")
    lines = write_csv(everybody).splitlines()
    assert lines[0].startswith("at,person,case,")
    assert any(",'=m," in line for line in lines)
