"""The outbox: messages that are to leave, written in the transaction of their verdict.

A message and the job that delivers it are there if the verdict is. Messages are never changed;
where the delivery stands says the job, which bears the message's id as its key, and which parts the
receiver has already say rows that are only ever added.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, select

from core.errors import StoreError
from core.records import blobs, queue
from core.records.connection import Store, reading, writing
from core.records.failed_jobs import FailedJob, failed_jobs
from core.records.tables import OUTBOX, TAKEN_PARTS, RowLike
from core.records.values import name_of, now, plain, stamp

DELIVER = "deliver"


@dataclass(frozen=True, slots=True)
class Part:
    """One object that goes with a message, such as a report or a picture.

    Attributes:
        kind: What it is, in a word that the output knows.
        sha256: Names its bytes in the blob folder: they are sent as they lie there.
    """

    kind: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one receiver of an output.

    Attributes:
        id: The same however often it is sent.
        pack: Name of the pack.
        output: Name of the pack's output.
        receiver: Our name for who gets it; empty for an output that has one receiver.
        subject: What it is about: the id of a case.
        body: What the receiver gets, as JSON.
        parts: Objects that go with it.
        taken: sha256 of the parts that the receiver has.
        blobs: Folder of the parts' bytes.
        added_at: When it was written, UTC ISO.
    """

    id: str
    pack: str
    output: str
    receiver: str
    subject: str
    body: Mapping[str, Any]
    parts: tuple[Part, ...]
    taken: frozenset[str]
    blobs: Path
    added_at: str

    @property
    def missing(self) -> tuple[Part, ...]:
        """The parts that the receiver does not have, in order."""
        return tuple(part for part in self.parts if part.sha256 not in self.taken)

    def read(self, part: Part) -> bytes:
        """Return the bytes of a part.

        Raises:
            StoreError: They are missing or altered.
        """
        return blobs.get(self.blobs, part.sha256)


def put(
    connection: Connection,
    output: str,
    key: str,
    *,
    pack: str,
    subject: str,
    body: Mapping[str, Any],
    at: datetime,
    receiver: str = "",
    parts: Sequence[Part] = (),
    priority: int = 0,
    wait_s: float = 0.0,
) -> str:
    """Return the id of a message, written in the caller's transaction with its delivery.

    Args:
        connection: From `core.records.connection.writing`.
        output: Name of the pack's output.
        key: Same output, receiver and key, same message: one that is there already stays as it is.
        pack: Name of the pack.
        subject: What it is about.
        body: What the receiver gets, as JSON.
        at: When.
        receiver: Our name for who gets it; empty for an output that has one receiver.
        parts: Objects that go with it; their bytes must be in the blob folder by now.
        priority: Larger leaves first.
        wait_s: Seconds before it leaves from here: whoever sends it himself meanwhile calls
            `confirm`.

    Returns:
        The id of the message.
    """
    message_id = name_of(output, plain(receiver), plain(key))
    if connection.scalar(select(OUTBOX.c.id).where(OUTBOX.c.id == message_id)) is None:
        row = {
            "id": message_id,
            "pack": pack,
            "output": output,
            "receiver": plain(receiver),
            "subject": subject,
            "body": json.dumps(body, sort_keys=True),
            "parts": json.dumps([asdict(part) for part in parts]),
            "added_at": stamp(at),
        }
        connection.execute(insert(OUTBOX), row)
        leaves_at = at + timedelta(seconds=wait_s)
        queue.add(
            connection, DELIVER, message_id, pack=pack, payload={}, at=leaves_at, priority=priority
        )
    return message_id


def confirm(connection: Connection, message_ids: Collection[str], at: datetime) -> None:
    """Note that receivers have messages, which reached them on another way than from here.

    Args:
        connection: From `core.records.connection.writing`.
        message_ids: As `put` returned them; unknown ones are ignored.
        at: When.
    """
    queue.end_unclaimed(connection, DELIVER, message_ids, queue.State.DONE, at=at)


def withdraw(connection: Connection, pack: str, output: str, subject: str, at: datetime) -> None:
    """Let the messages about a subject stay here that have not left: something else is true now.

    Args:
        connection: From `core.records.connection.writing`.
        pack: Name of the pack.
        output: Name of the pack's output.
        subject: What they are about.
        at: When.
    """
    query = select(OUTBOX.c.id).where(
        OUTBOX.c.pack == pack, OUTBOX.c.output == output, OUTBOX.c.subject == subject
    )
    ids = connection.scalars(query).all()
    if ids:
        queue.end_unclaimed(connection, DELIVER, ids, queue.State.CANCELLED, at=at)


def mark_taken(store: Store, message_id: str, part: Part, at: datetime | None = None) -> None:
    """Keep that the receiver of a message has one of its parts.

    Raises:
        StoreError: The database failed; the part is sent once more.
    """
    row = {"message": message_id, "sha256": part.sha256}
    known = select(TAKEN_PARTS.c.sha256).filter_by(**row)
    with writing(store) as connection:
        if connection.scalar(known) is None:
            connection.execute(insert(TAKEN_PARTS), row | {"taken_at": stamp(at or now())})


def message(store: Store, message_id: str) -> Message:
    """Return a message.

    Raises:
        StoreError: There is no such message, or the database failed.
    """
    query = select(OUTBOX).where(OUTBOX.c.id == message_id)
    with reading(store) as connection:
        row = connection.execute(query).mappings().first()
        if row is None:
            raise StoreError(
                f"The outbox holds no message {message_id!r}.",
                hint="`assay queue` lists deliveries.",
            )
        return _message(store, connection, row)


def messages(store: Store, pack: str, output: str, subject: str) -> list[Message]:
    """Return the messages about a subject to one output, the oldest first.

    Raises:
        StoreError: The database failed.
    """
    query = select(OUTBOX).where(
        OUTBOX.c.pack == pack, OUTBOX.c.output == output, OUTBOX.c.subject == subject
    )
    with reading(store) as connection:
        rows = connection.execute(query.order_by(OUTBOX.c.added_at, OUTBOX.c.id)).mappings()
        return [_message(store, connection, row) for row in rows.all()]


def dead_letters(store: Store) -> list[tuple[Message, FailedJob]]:
    """Return the messages whose delivery waits for a person, each with its job.

    Raises:
        StoreError: The database failed.
    """
    ended = {queue.State.FAILED, queue.State.GIVEN_UP}
    failed = [one for one in failed_jobs(store) if one.job.kind == DELIVER and one.state in ended]
    return [(message(store, one.job.key), one) for one in failed]


def _message(store: Store, connection: Connection, row: RowLike) -> Message:
    taken = select(TAKEN_PARTS.c.sha256).where(TAKEN_PARTS.c.message == row["id"])
    return Message(
        id=row["id"],
        pack=row["pack"],
        output=row["output"],
        receiver=row["receiver"],
        subject=row["subject"],
        body=json.loads(row["body"]),
        parts=tuple(Part(**part) for part in json.loads(row["parts"])),
        taken=frozenset(connection.scalars(taken)),
        blobs=store.blobs,
        added_at=row["added_at"],
    )
