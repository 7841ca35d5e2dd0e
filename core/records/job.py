"""Asking for work: what a job is, and putting one in the queue."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, insert, select, update

from core.records.tables import JOBS, RowLike
from core.records.values import name_of, plain, stamp

ASSESS = "assess"
COMPARE = "compare"
URGENT = 20

_TICK = timedelta(microseconds=1)


class State(StrEnum):
    """Where a job stands; the last four are its ends.

    FAILED would fail again, GIVEN_UP was tried as often as its kind allows: both wait for a person.
    """

    WAITING = "waiting"
    LEASED = "leased"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    GIVEN_UP = "given up"


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it was claimed: hand it to `finish` or `fail`, so that they know whose it is.

    Attributes:
        id: The hash of its kind and key.
        kind: What is to be done: ``assess``, or a kind of a pack's.
        key: To what; unique among the jobs of its kind.
        pack: The pack's name.
        payload: What the work needs to know, as text.
        priority: Larger comes first.
        tries: How often it was begun, this time included.
        worker: Who claimed it.
        added_at: When it was last asked for.
        product: Which of the pack's products it is about; empty for the only one.
    """

    id: str
    kind: str
    key: str
    pack: str
    payload: Mapping[str, str]
    priority: int
    tries: int
    worker: str = ""
    added_at: str = ""
    product: str = ""


@dataclass(frozen=True, slots=True)
class JobProgress:
    """How far a job is.

    Attributes:
        done: Units of the step that are done.
        total: Units of the step; 0 where that is not known.
        sentence: What is being done, for a person.
        figures: Values to show beside it, as JSON.
    """

    done: int
    total: int
    sentence: str
    figures: Mapping[str, Any] = field(default_factory=dict)


def priority_of(meta: Mapping[str, str], priorities: Mapping[str, int]) -> int:
    """Return the priority that a file's ``priority`` asks for, as its pack has declared."""
    return priorities.get(meta.get("priority", "").upper(), 0)


def add(
    connection: Connection,
    kind: str,
    key: str,
    *,
    pack: str,
    product: str = "",
    payload: Mapping[str, str],
    at: datetime,
    priority: int = 0,
) -> bool:
    """Return whether asking, in the caller's write transaction, made work.

    Asked for while it waits, a job stays in its place with the newer payload and the higher
    priority. Asked for while a worker runs it, which may have read what there was before, it is
    done once more. A done or cancelled one is opened again; one that failed or was given up waits
    for a person.

    Args:
        connection: From `core.records.connection.writing`.
        kind: What is to be done.
        key: To what.
        pack: The pack's name.
        product: Which of the pack's products it is about; empty for the only one.
        payload: What the work needs to know.
        at: When it was asked for.
        priority: Larger comes first.

    Returns:
        Whether this call made work: False for a job that waits already, or waits for a person.
    """
    asked = {
        "payload": json.dumps({plain(k): plain(v) for k, v in payload.items()}, sort_keys=True),
        "priority": priority,
    }
    fresh = waiting_columns(at) | {"tries": 0, "problem": "", "added_at": stamp(at)}
    named = {"id": name_of(kind, plain(key)), "kind": kind, "key": plain(key), "pack": pack}
    named["product"] = product
    row = connection.execute(select(JOBS).where(JOBS.c.id == named["id"])).mappings().first()
    if row is None:
        connection.execute(insert(JOBS), named | asked | fresh)
        return True
    changes = {
        State.WAITING: asked | {"priority": max(priority, row["priority"])},
        State.LEASED: asked | {"added_at": _after(row["added_at"], at)},
        State.DONE: asked | fresh,
        State.CANCELLED: asked | fresh,
        State.FAILED: {},
        State.GIVEN_UP: {},
    }
    if change := changes[State(row["state"])]:
        connection.execute(update(JOBS).where(JOBS.c.id == named["id"]).values(change))
    return row["state"] in {State.LEASED, State.DONE, State.CANCELLED}


def waiting_columns(at: datetime) -> dict[str, Any]:
    """Return the columns of a job that waits from then on."""
    return {
        "state": State.WAITING,
        "not_before": stamp(at),
        "leased_until": "",
        "worker": "",
        "finished_at": "",
        "progress": "",
        "result": "",
        "heartbeat_at": "",
        "cancel_requested_at": "",
    }


def job_from_row(row: RowLike, worker: str = "", begun: int = 0) -> Job:
    """Return the job of a row, as it is once somebody begins it (``begun`` = 1)."""
    return Job(
        id=row["id"],
        kind=row["kind"],
        key=row["key"],
        pack=row["pack"],
        payload=json.loads(row["payload"]),
        priority=row["priority"],
        tries=row["tries"] + begun,
        worker=worker,
        added_at=row["added_at"],
        product=row["product"],
    )


def _after(asked: str, at: datetime) -> str:
    """Return a time later than the last, so that `finish` sees that it was asked for again."""
    return max(stamp(at), stamp(datetime.fromisoformat(asked) + _TICK))
