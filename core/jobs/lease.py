"""Keeping claimed jobs while the work lasts, and noticing that one of them was cancelled."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from time import monotonic
from typing import Self

from core.errors import StoreError
from core.logs import Event, Word
from core.records.connection import Store
from core.records.job import Job, JobProgress
from core.records.queue import end_cancelled, is_cancel_requested, renew, report

LEASE_S = 30.0

_BEAT_S = 1.0
_FIRST_WAIT_S = 2.0
_LONGEST_WAIT_S = 600.0
_DOUBLINGS = 10

logger = logging.getLogger(__name__)


def backoff_s(tries: int) -> float:
    """Return the seconds to wait after so many tries: 2, 4, 8 and on to ten minutes."""
    return min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** min(tries - 1, _DOUBLINGS))


class Heartbeat:
    """Renews the leases of claimed jobs from a thread; a context manager.

    A lease may so be short, and what a killed worker held is soon taken up by another.

    Args:
        store: The store.
        jobs: Jobs as they were claimed.
    """

    def __init__(self, store: Store, jobs: Sequence[Job]) -> None:
        self._store, self._jobs = store, jobs
        self._renewed = monotonic()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Self:
        """Return itself, renewing from now on."""
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """Stop to renew."""
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._over.wait(_BEAT_S):
            self._try()

    def _try(self) -> None:
        try:
            self._once()
        except StoreError:
            # Should the lease run out, the work is done twice; it must bear that anyway.
            logger.warning(Event(Word.STORE_FAILED, {"count": len(self._jobs)}))

    def _once(self) -> None:
        if monotonic() - self._renewed > LEASE_S / 3:
            renew(self._store, self._jobs, LEASE_S)
            self._renewed = monotonic()


class BatchHeartbeat(Heartbeat):
    """Renews the leases of jobs that are done together, and ends those that are cancelled.

    Attributes:
        cancelled: Ids of the jobs that were cancelled; they are not the caller's any more.

    Args:
        store: The store.
        jobs: Jobs as they were claimed.
    """

    def __init__(self, store: Store, jobs: Sequence[Job]) -> None:
        super().__init__(store, jobs)
        self.cancelled: set[str] = set()

    def _once(self) -> None:
        super()._once()
        self.cancelled |= end_cancelled(self._store, self._jobs)


class JobHeartbeat(Heartbeat):
    """Renews one job's lease, writes down its progress and watches for the request to cancel it.

    Attributes:
        is_unwanted: Set once somebody asked that the job ends, or another worker holds it.

    Args:
        store: The store.
        job: The job as it was claimed.
    """

    def __init__(self, store: Store, job: Job) -> None:
        super().__init__(store, [job])
        self._job = job
        self._progress: JobProgress | None = None
        self.is_unwanted = threading.Event()

    def report(self, progress: JobProgress) -> None:
        """Keep the newest progress, to be written with the next beat."""
        self._progress = progress

    def _beat(self) -> None:
        self._try()
        while not self._over.wait(_BEAT_S):
            self._try()
        self._try()

    def _once(self) -> None:
        if is_cancel_requested(self._store, self._job):
            self.is_unwanted.set()
        if self._progress is not None:
            progress, self._progress = self._progress, None
            report(self._store, self._job, progress)
        super()._once()
