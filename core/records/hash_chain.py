"""The writing side of the audit log: a hash chain over everything that is written.

An event's hash is the sha256 of the previous event's hash followed by the event's canonical JSON
(keys sorted, no spaces, ASCII: seq, at, actor, action, subject, detail). The detail of an event
holds a digest of every row written with it, so an edited, removed or slipped-in row is found too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Table, insert, select

from core.records.tables import AUDIT_CASES, AUDIT_EVENTS, CASES, RowLike
from core.records.values import stamp

GENESIS = "0" * 64

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
_CONTENT = ("seq", "at", "actor", "action", "subject", "detail")
_NEWEST = (
    select(AUDIT_EVENTS.c.seq, AUDIT_EVENTS.c.hash).order_by(AUDIT_EVENTS.c.seq.desc()).limit(1)
)


@dataclass(frozen=True, slots=True)
class Head:
    """The newest event: noted outside the store it pins everything up to it.

    Attributes:
        seq: The event's number, from 1; 0 before the first.
        hash: Its hash.
    """

    seq: int
    hash: str

    def __str__(self) -> str:
        """Return ``number:hash``, as it is noted."""
        return f"{self.seq}:{self.hash}"


def append(
    connection: Connection,
    *,
    actor: str,
    action: str,
    subject: str,
    rows: Mapping[str, Sequence[RowLike]],
    at: datetime,
    cases: Collection[str] = (),
) -> None:
    """Add an event that covers the rows written with it, inside the caller's write transaction.

    Args:
        connection: From `core.records.connection.writing`, whose turns order the chain.
        actor: Who did it.
        action: What was done: ``record``, ``review`` or ``undo``.
        subject: What it was done to.
        rows: The rows written, by table.
        at: When.
        cases: Ids of the cases that it is about, besides those that the rows name.
    """
    last = newest(connection)
    named = sorted({*cases, *_cases_of(rows)})
    covered = {table: {row["id"]: digest(row) for row in new} for table, new in rows.items() if new}
    event = {
        "seq": last.seq + 1,
        "at": stamp(at),
        "actor": actor,
        "action": action,
        "subject": subject,
        "detail": canonical({"cases": named, "rows": covered}),
    }
    chained = {"previous": last.hash, "hash": link(last.hash, event)}
    connection.execute(insert(AUDIT_EVENTS), event | chained)
    if named:
        entries = [{"case_id": case_id, "seq": event["seq"]} for case_id in named]
        connection.execute(insert(AUDIT_CASES), entries)


def append_row(
    connection: Connection,
    table: Table,
    row: RowLike,
    *,
    actor: str,
    action: str,
    subject: str,
    at: datetime,
) -> None:
    """Write one row together with the event that covers it, in the caller's write transaction.

    Args:
        connection: As in ``append``.
        table: Where the row goes.
        row: The row.
        actor: Who did it.
        action: What was done.
        subject: What it was done to.
        at: When.
    """
    connection.execute(insert(table), row)
    append(connection, actor=actor, action=action, subject=subject, rows={table.name: [row]}, at=at)


def _cases_of(rows: Mapping[str, Sequence[RowLike]]) -> set[str]:
    """Return the cases that rows belong to, by the column ``case_id`` of any table."""
    own = {row["id"] for row in rows.get(CASES.name, ())}
    return own | {row["case_id"] for new in rows.values() for row in new if row.get("case_id")}


def newest(connection: Connection) -> Head:
    """Return the newest event."""
    last = connection.execute(_NEWEST).first()
    return Head(*last) if last else Head(0, GENESIS)


def digest(row: RowLike) -> str:
    """Return the sha256 of a row's canonical JSON, bytes standing in it by their own sha256."""
    plain = {k: _sha256(v) if isinstance(v, bytes) else v for k, v in row.items()}
    return _sha256(canonical(plain).encode())


def link(previous: str, event: RowLike) -> str:
    """Return the hash of an event that follows the one with the hash ``previous``."""
    return _sha256((previous + canonical({name: event[name] for name in _CONTENT})).encode())


def canonical(value: RowLike) -> str:
    """Return JSON in the one way that is hashed."""
    return _ENCODER.encode(value)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
