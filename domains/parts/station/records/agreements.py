"""Using a defective part as it is where people sign in: one asks, another one agrees or does not.

The request waits on record until somebody else, who has signed in themselves, has answered it; the
part is not released by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.errors import ConfigError
from core.people import Person, Role
from core.records import pack_rows
from core.records.connection import Store, writing
from core.records.pack_rows import PackRow
from domains.parts.station.part import InspectedPart
from domains.parts.station.records.overrides import (
    Override,
    OverrideReason,
    make_override,
    overrides_of,
    record_override,
)
from domains.parts.station.records.parts import PACK, PART, from_row
from domains.parts.station.user import StationRole, StationUser

REQUEST = "use as is request"
_OPEN, _DECLINED = "open", "declined"
_SOMEBODY = "somebody else"


@dataclass(frozen=True, slots=True)
class UseRequest:
    """Somebody's request to use a part as it is.

    Attributes:
        number: Number of the part.
        part_id: The part's id; may be empty.
        reason: Why.
        who: Id of who asks.
        role: Their role at the station.
        at: When, UTC.
        text: In their words.
    """

    number: int
    part_id: str
    reason: OverrideReason
    who: str
    role: str
    at: datetime
    text: str


def ask_to_use(
    store: Store,
    station: str,
    part: InspectedPart,
    reason: OverrideReason,
    *,
    by: Person,
    role: StationRole,
    at: datetime,
    text: str = "",
) -> None:
    """Ask somebody else to agree that a part is used as it is.

    Args:
        store: The store.
        station: Name of the station.
        part: The part.
        reason: Why.
        by: Who asks.
        role: Their role at the station.
        at: When.
        text: In their words.

    Raises:
        PermissionDenied: The person may not decide about parts.
        ConfigError: The part may not be used as it is, whoever agrees.
        StoreError: The database failed.
    """
    by.require(Role.REVIEWER, "decide about a part")
    user = StationUser(by.id, role)
    made = make_override(part, reason, by=user, at=at, text=text, second_person=_SOMEBODY)
    body = {"reason": reason.name, "who": by.id, "role": role.value, "text": made.text}
    _add(store, station, made.number, at, part.part_id, _OPEN, body, actor=by.id)


def open_requests(store: Store, station: str, *, limit: int = 200) -> list[UseRequest]:
    """Return the requests that nobody has answered, those on the newest parts first.

    Raises:
        StoreError: The database failed.
    """
    rows = pack_rows.rows_of(store, PACK, REQUEST, station, outcomes=[_OPEN], limit=limit)
    if not rows:
        return []
    decided = {one.number: one.at for one in overrides_of(store, station, since=rows[-1].at)}
    return [
        _from_row(row) for row in rows if row.number not in decided or decided[row.number] < row.at
    ]


def part_of(store: Store, station: str, number: int) -> InspectedPart:
    """Return a part of a station by its number.

    Raises:
        StoreError: The database failed.
    """
    rows = pack_rows.rows_of(
        store, PACK, PART, station, after=number - 1, before=number + 1, limit=1
    )
    return from_row(rows[0])


def agree(
    store: Store,
    station: str,
    part: InspectedPart,
    request: UseRequest,
    *,
    by: Person,
    at: datetime,
) -> Override:
    """Return the decision to use a part as it is, on record with both people.

    Args:
        store: The store.
        station: Name of the station.
        part: The part.
        request: What somebody else asks for.
        by: Who agrees.
        at: When.

    Raises:
        PermissionDenied: The person may not decide about parts.
        ConfigError: They asked for it themselves, or it was answered meanwhile.
        StoreError: The database failed.
    """
    by.require(Role.REVIEWER, "agree to use a part as it is")
    _check_open(store, station, request)
    made = make_override(
        part,
        request.reason,
        by=StationUser(request.who, StationRole(request.role)),
        at=at,
        text=request.text,
        second_person=by.id,
        is_second_typed=False,
    )
    record_override(store, station, part, made)
    return made


def disagree(store: Store, station: str, request: UseRequest, *, by: Person, at: datetime) -> None:
    """Turn a request down, or take one's own back: the part waits again.

    Raises:
        PermissionDenied: The person may not decide about parts.
        ConfigError: It was answered meanwhile.
        StoreError: The database failed.
    """
    by.require(Role.REVIEWER, "decide about a part")
    _check_open(store, station, request)
    body = {"reason": request.reason.name, "who": request.who, "answered_by": by.id}
    _add(store, station, request.number, at, request.part_id, _DECLINED, body, actor=by.id)


def _check_open(store: Store, station: str, request: UseRequest) -> None:
    if request not in open_requests(store, station):
        raise ConfigError(
            f"The request about part {request.number} was answered meanwhile.",
            hint="Look at the part again.",
        )


def _add(
    store: Store,
    station: str,
    number: int,
    at: datetime,
    part_id: str,
    outcome: str,
    body: dict[str, Any],
    *,
    actor: str,
) -> None:
    with writing(store) as connection:
        revision = pack_rows.revisions(connection, PACK, REQUEST, station, number)
        row = PackRow(PACK, REQUEST, station, number, at, part_id, outcome, None, body, revision)
        pack_rows.add(connection, [row], actor=actor)


def _from_row(row: PackRow) -> UseRequest:
    body = row.body
    return UseRequest(
        row.number,
        row.subject,
        OverrideReason[body["reason"]],
        body["who"],
        body["role"],
        row.at,
        body["text"],
    )
