"""Which case comes next, and what it holds.

The order is worst first: cases with an unscored image (unreadable, failed), then by falling
positive probability, then first come, first served. Cases that are negative and were not drawn for
the audit come only when asked for, after all others. The look-up is one step into an index however
many cases there are.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select, tuple_

from core.errors import StoreError
from core.records.case_status import QueueState, refresh
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

_ORDER = (
    CASE_STATUS.c.queue_state,
    CASE_STATUS.c.negated_urgency,
    CASE_STATUS.c.opened_at,
    CASE_STATUS.c.case_id,
)
_ITEM = select(CASE_STATUS, CASES.c.key).join(CASES, CASE_STATUS.c.case_id == CASES.c.id)


def next_case(
    store: Store, pack: str, *, after: str | None = None, negatives: bool = False
) -> WorkItem | None:
    """Return the most pressing case that no person has reviewed.

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
    with reading(store) as connection:
        place = _place(connection, after) if after else None
        row = connection.execute(_next(pack, place, negatives)).mappings().first()
    return item_from_row(row) if row else None


def counts(store: Store, pack: str) -> Counts:
    """Return how many of a pack's cases stand where.

    Raises:
        StoreError: The database failed.
    """
    columns = CASE_STATUS.c.queue_state, CASE_STATUS.c.disposition
    query = select(*columns, func.count()).where(CASE_STATUS.c.pack == pack).group_by(*columns)
    with reading(store) as connection:
        found = {
            (QueueState(state), Disposition(word)): n
            for state, word, n in connection.execute(query)
        }
    by_state = {
        state: {word: found.get((state, word), 0) for word in Disposition} for state in QueueState
    }
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
        connection.execute(CASE_STATUS.delete())
        refresh(connection, list(connection.scalars(select(CASES.c.id))))


def _next(pack: str, place: tuple[Any, ...] | None, negatives: bool) -> Select[*tuple[Any, ...]]:
    last = QueueState.NEGATIVE if negatives else QueueState.WAITING
    query = _ITEM.where(CASE_STATUS.c.pack == pack, CASE_STATUS.c.queue_state <= int(last))
    if place is not None:
        query = query.where(tuple_(*_ORDER) > place)
    return query.order_by(*_ORDER).limit(1)


def _place(connection: Connection, case_id: str) -> tuple[Any, ...]:
    row = connection.execute(select(*_ORDER).where(CASE_STATUS.c.case_id == case_id)).first()
    if row is None:
        raise _unknown(case_id)
    return tuple(row)


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
