"""Cancelling a job, as a person asks for it."""

from __future__ import annotations

from core.people import Person, Role
from core.records.cancellation import request_cancel
from core.records.connection import Store


def cancel_job(store: Store, job_id: str, *, by: Person) -> bool:
    """Return whether there was a job to cancel: one that runs ends within seconds, others at once.

    Raises:
        PermissionDenied: The person may not cancel a job.
        StoreError: The database failed.
    """
    by.require(Role.REVIEWER, "cancel a job")
    return request_cancel(store, job_id)
