"""Whether a frame shows the part that its trigger announced: younger, next in order, not frozen."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from domains.parts.station.part import CapturedFrame, Trigger
from domains.parts.station.result import LineReason

MOST_IN_A_ROW = 3
REMEMBERED = 2
LONGEST_BACKLOG = 1000
"""Frames by which a counter may fall back; by more, it has begun anew, as 16-bit ones do."""

LEAD_S = 0.05
"""How much earlier than its message to this machine a hardware trigger may start the exposure."""


@dataclass(frozen=True, slots=True)
class FrameHistory:
    """What is remembered of one camera's frames.

    Attributes:
        counter: Counter of the last frame that was of its trigger; None before the first.
        trigger: Number of that trigger.
        missing: How many triggers had no frame since the opening, before the first that had one.
        camera_time_s: The camera's time stamp of the last frame.
        since_open: Number of the last frame since the camera was opened.
        digests: Digests of the last two frames, whether they were used or not.
        refused_in_a_row: How many frames before the next one could not be used.
    """

    counter: int | None = None
    trigger: int | None = None
    missing: int = 0
    camera_time_s: float | None = None
    since_open: int = 0
    digests: tuple[str, ...] = ()
    refused_in_a_row: int = 0

    def reopened(self) -> FrameHistory:
        """Return what is left of it when the camera is opened again, or set anew."""
        return FrameHistory(digests=self.digests, refused_in_a_row=self.refused_in_a_row)


Checked = tuple[tuple[LineReason, ...], FrameHistory]


def check(
    frame: CapturedFrame, trigger: Trigger, history: FrameHistory, *, hardware: bool, discard: int
) -> Checked:
    """Return why a frame must not be judged for a trigger, nothing where it may; and the history.

    A frame that came with its trigger, as a new file does, belongs to it: it can only be frozen.
    Any other must have been exposed after the trigger. Where an electrical line starts the
    exposure, that may precede the message by `LEAD_S`, and the counter must have gone up by as many
    as there were triggers since: one less is the frame of an earlier trigger, one more tells of
    frames that were lost. The first frame after opening has no predecessor to prove that; and where
    a trigger had no frame before it, it may be that trigger's, so that none is proven before the
    camera is opened again.

    The third refused frame in a row stops the line. The ``discard`` frames after opening or a
    changed setting are refused too but expected, so they do not count towards the three.

    Args:
        frame: Frame of the camera that the history is of.
        trigger: What it is to be judged for.
        history: What is remembered of the camera.
        hardware: Whether an electrical line starts the exposure.
        discard: How many frames after opening do not count.
    """
    if frame.since_open <= history.since_open:
        history = history.reopened()
    if any(frame is own for own in trigger.frames):
        reasons: list[LineReason] = []
        is_placed = is_warming_up = False
    else:
        reasons, is_placed = _of_time(frame, trigger, history, hardware)
        is_warming_up = frame.since_open <= discard
        if is_warming_up and LineReason.FRAME_STALE not in reasons:
            reasons = [LineReason.FRAME_STALE, *reasons]
    if frame.raw_sha256 in history.digests:
        reasons.append(LineReason.FRAME_FROZEN)
    later = _remember(frame, trigger, history, is_placed)
    if is_warming_up:
        return tuple(reasons), replace(later, refused_in_a_row=history.refused_in_a_row)
    return _counted(tuple(reasons), later)


def check_missing(history: FrameHistory) -> Checked:
    """Return why a part without a frame fails, which counts as a refused frame."""
    if history.counter is None:
        history = replace(history, missing=history.missing + 1)
    return _counted((LineReason.NO_FRAME,), history)


def _of_time(
    frame: CapturedFrame, trigger: Trigger, history: FrameHistory, hardware: bool
) -> tuple[list[LineReason], bool]:
    """Return why a frame is refused, and whether its counter belongs to its trigger."""
    reasons = []
    offset = _counter_offset(frame, trigger, history, hardware)
    lead = LEAD_S if hardware else 0.0
    is_fresh = frame.exposed_at >= trigger.at - lead  # false for NaN
    if not is_fresh or (offset is not None and offset < 0):
        reasons.append(LineReason.FRAME_STALE)
    elif hardware and offset != 0:
        reasons.append(LineReason.FRAME_GAP)
    last, time = history.camera_time_s, frame.camera_time_s
    if time is not None and (math.isnan(time) or (last is not None and time < last)):
        reasons.append(LineReason.CLOCK)
    may_be_earlier = hardware and history.counter is None and history.missing > 0
    return reasons, LineReason.FRAME_STALE not in reasons and not may_be_earlier


def _counter_offset(
    frame: CapturedFrame, trigger: Trigger, history: FrameHistory, hardware: bool
) -> int | None:
    """Return by how much the counter is ahead of its trigger, below 0 behind; None = unknown."""
    if frame.counter is None or history.counter is None or history.trigger is None:
        return None
    ahead = frame.counter - history.counter
    if ahead < -LONGEST_BACKLOG:
        return None
    if hardware:
        return ahead - (trigger.number - history.trigger)
    return min(ahead - 1, 0)  # a camera that runs freely counts on between two parts


def _remember(
    frame: CapturedFrame, trigger: Trigger, history: FrameHistory, is_placed: bool
) -> FrameHistory:
    """Return the history with this frame; one that is not of its trigger is none to count from."""
    time = frame.camera_time_s
    return replace(
        history,
        counter=frame.counter if is_placed else history.counter,
        trigger=trigger.number if is_placed else history.trigger,
        camera_time_s=history.camera_time_s if time is None or math.isnan(time) else time,
        since_open=frame.since_open,
        digests=(*history.digests, frame.raw_sha256)[-REMEMBERED:],
    )


def _counted(reasons: tuple[LineReason, ...], history: FrameHistory) -> Checked:
    if not reasons:
        return (), replace(history, refused_in_a_row=0)
    refused = history.refused_in_a_row + 1
    if refused >= MOST_IN_A_ROW:
        reasons = (*reasons, LineReason.FRAMES_UNUSABLE)
    return reasons, replace(history, refused_in_a_row=refused)
