"""The rows of claimed jobs: who holds them, and how they end."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, update

from core.records.job import Job, State
from core.records.tables import JOBS
from core.records.values import stamp


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
