"""What cases are called, for lists of them, and which a person has before them blind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import select

from core.records.connection import Store, chunks, reading
from core.records.tables import CASES, IMAGES, READ_CLAIMS


def name_cases(store: Store, ids: Sequence[str]) -> Mapping[str, str]:
    """Return the key of each case, or the name of its file where no group names it.

    Raises:
        StoreError: The database failed.
    """
    columns = (CASES.c.id, CASES.c.key, IMAGES.c.content_key, IMAGES.c.name)
    query = select(*columns).join(IMAGES, IMAGES.c.case_id == CASES.c.id).order_by(IMAGES.c.id)
    found: dict[str, str] = {}
    with reading(store) as connection:
        for some in chunks(list(ids)):
            rows = connection.execute(query.where(CASES.c.id.in_(some)))
            for case_id, key, content, name in rows:
                found.setdefault(case_id, name if key == content else key)
    return found


def claimed_cases(store: Store, person_id: str) -> set[str]:
    """Return the cases that a person reads without knowing what was decided before.

    Raises:
        StoreError: The database failed.
    """
    query = select(READ_CLAIMS.c.case_id).where(READ_CLAIMS.c.person == person_id)
    with reading(store) as connection:
        return set(connection.scalars(query))
