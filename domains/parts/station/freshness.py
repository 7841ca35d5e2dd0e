"""Whether a frame shows the part that its trigger announced: younger, next in order, not frozen."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from domains.parts.station.part import CapturedFrame, Trigger
from domains.parts.station.result import LineReason

MOST_IN_A_ROW = 3
REMEMBERED = 2
LEAD_S = 0.05
"""How much earlier than its message to this machine a hardware trigger may start the exposure."""


@dataclass(frozen=True, slots=True)
class FrameHistory:
    """What is remembered of one camera's frames.

    Attributes:
        counter: Counter of the last frame that was of its trigger.
        trigger: Number of that trigger.
        camera_time_s: The camera's time stamp of the last frame.
        since_open: Number of the last frame since the camera was opened.
        digests: Digests of the last two frames, whether they were used or not.
        refused_in_a_row: How many frames before the next one could not be used.
    """

    counter: int | None = None
    trigger: int | None = None
    camera_time_s: float | None = None
    since_open: int = 0
    digests: tuple[str, ...] = ()
    refused_in_a_row: int = 0


Checked = tuple[tuple[LineReason, ...], FrameHistory]


def check(
    frame: CapturedFrame, trigger: Trigger, history: FrameHistory, *, hardware: bool, discard: int
) -> Checked:
    """Return why a frame must not be judged for a trigger, nothing where it may; and the history.

    A frame that came with its trigger, as a new file does, belongs to it: it can only be frozen.
    Any other must have been exposed after the trigger. Where an electrical line starts the
    exposure, that may precede the message by `LEAD_S`, and the counter must have gone up by as many
    as there were triggers since: one less is the frame of an earlier trigger, one more tells of
    frames that were lost. The first frame after opening has no predecessor to prove that.

    The third refused frame in a row stops the line. The ``discard`` frames after opening or a
    changed setting are refused too but expected, so they do not count towards the three.

    Args:
        frame: Frame of the camera that the history is of.
        trigger: What it is to be judged for.
        history: What is remembered of the camera.
        hardware: Whether an electrical line starts the exposure.
        discard: How many frames after opening do not count.
    """
    if frame.since_open <= history.since_open:  # the camera was opened again, or set anew
        history = replace(history, counter=None, trigger=None, camera_time_s=None)
    reasons = []
    is_warming_up = False
    if not any(frame is own for own in trigger.frames):
        is_warming_up = frame.since_open <= discard
        reasons += _of_time(frame, trigger, history, hardware, is_warming_up)
    if frame.raw_sha256 in history.digests:
        reasons.append(LineReason.FRAME_FROZEN)
    later = _remember(frame, trigger, history, LineReason.FRAME_STALE in reasons)
    if is_warming_up:
        return tuple(reasons), replace(later, refused_in_a_row=history.refused_in_a_row)
    return _counted(tuple(reasons), later)


def check_missing(history: FrameHistory) -> Checked:
    """Return why a part without a frame fails, which counts as a refused frame."""
    return _counted((LineReason.NO_FRAME,), history)


def _of_time(
    frame: CapturedFrame,
    trigger: Trigger,
    history: FrameHistory,
    hardware: bool,
    is_warming_up: bool,
) -> list[LineReason]:
    reasons = []
    offset = _counter_offset(frame, trigger, history, hardware)
    lead = LEAD_S if hardware else 0.0
    is_fresh = frame.exposed_at >= trigger.at - lead  # false for NaN
    if is_warming_up or not is_fresh or (offset is not None and offset < 0):
        reasons.append(LineReason.FRAME_STALE)
    elif hardware and offset != 0:
        reasons.append(LineReason.FRAME_GAP)
    last, time = history.camera_time_s, frame.camera_time_s
    if time is not None and (math.isnan(time) or (last is not None and time < last)):
        reasons.append(LineReason.CLOCK)
    return reasons


def _counter_offset(
    frame: CapturedFrame, trigger: Trigger, history: FrameHistory, hardware: bool
) -> int | None:
    """Return by how much the counter is ahead of its trigger, below 0 behind; None = unknown."""
    if frame.counter is None or history.counter is None or history.trigger is None:
        return None
    ahead = frame.counter - history.counter
    if hardware:
        return ahead - (trigger.number - history.trigger)
    return min(ahead - 1, 0)  # a camera that runs freely counts on between two parts


def _remember(
    frame: CapturedFrame, trigger: Trigger, history: FrameHistory, is_stale: bool
) -> FrameHistory:
    """Return the history with this frame; a stale one is no frame to count from."""
    time = frame.camera_time_s
    return replace(
        history,
        counter=history.counter if is_stale else frame.counter,
        trigger=history.trigger if is_stale else trigger.number,
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
