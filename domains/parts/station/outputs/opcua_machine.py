"""Where a vision system stands, from what clients call and from what the station shows.

No clock, no network: `opcua` drives it, and does what it returns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from domains.parts.station.blocks import StatusBlock
from domains.parts.station.outputs.opcua_states import (
    Method,
    State,
    Transition,
    entered,
    next_state,
)
from domains.parts.station.part import InspectedPart
from domains.parts.station.registers import OfflineReason

_ERRORS = frozenset({OfflineReason.CAMERA, OfflineReason.STATION})


class NotAllowed(Exception):
    """A method was called in a state that has no such transition; nothing has changed."""


class JobEnd(Enum):
    """What became of a job."""

    RUNNING = "running"
    STOPPED = "stopped"
    ABORTED = "aborted"
    UNANSWERED = "unanswered"


@dataclass(slots=True)
class Job:
    """One job that a client started, or that the station started for a trigger of its own.

    Attributes:
        id: Its id.
        is_continuous: Whether it goes on after a part.
        at: When it was started, in seconds of the monotonic clock: that of its trigger.
        part_seq: Number by which its part is known again; 0 for a continuous one.
        meas_id: The client's id of the measurement.
        end: What became of it.
    """

    id: str
    is_continuous: bool
    at: float
    part_seq: int = 0
    meas_id: str = ""
    end: JobEnd = JobEnd.RUNNING


class VisionMachine:
    """The state of the vision system, changed through the table alone."""

    def __init__(self) -> None:
        self.state = State.PREOPERATIONAL
        self.last_transition: Transition | None = None
        self.status = StatusBlock()
        self.job: Job | None = None
        self._ended: list[Job] = []
        self._is_automatic = True
        self._is_prepared_by_client = False
        self._counts_inspection = True

    def check(self, method: Method) -> Transition | None:
        """Return the transition of a method, None for a reset in the first state.

        Raises:
            NotAllowed: The state has no such transition.
        """
        found = next_state(self.state, method)
        is_kept = method is Method.RESET and self.state is State.PREOPERATIONAL
        is_kept |= method is Method.PREPARE_RECIPE and self.state is State.READY
        if found is None and not is_kept:
            raise NotAllowed(f"{method} in {self.state.title}")
        return found

    def call(self, method: Method) -> list[Transition]:
        """Do what a method asks for, and return the transition.

        Raises:
            NotAllowed: The state has no such transition.
        """
        found = self.check(method)
        if method in {Method.HALT, Method.RESET}:
            self._is_automatic = False
            self._end_job(JobEnd.ABORTED)
        elif method is Method.SELECT_MODE_AUTOMATIC:
            self._is_automatic = True
        elif method in {Method.STOP, Method.ABORT}:
            self._end_job(JobEnd.STOPPED if method is Method.STOP else JobEnd.ABORTED)
        return self._go(found) if found is not None else []

    def start(self, job: Job) -> list[Transition]:
        """Start a client's job.

        Raises:
            NotAllowed: The state has no such transition.
        """
        method = Method.START_CONTINUOUS if job.is_continuous else Method.START_SINGLE_JOB
        transitions = self.call(method)
        self.job = job
        return transitions

    def prepared(self) -> list[Transition]:
        """Note that the recipe which a client asked for is active."""
        self._is_prepared_by_client = self.state is State.INITIALIZED
        return list(self._settle())

    def observe(self, status: StatusBlock) -> list[Transition]:
        """Take what the station shows, and return the transitions that follow."""
        self.status = status
        if not status.inspecting:
            self._counts_inspection = True
        return list(self._settle())

    def expire(self, before: float) -> list[Transition]:
        """End a single job that was started before a time and got no result."""
        job = self.job
        if job is None or job.is_continuous or job.at >= before:
            return []
        self._end_job(JobEnd.UNANSWERED)
        return list(self._settle())

    def complete(self, part: InspectedPart) -> tuple[Job | None, list[Transition]]:
        """Return the job that a part belongs to, and the transitions that follow."""
        trigger = part.trigger
        for ended in reversed(self._ended):
            if _belongs(ended, trigger.part_seq, trigger.at):
                self._ended.remove(ended)
                return ended, []
        job = self.job
        if job is None or job.is_continuous:
            return job, []
        if not _belongs(job, trigger.part_seq, trigger.at):
            return None, []
        self.job = None
        return job, list(self._settle())

    def _settle(self) -> Iterator[Transition]:
        """Go on by itself until the state agrees with what the station shows."""
        while (target := self._target()) is not None:
            cause: Method | State = target
            if target is State.READY and self._is_prepared_by_client:
                cause, self._is_prepared_by_client = Method.PREPARE_RECIPE, False
            found = next_state(self.state, cause)
            if found is None:
                return
            if self.state.is_executing and not target.is_executing and target is not State.READY:
                self._end_job(JobEnd.STOPPED)
            yield from self._go(found)

    def _target(self) -> State | None:
        """Return the next state by what the station shows; None where it is the right one."""
        reason, state = self.status.offline_reason, self.state
        if state is State.HALTED:
            return None
        if reason in _ERRORS:
            return None if state is State.ERROR else State.ERROR
        if state is State.ERROR:
            return State.OPERATIONAL if self._is_automatic else State.PREOPERATIONAL
        if state is State.PREOPERATIONAL:
            return State.INITIALIZED if self._is_automatic else None
        if reason == OfflineReason.ENDED:
            return State.HALTED
        return self._operational_target()

    def _operational_target(self) -> State | None:
        is_inspecting = self.status.inspecting and self._counts_inspection
        match self.state:
            case State.INITIALIZED:
                return State.READY if self.status.online else None
            case State.READY if is_inspecting:
                return State.SINGLE_EXECUTION
            case State.READY:
                return None if self.status.online else State.INITIALIZED
            case State.SINGLE_EXECUTION:
                return None if is_inspecting or self.job is not None else State.READY
            case _:
                return None if self.job is not None else State.READY

    def _end_job(self, end: JobEnd) -> None:
        # What is under way is inspected to its end; it is no execution of this machine any more.
        self._counts_inspection = not self.status.inspecting
        if self.job is not None:
            self.job.end = end
            if not self.job.is_continuous:
                self._counts_inspection = False
                self._ended = [*self._ended[-7:], self.job]
            self.job = None

    def _go(self, transition: Transition) -> list[Transition]:
        self.state = entered(transition.target)
        self.last_transition = transition
        return [transition]


def _belongs(job: Job, part_seq: int, at: float) -> bool:
    return job.part_seq == part_seq and at >= job.at
