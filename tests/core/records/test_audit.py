from __future__ import annotations

import gc
import hashlib
import io
import json
import tracemalloc

import pytest
from sqlalchemy import select

from core.records import audit, audit_tables, hash_chain, worklist
from core.records.audit import AuditFault, Head
from core.records.connection import writing
from core.records.reviews import review
from core.records.tables import DECISIONS
from core.records.values import now
from core.types import Disposition


@pytest.fixture
def filled(store, assessment, keep):
    """Three batches and a review: events 1 to 4."""
    for content in (b"one", b"two", b"six"):
        keep(store, assessment(content, p=0.9))
    observed = worklist.next_case(store, "parts")
    assert review(store, observed, Disposition.NEGATIVE, reviewer="ann", comment="glare")
    return store


def kinds(store, *noted):
    return {fault.kind for fault in audit.verify(store, *noted).faults}


def one_id(store, table):
    with store.engine.connect() as connection:
        return connection.exec_driver_sql(f"SELECT min(id) FROM {table}").scalar()


def test_an_untouched_store_has_no_faults_and_covers_every_row(filled):
    report = audit.verify(filled)

    assert report.faults == ()
    assert (report.events, report.rows) == (4, 3 + 3 + 3 + 3 + 1)
    assert report.head == audit.head(filled)


def test_an_empty_store_has_no_faults(store):
    report = audit.verify(store)

    assert (report.events, report.rows, report.faults) == (0, 0, ())
    assert report.head == Head(0, "0" * 64)


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("decisions", "positive_probability = 0.11"),
        ("decisions", "probabilities = '[0.9, 0.1]'"),
        ("decisions", "features = logits"),
        ("decisions", "seq = seq + 100"),
        ("decisions", "message = 'all is well'"),
        ("reviews", "disposition = 'positive'"),
        ("reviews", "comment = ''"),
        ("reviews", "reviewer = 'bob'"),
        ("images", "name = 'b.png'"),
        ("cases", "opened_at = '2020-01-01T00:00:00.000000+00:00'"),
    ],
)
def test_an_edited_row_is_found_and_named(filled, execute, table, change):
    row = one_id(filled, table)
    execute(filled, f"UPDATE {table} SET {change} WHERE id = '{row}'")

    assert AuditFault("row edited", f"{table} {row}") in audit.verify(filled).faults


@pytest.mark.parametrize("table", ["decisions", "reviews", "images"])
def test_a_removed_row_is_found_and_named(filled, execute, table):
    row = one_id(filled, table)
    execute(filled, f"DELETE FROM {table} WHERE id = '{row}'")

    assert AuditFault("row missing", f"{table} {row}") in audit.verify(filled).faults


def test_a_row_slipped_in_is_found_and_named(filled, execute):
    execute(filled, "INSERT INTO cases VALUES ('forged', 'parts', '', 'k', '2026-01-01')")

    assert audit.verify(filled).faults == (AuditFault("row added", "cases forged"),)


def test_an_edited_event_is_found_and_named(filled, execute):
    execute(filled, "UPDATE audit_events SET actor = 'bob' WHERE seq = 4")

    assert audit.verify(filled).faults == (AuditFault("event edited", "audit_events 4"),)


def test_an_event_with_junk_for_detail_is_found_and_its_rows_are_unaccounted(filled, execute):
    execute(filled, "UPDATE audit_events SET detail = '[1' WHERE seq = 4")

    assert kinds(filled) == {"event edited", "row added", "search differs"}


@pytest.mark.parametrize(
    "detail",
    [
        '{"cases": [5, null, {"a": 1}], "rows": {"images": {"a": {"b": 1}}}}',
        r'{"cases": ["\ud800"], "rows": {"images": {"\ud800": "\udfff"}}}',
        r'{"cases": ["\u0000"], "rows": {"\u0000": {"\u0000": "\u0000"}}}',
        '{"cases": 1, "rows": [1]}',
    ],
)
def test_an_event_with_any_json_for_detail_is_found(filled, execute, detail):
    execute(filled, "UPDATE audit_events SET detail = :detail WHERE seq = 4", detail=detail)

    found = kinds(filled)

    assert found - {"row missing"} == {"event edited", "row added", "search differs"}
    assert ("row missing" in found) == ('"rows": {' in detail)


