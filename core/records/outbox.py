"""The outbox: messages that are to leave, written in the transaction of their verdict.

A message and the job that delivers it are there if the verdict is. Messages are never changed;
where the delivery stands says the job, which bears the message's id as its key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from core.errors import StoreError
from core.records import queue
from core.records.connection import Store, reading
from core.records.failed_jobs import FailedJob, failed_jobs
from core.records.tables import OUTBOX, RowLike
from core.records.values import name_of, plain, stamp

DELIVER = "deliver"


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one output.

    Attributes:
        id: The same however often it is sent.
        pack: Name of the pack.
        output: Name of the pack's output.
        subject: What it is about: the id of a case.
        body: What the receiver gets, as JSON.
        added_at: When it was written, UTC ISO.
    """

    id: str
    pack: str
    output: str
    subject: str
    body: Mapping[str, Any]
    added_at: str


def put(
    connection: Connection,
    output: str,
    key: str,
    *,
    pack: str,
    subject: str,
    body: Mapping[str, Any],
    at: datetime,
    priority: int = 0,
) -> str:
    """Put a message into the outbox in the caller's write transaction, and queue its delivery.

    Args:
        connection: From `core.records.connection.writing`.
        output: Name of the pack's output.
        key: Same output and key, same message: one that is there already stays as it is.
        pack: Name of the pack.
        subject: What it is about.
        body: What the receiver gets, as JSON.
        at: When.
        priority: Larger leaves first.

    Returns:
        The id of the message.
    """
    message_id = name_of(output, plain(key))
    if connection.scalar(select(OUTBOX.c.id).where(OUTBOX.c.id == message_id)) is None:
        row = {
            "id": message_id,
            "pack": pack,
            "output": output,
            "subject": subject,
            "body": json.dumps(body, sort_keys=True),
            "added_at": stamp(at),
        }
        connection.execute(insert(OUTBOX), row)
        queue.add(connection, DELIVER, message_id, pack=pack, payload={}, at=at, priority=priority)
    return message_id


def message(store: Store, message_id: str) -> Message:
    """Read a message.

    Raises:
        StoreError: There is no such message, or the database failed.
    """
    query = select(OUTBOX).where(OUTBOX.c.id == message_id)
    with reading(store) as connection:
        row = connection.execute(query).mappings().first()
    if row is None:
        raise StoreError(
            f"The outbox holds no message {message_id!r}.", hint="`assay queue` lists deliveries."
        )
    return _message(row)


def messages(store: Store, pack: str, output: str, subject: str) -> list[Message]:
    """List the messages about a subject to one output, the oldest first.

    Raises:
        StoreError: The database failed.
    """
    query = select(OUTBOX).where(
        OUTBOX.c.pack == pack, OUTBOX.c.output == output, OUTBOX.c.subject == subject
    )
    with reading(store) as connection:
        rows = connection.execute(query.order_by(OUTBOX.c.added_at, OUTBOX.c.id)).mappings()
        return [_message(row) for row in rows]


def dead_letters(store: Store) -> list[tuple[Message, FailedJob]]:
    """List the messages whose delivery waits for a person, each with its job.

    Raises:
        StoreError: The database failed.
    """
    ended = {queue.State.FAILED, queue.State.GIVEN_UP}
    failed = [one for one in failed_jobs(store) if one.job.kind == DELIVER and one.state in ended]
    return [(message(store, one.job.key), one) for one in failed]


def _message(row: RowLike) -> Message:
    return Message(
        id=row["id"],
        pack=row["pack"],
        output=row["output"],
        subject=row["subject"],
        body=json.loads(row["body"]),
        added_at=row["added_at"],
    )
