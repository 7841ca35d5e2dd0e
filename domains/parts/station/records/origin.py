"""What tells one store from another, for files beside it that belong to it alone."""

from __future__ import annotations

from sqlalchemy import select

from core.records.connection import Store, reading
from core.records.tables import AUDIT_EVENTS


def origin_of(store: Store) -> str:
    """Return the first 16 digits of the hash of a store's first event; empty before there is one.

    Raises:
        StoreError: The database failed.
    """
    query = select(AUDIT_EVENTS.c.hash).order_by(AUDIT_EVENTS.c.seq).limit(1)
    with reading(store) as connection:
        found = connection.scalar(query)
    return "" if found is None else str(found)[:16]
