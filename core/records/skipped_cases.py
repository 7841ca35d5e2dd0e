"""Which cases a person put off: they stand behind the others, over reload and restart.

No record: the rows change in place, and nothing is decided by them.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select

from core.records.case_status import QueueState
from core.records.connection import Store, reading, writing
from core.records.read_claims import release_claim
from core.records.tables import CASE_STATUS, SKIPPED_CASES
from core.records.values import name_of, now, plain, stamp

LASTS = timedelta(hours=12)
"""After this a case is back in its place: where new ones always come it would never return."""

_COLUMNS = SKIPPED_CASES.c


def skip_case(store: Store, person_id: str, case_id: str, at: datetime | None = None) -> None:
    """Put a case behind all others of a person's queue, and let go of it.

    Args:
        store: The store.
        person_id: Whose queue.
        case_id: The case.
        at: When; now, unless given.

    Raises:
        StoreError: The database failed.
    """
    moment = at or now()
    row = {
        "id": name_of("skipped", plain(person_id), case_id),
        "person": plain(person_id),
        "case_id": case_id,
        "skipped_at": stamp(moment),
    }
    with writing(store) as connection:
        own = _COLUMNS.person == row["person"]
        is_over = _COLUMNS.skipped_at <= stamp(moment - LASTS)
        connection.execute(delete(SKIPPED_CASES).where(own, is_over))
        connection.execute(delete(SKIPPED_CASES).where(_COLUMNS.id == row["id"]))
        connection.execute(insert(SKIPPED_CASES), row)
        # Whoever comes next may have it at once.
        release_claim(connection, case_id, row["person"])


def list_skipped(store: Store, person_id: str, at: datetime | None = None) -> list[str]:
    """Return the cases that a person put off and nobody has answered, in that order.

    Args:
        store: The store.
        person_id: Whose queue.
        at: When; now, unless given.

    Raises:
        StoreError: The database failed.
    """
    moment = at or now()
    query = (
        select(_COLUMNS.case_id)
        .join(CASE_STATUS, CASE_STATUS.c.case_id == _COLUMNS.case_id)
        .where(_COLUMNS.person == plain(person_id))
        .where(_COLUMNS.skipped_at > stamp(moment - LASTS))
        # Written by a clock that was ahead, it would last until that time has come.
        .where(_COLUMNS.skipped_at <= stamp(moment + LASTS))
        .where(CASE_STATUS.c.queue_state != int(QueueState.REVIEWED))
        .order_by(_COLUMNS.skipped_at, _COLUMNS.id)
    )
    with reading(store) as connection:
        return list(connection.scalars(query))


def end_skip(store: Store, person_id: str, case_id: str) -> None:
    """Let a case stand in its place again; does nothing where it was not put off.

    Raises:
        StoreError: The database failed.
    """
    own = _COLUMNS.id == name_of("skipped", plain(person_id), case_id)
    with writing(store) as connection:
        connection.execute(delete(SKIPPED_CASES).where(own))
