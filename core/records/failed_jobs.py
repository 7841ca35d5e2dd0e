"""The queue as a person sees it: what runs, what failed, and opening a job again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, update

from core.records.connection import Store, reading, writing
from core.records.job import Job, JobProgress, State, job_from_row, waiting_columns
from core.records.tables import JOBS, RowLike
from core.records.values import now


@dataclass(frozen=True, slots=True)
class FailedJob:
    """A job that failed: for good, given up, or still being tried.

    Attributes:
        job: The job; no worker holds it.
        state: ``failed``, ``given up`` or ``waiting``.
        problem: What went wrong the last time.
        not_before: When it is tried again, if it is.
    """

    job: Job
    state: State
    problem: str
    not_before: datetime


@dataclass(frozen=True, slots=True)
class JobStatus:
    """Where one job stands.

    Attributes:
        job: The job.
        state: Its state.
        progress: How far it is; None where nothing was reported.
        result: What it gave, once it is done.
        problem: What went wrong, the last time.
        heartbeat_at: When its worker last reported, UTC ISO; empty where none has.
        is_cancel_requested: Whether somebody asked that it ends.
    """

    job: Job
    state: State
    progress: JobProgress | None
    result: Mapping[str, Any]
    problem: str
    heartbeat_at: str
    is_cancel_requested: bool


def failed_jobs(store: Store, *, limit: int | None = None) -> list[FailedJob]:
    """Return the jobs that failed, those that wait for a person first.

    Raises:
        StoreError: The database failed.
    """
    failing = and_(JOBS.c.state == State.WAITING, JOBS.c.problem != "")
    query = select(JOBS).where(or_(_for_a_person(), failing))
    query = query.order_by(JOBS.c.state, JOBS.c.added_at, JOBS.c.id).limit(limit)
    with reading(store) as connection:
        return [_failed_job(row) for row in connection.execute(query).mappings()]


def running_jobs(store: Store) -> list[JobStatus]:
    """Return the jobs that a worker holds and has reported on, the oldest first.

    Raises:
        StoreError: The database failed.
    """
    query = select(JOBS).where(JOBS.c.state == State.LEASED, JOBS.c.progress != "")
    with reading(store) as connection:
        rows = connection.execute(query.order_by(JOBS.c.added_at, JOBS.c.id)).mappings()
        return [_status(row) for row in rows]


def job_status(store: Store, job_id: str) -> JobStatus | None:
    """Return where a job stands; None where there is no such job.

    Raises:
        StoreError: The database failed.
    """
    with reading(store) as connection:
        row = connection.execute(select(JOBS).where(JOBS.c.id == job_id)).mappings().first()
    return _status(row) if row else None


def reopen(store: Store, job_id: str, *, at: datetime | None = None) -> bool:
    """Return whether a job that failed or waits for its next try is now tried from new.

    Returns:
        Whether there was such a job.

    Raises:
        StoreError: The database failed.
    """
    idle = or_(_for_a_person(), JOBS.c.state == State.WAITING)
    with writing(store) as connection:
        again = update(JOBS).where(JOBS.c.id == job_id, idle)
        changed = connection.execute(again.values(waiting_columns(at or now()) | {"tries": 0}))
    return changed.rowcount == 1


def _for_a_person() -> ColumnElement[bool]:
    return JOBS.c.state.in_([State.FAILED, State.GIVEN_UP])


def _failed_job(row: RowLike) -> FailedJob:
    not_before = datetime.fromisoformat(row["not_before"])
    return FailedJob(job_from_row(row), State(row["state"]), row["problem"], not_before)


def _status(row: RowLike) -> JobStatus:
    return JobStatus(
        job=job_from_row(row),
        state=State(row["state"]),
        progress=JobProgress(**json.loads(row["progress"])) if row["progress"] else None,
        result=json.loads(row["result"] or "{}"),
        problem=row["problem"],
        heartbeat_at=row["heartbeat_at"],
        is_cancel_requested=bool(row["cancel_requested_at"]),
    )
