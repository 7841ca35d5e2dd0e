"""Who has which case before them: for ten minutes, renewed while they work on it.

A claim keeps two people from working on one case at once; it is no record and its row changes in
place. What makes each decision one is the check in the transaction that writes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, select, update

from core.people import Person
from core.records.connection import Store, reading, writing
from core.records.tables import READ_CLAIMS, RowLike
from core.records.values import now, plain, stamp

LASTS = timedelta(minutes=10)
RENEWED_AFTER = timedelta(minutes=1)
"""A claim is renewed at most so often: a page is drawn many times a minute."""

_APART = timedelta(minutes=1)

FIRST = "first"
_GOLD = "gold"


@dataclass(frozen=True, slots=True)
class ReadClaim:
    """A case that somebody has before them.

    Attributes:
        id: Of its row.
        case_id: The case.
        pack: Name of its pack.
        kind: What it is read for: ``first`` or a `core.records.read_status.ReadKind`.
        person: Id of who has it.
        name: Their name.
        claimed_at: Since when, in UTC.
        expires_at: Until when, unless it is renewed.
        before: The case that the person would have had instead; empty for none.
        is_passed: Whether the person put it off: then it only keeps it away until it expires.
    """

    id: str
    case_id: str
    pack: str
    kind: str
    person: str
    name: str
    claimed_at: datetime
    expires_at: datetime
    before: str
    is_passed: bool


def claim_case(
    store: Store, case_id: str, pack: str, by: Person, at: datetime | None = None
) -> ReadClaim:
    """Return the claim on a case for its first read: the person's own, or whose it is already.

    Args:
        store: The store.
        case_id: The case.
        pack: Name of its pack.
        by: Who opens it.
        at: When; now, unless given.

    Raises:
        StoreError: The database failed.
    """
    moment = at or now()
    with reading(store) as connection:
        known = standing_claim(connection, case_id, moment)
    if known is not None and not _is_due(known, by, moment):
        return known
    with writing(store) as connection:
        return take_claim(connection, case_id, case_id, pack, FIRST, by, moment)


def take_claim(
    connection: Connection,
    claim_id: str,
    case_id: str,
    pack: str,
    kind: str,
    by: Person,
    at: datetime,
    before: str = "",
) -> ReadClaim:
    """Return the claim that stands after this: the person's, new or renewed, or another's."""
    known = standing_claim(connection, claim_id, at)
    if known is not None and known.person != by.id and not known.is_passed:
        return known
    is_own = known is not None and known.person == by.id
    if known is not None and is_own and known.kind == kind and not known.is_passed:
        expires = stamp(at + LASTS)
        renewed = update(READ_CLAIMS).where(READ_CLAIMS.c.id == claim_id)
        connection.execute(renewed.values(expires_at=expires))
        return standing_claim(connection, claim_id, at) or known
    row: dict[str, Any] = {
        "id": claim_id,
        "case_id": case_id,
        "pack": pack,
        "kind": kind,
        "person": plain(by.id),
        "name": plain(by.name),
        "claimed_at": stamp(at),
        "expires_at": stamp(at + LASTS),
        "before": before,
        "is_passed": False,
    }
    end_claim(connection, claim_id)
    connection.execute(insert(READ_CLAIMS), row)
    return _claim(row)


def renew_claim(store: Store, claim: ReadClaim, at: datetime | None = None) -> None:
    """Have a claim last on, since its person is at work; does nothing within a minute.

    Raises:
        StoreError: The database failed.
    """
    moment = at or now()
    if claim.expires_at - moment > LASTS - RENEWED_AFTER:
        return
    own = (READ_CLAIMS.c.id == claim.id, READ_CLAIMS.c.person == claim.person)
    with writing(store) as connection:
        renewed = update(READ_CLAIMS).where(*own).values(expires_at=stamp(moment + LASTS))
        connection.execute(renewed)


def pass_over(store: Store, claim: ReadClaim, at: datetime | None = None) -> None:
    """Let go of a case with "later", which is no answer: it stays away until the claim expires.

    Raises:
        StoreError: The database failed.
    """
    own = (READ_CLAIMS.c.id == claim.id, READ_CLAIMS.c.person == claim.person)
    values = {"is_passed": True, "expires_at": stamp((at or now()) + LASTS)}
    with writing(store) as connection:
        connection.execute(update(READ_CLAIMS).where(*own).values(**values))


def claims_of(store: Store, pack: str, at: datetime | None = None) -> list[ReadClaim]:
    """Return the claims on a pack's cases that stand, but for those passed over and known answers.

    Raises:
        StoreError: The database failed.
    """
    query = select(READ_CLAIMS).where(
        READ_CLAIMS.c.pack == pack,
        _stands(at or now()),
        READ_CLAIMS.c.is_passed.is_(False),
        READ_CLAIMS.c.kind != _GOLD,
    )
    with reading(store) as connection:
        return [_claim(row) for row in connection.execute(query).mappings()]


def own_claims(connection: Connection, person: str, at: datetime) -> list[ReadClaim]:
    """Return the claims of a person that stand, the newest first, those passed over among them."""
    query = select(READ_CLAIMS).where(
        READ_CLAIMS.c.person == person,
        _stands(at),
    )
    rows = connection.execute(query.order_by(READ_CLAIMS.c.claimed_at.desc())).mappings()
    return [_claim(row) for row in rows]


def last_claim(connection: Connection, claim_id: str, person: str) -> ReadClaim | None:
    """Return a person's claim, expired or not, while nobody else has taken the case since."""
    own = (READ_CLAIMS.c.id == claim_id, READ_CLAIMS.c.person == person)
    row = connection.execute(select(READ_CLAIMS).where(*own)).mappings().first()
    return _claim(row) if row else None


