"""The reading side of the audit log: the walk that checks the store, and the export.

What no log can find from within: cutting off its newest events together with their rows, and a
whole history made up anew. Note `head` outside (on paper, in another system) and give it to
`verify`: then both are found back to the noted event.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TextIO

from sqlalchemy import Connection, Table, func, select

from core.records.case_facets import facet_rows
from core.records.case_status import statuses_of
from core.records.connection import Store, reading
from core.records.hash_chain import GENESIS, Head, canonical, digest, link, newest
from core.records.read_status import read_status_of
from core.records.tables import (
    ALARM_NOTES,
    ALARMS,
    AUDIT_CASES,
    AUDIT_EVENTS,
    CASE_FACETS,
    CASE_READS,
    CASE_STATUS,
    CASES,
    DECISIONS,
    DEPLOYMENTS,
    ENDED_SESSIONS,
    GOLD_ANSWERS,
    HEADERS,
    IMAGES,
    OBSERVATIONS,
    PACK_ROWS,
    PREFERENCES,
    PROPOSAL_OUTCOMES,
    PROPOSALS,
    READ_DRAWS,
    READ_PLANS,
    READ_STATUS,
    RECEIPTS,
    REINSTATEMENTS,
    RESOLUTIONS,
    REVIEWS,
    ROLE_GRANTS,
    VIEW_EVENTS,
    RowLike,
)

_COVERED = (
    CASES,
    IMAGES,
    HEADERS,
    DECISIONS,
    REINSTATEMENTS,
    REVIEWS,
    RECEIPTS,
    RESOLUTIONS,
    DEPLOYMENTS,
    PROPOSALS,
    PROPOSAL_OUTCOMES,
    PACK_ROWS,
    ROLE_GRANTS,
    ENDED_SESSIONS,
    PREFERENCES,
    READ_PLANS,
    READ_DRAWS,
    CASE_READS,
    GOLD_ANSWERS,
    OBSERVATIONS,
    ALARMS,
    ALARM_NOTES,
    VIEW_EVENTS,
)

_CACHES = (CASE_STATUS, CASE_FACETS, READ_STATUS, AUDIT_CASES)

_BATCH = 500

_Digests = dict[tuple[str, str], str]
_Entries = set[tuple[str, int]]
_Watch = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class AuditFault:
    """One thing that is not as it was written.

    Attributes:
        kind: ``event edited``, ``event missing``, ``head differs``, ``row edited``,
            ``row missing``, ``row added``, ``row covered again`` (rows are never changed: the first
            hash holds), ``case status differs``, ``case count differs``,
            ``read status differs`` or ``search differs``.
        subject: The table, and the event's number or the row's id.
    """

    kind: str
    subject: str


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What a walk over the whole log found.

    Attributes:
        events: Events walked.
        rows: Rows that the events cover.
        head: The newest event.
        faults: Everything that is wrong; empty when nothing is.
    """

    events: int
    rows: int
    head: Head
    faults: tuple[AuditFault, ...]


def head(store: Store) -> Head:
    """Return the newest event, to be noted outside the store.

    Raises:
        StoreError: The database failed.
    """
    with reading(store) as connection:
        return newest(connection)


def verify(store: Store, *noted: Head, watch: _Watch | None = None) -> AuditReport:
    """Return what differs between the chain of the log and the rows that it covers.

    Finds edited and removed events, edited, removed and slipped-in rows, and a worklist that does
    not follow from the rows.

    Args:
        store: The store.
        *noted: Heads noted outside earlier; find a cut-off tail and a history made up anew.
        watch: Called every few hundred rows with how many of how many have been read.

    Raises:
        StoreError: The database failed.
    """
    with reading(store) as connection:
        rows_of = _Rows(connection, watch)
        faults, covered, hashes, entries = _walk(rows_of)
        for one in noted:
            if hashes.get(one.seq) != one.hash:
                faults.append(AuditFault("head differs", f"audit_events {one.seq}"))
        rows = len(covered)
        faults += _compare_rows(rows_of, covered)
        faults += _compare_status(rows_of, connection)
        faults += _compare_reads(rows_of, connection)
        faults += _compare_search(rows_of, entries)
        return AuditReport(len(hashes) - 1, rows, newest(connection), tuple(faults))


def export(store: Store, file: TextIO) -> int:
    """Return the number of events, written as one JSON object a line, oldest first.

    Raises:
        StoreError: The database failed.
    """
    count = 0
    with reading(store) as connection:
        for event in _Rows(connection)(AUDIT_EVENTS):
            file.write(canonical(dict(event)) + "\n")
            count += 1
    return count