def test_an_event_edited_and_hashed_anew_is_found_by_its_successor(filled, execute):
    lines = io.StringIO()
    audit.export(filled, lines)
    event = json.loads(lines.getvalue().splitlines()[1])
    content = {k: v for k, v in event.items() if k not in {"previous", "hash"}} | {"actor": "bob"}
    forged = chained(event["previous"], content)
    execute(
        filled, "UPDATE audit_events SET actor = 'bob', hash = :forged WHERE seq = 2", forged=forged
    )

    assert audit.verify(filled).faults == (AuditFault("event edited", "audit_events 2"),)


def test_a_removed_event_is_found_with_the_rows_that_it_covered(filled, execute):
    execute(filled, "DELETE FROM audit_events WHERE seq = 2")

    report = audit.verify(filled)

    assert AuditFault("event missing", "audit_events 2") in report.faults
    assert [f.kind for f in report.faults].count("row added") == 4


def test_a_gap_is_one_line_however_large_a_number_an_event_was_given(filled, execute):
    execute(filled, "UPDATE audit_events SET seq = 2000000000 WHERE seq = 4")
    execute(filled, "DELETE FROM audit_events WHERE seq = 2")

    missing = [one.subject for one in audit.verify(filled).faults if one.kind == "event missing"]

    assert missing == ["audit_events 2", "audit_events 4 to 1999999999"]


def test_a_tail_cut_off_without_its_rows_is_found(filled, execute):
    execute(filled, "DELETE FROM audit_events WHERE seq = 4")

    assert kinds(filled) == {"row added", "search differs"}


def test_a_tail_cut_off_with_its_rows_is_found_by_a_noted_head_alone(filled, execute):
    noted = audit.head(filled)
    execute(filled, "DELETE FROM audit_events WHERE seq = 4")
    execute(filled, "DELETE FROM audit_cases WHERE seq = 4")
    execute(filled, "DELETE FROM reviews")
    worklist.rebuild(filled)

    assert kinds(filled) == set()
    assert audit.verify(filled, noted).faults == (AuditFault("head differs", "audit_events 4"),)


def test_a_noted_head_stays_good_while_the_log_grows(filled, assessment, keep):
    noted = audit.head(filled)
    keep(filled, assessment(b"new"))

    assert audit.verify(filled, noted).faults == ()


def test_a_case_hidden_from_the_worklist_is_found_and_rebuilding_brings_it_back(filled, execute):
    hidden = worklist.next_case(filled, "parts")
    execute(filled, f"UPDATE case_status SET queue_state = 2 WHERE case_id = '{hidden.case_id}'")

    assert audit.verify(filled).faults == (AuditFault("case status differs", hidden.case_id),)
    worklist.rebuild(filled)
    assert kinds(filled) == set()
    assert worklist.next_case(filled, "parts") == hidden


def chained(previous, content):
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256((previous + text).encode("ascii")).hexdigest()


def test_the_export_can_be_checked_with_a_hash_function_and_nothing_else(filled):
    lines = io.StringIO()

    assert audit.export(filled, lines) == 4

    previous = "0" * 64
    for number, line in enumerate(lines.getvalue().splitlines(), start=1):
        event = json.loads(line)
        linked, found = event.pop("previous"), event.pop("hash")
        assert (event["seq"], linked, found) == (number, previous, chained(previous, event))
        previous = found
    assert previous == audit.head(filled).hash


def test_the_log_names_who_did_what_and_no_file_name(filled):
    lines = io.StringIO()
    audit.export(filled, lines)
    events = [json.loads(line) for line in lines.getvalue().splitlines()]

    assert [(e["actor"], e["action"]) for e in events] == [("assay", "record")] * 3 + [
        ("ann", "review")
    ]
    assert "a.png" not in lines.getvalue()


