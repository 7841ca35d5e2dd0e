"""Every row of one store in another one, on either engine, and whether they are the same.

A table's fingerprint is the sum of the sha256 of its rows modulo 2^256: it needs no order, which
differs between engines and their collations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Table, func, insert, select

from core.errors import StoreError
from core.records.claimed_rows import lies_ahead
from core.records.hash_chain import digest
from core.records.job import State
from core.records.tables import JOBS, TableRow
from core.records.values import now

_BATCH = 500
_MODULUS = 1 << 256

_Watch = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class TableFigures:
    """What a table holds.

    Attributes:
        rows: How many rows.
        fingerprint: 64 hex digits; equal where all rows are.
    """

    rows: int
    fingerprint: str


def copy_rows(
    source: Connection, target: Connection, watch: _Watch | None = None
) -> Mapping[str, TableFigures]:
    """Return what each table holds, after copying every row and reading the copies back.

    Args:
        source: Sees one moment of its store: nobody writes there, or it is a snapshot.
        target: From `core.records.connection.writing`: all of it is there at the end, or nothing.
        watch: Called every few hundred rows with how many of how many have been handled.

    Raises:
        StoreError: The target holds rows, or gives back others than it was given.
    """
    check_empty(target)
    steps = _Steps(2 * _count(source), watch)
    figures = {}
    for table in TableRow.metadata.sorted_tables:
        figures[table.name] = _measure(source, table, steps, target)
        if _measure(target, table, steps) != figures[table.name]:
            raise StoreError(
                f"The table {table.name} came out otherwise than it was written; nothing was kept.",
                hint="Use a PostgreSQL database with encoding UTF8, or report this as a fault.",
            )
    return figures


def check_empty(target: Connection) -> None:
    """Refuse a store that holds anything.

    Raises:
        StoreError: A table has rows.
    """
    full = [table.name for table in TableRow.metadata.sorted_tables if _has_rows(target, table)]
    if full:
        raise StoreError(
            f"The target is not empty: it has rows in {', '.join(full)}.",
            hint="Give an empty database, or a file that is not there yet.",
        )


def check_idle(source: Connection, at: datetime | None = None) -> None:
    """Refuse a store in which workers are at work.

    Raises:
        StoreError: A worker holds a job.
    """
    leased = select(JOBS.c.worker).where(
        JOBS.c.state == State.LEASED, lies_ahead(JOBS.c.leased_until, at or now())
    )
    busy = set(source.scalars(leased))
    if busy:
        raise StoreError(
            f"{len(busy)} workers are at work in this store: what they write would be lost.",
            hint="Stop every worker, station and listener that uses it, then try again.",
        )


def combine(figures: Mapping[str, TableFigures]) -> TableFigures:
    """Return the figures of a whole store from those of its tables."""
    total = sum(int(one.fingerprint, 16) * (3 + n) for n, one in enumerate(figures.values()))
    return TableFigures(sum(one.rows for one in figures.values()), f"{total % _MODULUS:064x}")


class _Steps:
    def __init__(self, total: int, watch: _Watch | None) -> None:
        self._done, self._total, self._watch = 0, total, watch

    def add(self, count: int) -> None:
        self._done += count
        if self._watch is not None:
            self._watch(self._done, self._total)


def _measure(
    connection: Connection, table: Table, steps: _Steps, target: Connection | None = None
) -> TableFigures:
    """Return what a table holds, copied to the target where there is one."""
    rows, total = 0, 0
    query = select(table).order_by(*table.primary_key)
    with connection.execute(query, execution_options={"yield_per": _BATCH}) as found:
        for batch in found.mappings().partitions():
            if target is not None:
                target.execute(insert(table), [dict(row) for row in batch])
            rows += len(batch)
            total += sum(int(digest(row), 16) for row in batch)
            steps.add(len(batch))
    return TableFigures(rows, f"{total % _MODULUS:064x}")


def _count(connection: Connection) -> int:
    tables = TableRow.metadata.sorted_tables
    counts = (select(func.count()).select_from(table) for table in tables)
    return sum(connection.execute(query).scalar_one() for query in counts)


def _has_rows(connection: Connection, table: Table) -> bool:
    return connection.execute(select(table).limit(1)).first() is not None
