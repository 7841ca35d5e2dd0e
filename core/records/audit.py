"""The reading side of the audit log: the walk that checks the store, and the export.

What no log can find from within: cutting off its newest events together with their rows, and a
whole history made up anew. Note `head` outside (on paper, in another system) and give it to
`verify`: then both are found back to the noted event.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, TextIO

from sqlalchemy import CompoundSelect, Connection, Select, Table, func, select, union

from core.records.audit_index import AuditIndex
from core.records.case_facets import FacetCounts, count_facets, facet_rows
from core.records.case_status import statuses_of
from core.records.connection import Store, reading
from core.records.hash_chain import GENESIS, Head, canonical, link, newest
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
_EVENTS = 32
"""Events read at a time: one that covers a large batch is long."""

_Watch = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class AuditFault:
    """One thing that is not as it was written.

    Attributes:
        kind: ``event edited``, ``event missing``, ``head differs``, ``row edited``,
            ``row missing``, ``row added``, ``row covered again`` (rows are never changed: the first
            hash holds), ``case status differs``, ``case count differs``,
            ``read status differs`` or ``search differs``.
        subject: The table, and the event's number (``5 to 9`` for a gap) or the row's id.
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
    with reading(store) as connection, closing(AuditIndex()) as index:
        tables = _Tables(connection, watch)
        events, faults = _walk(tables, index, noted)
        for table in _COVERED:
            for rows in tables.batches(table):
                index.add_rows(table, rows)
        differences = [AuditFault(*one) for one in index.different_rows()]
        again = sum(fault.kind == "row covered again" for fault in differences)
        faults += differences
        faults += _compare_status(tables, connection)
        faults += _compare_reads(tables, connection)
        faults += _compare_search(tables, index)
        return AuditReport(events, index.covered - again, newest(connection), tuple(faults))


def export(store: Store, file: TextIO) -> int:
    """Return the number of events, written as one JSON object a line, oldest first.

    Raises:
        StoreError: The database failed.
    """
    count = 0
    with reading(store) as connection:
        for events in _Tables(connection).batches(AUDIT_EVENTS, _EVENTS):
            file.writelines(canonical(dict(event)) + "\n" for event in events)
            count += len(events)
    return count


class _Tables:
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

    def batches(self, table: Table, size: int | None = None) -> Iterator[Sequence[RowLike]]:
        """Yield every row of a table by its key, some at a time."""
        for rows in self.select(select(table).order_by(*table.primary_key), size):
            yield rows
            self.count(len(rows))

    def select(self, query: Select[Any], size: int | None = None) -> Iterator[Sequence[RowLike]]:
        """Yield the rows of a query, some at a time."""
        found = self._connection.execute(query, execution_options={"yield_per": size or _BATCH})
        yield from found.mappings().partitions()

    def count(self, rows: int) -> None:
        """Tell who watches that so many more rows have been read."""
        self._done += rows
        if self._watch is not None and rows:
            self._watch(self._done, self._total)


def _walk(
    tables: _Tables, index: AuditIndex, noted: Sequence[Head]
) -> tuple[int, list[AuditFault]]:
    faults: list[AuditFault] = []
    pinned = {one.seq for one in noted}
    hashes = {0: GENESIS}
    events, last = 0, Head(0, GENESIS)
    for batch in tables.batches(AUDIT_EVENTS, _EVENTS):
        for event in batch:
            faults += _check(event, last)
            index.add_event(event)
            last = Head(event["seq"], event["hash"])
            if last.seq in pinned:
                hashes[last.seq] = last.hash
        events += len(batch)
    for one in noted:
        if hashes.get(one.seq) != one.hash:
            faults.append(AuditFault("head differs", f"audit_events {one.seq}"))
    return events, faults


def _check(event: RowLike, last: Head) -> Iterator[AuditFault]:
    seq = event["seq"]
    if seq > last.seq + 1:
        # One line for a gap: a number made up may leave billions out.
        until = f" to {seq - 1}" if seq > last.seq + 2 else ""
        yield AuditFault("event missing", f"audit_events {last.seq + 1}{until}")
    if event["hash"] != link(event["previous"], event):
        yield AuditFault("event edited", f"audit_events {seq}")
    elif seq == last.seq + 1 and event["previous"] != last.hash:
        # The one before was changed and hashed anew; before the first there is none.
        yield AuditFault("event edited", f"audit_events {last.seq or seq}")


def _compare_status(tables: _Tables, connection: Connection) -> Iterator[AuditFault]:
    counted: FacetCounts = Counter()
    every = union(select(CASES.c.id.label("case_id")), select(CASE_STATUS.c.case_id))
    for batch in tables.select(_in_order(every)):
        ids = [row["case_id"] for row in batch]
        expected = {row["case_id"]: row for row in statuses_of(connection, ids)}
        query = select(CASE_STATUS).where(CASE_STATUS.c.case_id.in_(ids))
        found = {
            row["case_id"]: {name: value for name, value in row.items() if value is not None}
            for row in connection.execute(query).mappings()
        }
        for case_id in ids:
            if expected.get(case_id) != found.get(case_id):
                yield AuditFault("case status differs", case_id)
        counted += count_facets(expected.values())
        tables.count(len(found))
    kept = {row["id"]: dict(row) for rows in tables.batches(CASE_FACETS) for row in rows}
    expected = facet_rows(counted)
    for facets_id in sorted(expected.keys() | kept.keys()):
        if expected.get(facets_id) != kept.get(facets_id):
            yield AuditFault("case count differs", facets_id)


def _compare_reads(tables: _Tables, connection: Connection) -> Iterator[AuditFault]:
    every = union(select(READ_DRAWS.c.case_id), select(READ_STATUS.c.case_id))
    for batch in tables.select(_in_order(every)):
        ids = [row["case_id"] for row in batch]
        query = select(READ_STATUS).where(READ_STATUS.c.case_id.in_(ids))
        found = {row["case_id"]: dict(row) for row in connection.execute(query).mappings()}
        for case_id in ids:
            if read_status_of(connection, case_id) != found.get(case_id):
                yield AuditFault("read status differs", case_id)
        tables.count(len(found))


def _in_order(cases: CompoundSelect[Any]) -> Select[Any]:
    each = cases.subquery()
    return select(each.c.case_id).order_by(each.c.case_id)


def _compare_search(tables: _Tables, index: AuditIndex) -> Iterator[AuditFault]:
    for rows in tables.batches(AUDIT_CASES):
        index.add_cases(rows)
    for case_id, seq in index.different_cases():
        yield AuditFault("search differs", f"audit_events {seq}, case {case_id}")