def standing_claim(connection: Connection, claim_id: str, at: datetime) -> ReadClaim | None:
    """Return a claim that has not expired; None where there is none."""
    query = select(READ_CLAIMS).where(READ_CLAIMS.c.id == claim_id)
    row = connection.execute(query.where(_stands(at))).mappings().first()
    return _claim(row) if row else None


def end_claim(connection: Connection, claim_id: str) -> None:
    """Let go of a claim, in the caller's transaction."""
    connection.execute(delete(READ_CLAIMS).where(READ_CLAIMS.c.id == claim_id))


def release_claim(connection: Connection, case_id: str, person: str) -> None:
    """Let go of a person's claim for a first read, in the caller's transaction."""
    own = (READ_CLAIMS.c.person == person, READ_CLAIMS.c.kind == FIRST)
    connection.execute(delete(READ_CLAIMS).where(READ_CLAIMS.c.id == case_id, *own))


def _stands(at: datetime) -> ColumnElement[bool]:
    """Return whether a claim holds: it has not expired, nor was it made by a clock set back since.

    No claim lasts longer than ``LASTS``; the clocks of two servers may differ by a minute.
    """
    latest = stamp(at + LASTS + _APART)
    return and_(READ_CLAIMS.c.expires_at > stamp(at), READ_CLAIMS.c.expires_at <= latest)


def _is_due(known: ReadClaim, by: Person, at: datetime) -> bool:
    is_own = known.person == by.id
    return is_own and (known.is_passed or known.expires_at - at < LASTS - RENEWED_AFTER)


def _claim(row: RowLike) -> ReadClaim:
    return ReadClaim(
        id=row["id"],
        case_id=row["case_id"],
        pack=row["pack"],
        kind=row["kind"],
        person=row["person"],
        name=row["name"],
        claimed_at=datetime.fromisoformat(row["claimed_at"]),
        expires_at=datetime.fromisoformat(row["expires_at"]),
        before=row["before"],
        is_passed=bool(row["is_passed"]),
    )
