"""Running jobs in a process that may be ended at any time.

A thread that hangs cannot be stopped, a process can: what holds is that a job is over, one way or
the other, by its deadline. What it did until then stands, so a job's function must bear being
called again for the same job. Native crashes and leaks stay in that process as well.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from threading import Event as Flag
from time import monotonic
from typing import Any, Self

from core.child_process import ChildLost, ChildProcess
from core.logs import outlet
from core.packs import JobKind
from core.records.job import Job, JobProgress
from core.settings import Settings

_START_S = 60.0
_STOP_GRACE_S = 10.0
_CANCEL_GRACE_S = 2.0
_POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class JobEnd:
    """How a try of a job ended.

    Attributes:
        error: Type of what was raised; empty when the job is done.
        problem: What went wrong, for a person; without text from untrusted files.
        is_permanent: Whether trying again would end the same way.
        is_stopped: Whether it was cut short because the worker stops.
        is_cancelled: Whether it was cut short because somebody asked for that.
        result: What its function returned.
    """

    error: str = ""
    problem: str = ""
    is_permanent: bool = False
    is_stopped: bool = False
    is_cancelled: bool = False
    result: Mapping[str, Any] = field(default_factory=dict)


_STOPPED = JobEnd("Stopped", "The worker stopped.", is_stopped=True)
_CANCELLED = JobEnd("Cancelled", "It was cancelled.", is_cancelled=True)


@dataclass(frozen=True, slots=True)
class Signals:
    """What the worker signals to a running job, and where its progress goes.

    Attributes:
        stop: Once set the job has ten more seconds, for the worker stops.
        cancel: Once set the job has two more seconds, for somebody asked that it ends.
        report: Called with each progress.
    """

    stop: Flag
    cancel: Flag
    report: Callable[[JobProgress], None]


class JobProcess:
    """The process of one lane; a context manager that starts it when it is needed.

    Args:
        settings: Handed to the jobs' functions.
        niceness: By how much the process yields the processor to others.
    """

    def __init__(self, settings: Settings, niceness: int = 0) -> None:
        self._settings = settings
        self._niceness = niceness
        self._child: ChildProcess | None = None

    def __enter__(self) -> Self:
        """Return itself; nothing runs yet."""
        return self

    def __exit__(self, *exception: object) -> None:
        """End the process."""
        self._end()

    def run(self, job: Job, kind: JobKind, signals: Signals) -> JobEnd:
        """Return how one try of a job ended; never raise for what its function does.

        Args:
            job: A claimed job.
            kind: Its kind.
            signals: Of the worker to it, and where its progress goes.
        """
        if self._child is None:
            self._child = self._start()
            ready = _wait(self._child, _START_S, signals)
            if ready.error:
                self._end()
                return ready
        _send(self._child, {"job": asdict(job), "deadline_s": kind.deadline_s})
        end = _wait(self._child, kind.deadline_s, signals)
        if end.is_cancelled or end.is_stopped or end.error in _LOST:
            self._end()
        return end

    def _start(self) -> ChildProcess:
        child = ChildProcess("core.jobs.process_main", environment=os.environ, stderr=outlet())
        # Not as arguments, which everybody on the machine can read: they may hold a password.
        settings = self._settings.model_dump(mode="json")
        _send(child, {"settings": settings, "niceness": self._niceness})
        return child

    def _end(self) -> None:
        if self._child is not None:
            self._child.kill()
        self._child = None


_OVERDUE, _CRASHED = "Overdue", "Crashed"
_LOST = frozenset({_OVERDUE, _CRASHED})


def _send(child: ChildProcess, order: object) -> None:
    child.send(json.dumps(order).encode() + b"\n")


def _wait(child: ChildProcess, seconds: float, signals: Signals) -> JobEnd:
    """Return how the process ended its order, passing progress on until then."""
    overdue = JobEnd(_OVERDUE, f"No end within {seconds:g} s.")
    end, deadline = overdue, monotonic() + seconds
    try:
        while monotonic() <= deadline:
            line = child.receive(_POLL_S)
            if line is not None:
                answer = json.loads(line)
                if "end" in answer:
                    return JobEnd(**answer["end"])
                signals.report(JobProgress(**answer["progress"]))
            if end is overdue and signals.cancel.is_set():
                _send(child, {"cancel": True})
                end, deadline = _CANCELLED, min(deadline, monotonic() + _CANCEL_GRACE_S)
            elif end is overdue and signals.stop.is_set():
                end, deadline = _STOPPED, min(deadline, monotonic() + _STOP_GRACE_S)
    except ChildLost as how:
        return JobEnd(_CRASHED, f"The process that did it crashed ({how}).")
    return end
