"""The case of a number in a list: found by counting along an index, not by reading up to it.

The first value that the list is sorted by is bisected, and only what lies between the bounds is
counted in each step: about twice the list's length of index entries in all. What is left are cases
with almost the same value, which are stepped over one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

from core.decision.urgency import UNSCORED
from core.records.case_filter import CaseFilter, Facets
from core.records.case_page import CaseOrder, CasePlace, facets_of, iterate_places
from core.records.connection import Store, reading
from core.records.tables import CASE_STATUS
from core.records.values import now, stamp

_STEPPED = 500
"""Cases that are stepped over one by one rather than counted."""

_STEPS = 52
_FIRST, _LAST = "", "~"
"""Before and behind every id and every time."""


@dataclass(frozen=True, slots=True)
class _Range:
    """What is bisected: positions from 0 to 1, each with a value of the column sorted by."""

    column: ColumnElement[Any]
    value: Callable[[float], Any]
    falls: bool = False


def place_at(
    store: Store,
    case_filter: CaseFilter,
    order: CaseOrder,
    number: int,
    at: datetime | None = None,
) -> CasePlace | None:
    """Return the place of the case with a number in a list, whatever its text; None behind its end.

    Args:
        store: The store.
        case_filter: Which cases.
        order: In which order.
        number: From 1.
        at: What the ages are counted from; now, unless given.

    Raises:
        StoreError: The database failed.
    """
    moment = at or now()
    with reading(store) as connection:
        facets = list(filter(case_filter.matches, facets_of(connection, case_filter.packs)))
        states = [{one.queue_state for one in facets}]
        if order is CaseOrder.WORST:
            states = [{state} for state in sorted(states[0])]
        left = number
        for some in states:
            chosen = [one for one in facets if one.queue_state in some]
            conditions = _conditions(chosen, case_filter, moment)
            cases = _count(connection, conditions)
            if left <= cases:
                return _within(connection, case_filter, order, chosen, conditions, left, moment)
            left -= cases
    return None


def _conditions(
    facets: list[Facets], case_filter: CaseFilter, at: datetime
) -> list[ColumnElement[bool]]:
    earliest, latest = case_filter.opened_between(at)
    conditions: list[ColumnElement[bool]] = [
        CASE_STATUS.c.facets_id.in_([one.id for one in facets])
    ]
    if earliest:
        conditions.append(CASE_STATUS.c.opened_at >= earliest)
    if latest:
        conditions.append(CASE_STATUS.c.opened_at <= latest)
    return conditions


def _count(connection: Connection, conditions: list[ColumnElement[bool]]) -> int:
    query = select(func.count()).select_from(CASE_STATUS).where(*conditions)
    return int(connection.execute(query).scalar_one())


def _within(
    connection: Connection,
    case_filter: CaseFilter,
    order: CaseOrder,
    facets: list[Facets],
    conditions: list[ColumnElement[bool]],
    number: int,
    at: datetime,
) -> CasePlace | None:
    """Return the place of a number among cases of one state, or of any where states do not sort."""
    bounds = _bounds(connection, order, conditions)
    low, high, before = 0.0, 1.0, 0
    for _ in range(_STEPS):
        if number - before <= _STEPPED:
            break
        middle = (low + high) / 2
        inside = _count(connection, [*conditions, *_between(bounds, low, middle)])
        if before + inside < number:
            low, before = middle, before + inside
        else:
            high = middle
    start = _start(order, bounds, facets, low) if low else None
    if start is None and order is CaseOrder.WORST:
        start = CasePlace(int(facets[0].queue_state), -UNSCORED - 1, _FIRST, _FIRST)
    places = iterate_places(connection, case_filter, order, after=start, at=at)
    return next(islice(places, number - before - 1, None), None)


def _bounds(
    connection: Connection, order: CaseOrder, conditions: list[ColumnElement[bool]]
) -> _Range:
    if order is CaseOrder.WORST:
        return _Range(CASE_STATUS.c.negated_urgency, lambda x: -UNSCORED * (1 - x))
    column = CASE_STATUS.c.opened_at
    query = select(func.min(column), func.max(column)).where(*conditions)
    first, last = (
        datetime.fromisoformat(text).timestamp() for text in connection.execute(query).one()
    )
    falls = order is CaseOrder.NEWEST

    def value(x: float) -> str:
        part = 1 - x if falls else x
        return stamp(datetime.fromtimestamp(first + part * (last - first), UTC))

    return _Range(column, value, falls)


def _between(bounds: _Range, low: float, high: float) -> list[ColumnElement[bool]]:
    """Return the condition that a case lies behind one position and up to another."""
    column = bounds.column
    conditions: list[ColumnElement[bool]] = []
    if low > 0:
        start = bounds.value(low)
        conditions.append(column < start if bounds.falls else column > start)
    end = bounds.value(high)
    conditions.append(column >= end if bounds.falls else column <= end)
    return conditions


def _start(order: CaseOrder, bounds: _Range, facets: list[Facets], low: float) -> CasePlace:
    """Return the place behind every case with the value of a position."""
    value = bounds.value(low)
    if order is CaseOrder.WORST:
        return CasePlace(int(facets[0].queue_state), value, _LAST, _LAST)
    return CasePlace(0, 0.0, value, _FIRST if bounds.falls else _LAST)
