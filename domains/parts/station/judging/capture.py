"""Capturing parts to learn from: everything as in an inspection, but that nothing judges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from domains.parts.station.judging.inspection import FramesTaken, Inspection, group_of
from domains.parts.station.part import CapturedFrame, Trigger
from domains.parts.station.records.parts import Draft
from domains.parts.station.result import LineReason


@dataclass(frozen=True, slots=True)
class CapturedPart:
    """A part whose pictures are all as an inspection would judge them.

    Attributes:
        group: Its id, or where it has none its number: the unit over which errors are counted.
        frames: One of each camera.
    """

    group: str
    frames: tuple[CapturedFrame, ...]


OnCapture = Callable[[CapturedPart], None]


@dataclass(frozen=True)
class CapturingInspection(Inspection):
    """How the parts of a recipe are captured.

    Trigger, cameras, id and record are those of the inspection. Every part is answered FAIL: what
    is not judged does not pass.

    Attributes:
        on_capture: Called with each part that nothing is wrong with.
    """

    on_capture: OnCapture = lambda _: None

    def _inspect(
        self, station: str, trigger: Trigger, taken: Callable[[FramesTaken], None]
    ) -> Draft:
        grabbed, identity = self.acquire(trigger, taken)
        draft = self.unjudged(trigger, grabbed, identity)
        if draft.verdict.reasons == (LineReason.NOT_CERTIFIED,):
            group = group_of(identity.part_id, station, trigger.number)
            self.on_capture(CapturedPart(group, tuple(draft.frames)))
        return draft
