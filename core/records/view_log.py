"""What people looked at, how closely and how long; append-only and covered by the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import insert, select

from core.records import hash_chain
from core.records.connection import Store, reading, writing
from core.records.tables import VIEW_EVENTS
from core.records.values import name_of, now, plain, stamp

MOST_EVENTS = 8
"""Events of one showing at the most."""
MOST_ACTIVE_MS = 60_000.0
"""Longest time that counts as active in one showing of a case."""


class ViewKind(StrEnum):
    """What happens while a case is on the screen."""

    SHOWN = "shown"
    ZOOMED = "zoomed"
    DECIDED = "decided"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Showing:
    """One showing of a case to a person.

    Attributes:
        id: Names the showing.
        person_id: To whom.
        case_id: The case.
        revision: Its revision as it was shown.
    """

    id: str
    person_id: str
    case_id: str
    revision: int


@dataclass(frozen=True, slots=True)
class ViewEvent:
    """One thing that happened in a showing.

    Attributes:
        view: The showing.
        number: Its number in the showing, from 0.
        kind: What.
        after_ms: Milliseconds since the case was shown, by a clock that never jumps.
        active_ms: For how many of them the person was active, at most a minute.
        at: When it was recorded, in UTC.
    """

    view: Showing
    number: int
    kind: ViewKind
    after_ms: float
    active_ms: float
    at: datetime


def append_events(
    store: Store,
    view: Showing,
    events: Sequence[tuple[ViewKind, float]],
    active_ms: float,
    *,
    at: datetime | None = None,
) -> None:
    """Record what happened in a showing.

    Args:
        store: The store.
        view: The showing.
        events: Kinds with the milliseconds since the case was shown, in order.
        active_ms: How long the person was active; what exceeds a minute does not count.
        at: When; now, unless given.

    Raises:
        StoreError: The database failed, or there is no such case.
    """
    if not events:
        return
    moment = at or now()
    with writing(store) as connection:
        query = select(VIEW_EVENTS.c.id).where(VIEW_EVENTS.c.id.in_(_ids(view)))
        first = len(list(connection.scalars(query)))
        rows = [
            {
                "id": name_of("view", view.id, str(number)),
                "view": view.id,
                "number": number,
                "person_id": plain(view.person_id),
                "case_id": view.case_id,
                "revision": view.revision,
                "kind": kind.value,
                "after_ms": float(after_ms),
                "active_ms": min(float(active_ms), MOST_ACTIVE_MS),
                "at": stamp(moment),
            }
            for number, (kind, after_ms) in enumerate(events[: MOST_EVENTS - first], first)
        ]
        if not rows:
            return
        connection.execute(insert(VIEW_EVENTS), rows)
        hash_chain.append(
            connection,
            actor=plain(view.person_id),
            action="view",
            subject=view.case_id,
            rows={VIEW_EVENTS.name: rows},
            at=moment,
        )


def list_views(
    store: Store, person_id: str | None = None, *, limit: int | None = 1000
) -> list[ViewEvent]:
    """Return what happened on people's screens, newest first.

    Args:
        store: The store.
        person_id: On whose; everybody's when None.
        limit: At most so many events; None for all.

    Raises:
        StoreError: The database failed.
    """
    query = select(VIEW_EVENTS).order_by(VIEW_EVENTS.c.at.desc(), VIEW_EVENTS.c.number.desc())
    if person_id is not None:
        query = query.where(VIEW_EVENTS.c.person_id == plain(person_id))
    with reading(store) as connection:
        return [
            ViewEvent(
                view=Showing(row["view"], row["person_id"], row["case_id"], row["revision"]),
                number=row["number"],
                kind=ViewKind(row["kind"]),
                after_ms=row["after_ms"],
                active_ms=row["active_ms"],
                at=datetime.fromisoformat(row["at"]),
            )
            for row in connection.execute(query.limit(limit)).mappings()
        ]


def _ids(view: Showing) -> list[str]:
    return [name_of("view", view.id, str(number)) for number in range(MOST_EVENTS)]
