"""What a pack keeps of its own: the last revision of a number counts, and the audit covers all."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from core.errors import StoreError
from core.records import audit, pack_rows
from core.records.connection import reading, writing
from core.records.pack_rows import PackRow
from core.records.tables import PACK_ROWS

AT = datetime(2026, 1, 1, tzinfo=UTC)


def part(number, outcome="PASS", *, series="line 1", revision=0, figure=None, **body):
    at = AT + timedelta(seconds=number)
    return PackRow(
        "parts", "part", series, number, at, f"P{number}", outcome, figure, body, revision
    )


def add(store, *rows):
    with writing(store) as connection:
        pack_rows.add(connection, rows, actor="line 1")


def test_rows_come_back_as_they_were_the_highest_number_first(store):
    rows = [part(1, figure=-0.0), part(2, "FAIL", figure=0.25, reasons=["DEFECT"]), part(3)]
    add(store, *rows)
    add(store, part(1, series="line 2"))
    assert pack_rows.rows_of(store, "parts", "part", "line 1") == rows[::-1]
    assert pack_rows.rows_of(store, "parts", "part", "line 1", limit=1, after=1) == rows[2:]
    found = pack_rows.rows_of(store, "parts", "part", "line 1", outcomes=["FAIL"], subject="P2")
    assert found == [rows[1]]
    assert audit.verify(store).faults == ()


def test_a_later_revision_counts_and_the_earlier_one_stays(store):
    add(store, part(1), part(2))
    add(store, part(1, "FAIL", revision=1, reasons=["LATE"]))
    shown = {row.number: row.outcome for row in pack_rows.rows_of(store, "parts", "part", "line 1")}
    assert shown == {1: "FAIL", 2: "PASS"}
    assert pack_rows.outcome_counts(store, "parts", "part", "line 1") == {"FAIL": 1, "PASS": 1}
    since = AT + timedelta(seconds=2)
    assert pack_rows.outcome_counts(store, "parts", "part", "line 1", since=since) == {"PASS": 1}
    with reading(store) as connection:
        assert pack_rows.revisions(connection, "parts", "part", "line 1", 1) == 2
        assert pack_rows.last_number(connection, "parts", "part", "line 1") == 2
        assert pack_rows.last_number(connection, "parts", "part", "line 3") == 0


def test_a_number_is_written_once_a_revision(store):
    add(store, part(1))
    with pytest.raises(StoreError):
        add(store, part(1, "FAIL"))
    assert pack_rows.outcome_counts(store, "parts", "part", "line 1") == {"PASS": 1}


def test_an_edited_row_is_found_by_the_audit(store):
    add(store, part(1, "FAIL"))
    with writing(store) as connection:
        connection.execute(update(PACK_ROWS).values(outcome="PASS"))
    (fault,) = audit.verify(store).faults
    assert fault.kind == "row edited"
