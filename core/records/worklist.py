"""Which case comes next, and what it holds.

The order is worst first: cases with an unscored image (unreadable, failed), then by falling
positive probability, then first come, first served. Cases that are negative and were not drawn for
the audit come only when asked for, after all others. The look-up is one step into an index however
many cases there are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from core.errors import StoreError
from core.records.case_filter import CaseFilter, Facets
from core.records.case_page import facets_of, list_facets, page_of_cases, place_of
from core.records.case_status import QueueState, refresh_all
from core.records.cases import (
    CaseDetail,
    CaseImage,
    Counts,
    StoredReview,
    WorkItem,
    item_from_row,
    review_from_row,
)
from core.records.connection import Store, chunks, reading, writing
from core.records.corrections import is_current
from core.records.image_products import other_products, with_products
from core.records.in_force import IN_ORDER
from core.records.row_mapping import from_row
from core.records.tables import CASE_STATUS, CASES, DECISIONS, HEADERS, IMAGES, REVIEWS
from core.records.values import StoredDecision
from core.types import Disposition

_ITEM = select(CASE_STATUS, CASES.c.key).join(CASES, CASE_STATUS.c.case_id == CASES.c.id)


def next_case(
    store: Store, pack: str, *, after: str | None = None, negatives: bool = False
) -> WorkItem | None:
    """Return the most pressing case of a pack that no person has reviewed.

    Args:
        store: The store.
        pack: The pack's name.
        after: Case to go on from, so that one can be skipped; from the top unless given.
        negatives: Whether automatic negatives follow when all others are done.

    Returns:
        The case, or None when nothing waits (after that case).

    Raises:
        StoreError: There is no case ``after``, or the database failed.
    """
    states = (QueueState.WAITING, QueueState.NEGATIVE)[: 1 + negatives]
    return next_matching(store, CaseFilter(packs=(pack,), states=states), after=after)


def next_matching(
    store: Store, case_filter: CaseFilter, *, after: str | None = None
) -> WorkItem | None:
    """Return the most pressing of the cases that a filter means, over every pack it leaves open.

    Args:
        store: The store.
        case_filter: Which cases.
        after: Case to go on from; from the top unless given.

    Returns:
        The case, or None when there is none (after that case).

    Raises:
        StoreError: There is no case ``after``, or the database failed.
    """
    place = None
    if after and (place := place_of(store, after)) is None:
        raise _unknown(after)
    return next(iter(page_of_cases(store, case_filter, after=place, limit=1)), None)


def counts(store: Store, pack: str) -> Counts:
    """Return how many of a pack's cases stand where.

    Raises:
        StoreError: The database failed.
    """
    with reading(store) as connection:
        return count_facets(facets_of(connection, (pack,)))


def count_matching(store: Store, case_filter: CaseFilter) -> Counts:
    """Return how many of the cases that a filter means stand where, whatever their age and text.

    Raises:
        StoreError: The database failed.
    """
    return count_facets(filter(case_filter.matches, list_facets(store)))


def count_facets(facets: Iterable[Facets]) -> Counts:
    """Return how many cases stand where, of those with some facets."""
    by_state = {state: dict.fromkeys(Disposition, 0) for state in QueueState}
    for one in facets:
        by_state[one.queue_state][one.disposition] += one.cases
    negative = by_state[QueueState.NEGATIVE][Disposition.NEGATIVE]
    return Counts(by_state[QueueState.WAITING], negative, by_state[QueueState.REVIEWED])


def is_emptied(store: Store, case_id: str) -> bool:
    """Return whether a case's every image was replaced, so that it stands nowhere.

    Raises:
        StoreError: The database failed.
    """
    status = select(CASE_STATUS.c.case_id).where(CASE_STATUS.c.case_id == CASES.c.id)
    query = select(CASES.c.id).where(CASES.c.id == case_id, ~status.exists())
    with reading(store) as connection:
        return connection.execute(query).first() is not None


def case_detail(store: Store, case_id: str) -> CaseDetail:
    """Return a case with its images, the decisions that stand and its reviews.

    Raises:
        StoreError: There is no such case, or the database failed.
    """
    with reading(store) as connection:
        row = connection.execute(_ITEM.where(CASE_STATUS.c.case_id == case_id)).mappings().first()
        if row is None:
            raise _unknown(case_id)
        item = item_from_row(row)
        return CaseDetail(item, _images(connection, item), _reviews(connection, case_id))


def rebuild(store: Store) -> None:
    """Work out every case status anew, should `core.records.audit.verify` find a difference.

    Raises:
        StoreError: The database failed.
    """
    with writing(store) as connection:
        refresh_all(connection)


def _images(connection: Connection, item: WorkItem) -> tuple[CaseImage, ...]:
    query = select(IMAGES, HEADERS.c.meta).outerjoin(HEADERS, HEADERS.c.id == IMAGES.c.id)
    query = query.where(IMAGES.c.case_id == item.case_id, is_current())
    rows = connection.execute(query.order_by(IMAGES.c.received_at, IMAGES.c.name)).mappings().all()
    latest = _latest(connection, item, [row["content_key"] for row in rows])
    others = other_products(connection, IMAGES.c.case_id == item.case_id)
    return tuple(
        CaseImage(
            id=row["id"],
            name=row["name"],
            source=row["source"],
            received_at=datetime.fromisoformat(row["received_at"]),
            decision=latest.get((row["content_key"], row["product"])),
            content_key=row["content_key"],
            meta=with_products(json.loads(row["meta"] or "{}"), others.get(row["id"], ())),
        )
        for row in rows
    )


def _latest(
    connection: Connection, item: WorkItem, keys: Sequence[str]
) -> dict[tuple[str, str], StoredDecision]:
    """Return the decision that stands, by content and product."""
    query = select(DECISIONS).order_by(IN_ORDER).where(DECISIONS.c.pack == item.pack)
    return {
        (row["content_key"], row["product"]): from_row(row)
        for some in chunks(keys)
        for row in connection.execute(query.where(DECISIONS.c.content_key.in_(some))).mappings()
    }


def _reviews(connection: Connection, case_id: str) -> tuple[StoredReview, ...]:
    query = select(REVIEWS, CASES.c.key).join(CASES, REVIEWS.c.case_id == CASES.c.id)
    query = query.where(REVIEWS.c.case_id == case_id).order_by(REVIEWS.c.revision)
    return tuple(review_from_row(row) for row in connection.execute(query).mappings())


def _unknown(case_id: str) -> StoreError:
    return StoreError(
        f"The store holds no case {case_id!r}.",
        hint="Take the id from the worklist; it may belong to another store.",
    )
