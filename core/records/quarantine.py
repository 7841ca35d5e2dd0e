"""Objects that share a name and differ in content: they wait here for a person.

What came first stands until somebody says otherwise. An accepted object is judged in its place; the
one that it replaces stays on record, with its decisions and reviews, and belongs to no case any
more. Nothing is ever deleted, and either decision can be taken back by accepting the other object.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Table, and_, exists, func, or_, select

from core.errors import StoreError
from core.records import hash_chain
from core.records.case_status import refresh
from core.records.connection import Store, reading, writing
from core.records.corrections import last_decision
from core.records.intake import ASIDE, FIRST, REFUSED, add_job
from core.records.tables import IMAGES, RECEIPTS, RESOLUTIONS, RowLike
from core.records.values import name_of, now, plain, stamp


@dataclass(frozen=True, slots=True)
class StoredReceipt:
    """An object as it was received.

    Attributes:
        id: The receipt.
        key: The object's own name.
        sha256: Digest of its bytes, which names the blob.
        source: Who or what sent it.
        meta: What was known of it besides.
        received_at: When, in UTC.
    """

    id: str
    key: str
    sha256: str
    source: str
    meta: Mapping[str, str]
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two objects under one name.

    Attributes:
        first: The one that stands.
        other: The one that waits for a person.
    """

    first: StoredReceipt
    other: StoredReceipt


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a person decided about a conflict.

    Attributes:
        receipt: The object that it was about.
        is_accepted: Whether it stands in the place of the other one since then.
        resolved_by: Who.
        resolved_at: When, in UTC.
    """

    receipt: StoredReceipt
    is_accepted: bool
    resolved_by: str
    resolved_at: datetime


def receipts(store: Store, pack: str, state: str, *, limit: int) -> list[StoredReceipt]:
    """Return what was received and ended in one state, newest first.

    Raises:
        StoreError: The database failed.
    """
    query = select(RECEIPTS).where(RECEIPTS.c.pack == pack, RECEIPTS.c.state == state)
    query = query.order_by(RECEIPTS.c.received_at.desc(), RECEIPTS.c.id).limit(limit)
    with reading(store) as connection:
        return [_receipt(row) for row in connection.execute(query).mappings()]


def counts(store: Store, pack: str) -> Mapping[str, int]:
    """Return how much was received, by its state.

    Raises:
        StoreError: The database failed.
    """
    query = select(RECEIPTS.c.state, func.count()).where(RECEIPTS.c.pack == pack)
    with reading(store) as connection:
        return {row[0]: row[1] for row in connection.execute(query.group_by(RECEIPTS.c.state))}


def is_undecided() -> ColumnElement[bool]:
    """Return the condition that a receipt is in a conflict that nobody has decided."""
    decided = exists().where(
        RESOLUTIONS.c.pack == RECEIPTS.c.pack,
        RESOLUTIONS.c.key == RECEIPTS.c.key,
        or_(RESOLUTIONS.c.stands == RECEIPTS.c.sha256, RESOLUTIONS.c.replaces == RECEIPTS.c.sha256),
    )
    return and_(RECEIPTS.c.state == REFUSED, ~decided.correlate(RECEIPTS))


def conflicts(store: Store, pack: str, *, limit: int | None = None) -> list[Conflict]:
    """Return the conflicts that nobody has decided, oldest first.

    Raises:
        StoreError: The database failed.
    """
    query = select(RECEIPTS).where(RECEIPTS.c.pack == pack, is_undecided())
    query = query.order_by(RECEIPTS.c.received_at, RECEIPTS.c.id).limit(limit)
    with reading(store) as connection:
        others = connection.execute(query).mappings().all()
        return [Conflict(_receipt(_first(connection, row)), _receipt(row)) for row in others]


def resolutions(store: Store, pack: str, *, limit: int = 50) -> list[Resolution]:
    """Return what people decided, newest first.

    Raises:
        StoreError: The database failed.
    """
    decided = (RESOLUTIONS.c.stands, RESOLUTIONS.c.resolved_by, RESOLUTIONS.c.resolved_at)
    query = select(RECEIPTS, *decided).join(RESOLUTIONS, RESOLUTIONS.c.receipt_id == RECEIPTS.c.id)
    query = query.where(RESOLUTIONS.c.pack == pack).order_by(RESOLUTIONS.c.seq.desc()).limit(limit)
    with reading(store) as connection:
        return [
            Resolution(
                receipt=_receipt(row),
                is_accepted=row["stands"] == row["sha256"],
                resolved_by=row["resolved_by"],
                resolved_at=datetime.fromisoformat(row["resolved_at"]),
            )
            for row in connection.execute(query).mappings()
        ]


def accept(store: Store, receipt_id: str, *, by: str, at: datetime | None = None) -> bool:
    """Return whether an object now stands in the place of the one of its name.

    It is judged, unless the first one was set aside. Cases that the first one belonged to go on
    without it; a review of theirs counts no more.

    Args:
        store: The store.
        receipt_id: Receipt of the object: one in conflict, or one that was replaced before.
        by: Who decides.
        at: When; now, unless given.

    Returns:
        Whether anything changed; False when it stands already.

    Raises:
        StoreError: There is no such receipt, or the database failed.
    """
    moment = at or now()
    with writing(store) as connection:
        row = _row(connection, receipt_id)
        first = _first(connection, row)
        if first["sha256"] == row["sha256"]:
            return False
        _write(connection, row, row["sha256"], first["sha256"], plain(by), moment)
        is_either = IMAGES.c.content_key.in_([row["sha256"], first["sha256"]])
        cases = set(connection.scalars(select(IMAGES.c.case_id).where(is_either)))
        refresh(connection, cases)
        if _is_judged(connection, row):
            add_job(connection, row, moment)
    return True


def decline(store: Store, receipt_id: str, *, by: str, at: datetime | None = None) -> bool:
    """Return whether a conflict ended with the object that stands left standing.

    Args:
        store: The store.
        receipt_id: Receipt of the object in conflict.
        by: Who decides.
        at: When; now, unless given.

    Returns:
        Whether anything changed; False when it stands already, or was declined before.

    Raises:
        StoreError: There is no such receipt, or the database failed.
    """
    moment = at or now()
    with writing(store) as connection:
        row = _row(connection, receipt_id)
        first = _first(connection, row)
        about = select(RESOLUTIONS.c.replaces).where(*_same_name(RESOLUTIONS, row))
        about = about.where(
            or_(RESOLUTIONS.c.stands == row["sha256"], RESOLUTIONS.c.replaces == row["sha256"])
        )
        last = connection.scalar(about.order_by(RESOLUTIONS.c.seq.desc()).limit(1))
        if row["sha256"] in {first["sha256"], last}:
            return False
        _write(connection, row, first["sha256"], row["sha256"], plain(by), moment)
    return True


def _first(connection: Connection, row: RowLike) -> RowLike:
    """Return the receipt of the object that stands under the name of another."""
    query = select(RECEIPTS).where(*_same_name(RECEIPTS, row))
    if decided := last_decision(connection, row["pack"], row["key"]):
        query = query.where(RECEIPTS.c.sha256 == decided.stands)
    else:
        query = query.where(RECEIPTS.c.state.in_(FIRST))
    found = connection.execute(query.order_by(RECEIPTS.c.received_at).limit(1)).mappings().one()
    return dict(found)


def _row(connection: Connection, receipt_id: str) -> RowLike:
    query = select(RECEIPTS).where(RECEIPTS.c.id == receipt_id)
    found = connection.execute(query).mappings().first()
    if found is None:
        raise StoreError(
            f"The store holds no receipt {receipt_id!r}.",
            hint="Take the id from the list of conflicts; it may belong to another store.",
        )
    return dict(found)


def _is_judged(connection: Connection, row: RowLike) -> bool:
    """Return whether the objects of a name are judged: they are of one class, as the first."""
    query = select(RECEIPTS.c.state).where(*_same_name(RECEIPTS, row))
    return ASIDE not in set(connection.scalars(query))


def _same_name(table: Table, row: RowLike) -> tuple[ColumnElement[bool], ...]:
    return table.c.pack == row["pack"], table.c.key == row["key"]


def _write(
    connection: Connection, row: RowLike, stands: str, replaces: str, by: str, at: datetime
) -> None:
    last = connection.scalar(select(func.max(RESOLUTIONS.c.seq))) or 0
    new = {
        "seq": last + 1,
        "id": name_of("resolution", row["id"], str(last + 1)),
        "receipt_id": row["id"],
        "pack": row["pack"],
        "key": row["key"],
        "stands": stands,
        "replaces": replaces,
        "resolved_by": by,
        "resolved_at": stamp(at),
    }
    hash_chain.append_row(
        connection,
        RESOLUTIONS,
        new,
        actor=by,
        action="accept" if stands == row["sha256"] else "decline",
        subject=row["id"],
        at=at,
    )


def _receipt(row: RowLike) -> StoredReceipt:
    return StoredReceipt(
        id=row["id"],
        key=row["key"],
        sha256=row["sha256"],
        source=row["source"],
        meta=json.loads(row["meta"]),
        received_at=datetime.fromisoformat(row["received_at"]),
    )
