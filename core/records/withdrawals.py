"""Cases that nobody is to look at any more, though nobody answered: what they were of has changed.

A withdrawal is a row of ``reviews`` without a verdict, with its reason as the comment. It counts as
no answer anywhere; a person may still open the case and answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from core.records.case_status import UNDO, WITHDRAW, QueueState
from core.records.connection import Store, writing
from core.records.reviews import standing_status, write_row
from core.records.values import now, plain


def withdraw(
    store: Store, case_ids: Iterable[str], *, reason: str, by: str, at: datetime | None = None
) -> int:
    """Return how many cases wait no longer; only such that waited are withdrawn.

    Args:
        store: The store.
        case_ids: Cases.
        reason: Why, for whoever opens one.
        by: Who or what is answerable.
        at: When; now, unless given.

    Raises:
        StoreError: The database failed; none was withdrawn.
    """
    with writing(store) as connection:
        found = [
            _move(connection, case, QueueState.WAITING, WITHDRAW, reason, by, at or now())
            for case in case_ids
        ]
    return sum(found)


def ask_again(store: Store, case_ids: Iterable[str], *, by: str, at: datetime | None = None) -> int:
    """Return how many withdrawn cases wait again.

    Args:
        store: The store.
        case_ids: Cases; those that are not withdrawn stay as they are.
        by: Who or what is answerable.
        at: When; now, unless given.

    Raises:
        StoreError: The database failed; none waits again.
    """
    with writing(store) as connection:
        found = [
            _move(connection, case, QueueState.WITHDRAWN, UNDO, "", by, at or now())
            for case in case_ids
        ]
    return sum(found)


def _move(
    connection: Connection,
    case_id: str,
    state: QueueState,
    kind: str,
    comment: str,
    by: str,
    at: datetime,
) -> bool:
    status = standing_status(connection, case_id)
    if status is None or status["queue_state"] != int(state):
        return False
    words = {"disposition": "", "label": "", "comment": plain(comment), "reviewer": plain(by)}
    write_row(connection, status, kind, words, at)
    return True
