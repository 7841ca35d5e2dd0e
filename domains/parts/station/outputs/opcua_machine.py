"""Where a vision system stands, from what clients call and from what the station shows.

No clock, no network: `opcua` drives it, and does what it returns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from domains.parts.station.outputs.opcua_states import (
    Method,
    Transition,
    VisionState,
    entered,
    next_state,
)
from domains.parts.station.part import InspectedPart
from domains.parts.station.plc.blocks import StatusBlock
from domains.parts.station.plc.registers import OfflineReason

_ERRORS = frozenset({OfflineReason.CAMERA, OfflineReason.STATION})


class NotAllowed(Exception):
    """A method was called in a state that has no such transition; nothing has changed."""


class VisionJobEnd(Enum):
    """What became of a job."""

    RUNNING = "running"
    STOPPED = "stopped"
    ABORTED = "aborted"
    UNANSWERED = "unanswered"


@dataclass(slots=True)
class VisionJob:
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
    end: VisionJobEnd = VisionJobEnd.RUNNING


class VisionMachine:
    """The state of the vision system, changed through the table alone."""

    def __init__(self) -> None:
        self.state = VisionState.PREOPERATIONAL
        self.last_transition: Transition | None = None
        self.status = StatusBlock()
        self.job: VisionJob | None = None
        self._ended: list[VisionJob] = []
        self._is_automatic = True
        self._is_prepared_by_client = False
        self._counts_inspection = True

    def check(self, method: Method) -> Transition | None:
        """Return the transition of a method, None for a reset in the first state.

        Raises:
            NotAllowed: The state has no such transition.
        """
        found = next_state(self.state, method)
        is_kept = method is Method.RESET and self.state is VisionState.PREOPERATIONAL
        is_kept |= method is Method.PREPARE_RECIPE and self.state is VisionState.READY
        if found is None and not is_kept:
            raise NotAllowed(f"{method} in {self.state.title}")
        return found

    def call(self, method: Method) -> list[Transition]:
        """Return the transitions of what a method asks for.

        Raises:
            NotAllowed: The state has no such transition.
        """
        found = self.check(method)
        if method in {Method.HALT, Method.RESET}:
            self._is_automatic = False
            self._end_job(VisionJobEnd.ABORTED)
        elif method is Method.SELECT_MODE_AUTOMATIC:
            self._is_automatic = True
        elif method in {Method.STOP, Method.ABORT}:
            self._end_job(VisionJobEnd.STOPPED if method is Method.STOP else VisionJobEnd.ABORTED)
        return self._go(found) if found is not None else []

    def start(self, job: VisionJob) -> list[Transition]:
        """Return the transitions of a client's job that starts.

        Raises:
            NotAllowed: The state has no such transition.
        """
        method = Method.START_CONTINUOUS if job.is_continuous else Method.START_SINGLE_JOB
        transitions = self.call(method)
        self.job = job
        return transitions

    def prepared(self) -> list[Transition]:
        """Return the transitions once the recipe that a client asked for is active."""
        self._is_prepared_by_client = self.state is VisionState.INITIALIZED
        return list(self._settle())

    def observe(self, status: StatusBlock) -> list[Transition]:
        """Return the transitions that follow from what the station shows."""
        self.status = status
        if not status.inspecting:
            self._counts_inspection = True
        return list(self._settle())

    def expire(self, before: float) -> list[Transition]:
        """Return the transitions of a job that ends without a result, begun before a time."""
        job = self.job
        if job is None or job.is_continuous or job.at >= before:
            return []
        self._end_job(VisionJobEnd.UNANSWERED)
        return list(self._settle())

    def complete(self, part: InspectedPart) -> tuple[VisionJob | None, list[Transition]]:
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
        """Yield transitions until the state agrees with what the station shows."""
        while (target := self._target()) is not None:
            cause: Method | VisionState = target
            if target is VisionState.READY and self._is_prepared_by_client:
                cause, self._is_prepared_by_client = Method.PREPARE_RECIPE, False
            found = next_state(self.state, cause)
            if found is None:
                return
            if (
                self.state.is_executing
                and not target.is_executing
                and target is not VisionState.READY
            ):
                self._end_job(VisionJobEnd.STOPPED)
            yield from self._go(found)

    def _target(self) -> VisionState | None:
        """Return the next state by what the station shows; None where it is the right one."""
        reason, state = self.status.offline_reason, self.state
        if state is VisionState.HALTED:
            return None
        if reason in _ERRORS:
            return None if state is VisionState.ERROR else VisionState.ERROR
        if state is VisionState.ERROR:
            return VisionState.OPERATIONAL if self._is_automatic else VisionState.PREOPERATIONAL
        if state is VisionState.PREOPERATIONAL:
            return VisionState.INITIALIZED if self._is_automatic else None
        if reason == OfflineReason.ENDED:
            return VisionState.HALTED
        return self._operational_target()

    def _operational_target(self) -> VisionState | None:
        is_inspecting = self.status.inspecting and self._counts_inspection
        match self.state:
            case VisionState.INITIALIZED:
                return VisionState.READY if self.status.online else None
            case VisionState.READY if is_inspecting:
                return VisionState.SINGLE_EXECUTION
            case VisionState.READY:
                return None if self.status.online else VisionState.INITIALIZED
            case VisionState.SINGLE_EXECUTION:
                return None if is_inspecting or self.job is not None else VisionState.READY
            case _:
                return None if self.job is not None else VisionState.READY

    def _end_job(self, end: VisionJobEnd) -> None:
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


def _belongs(job: VisionJob, part_seq: int, at: float) -> bool:
    return job.part_seq == part_seq and at >= job.at