def test_an_edited_row_is_found_although_a_later_event_covers_it_again(filled, execute):
    noted = audit.head(filled)
    row = one_id(filled, "decisions")
    execute(filled, f"UPDATE decisions SET wording = 'PASS' WHERE id = '{row}'")
    with writing(filled) as connection:
        query = select(DECISIONS).where(DECISIONS.c.id == row)
        edited = dict(connection.execute(query).mappings().one())
        hash_chain.append(
            connection,
            actor="assay",
            action="record",
            subject="parts",
            rows={"decisions": [edited]},
            at=now(),
        )

    assert set(audit.verify(filled, noted).faults) == {
        AuditFault("row covered again", f"decisions {row}"),
        AuditFault("row edited", f"decisions {row}"),
    }


def test_whatever_was_tampered_with_at_once_is_named_one_by_one(filled, execute):
    noted = [Head(3, "0" * 64), Head(9, "1" * 64)]
    hidden = worklist.next_case(filled, "parts")
    decision, image, own = (one_id(filled, t) for t in ("decisions", "images", "reviews"))
    execute(filled, f"UPDATE decisions SET wording = 'PASS' WHERE id = '{decision}'")
    execute(filled, f"DELETE FROM observations WHERE id = '{one_id(filled, 'observations')}'")
    execute(filled, "UPDATE audit_events SET actor = 'bob' WHERE seq = 2")
    execute(filled, "INSERT INTO cases VALUES ('forged', 'parts', '', 'k', '2026-01-01')")
    execute(filled, f"UPDATE images SET source = 'b' WHERE id = '{image}'")
    execute(filled, f"UPDATE reviews SET comment = '' WHERE id = '{own}'")
    execute(filled, f"UPDATE case_status SET pack = 'x' WHERE case_id = '{hidden.case_id}'")
    execute(filled, "UPDATE case_facets SET cases = cases + 1 WHERE queue_state = 2")
    execute(filled, "INSERT INTO audit_cases VALUES ('forged', 7)")

    faults = audit.verify(filled, *noted).faults

    assert sorted(fault.kind for fault in faults) == sorted(
        [
            *("event edited", "head differs", "head differs"),
            *("row edited", "row edited", "row edited", "row missing", "row added"),
            *("case status differs", "case count differs", "search differs"),
        ]
    )
    assert {
        AuditFault("row edited", f"decisions {decision}"),
        AuditFault("row edited", f"images {image}"),
        AuditFault("row edited", f"reviews {own}"),
        AuditFault("row added", "cases forged"),
        AuditFault("case status differs", hidden.case_id),
        AuditFault("search differs", "audit_events 7, case forged"),
        AuditFault("head differs", "audit_events 9"),
    } <= set(faults)


def test_a_walk_over_ten_times_the_cases_takes_no_more_memory(store, assessment, keep, monkeypatch):
    monkeypatch.setattr(audit_tables, "_BATCH", 10)
    monkeypatch.setattr(audit, "_EVENTS", 2)

    def peak(cases: range) -> int:
        for start in cases[::10]:
            keep(store, *(assessment(b"%d" % n) for n in range(start, start + 10)))
        audit.verify(store)
        gc.collect()
        gc.freeze()
        tracemalloc.start()
        # What only waits for the collector is none of the walk's.
        report = audit.verify(store, watch=lambda *_: gc.collect())
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        gc.unfreeze()
        assert (report.rows, report.faults) == (4 * cases.stop, ())
        return most

    few, many = peak(range(40)), peak(range(40, 400))

    assert many < 1.2 * few


def test_a_walk_says_how_far_it_is(filled, monkeypatch):
    monkeypatch.setattr(audit_tables, "_BATCH", 2)
    calls = []

    report = audit.verify(filled, watch=lambda done, total: calls.append((done, total)))

    (total,) = {total for _, total in calls}
    assert [done for done, _ in calls] == sorted({done for done, _ in calls})
    assert calls[-1] == (total, total)
    assert total > report.events + report.rows  # the worklist's rows are read as well
    assert len(calls) > report.events / 2
