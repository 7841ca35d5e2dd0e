"""Values that a person keeps, such as the prices that they reckon with, from one visit to the next.

Append-only and covered by the audit log: a figure on a page can be traced to what it was made with.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from core.people import Person, Role
from core.records import hash_chain
from core.records.connection import Store, reading, writing
from core.records.tables import PREFERENCES
from core.records.values import name_of, now, plain, stamp


def keep_preference(
    store: Store, name: str, value: Mapping[str, Any], *, by: Person, at: datetime | None = None
) -> bool:
    """Return whether this call kept a person's values under a name; not if they are kept already.

    Args:
        store: The store.
        name: Such as ``costs``.
        value: JSON values by name.
        by: Whose they are; nobody's are not kept.
        at: When; now, unless given.

    Raises:
        PermissionDenied: The person has no role here.
        StoreError: The database failed.
    """
    if not by.id:
        return False
    by.require(Role.VIEWER, "keep preferences")
    text = json.dumps(dict(value), sort_keys=True, allow_nan=False)
    with writing(store) as connection:
        if _newest(connection, by.id, name) == text:
            return False
        seq = (connection.scalar(select(func.max(PREFERENCES.c.seq))) or 0) + 1
        row = {
            "seq": seq,
            "id": name_of("preference", str(seq)),
            "person_id": plain(by.id),
            "name": name,
            "value": text,
            "kept_at": stamp(at or now()),
        }
        hash_chain.append_row(
            connection,
            PREFERENCES,
            row,
            actor=plain(by.id),
            action="keep preference",
            subject=name,
            at=at or now(),
        )
    return True


def preference_of(store: Store, name: str, person: Person) -> Mapping[str, Any]:
    """Return what a person keeps under a name; empty where they keep nothing.

    Raises:
        StoreError: The database failed.
    """
    with reading(store) as connection:
        text = _newest(connection, person.id, name) if person.id else None
    return dict(json.loads(text)) if text else {}


def _newest(connection: Connection, person_id: str, name: str) -> str | None:
    columns = PREFERENCES.c
    query = (
        select(columns.value)
        .where(columns.person_id == plain(person_id), columns.name == name)
        .order_by(columns.seq.desc())
        .limit(1)
    )
    found: str | None = connection.execute(query).scalar()
    return found
