"""What differs between the caches and what the rows behind them come to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from sqlalchemy import CompoundSelect, Connection, Select, select, union

from core.records.audit_index import AuditIndex
from core.records.audit_tables import AuditTables
from core.records.case_facets import FacetCounts, count_facets, facet_rows
from core.records.case_status import statuses_of
from core.records.read_status import read_status_of
from core.records.tables import (
    AUDIT_CASES,
    CASE_FACETS,
    CASE_STATUS,
    CASES,
    READ_DRAWS,
    READ_STATUS,
)


def compare_caches(
    tables: AuditTables, connection: Connection, index: AuditIndex
) -> Iterator[tuple[str, str]]:
    """Yield what differs, each with its subject, as in `core.records.audit.AuditFault`.

    Args:
        tables: Reads them.
        connection: Sees the same moment of the store.
        index: What the events name.
    """
    yield from _compare_status(tables, connection)
    yield from _compare_reads(tables, connection)
    yield from _compare_search(tables, index)


def _compare_status(tables: AuditTables, connection: Connection) -> Iterator[tuple[str, str]]:
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
                yield ("case status differs", case_id)
        counted += count_facets(expected.values())
        tables.count(len(found))
    kept = {row["id"]: dict(row) for rows in tables.batches(CASE_FACETS) for row in rows}
    expected = facet_rows(counted)
    for facets_id in sorted(expected.keys() | kept.keys()):
        if expected.get(facets_id) != kept.get(facets_id):
            yield ("case count differs", facets_id)


def _compare_reads(tables: AuditTables, connection: Connection) -> Iterator[tuple[str, str]]:
    every = union(select(READ_DRAWS.c.case_id), select(READ_STATUS.c.case_id))
    for batch in tables.select(_in_order(every)):
        ids = [row["case_id"] for row in batch]
        query = select(READ_STATUS).where(READ_STATUS.c.case_id.in_(ids))
        found = {row["case_id"]: dict(row) for row in connection.execute(query).mappings()}
        for case_id in ids:
            if read_status_of(connection, case_id) != found.get(case_id):
                yield ("read status differs", case_id)
        tables.count(len(found))


def _in_order(cases: CompoundSelect[Any]) -> Select[Any]:
    each = cases.subquery()
    return select(each.c.case_id).order_by(each.c.case_id)


def _compare_search(tables: AuditTables, index: AuditIndex) -> Iterator[tuple[str, str]]:
    for rows in tables.batches(AUDIT_CASES):
        index.add_cases(rows)
    for case_id, seq in index.different_cases():
        yield ("search differs", f"audit_events {seq}, case {case_id}")
