"""What a person answered last, in the order in which it was written.

That order is the audit log's, whose numbers only rise. Times do not: a clock that is set back gives
a later answer an earlier time.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator
from operator import itemgetter

from sqlalchemy import Connection, select

from core.records.case_reads import READ, StoredRead, stored_read
from core.records.case_status import REVIEW
from core.records.cases import StoredReview, review_from_row
from core.records.connection import Store, reading
from core.records.read_status import reads_of
from core.records.tables import AUDIT_EVENTS, CASE_STATUS, CASES, REVIEWS
from core.records.values import plain

_AT_ONCE = 20


def last_own_answer(
    store: Store, person: str, packs: Collection[str]
) -> StoredReview | StoredRead | None:
    """Return the newest answer of a person that stands; None where none does.

    Args:
        store: The store.
        person: Id of who answered.
        packs: Names of the packs that it may be of.

    Raises:
        StoreError: The database failed.
    """
    person = plain(person)
    with reading(store) as connection:
        by_action = [_events(connection, person, action) for action in (REVIEW, READ)]
        for _, action, case_id in heapq.merge(*by_action, key=itemgetter(0), reverse=True):
            find = _own_review if action == REVIEW else _own_read
            if (found := find(connection, case_id, person, packs)) is not None:
                return found
    return None


def own_read(store: Store, case_id: str, person: str) -> StoredRead | None:
    """Return a person's read of a case, the first one aside, that stands; None without one.

    Raises:
        StoreError: The database failed.
    """
    with reading(store) as connection:
        return _own_read(connection, case_id, plain(person))


def _events(connection: Connection, person: str, action: str) -> Iterator[tuple[int, str, str]]:
    """Yield number, action and case of a person's events of one kind, newest first."""
    events = AUDIT_EVENTS.c
    query = (
        select(events.seq, events.action, events.subject)
        .where(events.actor == person, events.action == action)
        .order_by(events.seq.desc())
        .limit(_AT_ONCE)
    )
    rows = connection.execute(query).all()
    while rows:
        yield from map(tuple, rows)
        rows = connection.execute(query.where(events.seq < rows[-1].seq)).all()


def _own_review(
    connection: Connection, case_id: str, person: str, packs: Collection[str]
) -> StoredReview | None:
    query = (
        select(REVIEWS, CASES.c.key)
        .join(CASES, REVIEWS.c.case_id == CASES.c.id)
        .join(CASE_STATUS, REVIEWS.c.case_id == CASE_STATUS.c.case_id)
        .where(REVIEWS.c.case_id == case_id, CASE_STATUS.c.revision == REVIEWS.c.revision + 1)
        .where(REVIEWS.c.reviewer == person, REVIEWS.c.kind == REVIEW, CASES.c.pack.in_(packs))
    )
    row = connection.execute(query).mappings().first()
    return review_from_row(row) if row else None


def _own_read(
    connection: Connection, case_id: str, person: str, packs: Collection[str] | None = None
) -> StoredRead | None:
    own = (
        row
        for row in reversed(reads_of(connection, case_id))
        if row["reader"] == person and (packs is None or row["pack"] in packs)
    )
    row = next(own, None)
    return stored_read(row) if row is not None else None
