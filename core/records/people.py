"""Who has which role, as append-only rows that the audit log covers, and which sign-ins ended."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from core.errors import ConfigError
from core.people import Role
from core.records import hash_chain
from core.records.connection import Store, reading, writing
from core.records.tables import ENDED_SESSIONS, ROLE_GRANTS, RowLike
from core.records.values import name_of, now, plain, stamp


@dataclass(frozen=True, slots=True)
class RoleGrant:
    """A role that somebody was given.

    Attributes:
        person_id: Who has it.
        issuer: The provider that knows the person.
        subject: What the provider calls the person.
        name: As the person is shown.
        role: The role; NONE for one that was taken away, or was not given yet.
        granted_by: Id of who gave it; the person's own where it came with a sign-in.
        granted_at: When, in UTC.
    """

    person_id: str
    issuer: str
    subject: str
    name: str
    role: Role
    granted_by: str
    granted_at: datetime


def add_grant(store: Store, new: RoleGrant, action: str) -> None:
    """Give a person a role from now on.

    Args:
        store: The store.
        new: Who has which role by whose word.
        action: What the audit log calls it.

    Raises:
        ConfigError: It would take the last admin's role away.
        StoreError: The database failed.
    """
    with writing(store) as connection:
        newest = _newest(connection)
        _refuse_last_admin(newest, new)
        seq = (connection.scalar(select(func.max(ROLE_GRANTS.c.seq))) or 0) + 1
        row = {
            "seq": seq,
            "id": name_of("role grant", str(seq), new.person_id),
            "person_id": new.person_id,
            "issuer": plain(new.issuer),
            "subject": plain(new.subject),
            "name": plain(new.name),
            "role": new.role.value,
            "granted_by": plain(new.granted_by),
            "granted_at": stamp(new.granted_at),
        }
        hash_chain.append_row(
            connection,
            ROLE_GRANTS,
            row,
            actor=plain(new.granted_by),
            action=action,
            subject=new.person_id,
            at=new.granted_at,
        )


def newest_grant(store: Store, person_id: str) -> RoleGrant | None:
    """Return the grant of a person that counts; None for somebody who never signed in.

    Raises:
        StoreError: The database failed.
    """
    query = select(ROLE_GRANTS).where(ROLE_GRANTS.c.person_id == person_id)
    query = query.order_by(ROLE_GRANTS.c.seq.desc()).limit(1)
    with reading(store) as connection:
        row = connection.execute(query).mappings().first()
        return _grant(row) if row else None


def newest_grants(store: Store) -> list[RoleGrant]:
    """Return the grant of every person that counts, in the order in which people came.

    Raises:
        StoreError: The database failed.
    """
    with reading(store) as connection:
        return list(_newest(connection).values())


def grants_of(store: Store, person_id: str) -> list[RoleGrant]:
    """Return every role that a person was given, the newest first.

    Raises:
        StoreError: The database failed.
    """
    query = select(ROLE_GRANTS).where(ROLE_GRANTS.c.person_id == person_id)
    with reading(store) as connection:
        rows = connection.execute(query.order_by(ROLE_GRANTS.c.seq.desc())).mappings()
        return [_grant(row) for row in rows]


def names_of(store: Store, ids: Collection[str]) -> Mapping[str, str]:
    """Return the names of people by their ids; an id that is no person's is its own name.

    Rows that were written in single-user mode hold the name itself.

    Raises:
        StoreError: The database failed.
    """
    query = select(ROLE_GRANTS).where(ROLE_GRANTS.c.person_id.in_(set(ids)))
    with reading(store) as connection:
        rows = connection.execute(query.order_by(ROLE_GRANTS.c.seq)).mappings()
        known = {row["person_id"]: row["name"] for row in rows}
    return {one: known.get(one, one) for one in ids}


def end_session(
    store: Store, session: str, person_id: str, reason: str, at: datetime | None = None
) -> bool:
    """Return whether this call ended a sign-in; not when it had ended before.

    Args:
        store: The store.
        session: The secret that the browser's cookie holds; kept as its hash alone.
        person_id: Whose it was.
        reason: Why, for the audit log: ``sign out`` or ``idle``.
        at: When; now, unless given.

    Raises:
        StoreError: The database failed.
    """
    moment = at or now()
    row = {
        "id": _session_id(session),
        "person_id": person_id,
        "reason": reason,
        "ended_at": stamp(moment),
    }
    with writing(store) as connection:
        if _has_ended(connection, session):
            return False
        hash_chain.append_row(
            connection,
            ENDED_SESSIONS,
            row,
            actor=person_id,
            action=reason,
            subject=person_id,
            at=moment,
        )
    return True


def has_ended(store: Store, session: str) -> bool:
    """Return whether a sign-in was ended.

    Raises:
        StoreError: The database failed.
    """
    with reading(store) as connection:
        return _has_ended(connection, session)


def _has_ended(connection: Connection, session: str) -> bool:
    query = select(ENDED_SESSIONS.c.id).where(ENDED_SESSIONS.c.id == _session_id(session))
    return connection.execute(query).first() is not None


def _session_id(session: str) -> str:
    return hashlib.sha256(session.encode()).hexdigest()


def _newest(connection: Connection) -> dict[str, RoleGrant]:
    rows = connection.execute(select(ROLE_GRANTS).order_by(ROLE_GRANTS.c.seq)).mappings()
    return {row["person_id"]: _grant(row) for row in rows}


def _refuse_last_admin(newest: Mapping[str, RoleGrant], new: RoleGrant) -> None:
    admins = [one.person_id for one in newest.values() if one.role is Role.ADMIN]
    if admins == [new.person_id] and new.role is not Role.ADMIN:
        raise ConfigError(
            f"{new.name} is the only admin, and nobody could give roles any more.",
            hint="Make somebody else an admin first.",
        )


def _grant(row: RowLike) -> RoleGrant:
    return RoleGrant(
        person_id=row["person_id"],
        issuer=row["issuer"],
        subject=row["subject"],
        name=row["name"],
        role=Role(row["role"]),
        granted_by=row["granted_by"],
        granted_at=datetime.fromisoformat(row["granted_at"]),
    )
