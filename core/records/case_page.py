"""A page of the cases that a filter means, in one of three orders.

Each page starts after the last case of the one before (keyset pagination), so that the thousandth
costs what the first one does and nothing comes twice when others write meanwhile. Every set of
facets that matches is one step into an index; the steps are merged here.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, select, tuple_

from core.records.case_filter import CaseFilter, Facets
from core.records.case_status import QueueState
from core.records.cases import WorkItem, item_from_row
from core.records.connection import Store, chunks, reading
from core.records.tables import CASE_FACETS, CASE_STATUS, CASES, RowLike
from core.records.values import case_id_of, now
from core.types import Disposition, Reason

_FETCHED = 500
"""Rows that are read ahead of a list of which the length is not known."""

_SPARE = 8


class CaseOrder(StrEnum):
    """In which order cases are listed."""

    WORST = "worst"
    NEWEST = "newest"
    OLDEST = "oldest"


@dataclass(frozen=True, slots=True)
class CasePlace:
    """Where a case stands in every order; what a page goes on from."""

    queue_state: int
    negated_urgency: float
    opened_at: str
    case_id: str

    @classmethod
    def from_row(cls, row: RowLike) -> CasePlace:
        """Return the place of a row of the case status."""
        return cls(row["queue_state"], row["negated_urgency"], row["opened_at"], row["case_id"])

    def key(self, order: CaseOrder) -> tuple[Any, ...]:
        """Return what an order sorts by."""
        if order is CaseOrder.WORST:
            return self.queue_state, self.negated_urgency, self.opened_at, self.case_id
        return self.opened_at, self.case_id


@dataclass(frozen=True, slots=True)
class _Branch:
    """Cases that one index holds side by side, in the order asked for."""

    condition: ColumnElement[bool]
    queue_state: int


_URGENCY = (CASE_STATUS.c.negated_urgency, CASE_STATUS.c.opened_at, CASE_STATUS.c.case_id)
_TIME = (CASE_STATUS.c.opened_at, CASE_STATUS.c.case_id)
_PLACE = (CASE_STATUS.c.queue_state, *_URGENCY)
_ITEMS = select(CASE_STATUS, CASES.c.key).join(CASES, CASE_STATUS.c.case_id == CASES.c.id)


def list_facets(store: Store) -> list[Facets]:
    """Return the facets that cases have, with the number of cases.

    Raises:
        StoreError: The database failed.
    """
    with reading(store) as connection:
        return facets_of(connection)


def named_case_ids(facets: Iterable[Facets], key: str) -> list[str]:
    """Return which id a case of that key has in each pack and product that there are cases of."""
    spaces = {(one.pack, product) for one in facets for product in (one.product, "")}
    return [case_id_of(*space, key) for space in sorted(spaces)]


def facets_of(connection: Connection, packs: Sequence[str] = ()) -> list[Facets]:
    """Return the facets that the cases of some packs have, or of all."""
    query = select(CASE_FACETS)
    if packs:
        query = query.where(CASE_FACETS.c.pack.in_(packs))
    return [
        Facets(
            id=row["id"],
            pack=row["pack"],
            product=row["product"],
            sites=tuple(row["sites"].split("\n")),
            reasons=tuple(map(Reason, row["reasons"].split())),
            disposition=Disposition(row["disposition"]),
            queue_state=QueueState(row["queue_state"]),
            cases=row["cases"],
        )
        for row in connection.execute(query).mappings()
    ]


def page_of_cases(
    store: Store,
    case_filter: CaseFilter,
    *,
    order: CaseOrder = CaseOrder.WORST,
    after: CasePlace | None = None,
    before: CasePlace | None = None,
    limit: int = 60,
    at: datetime | None = None,
) -> list[WorkItem]:
    """Return the cases that come next, whatever their text.

    Args:
        store: The store.
        case_filter: Which cases; its text is left to `core.records.case_search`.
        order: In which order.
        after: Where to go on from; from the top unless given.
        before: Where to go back from, in place of ``after``.
        limit: How many at the most.
        at: What the ages are counted from; now, unless given.

    Raises:
        StoreError: The database failed.
    """
    with reading(store) as connection:
        places = iterate_places(
            connection, case_filter, order, after=after, before=before, at=at, ahead=limit
        )
        found = [place.case_id for place in islice(places, limit)]
        return items_of(connection, found[::-1] if before else found)


def place_of(store: Store, case_id: str) -> CasePlace | None:
    """Return where a case stands; None where no case has that id.

    Raises:
        StoreError: The database failed.
    """
    with reading(store) as connection:
        row = (
            connection.execute(select(*_PLACE).where(CASE_STATUS.c.case_id == case_id))
            .mappings()
            .first()
        )
    return CasePlace.from_row(row) if row else None


def items_of(connection: Connection, case_ids: Sequence[str]) -> list[WorkItem]:
    """Return cases by their ids, in that order; one that is gone is left out."""
    rows = {
        row["case_id"]: row
        for ids in chunks(case_ids)
        for row in connection.execute(_ITEMS.where(CASE_STATUS.c.case_id.in_(ids))).mappings()
    }
    return [item_from_row(rows[name]) for name in case_ids if name in rows]


def iterate_places(
    connection: Connection,
    case_filter: CaseFilter,
    order: CaseOrder,
    *,
    after: CasePlace | None = None,
    before: CasePlace | None = None,
    at: datetime | None = None,
    ahead: int = _FETCHED,
) -> Iterator[CasePlace]:
    """Yield where the cases stand that a filter means, whatever their text, in an order.

    Args:
        connection: An open one, at least as long as this is read.
        case_filter: Which cases.
        order: In which order.
        after: Where to go on from.
        before: Where to go back from, in place of ``after``; then the nearest comes first.
        at: What the ages are counted from; now, unless given.
        ahead: How many are read at once of all branches together, about.
    """
    is_back = before is not None
    opened = case_filter.opened_between(at or now())
    branches = _branches(connection, case_filter, order)
    # Of many branches each gives few: a page reads a page, not one of each.
    share = ahead if len(branches) < 2 else ahead // len(branches) + _SPARE
    runs = [
        _run(connection, branch, order, after or before, is_back, opened, min(ahead, share))
        for branch in branches
    ]
    falls = is_back != (order is CaseOrder.NEWEST)
    return heapq.merge(*runs, key=lambda place: place.key(order), reverse=falls)


def _branches(connection: Connection, case_filter: CaseFilter, order: CaseOrder) -> list[_Branch]:
    if order is CaseOrder.WORST and case_filter.states and not case_filter.needs_facets:
        return [
            _Branch(
                (CASE_STATUS.c.pack == pack) & (CASE_STATUS.c.queue_state == int(state)), int(state)
            )
            for pack in case_filter.packs
            for state in case_filter.states
        ]
    return [
        _Branch(CASE_STATUS.c.facets_id == facets.id, int(facets.queue_state))
        for facets in facets_of(connection, case_filter.packs)
        if case_filter.matches(facets)
    ]


def _run(
    connection: Connection,
    branch: _Branch,
    order: CaseOrder,
    start: CasePlace | None,
    is_back: bool,
    opened: tuple[str, str],
    ahead: int,
) -> Iterator[CasePlace]:
    """Yield the places of one branch, some read at once."""
    if order is CaseOrder.WORST and start is not None and start.queue_state != branch.queue_state:
        if (start.queue_state < branch.queue_state) is is_back:
            return
        start = None
    while True:
        query = _step(branch, order, start, is_back, opened).limit(ahead)
        rows = connection.execute(query).mappings().all()
        yield from map(CasePlace.from_row, rows)
        if len(rows) < ahead:
            return
        start = CasePlace.from_row(rows[-1])


def _step(
    branch: _Branch,
    order: CaseOrder,
    start: CasePlace | None,
    is_back: bool,
    opened: tuple[str, str],
) -> Select[tuple[Any, ...]]:
    columns = _URGENCY if order is CaseOrder.WORST else _TIME
    falls = is_back != (order is CaseOrder.NEWEST)
    query = select(*_PLACE).where(branch.condition)
    if start is not None:
        key = start.key(order)[-len(columns) :]
        query = query.where(tuple_(*columns) < key if falls else tuple_(*columns) > key)
    earliest, latest = opened
    if earliest:
        query = query.where(CASE_STATUS.c.opened_at >= earliest)
    if latest:
        query = query.where(CASE_STATUS.c.opened_at <= latest)
    return query.order_by(*(column.desc() if falls else column for column in columns))
