"""The process in which a worker runs the jobs of one lane: ``python -m core.jobs.process_main``.

Jobs read untrusted files and talk to servers of third parties. Here they may hang, leak or crash;
the worker (`core.jobs.process`) ends this process and starts the next.

It reads lines of JSON, the settings and then one job each, and answers ``progress`` any number of
times and ``end`` once a job. A line ``cancel`` asks that the job under way ends. The process ends
itself, whatever it does, as soon as the worker is gone.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from queue import SimpleQueue
from time import monotonic
from typing import Any

from core.child_process import Channel, end_after, take_channel
from core.errors import AssayError, ConfigError, PermanentFailure
from core.jobs.context import JobCancelled, JobContext
from core.jobs.kinds import function_of, installed_kinds
from core.logs import confine
from core.records.connection import Store
from core.records.job import Job, JobProgress
from core.service.store import open_store
from core.settings import Settings

_LONGEST_PROBLEM = 300
_LARGEST_RESULT = 512 * 1024
_LARGEST_PROGRESS = 64 * 1024
_REPORT_S = 0.25


class WorkerChannel:
    """The child's end of the line to the worker, safe among threads.

    Attributes:
        cancelled: Set once the worker asks that the job under way ends.

    Args:
        channel: Where lines come from and go to.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._orders: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self._lock = threading.Lock()
        self._reported = 0.0
        self.cancelled = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    def orders(self) -> Iterator[dict[str, Any]]:
        """Yield what the worker sends, but for requests to cancel, until it is gone."""
        while True:
            yield self._orders.get()

    def report(self, progress: JobProgress) -> None:
        """Pass progress on, at most four times a second; the last of a step always."""
        moment = monotonic()
        if moment - self._reported < _REPORT_S and progress.done != progress.total:
            return
        self._reported = moment
        line = json.dumps({"progress": asdict(progress)})
        if len(line) > _LARGEST_PROGRESS:
            raise ValueError(f"progress: expected at most {_LARGEST_PROGRESS} bytes of figures")
        self._send(line)

    def end(self, end: Mapping[str, Any]) -> None:
        """Answer that an order was carried out."""
        self._send(json.dumps({"end": end}))

    def _send(self, line: str) -> None:
        with self._lock:
            self._channel.send(line.encode() + b"\n")

    def _read(self) -> None:
        for line in self._channel.lines():
            order = json.loads(line)
            if "cancel" in order:
                self.cancelled.set()
            else:
                self._orders.put(order)
        # Nobody waits for an answer any more, and another worker may soon do the job again.
        leads_group = os.getpgrp() == os.getpid()
        (os.killpg if leads_group else os.kill)(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Answer jobs until the worker is gone."""
    line = WorkerChannel(take_channel())
    confine()
    orders = line.orders()
    first = next(orders)
    os.nice(first["niceness"])
    settings = Settings.model_validate(first["settings"])
    with suppress(ConfigError):  # importing takes seconds; should it fail, each job says so
        installed_kinds()
    store: Store | None = None
    line.end({})
    for order in orders:
        # Should nobody be left to watch the time, the kernel does.
        end_after(2 * order["deadline_s"])
        line.cancelled.clear()
        job = Job(**order["job"])
        try:
            store = store or open_store(settings)
            context = JobContext(job, store, settings, line.report, line.cancelled.is_set)
            end = _try(context)
        except AssayError as exc:
            end = _failure(exc)
        end_after(0)
        line.end(end)


def _try(context: JobContext) -> dict[str, Any]:
    """Return how one try ended, whatever its function raises: nothing passes this border."""
    try:
        kind = installed_kinds()[context.job.kind]
        result = dict(function_of(kind)(context) or {})
        if (size := len(json.dumps(result))) > _LARGEST_RESULT:
            raise PermanentFailure(
                f"The result has {size} bytes; expected at most {_LARGEST_RESULT}.",
                hint="Write it to a file and return its path.",
            )
    except JobCancelled:
        return {"error": "Cancelled", "problem": "It was cancelled.", "is_cancelled": True}
    except AssayError as exc:
        return _failure(exc)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as exc:
        # A message of a library may hold a patient's name: only the type leaves.
        return {"error": type(exc).__name__, "problem": type(exc).__name__}
    return {"result": result}


def _failure(exc: AssayError) -> dict[str, Any]:
    return {
        "error": type(exc).__name__,
        "problem": exc.message[:_LONGEST_PROBLEM],
        "is_permanent": isinstance(exc, PermanentFailure),
    }


if __name__ == "__main__":
    main()
