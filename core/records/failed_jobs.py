"""The queue as a person sees it: what is in trouble, and opening it again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, or_, select, update

from core.records.connection import Store, reading, writing
from core.records.job import Job, State, job_from_row, opened
from core.records.tables import JOBS, RowLike
from core.records.values import now


@dataclass(frozen=True, slots=True)
class Trouble:
    """A job that failed: given up, or still being tried.

    Attributes:
        job: The job; nobody holds it.
        state: ``quarantined`` or ``waiting``.
        problem: What went wrong the last time.
        not_before: When it is tried again, unless it is quarantined.
    """

    job: Job
    state: State
    problem: str
    not_before: datetime


def troubles(store: Store, *, limit: int | None = None) -> list[Trouble]:
    """List the jobs that are quarantined or failed last time, the quarantined first.

    Raises:
        StoreError: The database failed.
    """
    failing = and_(JOBS.c.state == State.WAITING, JOBS.c.problem != "")
    query = select(JOBS).where(or_(JOBS.c.state == State.QUARANTINED, failing))
    query = query.order_by(JOBS.c.state, JOBS.c.added_at, JOBS.c.id).limit(limit)
    with reading(store) as connection:
        return [_trouble(row) for row in connection.execute(query).mappings()]


def reopen(store: Store, job_id: str, *, at: datetime | None = None) -> bool:
    """Let a job that is quarantined, or waits for its next try, be tried at once and from new.

    Returns:
        Whether there was such a job.

    Raises:
        StoreError: The database failed.
    """
    troubled = or_(JOBS.c.state == State.QUARANTINED, JOBS.c.state == State.WAITING)
    with writing(store) as connection:
        again = update(JOBS).where(JOBS.c.id == job_id, troubled)
        changed = connection.execute(again.values(opened(at or now()) | {"tries": 0}))
    return changed.rowcount == 1


def _trouble(row: RowLike) -> Trouble:
    not_before = datetime.fromisoformat(row["not_before"])
    return Trouble(job_from_row(row), State(row["state"]), row["problem"], not_before)
