"""Running the packs' own jobs in a process that may be ended at any time.

A thread that hangs cannot be stopped, a process can: what holds is that a job is over, one way or
the other, by its deadline. What it did until then stands, so a pack's function must bear being
called again for the same job. Native crashes and leaks stay in that process as well.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from threading import Event as Flag
from time import monotonic
from types import TracebackType
from typing import Self

from core.child_process import ChildLost, ChildProcess
from core.logs import outlet
from core.records.queue import Job
from core.settings import Settings

DEADLINE_S = 300.0

_START_S = 60.0
_GRACE_S = 10.0
_LOOK_S = 0.2


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ended.

    Attributes:
        error: Type of what was raised; empty when the job is done.
        problem: What went wrong, for a person; without a stranger's words.
        is_permanent: Whether trying again would end the same way.
        stopped: Whether it was cut short because the worker stops.
    """

    error: str = ""
    problem: str = ""
    is_permanent: bool = False
    stopped: bool = False


class Errands:
    """The process that runs the packs' functions; a context manager that starts it when needed.

    Args:
        settings: Handed to the functions.
        deadline_s: Longest time for one job in seconds.
    """

    def __init__(self, settings: Settings, deadline_s: float = DEADLINE_S) -> None:
        self._settings = settings
        self._deadline_s = deadline_s
        self._child: ChildProcess | None = None

    def __enter__(self) -> Self:
        """Give itself; nothing runs yet."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the process."""
        self._end()

    def run(self, job: Job, stop: Flag) -> Outcome:
        """Do one job; never raises for what the pack's function does.

        Args:
            job: A claimed job.
            stop: When it is set a job under way has ten more seconds.
        """
        if self._child is None:
            self._child = self._start()
            answer = _wait(self._child, _START_S, stop)
            if isinstance(answer, Outcome):
                self._end()
                return answer
        _send(self._child, asdict(job))
        answer = _wait(self._child, self._deadline_s, stop)
        if isinstance(answer, Outcome):
            self._end()
            return answer
        return Outcome(**json.loads(answer))

    def _start(self) -> ChildProcess:
        child = ChildProcess("core.jobs.process_main", environment=os.environ, stderr=outlet())
        # Not as arguments, which everybody on the machine can read: they may hold a password.
        settings = self._settings.model_dump(mode="json")
        _send(child, {"settings": settings, "deadline_s": self._deadline_s})
        return child

    def _end(self) -> None:
        if self._child is not None:
            self._child.kill()
        self._child = None


def _send(child: ChildProcess, order: object) -> None:
    child.send(json.dumps(order).encode() + b"\n")


def _wait(child: ChildProcess, seconds: float, stop: Flag) -> bytes | Outcome:
    """Wait for a line of the process, or say why there is none."""
    end, stopping = monotonic() + seconds, False
    try:
        while (line := child.receive(_LOOK_S)) is None:
            if stop.is_set() and not stopping:
                stopping, end = True, min(end, monotonic() + _GRACE_S)
            if monotonic() > end:
                if stopping:
                    return Outcome("Stopped", "The worker stopped.", stopped=True)
                return Outcome("Overdue", f"No end within {seconds:g} s.")
    except ChildLost as how:
        return Outcome("Crashed", f"The process that did it crashed ({how}).")
    return line
