"""Cases by text, without looking through the whole store at once.

An id, a whole key and the digest of a picture are found among all cases, by a step into an index.
A part of a text is looked for in ``SEARCHED`` cases at a time, in the order of the list, so that an
answer takes a fraction of a second however many cases there are; where the answer ends there, the
caller goes on from the place that it names.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection, select

from core.records.case_filter import CaseFilter
from core.records.case_page import (
    CaseOrder,
    CasePlace,
    facets_of,
    items_of,
    iterate_places,
    named_case_ids,
)
from core.records.cases import WorkItem
from core.records.connection import Store, reading
from core.records.final_reads import HAS_OPEN_READS
from core.records.table_base import chunks
from core.records.tables import CASE_STATUS, CASES, IMAGES, REVIEWS, RowLike
from core.records.values import now

SEARCHED = 3000
"""Cases of which the texts are read for one answer at the most."""

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class FoundCases:
    """The cases that a filter means, its text included, as far as they were looked for.

    Attributes:
        items: The cases, in the order asked for.
        end: Where to go on from; None where nothing is left.
        is_complete: Whether nothing was left out before ``end``: False where the search stopped
            after ``SEARCHED`` cases.
    """

    items: tuple[WorkItem, ...]
    end: CasePlace | None
    is_complete: bool


def find_cases(
    store: Store,
    case_filter: CaseFilter,
    *,
    order: CaseOrder = CaseOrder.WORST,
    after: CasePlace | None = None,
    limit: int = 60,
    at: datetime | None = None,
    searched: int = SEARCHED,
) -> FoundCases:
    """Return the cases that come next, those without the filter's text left out.

    Args:
        store: The store.
        case_filter: Which cases.
        order: In which order.
        after: Where to go on from; from the top unless given.
        limit: How many at the most.
        at: What the ages are counted from; now, unless given.
        searched: In how many cases a text is looked for at the most.

    Raises:
        StoreError: The database failed.
    """
    moment = at or now()
    with reading(store) as connection:
        ahead = limit + 1 if not case_filter.text else _CHUNK
        places = iterate_places(connection, case_filter, order, after=after, at=moment, ahead=ahead)
        if not case_filter.text:
            found = list(islice(places, limit + 1))
            end = found[limit - 1] if len(found) > limit else None
            ids = [place.case_id for place in found[:limit]]
            return FoundCases(tuple(items_of(connection, ids)), end, is_complete=True)
        exact = _exact(connection, case_filter, order, after, moment)
        return _search(connection, case_filter.text, places, exact, order, limit, searched)


def _search(
    connection: Connection,
    text: str,
    places: Iterator[CasePlace],
    exact: Sequence[CasePlace],
    order: CaseOrder,
    limit: int,
    searched: int,
) -> FoundCases:
    found: list[CasePlace] = []
    last: CasePlace | None = None
    looked = 0
    is_complete = False
    while looked < searched and len(found) <= limit:
        chunk = list(islice(places, min(_CHUNK, searched - looked)))
        found += _with_text(connection, text, chunk)
        looked += len(chunk)
        last = chunk[-1] if chunk else last
        if len(chunk) < _CHUNK:
            is_complete = looked < searched
            break
    is_full = len(found) > limit
    found = found[:limit]
    merged = heapq.merge(
        found,
        exact,
        key=lambda place: place.key(order),
        reverse=order is CaseOrder.NEWEST,
    )
    ids = list(dict.fromkeys(place.case_id for place in merged))[:limit]
    end = found[-1] if is_full else None if is_complete else last
    return FoundCases(tuple(items_of(connection, ids)), end, is_complete or is_full)


def _with_text(
    connection: Connection, text: str, places: Sequence[CasePlace]
) -> Iterator[CasePlace]:
    wanted = text.casefold()
    found = {place.case_id for place in places if wanted in place.case_id}
    for ids in chunks([place.case_id for place in places]):
        for query in (
            select(CASES.c.id, CASES.c.key).where(CASES.c.id.in_(ids)),
            select(IMAGES.c.case_id, IMAGES.c.name).where(IMAGES.c.case_id.in_(ids)),
            select(REVIEWS.c.case_id, REVIEWS.c.comment + "\n" + REVIEWS.c.label).where(
                REVIEWS.c.case_id.in_(ids), ~HAS_OPEN_READS
            ),
        ):
            rows = connection.execute(query)
            found |= {case_id for case_id, value in rows if wanted in value.casefold()}
    return (place for place in places if place.case_id in found)


def _exact(
    connection: Connection,
    case_filter: CaseFilter,
    order: CaseOrder,
    after: CasePlace | None,
    at: datetime,
) -> list[CasePlace]:
    """Return the places of the cases whose id, whole key or picture the text names, in order."""
    facets = facets_of(connection, case_filter.packs)
    text = case_filter.text
    ids = [text.lower(), *named_case_ids(facets, text)]
    pictures = select(IMAGES.c.case_id).where(IMAGES.c.content_key == text.lower())
    ids += connection.scalars(pictures)
    matching = {one.id for one in facets if case_filter.matches(one)}
    earliest, latest = case_filter.opened_between(at)
    found = [
        CasePlace.from_row(row)
        for row in _statuses(connection, ids)
        if row["facets_id"] in matching
        and earliest <= row["opened_at"]
        and (not latest or row["opened_at"] <= latest)
    ]
    reverse = order is CaseOrder.NEWEST
    found = sorted(set(found), key=lambda place: place.key(order), reverse=reverse)
    if after is None:
        return found
    start = after.key(order)
    return [one for one in found if (one.key(order) < start if reverse else one.key(order) > start)]


def _statuses(connection: Connection, ids: Sequence[str]) -> Iterable[RowLike]:
    for some in chunks(list(ids)):
        query = select(CASE_STATUS).where(CASE_STATUS.c.case_id.in_(some))
        yield from connection.execute(query).mappings()
