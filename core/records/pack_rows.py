"""Rows that a pack keeps of its own: numbered series, append-only, covered by the audit log.

What a line's station or a survey has to keep besides decisions stands here, so that a pack brings
no tables of its own. A number may be written again with the next revision, which then counts; the
earlier one stays on record.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, exists, func, insert, select

from core.records import hash_chain
from core.records.connection import Store, reading
from core.records.tables import PACK_ROWS, RowLike
from core.records.values import name_of, plain, stamp


@dataclass(frozen=True, slots=True)
class PackRow:
    """One row of a series.

    Attributes:
        pack: Name of the pack.
        kind: What the row is, in the pack's words: ``part``.
        series: Which series it belongs to: the name of a station.
        number: Its place in the series.
        at: When it happened.
        subject: What it is about, such as a part's id; searched for.
        outcome: What came of it, such as ``PASS``; counted by.
        figure: One number that is charted; None where there is none.
        body: Everything else, as JSON.
        revision: 0 for the first row of a number; a later revision counts instead.
    """

    pack: str
    kind: str
    series: str
    number: int
    at: datetime
    subject: str = ""
    outcome: str = ""
    figure: float | None = None
    body: Mapping[str, Any] = field(default_factory=dict)
    revision: int = 0


def add(connection: Connection, rows: Sequence[PackRow], *, actor: str) -> None:
    """Keep rows in the caller's write transaction, with one event of the audit log.

    Args:
        connection: From `core.records.connection.writing`.
        rows: Rows of one pack that are not there yet.
        actor: Who is answerable.

    Raises:
        StoreError: A row with that number and revision is there.
    """
    if rows:
        new = [_to_row(row) for row in rows]
        connection.execute(insert(PACK_ROWS), new)
        hash_chain.append(
            connection,
            actor=actor,
            action=plain(rows[0].kind),
            subject=plain(rows[0].pack),
            rows={PACK_ROWS.name: new},
            at=rows[-1].at,
        )


def last_number(connection: Connection, pack: str, kind: str, series: str) -> int:
    """Return the highest number of a series; 0 before the first."""
    query = select(func.max(PACK_ROWS.c.number)).where(_of(pack, kind, series))
    return connection.scalar(query) or 0


def revisions(connection: Connection, pack: str, kind: str, series: str, number: int) -> int:
    """Return how many rows a number has: the next revision's."""
    query = select(func.count()).select_from(PACK_ROWS)
    query = query.where(_of(pack, kind, series), PACK_ROWS.c.number == number)
    return connection.scalar(query) or 0


def newest(
    connection: Connection, pack: str, kind: str, series: str, number: int
) -> PackRow | None:
    """Return the last revision of a number; None where it is not on record."""
    query = select(PACK_ROWS).where(_of(pack, kind, series), PACK_ROWS.c.number == number)
    query = query.order_by(PACK_ROWS.c.revision.desc()).limit(1)
    found = connection.execute(query).mappings().first()
    return None if found is None else _from_row(found)


def rows_of(
    store: Store,
    pack: str,
    kind: str,
    series: str,
    *,
    after: int = 0,
    before: int | None = None,
    since: datetime | None = None,
    outcomes: Sequence[str] | None = None,
    subject: str | None = None,
    limit: int | None = None,
) -> list[PackRow]:
    """Return the rows of a series that count, the highest number first.

    Args:
        store: The store.
        pack: Name of the pack.
        kind: Kind of row.
        series: Name of the series.
        after: Only numbers above it.
        before: Only numbers below it.
        since: Only what happened then or later.
        outcomes: Only these; any when None.
        subject: Only about this; anything when None.
        limit: At most so many.

    Raises:
        StoreError: The database failed.
    """
    query = _counting(select(PACK_ROWS), pack, kind, series, since)
    query = query.where(PACK_ROWS.c.number > after).order_by(PACK_ROWS.c.number.desc())
    if before is not None:
        query = query.where(PACK_ROWS.c.number < before)
    if outcomes is not None:
        query = query.where(PACK_ROWS.c.outcome.in_(outcomes))
    if subject is not None:
        query = query.where(PACK_ROWS.c.subject == subject)
    with reading(store) as connection:
        return [_from_row(row) for row in connection.execute(query.limit(limit)).mappings()]


def outcome_counts(
    store: Store, pack: str, kind: str, series: str, *, since: datetime | None = None
) -> dict[str, int]:
    """Return how many rows of a series that count have each outcome.

    Raises:
        StoreError: The database failed.
    """
    query = select(PACK_ROWS.c.outcome, func.count())
    query = _counting(query, pack, kind, series, since).group_by(PACK_ROWS.c.outcome)
    with reading(store) as connection:
        return {row[0]: row[1] for row in connection.execute(query)}


def _of(pack: str, kind: str, series: str) -> Any:  # noqa: ANN401 - SQLAlchemy's clause
    columns = PACK_ROWS.c
    return and_(columns.pack == pack, columns.kind == kind, columns.series == series)


def _counting(
    query: Select[Any], pack: str, kind: str, series: str, since: datetime | None
) -> Select[Any]:
    """Return a query restricted to the last revision of each number."""
    later = PACK_ROWS.alias()
    same = (PACK_ROWS.c[name] == later.c[name] for name in ("pack", "kind", "series", "number"))
    query = query.where(
        _of(pack, kind, series), ~exists().where(*same, later.c.revision > PACK_ROWS.c.revision)
    )
    return query.where(PACK_ROWS.c.at >= stamp(since)) if since is not None else query


def _to_row(row: PackRow) -> dict[str, Any]:
    return {
        "id": name_of(row.pack, row.kind, row.series, str(row.number), str(row.revision)),
        "pack": plain(row.pack),
        "kind": plain(row.kind),
        "series": plain(row.series),
        "number": row.number,
        "revision": row.revision,
        "at": stamp(row.at),
        "subject": plain(row.subject),
        "outcome": plain(row.outcome),
        "figure": None if row.figure is None else float(row.figure) + 0.0,
        "body": json.dumps(row.body, sort_keys=True),
    }


def _from_row(row: RowLike) -> PackRow:
    return PackRow(
        row["pack"],
        row["kind"],
        row["series"],
        row["number"],
        datetime.fromisoformat(row["at"]),
        row["subject"],
        row["outcome"],
        row["figure"],
        json.loads(row["body"]),
        row["revision"],
    )
