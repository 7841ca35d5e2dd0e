"""The audit log searched by case, person, action and time, on both engines."""

from datetime import timedelta

import pytest
from sqlalchemy import event as event_api

from core.errors import StoreError
from core.records import audit, reviews
from core.records.audit_search import (
    AuditQuery,
    case_ids_of,
    event,
    hashes_of,
    iterate_events,
    list_actions,
    list_actors,
    rows_written,
    search_events,
)
from core.records.store import new_decision, record
from core.records.values import case_id_of, now
from core.records.worklist import next_case
from core.types import Disposition

START = now()


@pytest.fixture
def history(store, assessment, keep):
    """Three batches of two pictures, two cases; then Ada, Bob and Ada again; gives the cases."""
    for batch in range(3):
        keep(
            store,
            *(assessment(b"%d %d" % (batch, n), p=0.5 + n / 10, group=f"case {n}") for n in (0, 1)),
            at=START + timedelta(minutes=batch),
        )
    cases = {name: case_ids_of(store, name)[0] for name in ("case 0", "case 1")}
    for minute, reviewer in enumerate(("Ada", "Bob", "Ada"), 10):
        at = START + timedelta(minutes=minute)
        item = next_case(store, "parts")
        reviews.review(store, item, Disposition.POSITIVE, reviewer=reviewer, at=at)
        if reviewer != "Ada":
            reviews.undo(store, item.case_id, item.revision + 1, reviewer="Bob", at=at)
    return cases


def numbers(events):
    return [one.seq for one in events]


def test_events_are_found_by_each_field_and_by_all(store, history):
    assert numbers(search_events(store)) == [7, 6, 5, 4, 3, 2, 1]
    assert numbers(search_events(store, AuditQuery(actor="Ada"))) == [7, 4]
    assert numbers(search_events(store, AuditQuery(action="undo"))) == [6]
    assert numbers(search_events(store, AuditQuery(actor="Bob", action="review"))) == [5]
    minute = START + timedelta(minutes=1)
    assert numbers(search_events(store, AuditQuery(since=minute))) == [7, 6, 5, 4, 3, 2]
    assert numbers(search_events(store, AuditQuery(until=minute))) == [1]
    first, second = history["case 1"], history["case 0"]
    assert numbers(search_events(store, AuditQuery(case_id=first))) == [4, 3, 2, 1]
    assert numbers(search_events(store, AuditQuery(case_id=second, actor="Ada"))) == [7]
    assert search_events(store, AuditQuery(actor="Eve")) == []


def test_pages_follow_on_each_other_without_a_gap_or_a_repeat(store, history):
    found, after = [], None
    while page := search_events(store, after=after, limit=2):
        found += page
        after = page[-1].place
    assert numbers(found) == [7, 6, 5, 4, 3, 2, 1]
    assert found == list(iterate_events(store, AuditQuery(), 100))


def test_an_event_names_its_rows_and_its_cases(store, history):
    first = event(store, 1)
    assert first.cases == tuple(sorted(history.values()))
    assert dict(first.counts) == {"cases": 2, "decisions": 2, "images": 2, "observations": 2}
    rows = rows_written(store, first, 1)
    assert {name: len(found) for name, found in rows.items()} == {
        "cases": 1, "images": 1, "decisions": 1, "observations": 1,
    }  # fmt: skip
    (row,) = rows_written(store, event(store, 5), 20)["reviews"]
    assert (row["reviewer"], row["case_id"]) == ("Bob", history["case 0"])
    with pytest.raises(StoreError, match="no event 99"):
        event(store, 99)


def test_a_picture_judged_again_is_found_with_each_case_that_holds_it(store, assessment, keep):
    keep(store, assessment(b"one", group="a"), assessment(b"one", group="b"))
    keep(store, assessment(b"one", group="a", policy="policy-2"))

    for name in "ab":
        (case_id,) = case_ids_of(store, name)
        assert numbers(search_events(store, AuditQuery(case_id=case_id))) == [2, 1]


def test_a_name_is_found_in_every_pack_and_product_without_a_look_at_every_case(
    store, assessment, keep
):
    name = "lot 7 " + "x" * 3000  # longer than PostgreSQL takes into an index
    for pack in ("parts", "crops"):
        keep(store, assessment(pack.encode(), group=name), pack=pack)
    made = new_decision(assessment(b"left", group=name), pack="parts", name="a.png", product="left")
    record(store, [made])
    keep(store, assessment(b"other", group="another"))
    asked = []
    event_api.listen(store.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))

    expected = {case_id_of("parts", "", name), case_id_of("crops", "", name), made.case_id}
    assert set(case_ids_of(store, name)) == expected
    assert case_ids_of(store, made.case_id) == [made.case_id]
    assert case_ids_of(store, "lot 7") == case_ids_of(store, "") == []
    assert [text for text in asked if "cases.key" in text] == []


def test_people_and_actions_are_listed_once(store, history):
    assert list_actors(store) == ["Ada", "Bob", "assay"]
    assert list_actions(store) == ["record", "review", "undo"]
    assert hashes_of(store, [7, 8]) == {7: audit.head(store).hash}


def test_a_look_up_that_was_changed_is_found(store, history, execute):
    assert audit.verify(store).faults == ()
    execute(store, "DELETE FROM audit_cases WHERE seq = 7")
    (fault,) = audit.verify(store).faults
    assert (fault.kind, fault.subject.split(",")[0]) == ("search differs", "audit_events 7")
