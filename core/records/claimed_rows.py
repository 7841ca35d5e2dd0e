"""The rows of claimed jobs: who holds them, until when, and how they end."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, update

from core.records.job import Job, State
from core.records.tables import JOBS
from core.records.values import stamp

LONGEST = timedelta(hours=2)
"""No job waits longer before it is tried again, and no lease that is renewed reaches further."""


def lies_ahead(column: ColumnElement[str], at: datetime) -> ColumnElement[bool]:
    """Return whether a job's time is still to come.

    One further ahead than any wait or lease lasts was written by a clock that was set back since,
    or by a machine whose clock is ahead: it counts as past, or the job would lie there for years.

    Args:
        column: Of the jobs: ``not_before`` or ``leased_until``.
        at: The time now.
    """
    return and_(column > stamp(at), column <= stamp(at + LONGEST))


def end_columns(state: State, at: datetime) -> dict[str, Any]:
    """Return the columns of a job that has come to one of its ends."""
    return {"state": state, "worker": "", "leased_until": "", "finished_at": stamp(at)}


def update_claimed() -> Any:  # noqa: ANN401
    """Return an update of what the caller still holds: the tries change with every claim.

    It is executed with the parameters of `holder`.
    """
    return update(JOBS).where(
        JOBS.c.id == bindparam("job_id"),
        JOBS.c.state == State.LEASED,
        JOBS.c.worker == bindparam("holder"),
        JOBS.c.tries == bindparam("begun"),
    )


def holder(job: Job) -> dict[str, Any]:
    """Return the parameters of `update_claimed` for a job as it was claimed."""
    return {"job_id": job.id, "holder": job.worker, "begun": job.tries, "asked": job.added_at}