class _Rows:
    """Reads whole tables of the audit and counts the rows that have been read."""

    def __init__(self, connection: Connection, watch: _Watch | None = None) -> None:
        self._connection, self._watch = connection, watch
        self._done, self._total = 0, 0
        if watch is not None:
            counts = (
                select(func.count()).select_from(table)
                for table in (AUDIT_EVENTS, *_COVERED, *_CACHES)
            )
            self._total = sum(connection.execute(query).scalar_one() for query in counts)

    def __call__(self, table: Table) -> Iterator[RowLike]:
        """Yield every row of a table by its key."""
        query = select(table).order_by(*table.primary_key)
        found = self._connection.execute(query, execution_options={"yield_per": _BATCH})
        for batch in found.mappings().partitions():
            yield from batch
            self._done += len(batch)
            if self._watch is not None:
                self._watch(self._done, self._total)


def _walk(rows_of: _Rows) -> tuple[list[AuditFault], _Digests, dict[int, str], _Entries]:
    faults: list[AuditFault] = []
    covered: _Digests = {}
    entries: _Entries = set()
    hashes = {0: GENESIS}
    last = Head(0, GENESIS)
    for event in rows_of(AUDIT_EVENTS):
        faults += _check(event, last)
        for row, found in _digests(event["detail"]).items():
            if row in covered:
                faults.append(AuditFault("row covered again", f"{row[0]} {row[1]}"))
            covered.setdefault(row, found)
        entries |= {(case_id, event["seq"]) for case_id in cases_in(event["detail"])}
        last = Head(event["seq"], event["hash"])
        hashes[last.seq] = last.hash
    return faults, covered, hashes, entries


def _check(event: RowLike, last: Head) -> Iterator[AuditFault]:
    seq = event["seq"]
    for missing in range(last.seq + 1, seq):
        yield AuditFault("event missing", f"audit_events {missing}")
    if event["hash"] != link(event["previous"], event):
        yield AuditFault("event edited", f"audit_events {seq}")
    elif seq == last.seq + 1 and event["previous"] != last.hash:
        # The one before was changed and hashed anew; before the first there is none.
        yield AuditFault("event edited", f"audit_events {last.seq or seq}")


def cases_in(detail: str) -> list[str]:
    """Return the ids of the cases that an event's detail names."""
    try:
        return list(json.loads(detail).get("cases", ()))
    except (ValueError, AttributeError, TypeError):
        return []  # an edited event: its hash tells


def _digests(detail: str) -> _Digests:
    try:
        rows = json.loads(detail)["rows"]
        return {(table, key): found for table in rows for key, found in rows[table].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}  # an edited event: its hash tells, and its rows count as added


def _compare_rows(rows_of: _Rows, covered: _Digests) -> Iterator[AuditFault]:
    for table in _COVERED:
        for row in rows_of(table):
            subject = f"{table.name} {row['id']}"
            expected = covered.pop((table.name, row["id"]), None)
            if expected is None:
                yield AuditFault("row added", subject)
            elif expected != digest(row):
                yield AuditFault("row edited", subject)
    for name, key in covered:
        yield AuditFault("row missing", f"{name} {key}")


def _compare_status(rows_of: _Rows, connection: Connection) -> Iterator[AuditFault]:
    expected = {row["case_id"]: row for row in statuses_of(connection, None)}
    found = {row["case_id"]: dict(row) for row in rows_of(CASE_STATUS)}
    for case_id in sorted(expected.keys() | found.keys()):
        if expected.get(case_id) != found.get(case_id):
            yield AuditFault("case status differs", case_id)
    counted = facet_rows(expected.values())
    kept = {row["id"]: dict(row) for row in rows_of(CASE_FACETS)}
    for facets_id in sorted(counted.keys() | kept.keys()):
        if counted.get(facets_id) != kept.get(facets_id):
            yield AuditFault("case count differs", facets_id)


def _compare_reads(rows_of: _Rows, connection: Connection) -> Iterator[AuditFault]:
    found = {row["case_id"]: dict(row) for row in rows_of(READ_STATUS)}
    drawn = set(connection.scalars(select(READ_DRAWS.c.case_id)))
    for case_id in sorted(drawn | found.keys()):
        if read_status_of(connection, case_id) != found.get(case_id):
            yield AuditFault("read status differs", case_id)


def _compare_search(rows_of: _Rows, expected: _Entries) -> Iterator[AuditFault]:
    found = {(row["case_id"], row["seq"]) for row in rows_of(AUDIT_CASES)}
    for case_id, seq in sorted(expected ^ found):
        yield AuditFault("search differs", f"audit_events {seq}, case {case_id}")
