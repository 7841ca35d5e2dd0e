"""One lane of a worker: its jobs are claimed and tried one after the other, in its own process."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Event as Flag

from core.jobs.lease import LEASE_S, JobHeartbeat, backoff_s
from core.jobs.process import JobEnd, JobProcess, Signals
from core.logs import Event, Word
from core.packs import JobKind
from core.records import queue
from core.records.connection import Store, writing
from core.records.job import Job

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Lane:
    """A lane of a worker.

    Attributes:
        kinds: Its kinds of job by name.
        process: Where they run.
        store: The store.
        worker: Name of the worker, unlike any other's.
        stop: Set when the worker stops.
    """

    kinds: Mapping[str, JobKind]
    process: JobProcess
    store: Store
    worker: str
    stop: Flag

    def turn(self) -> bool:
        """Return whether there was a job, after claiming and trying one.

        Raises:
            StoreError: The database failed; the job's lease will run out.
        """
        claimed = queue.claim(self.store, sorted(self.kinds), worker=self.worker, lease_s=LEASE_S)
        for job in claimed:
            kind = self.kinds[job.kind]
            self._settle(job, kind, self._try(job, kind))
        return bool(claimed)

    def _try(self, job: Job, kind: JobKind) -> JobEnd:
        if kind.max_tries is not None and job.tries > kind.max_tries:
            return JobEnd("Killed", f"No worker survived it, in {job.tries - 1} tries.")
        with JobHeartbeat(self.store, job) as heartbeat:
            signals = Signals(self.stop, heartbeat.is_unwanted, heartbeat.report)
            return self.process.run(job, kind, signals)

    def _settle(self, job: Job, kind: JobKind, end: JobEnd) -> None:
        fields: dict[str, float | str] = {"job": job.id, "kind": job.kind, "tries": job.tries}
        if end.is_stopped:
            queue.release(self.store, [job], wait_s=0.0)
        elif end.is_cancelled:
            queue.cancel(self.store, job)
            logger.info(Event(Word.CANCELLED, fields))
        elif end.error:
            wait_s = backoff_s(job.tries)
            has_ended = queue.fail(
                self.store,
                job,
                end.problem,
                wait_s=wait_s,
                max_tries=kind.max_tries,
                is_permanent=end.is_permanent,
            )
            word = Word.FAILED if end.is_permanent else Word.GIVEN_UP
            word = word if has_ended else Word.TRIED_AGAIN
            logger.warning(Event(word, {**fields, "error": end.error, "wait_s": wait_s}))
        else:
            with writing(self.store) as connection:
                queue.finish(connection, [job], result=end.result)
            logger.info(Event(Word.DONE, fields))
