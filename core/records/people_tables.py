"""The tables of people: who may do what, and which sign-ins have ended."""

from __future__ import annotations

from sqlmodel import Field

from core.records.table_base import BY_ID, TableRow


class RoleGrantRow(TableRow, table=True):
    """The role that a person has from then on; of one person the highest ``seq`` counts.

    A person is an issuer's subject, never an e-mail address: ``person_id`` hashes both. The first
    sign-in of somebody without a role is a row too, so that an admin sees who asks for one.
    """

    __tablename__ = "role_grants"

    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    id: str = Field(unique=True)
    person_id: str = Field(index=True)
    issuer: str
    subject: str
    name: str
    role: str
    granted_by: str
    granted_at: str


class EndedSessionRow(TableRow, table=True):
    """A sign-in that counts no more, whatever the browser still holds of it."""

    __tablename__ = "ended_sessions"
    __table_args__ = BY_ID

    id: str = Field(primary_key=True)
    person_id: str
    reason: str
    ended_at: str
