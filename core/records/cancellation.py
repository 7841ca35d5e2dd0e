"""Cancelling jobs: the request of a person, and how whoever runs the job obeys it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, select, update

from core.records.claimed_rows import end_columns, holder, update_claimed
from core.records.connection import Store, reading, writing
from core.records.job import Job, State
from core.records.tables import JOBS
from core.records.values import now, stamp


def request_cancel(store: Store, job_id: str, *, at: datetime | None = None) -> bool:
    """Return whether there was a job to cancel: one that runs ends within seconds, others at once.

    One that is done, or cancelled already, stays as it is.

    Raises:
        StoreError: The database failed.
    """
    moment = at or now()
    idle = JOBS.c.state.in_([State.WAITING, State.FAILED, State.GIVEN_UP])
    named = update(JOBS).where(JOBS.c.id == job_id)
    with writing(store) as connection:
        asked = named.where(JOBS.c.state == State.LEASED).values(cancel_requested_at=stamp(moment))
        idle_ended = named.where(idle).values(end_columns(State.CANCELLED, moment))
        return any(connection.execute(change).rowcount for change in (asked, idle_ended))


def is_cancel_requested(store: Store, job: Job) -> bool:
    """Return whether somebody asked that a claimed job ends.

    True as well where the job is not the caller's any more: then somebody else works on it.

    Raises:
        StoreError: The database failed.
    """
    query = select(JOBS.c.cancel_requested_at).where(
        JOBS.c.id == job.id,
        JOBS.c.state == State.LEASED,
        JOBS.c.worker == job.worker,
        JOBS.c.tries == job.tries,
    )
    with reading(store) as connection:
        return connection.execute(query).scalar() != ""


def cancel(store: Store, job: Job, *, at: datetime | None = None) -> None:
    """Mark a claimed job as cancelled; one that somebody else has claimed since stays theirs.

    Raises:
        StoreError: The database failed; the lease will run out.
    """
    with writing(store) as connection:
        end_now = end_columns(State.CANCELLED, at or now())
        connection.execute(update_claimed().values(end_now), holder(job))


def end_cancelled(store: Store, jobs: Sequence[Job], *, at: datetime | None = None) -> set[str]:
    """Return the ids of the claimed jobs that somebody cancelled, and mark these as cancelled.

    Raises:
        StoreError: The database failed.
    """
    query = select(JOBS.c.id).where(JOBS.c.id.in_([job.id for job in jobs]), is_unwanted())
    with reading(store) as connection:
        ids = set(connection.execute(query).scalars())
    if ids:
        holders = [holder(job) for job in jobs if job.id in ids]
        with writing(store) as connection:
            end_unwanted(connection, holders, at or now())
    return ids


def is_unwanted() -> ColumnElement[bool]:
    """Return the condition that somebody asked that a job ends."""
    return JOBS.c.cancel_requested_at != ""


def end_unwanted(
    connection: Connection, holders: Sequence[dict[str, Any]], moment: datetime
) -> None:
    """Mark those of the caller's jobs as cancelled of which that was asked meanwhile."""
    end_now = end_columns(State.CANCELLED, moment)
    connection.execute(update_claimed().where(is_unwanted()).values(end_now), holders)
