"""Answers other than the first: written once each, of a case that the reader has before them.

A second read or an adjudication moves where the reads of its case stand; the answer on a known case
moves nothing. Each is taken back by a row that points at it, until another has been built on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from core.decision.second_read import ReadAnswer, ReadState
from core.people import Person
from core.records import hash_chain
from core.records.case_status import QueueState
from core.records.connection import Store, writing
from core.records.gold_answers import standing_answer
from core.records.read_claims import ReadClaim, end_claim, standing_claim
from core.records.read_status import (
    RETRACTED,
    ReadKind,
    is_same_reader,
    read_status_of,
    reads_of,
    refers_to,
    refresh_reads,
    standing_reads,
)
from core.records.tables import (
    CASE_READS,
    CASE_STATUS,
    CASES,
    READ_DRAWS,
    READ_STATUS,
    REVIEWS,
    RowLike,
)
from core.records.values import now, plain, stamp
from core.types import Disposition

READ = "read"
"""Action of the events of every answer that is no first one."""

LONGEST = timedelta(seconds=60)
"""Time counted on one case at most: longer is a break."""


@dataclass(frozen=True, slots=True)
class StoredRead:
    """An answer other than the first.

    Attributes:
        id: Of its row.
        case_id: The case.
        kind: What it was read for.
        answer: What was answered, by whom.
        comment: Free text.
        read_at: When, in UTC.
        elapsed_ms: Since the case was put before the reader, 60 s at most.
        refers: What it was given on.
        before: The case that the reader would have had instead.
    """

    id: str
    case_id: str
    kind: ReadKind
    answer: ReadAnswer
    comment: str
    read_at: datetime
    elapsed_ms: int
    refers: str
    before: str


def write_read(
    store: Store,
    claim: ReadClaim,
    answer: ReadAnswer,
    images: int,
    *,
    comment: str = "",
    at: datetime | None = None,
) -> bool:
    """Return whether this call kept an answer; not for a second press, nor once it is not wanted.

    Args:
        store: The store.
        claim: By which the reader has the case before them.
        answer: What they answer; the reader is the one of the claim.
        images: How many images of the case they were shown.
        comment: Free text.
        at: When; now, unless given.

    Raises:
        StoreError: The database failed.
    """
    moment, kind = at or now(), ReadKind(claim.kind)
    with writing(store) as connection:
        # One that expired still holds while nobody else has taken the case.
        holder = standing_claim(connection, claim.id, moment)
        if holder is not None and holder.person != claim.person:
            return False
        refers = _wanted(connection, claim, kind, images)
        end_claim(connection, claim.id)
        if refers is None:
            return False
        row = _row(connection, claim, answer, images, comment, refers, moment)
        _write(connection, row, moment)
    return True


def retract(store: Store, read: StoredRead, by: Person, at: datetime | None = None) -> bool:
    """Return whether this call took a read back; not once another was built on it.

    Args:
        store: The store.
        read: The read.
        by: Who takes it back: who gave it.
        at: When; now, unless given.

    Raises:
        StoreError: The database failed.
    """
    moment = at or now()
    with writing(store) as connection:
        standing = reads_of(connection, read.case_id)
        own = next((row for row in standing if row["id"] == read.id), None)
        if own is None or own["reader"] != by.id or any(read.id in r["refers"] for r in standing):
            return False
        row = {
            **dict(own),
            "id": f"{read.case_id}-r{_count(connection, read.case_id)}",
            "kind": RETRACTED,
            "disposition": "",
            "label": "",
            "comment": "",
            "read_at": stamp(moment),
            "elapsed_ms": 0,
            "refers": read.id,
        }
        _write(connection, row, moment)
    return True


def reads_by(
    connection: Connection, *, pack: str = "", reader: str = "", most: int | None = None
) -> list[StoredRead]:
    """Return the reads that stand, the newest first.

    Args:
        connection: The caller's transaction.
        pack: The pack's name; empty for all.
        reader: Whose; empty for everybody's.
        most: At most so many rows are looked at; None for all.
    """
    query = select(CASE_READS)
    if pack:
        query = query.where(CASE_READS.c.pack == pack)
    if reader:
        query = query.where(CASE_READS.c.reader == reader)
    rows = connection.execute(
        query.order_by(CASE_READS.c.read_at.desc(), CASE_READS.c.id.desc()).limit(most)
    )
    found = rows.mappings().all()
    taken = {row["refers"] for row in found if row["kind"] == RETRACTED}
    return [
        stored_read(row) for row in found if row["kind"] != RETRACTED and row["id"] not in taken
    ]


def first_and_second(connection: Connection, case_id: str) -> tuple[RowLike, RowLike] | None:
    """Return the rows of the two reads of a case that stand; None before there are two."""
    query = select(REVIEWS).where(REVIEWS.c.case_id == case_id)
    first = connection.execute(query.order_by(REVIEWS.c.revision.desc())).mappings().first()
    if first is None or read_status_of(connection, case_id) is None:
        return None
    second, _ = standing_reads(connection, first)
    return (first, second) if second is not None else None


def _wanted(connection: Connection, claim: ReadClaim, kind: ReadKind, images: int) -> str | None:
    """Return what an answer refers to; None where it is not wanted, or not from this reader."""
    if kind is ReadKind.GOLD:
        known = standing_answer(connection, claim.case_id)
        read = reads_of(connection, claim.case_id)
        has_read = any(r["kind"] == kind and r["reader"] == claim.person for r in read)
        return known["id"] if known and not has_read else None
    if not _is_as_shown(connection, claim.case_id, images):
        return None
    query = select(READ_STATUS).where(READ_STATUS.c.case_id == claim.case_id)
    status = connection.execute(query).mappings().first()
    if status is None or is_same_reader(status["first_reader"], claim.person):
        return None
    if kind is ReadKind.SECOND:
        return _draw_of(connection, claim.case_id) if _is_open(status) else None
    pair = first_and_second(connection, claim.case_id)
    if status["state"] != ReadState.DISPUTED or pair is None:
        return None
    if is_same_reader(status["second_reader"], claim.person):
        return None
    return refers_to(pair[0]["id"], pair[1]["id"])


def _is_open(status: RowLike) -> bool:
    return bool(status["state"] == ReadState.READ1)


def _is_as_shown(connection: Connection, case_id: str, images: int) -> bool:
    query = select(CASE_STATUS.c.queue_state, CASE_STATUS.c.images)
    row = connection.execute(query.where(CASE_STATUS.c.case_id == case_id)).first()
    return row is not None and tuple(row) == (int(QueueState.REVIEWED), images)


def _draw_of(connection: Connection, case_id: str) -> str | None:
    query = select(READ_DRAWS.c.id).where(READ_DRAWS.c.case_id == case_id)
    return connection.scalar(query.order_by(READ_DRAWS.c.drawn_at.desc()))


def _row(
    connection: Connection,
    claim: ReadClaim,
    answer: ReadAnswer,
    images: int,
    comment: str,
    refers: str,
    at: datetime,
) -> dict[str, Any]:
    elapsed = min(max(at - claim.claimed_at, timedelta()), LONGEST)
    return {
        "id": f"{claim.case_id}-r{_count(connection, claim.case_id)}",
        "case_id": claim.case_id,
        "pack": _pack_of(connection, claim.case_id),
        "kind": claim.kind,
        "disposition": answer.disposition.value,
        "label": plain(answer.label),
        "comment": plain(comment),
        "reader": claim.person,
        "read_at": stamp(at),
        "images": images,
        "elapsed_ms": round(elapsed.total_seconds() * 1000.0),
        "refers": refers,
        "before": claim.before,
    }


def _write(connection: Connection, row: dict[str, Any], at: datetime) -> None:
    # The log must not say which cases are known ones: anybody who may read it would know them.
    hash_chain.append_row(
        connection,
        CASE_READS,
        row,
        actor=row["reader"],
        action=READ if row["kind"] != RETRACTED else "take read back",
        subject=row["case_id"],
        at=at,
    )
    refresh_reads(connection, row["case_id"])


def _count(connection: Connection, case_id: str) -> int:
    query = select(func.count()).select_from(CASE_READS).where(CASE_READS.c.case_id == case_id)
    return connection.execute(query).scalar_one()


def _pack_of(connection: Connection, case_id: str) -> str:
    return str(connection.scalar(select(CASES.c.pack).where(CASES.c.id == case_id)))


def stored_read(row: RowLike) -> StoredRead:
    """Return an answer from its row."""
    return StoredRead(
        id=row["id"],
        case_id=row["case_id"],
        kind=ReadKind(row["kind"]),
        answer=ReadAnswer(row["reader"], Disposition(row["disposition"]), row["label"]),
        comment=row["comment"],
        read_at=datetime.fromisoformat(row["read_at"]),
        elapsed_ms=row["elapsed_ms"],
        refers=row["refers"],
        before=row["before"],
    )
