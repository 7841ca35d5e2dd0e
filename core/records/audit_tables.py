"""The tables that the audit log covers, read whole, some rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Select, Table, func, select

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

COVERED = (
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
"""Each row of these is covered by an event."""

CACHES = (CASE_STATUS, CASE_FACETS, READ_STATUS, AUDIT_CASES)
"""Worked out from the rows of the others."""

_BATCH = 500
Watch = Callable[[int, int], None]
"""Is called with how many of how many rows have been read."""


class AuditTables:
    """Reads whole tables of the audit and counts the rows that have been read."""

    def __init__(self, connection: Connection, watch: Watch | None = None) -> None:
        self._connection, self._watch = connection, watch
        self._done, self._total = 0, 0
        if watch is not None:
            counts = (
                select(func.count()).select_from(table)
                for table in (AUDIT_EVENTS, *COVERED, *CACHES)
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
