"""Finding events of the audit log by case, person, action and time, newest first.

Every search walks an index from where the last page ended, so that it costs as much on the first
page as on the last one of a million events.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Select, and_, func, select, tuple_

from core.errors import StoreError
from core.records.audit_index import cases_in
from core.records.case_page import facets_of, named_case_ids
from core.records.connection import Store, chunks, reading
from core.records.tables import AUDIT_CASES, AUDIT_EVENTS, CASES, RowLike, TableRow
from core.records.values import stamp

_NEWEST_FIRST = (AUDIT_EVENTS.c.at.desc(), AUDIT_EVENTS.c.seq.desc())


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Which events; a field that is empty asks for all.

    Attributes:
        case_id: Events about this case.
        actor: Events by this person, by the id that the store knows them by.
        action: Events of this kind.
        since: Not before.
        until: Before.
    """

    case_id: str = ""
    actor: str = ""
    action: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One event.

    Attributes:
        seq: Its number in the chain.
        at: When, UTC ISO.
        actor: Who did it.
        action: What was done.
        subject: What it was done to.
        previous: Hash of the event before it.
        hash: Its own.
        rows: Ids of the rows written with it, by table.
        cases: Ids of the cases that it is about.
    """

    seq: int
    at: str
    actor: str
    action: str
    subject: str
    previous: str
    hash: str
    rows: Mapping[str, tuple[str, ...]]
    cases: tuple[str, ...]

    @property
    def place(self) -> tuple[str, int]:
        """Where a search goes on after it."""
        return self.at, self.seq

    @property
    def counts(self) -> Mapping[str, int]:
        """How many rows it wrote, by table."""
        return Counter({table: len(ids) for table, ids in self.rows.items()})


def search_events(
    store: Store,
    query: AuditQuery = AuditQuery(),
    *,
    after: tuple[str, int] | None = None,
    limit: int = 50,
) -> list[AuditEvent]:
    """Return events, newest first.

    Args:
        store: The store.
        query: Which.
        after: `AuditEvent.place` of the event to go on after; from the newest unless given.
        limit: At most so many.

    Raises:
        StoreError: The database failed.
    """
    with reading(store) as connection:
        rows = connection.execute(_select(query, after).limit(limit)).mappings()
        return [_event(row) for row in rows]


def iterate_events(store: Store, query: AuditQuery, limit: int) -> Iterator[AuditEvent]:
    """Yield events, newest first, from one moment of the store.

    Raises:
        StoreError: The database failed.
    """
    with reading(store) as connection:
        chosen = _select(query, None).limit(limit)
        found = connection.execute(chosen, execution_options={"yield_per": 500})
        with found:
            for row in found.mappings():
                yield _event(row)


def event(store: Store, seq: int) -> AuditEvent:
    """Return one event.

    Raises:
        StoreError: There is none of that number, or the database failed.
    """
    with reading(store) as connection:
        query = select(AUDIT_EVENTS).where(AUDIT_EVENTS.c.seq == seq)
        row = connection.execute(query).mappings().first()
    if row is None:
        raise StoreError(
            f"The audit log has no event {seq}.",
            hint="Search for it by person, case or time.",
        )
    return _event(row)


def rows_written(store: Store, one: AuditEvent, limit: int) -> dict[str, list[dict[str, Any]]]:
    """Return the rows that an event wrote, by table, as they stand now.

    Args:
        store: The store.
        one: The event.
        limit: At most so many of each table.

    Raises:
        StoreError: The database failed.
    """
    found = {}
    with reading(store) as connection:
        for name, ids in one.rows.items():
            table = TableRow.metadata.tables.get(name)
            if table is not None and "id" in table.c:
                query = select(table).where(table.c.id.in_(ids[:limit]))
                found[name] = [dict(row) for row in connection.execute(query).mappings()]
    return found


def packs_of(store: Store, case_ids: Sequence[str]) -> set[str]:
    """Return the names of the packs that cases belong to.

    Raises:
        StoreError: The database failed.
    """
    found: set[str] = set()
    with reading(store) as connection:
        for some in chunks(case_ids):
            query = select(CASES.c.pack).where(CASES.c.id.in_(some)).distinct()
            found.update(connection.scalars(query))
    return found


def hashes_of(store: Store, numbers: list[int]) -> dict[int, str]:
    """Return the hashes of events by their number; one that is not there is left out.

    Raises:
        StoreError: The database failed.
    """
    columns = AUDIT_EVENTS.c.seq, AUDIT_EVENTS.c.hash
    found: dict[int, str] = {}
    with reading(store) as connection:
        for some in chunks(numbers):
            query = select(*columns).where(AUDIT_EVENTS.c.seq.in_(some))
            found.update((row.seq, row.hash) for row in connection.execute(query))
    return found


def list_actors(store: Store) -> list[str]:
    """Return everybody who did something.

    Raises:
        StoreError: The database failed.
    """
    return _distinct(store, AUDIT_EVENTS.c.actor)


def list_actions(store: Store) -> list[str]:
    """Return every kind of event.

    Raises:
        StoreError: The database failed.
    """
    return _distinct(store, AUDIT_EVENTS.c.action)


def case_ids_of(store: Store, text: str) -> list[str]:
    """Return the ids of the cases of that id or name, whichever pack and product they are of.

    A name is found by the id that it makes: there is no index over names, which may be long.

    Raises:
        StoreError: The database failed.
    """
    with reading(store) as connection:
        ids = [text, *named_case_ids(facets_of(connection), text)]
        found = [
            connection.scalars(select(CASES.c.id).where(CASES.c.id.in_(some))).all()
            for some in chunks(ids)
        ]
    return sorted({case_id for some in found for case_id in some})


def _select(query: AuditQuery, after: tuple[str, int] | None) -> Select[*tuple[Any, ...]]:
    columns = AUDIT_EVENTS.c
    # Of one case there are few events: no index on the others may be preferred to that.
    suffix = "" if query.case_id else None
    equal = {columns.actor: query.actor, columns.action: query.action}
    wanted = [
        (column if suffix is None else column.concat(suffix)) == value
        for column, value in equal.items()
        if value
    ]
    if query.since is not None:
        wanted.append(columns.at >= stamp(query.since))
    if query.until is not None:
        wanted.append(columns.at < stamp(query.until))
    if after is not None:
        wanted.append(tuple_(columns.at, columns.seq) < after)
    chosen = select(AUDIT_EVENTS).order_by(*_NEWEST_FIRST).where(and_(True, *wanted))
    if query.case_id:
        chosen = chosen.join(AUDIT_CASES, AUDIT_CASES.c.seq == columns.seq)
        chosen = chosen.where(AUDIT_CASES.c.case_id == query.case_id)
    return chosen


def _distinct(store: Store, column: Column[str]) -> list[str]:
    """Return the values of an indexed column: a step into the index for each, however many rows."""
    found: list[str] = []
    with reading(store) as connection:
        value = connection.scalar(select(func.min(column)))
        while value is not None:
            found.append(value)
            value = connection.scalar(select(func.min(column)).where(column > value))
    return found


def _event(row: RowLike) -> AuditEvent:
    try:
        written = {name: tuple(ids) for name, ids in json.loads(row["detail"])["rows"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        written = {}  # an edited event, which the walk over the chain names
    return AuditEvent(
        **{name: row[name] for name in ("seq", "at", "actor", "action", "subject")},
        previous=row["previous"],
        hash=row["hash"],
        rows=written,
        cases=tuple(cases_in(row["detail"])),
    )
