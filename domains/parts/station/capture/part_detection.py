"""When a part enters a view, stands and leaves; arrays in, arrays out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8
from numpy.typing import NDArray

WIDTH = 160
"""Pixels in a row at which parts are looked for; averaging takes most of the noise away."""

_LEARNING_FRAMES = 10
_NOISE_FACTOR = 6.0
_LARGEST_GAIN_STEP = 0.03
_LEARNING_RATE = 0.02
_SAME_PLACE = 0.9
_UNCLEAR_SHARE = 0.9
_OPEN, _CLOSE = np.ones((3, 3), np.uint8), np.ones((7, 7), np.uint8)

Grey = UInt8[np.ndarray, "height width"]
Levels = Float32[np.ndarray, "height width"]
Mask = Bool[np.ndarray, "height width"]


@dataclass(frozen=True, slots=True)
class DetectionLimits:
    """What counts as a part, and as standing.

    Attributes:
        difference: Grey levels by which a part differs from the empty view at least.
        least_share: Share of the view that a part covers at least.
        still_frames: Frames for which it has not moved when it counts as standing.
        gone_frames: Frames for which it is not to be seen when it counts as gone.
    """

    difference: float = 12.0
    least_share: float = 0.01
    still_frames: int = 3
    gone_frames: int = 3


@dataclass(frozen=True, slots=True, eq=False)
class TrackedPart:
    """One part in view.

    Attributes:
        mask: Where it is.
        still_frames: For how many frames it has not moved.
        missing_frames: For how many frames it has not been seen.
        is_announced: Whether it was announced; every part is, once.
    """

    mask: NDArray[np.bool_]
    still_frames: int = 0
    missing_frames: int = 0
    is_announced: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class ViewState:
    """What is known of the view after a frame.

    Attributes:
        background: The empty view; None before the first frame.
        noise: By how much each pixel of the empty view varies.
        gain: Light of the last frame, relative to the background.
        learned_frames: How many frames the background was learned from.
        previous: The last frame.
        parts: What is in view.
    """

    background: NDArray[np.float32] | None = None
    noise: NDArray[np.float32] | None = None
    gain: float = 1.0
    learned_frames: int = 0
    previous: NDArray[np.float32] | None = None
    parts: tuple[TrackedPart, ...] = ()


@dataclass(frozen=True, slots=True)
class StandingParts:
    """What came to stand with a frame.

    Attributes:
        new: How many parts that were not announced before.
        in_view: How many parts are in view, whether announced or not.
    """

    new: int
    in_view: int


def shrink(pixels: NDArray[np.uint8]) -> Grey:
    """Return a frame in grey at the width at which parts are looked for."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) if pixels.ndim == 3 else pixels
    height = max(1, round(grey.shape[0] * WIDTH / grey.shape[1]))
    return np.asarray(cv2.resize(grey, (WIDTH, height), interpolation=cv2.INTER_AREA))


def look(state: ViewState, grey: Grey, limits: DetectionLimits) -> tuple[ViewState, StandingParts]:
    """Return what is known after a frame, and what came to stand with it.

    The first ten frames must show the empty view at rest. From then on everything that differs from
    it by more than its noise, light changes aside, is a part. A part is followed by the overlap
    with itself from frame to frame, so it must not move by more than its own length between two. It
    is announced when it has not moved for some frames, and not again before it was gone.

    Args:
        state: What was known before; `ViewState()` at the beginning.
        grey: The frame, as `shrink` gives it.
        limits: What counts as a part, and as standing.
    """
    frame = cv2.medianBlur(grey, 3).astype(np.float32)
    if state.background is None or state.background.shape != frame.shape:
        noise = np.zeros_like(frame)
        return ViewState(frame, noise, 1.0, 1, frame), StandingParts(0, 0)
    if state.learned_frames < _LEARNING_FRAMES:
        return _learn(state, frame, limits), StandingParts(0, 0)
    gain = _gain(state, frame)
    mask = _foreground(state, frame, gain, limits)
    state = replace(state, gain=gain)
    if mask.mean() > _UNCLEAR_SHARE:  # the light went on or off: nothing is known
        return replace(state, previous=frame), StandingParts(0, len(state.parts))
    found = _components(mask, limits)
    parts = _follow(state, frame, found, limits)
    new = sum(1 for part in parts if _is_due(part, limits))
    parts = tuple(
        replace(part, is_announced=True) if _is_due(part, limits) else part for part in parts
    )
    state = _adapt(replace(state, previous=frame, parts=parts), frame, mask)
    return state, StandingParts(new, len(found))


def _learn(state: ViewState, frame: Levels, limits: DetectionLimits) -> ViewState:
    """Return the mean with another frame in it; begun again where something moves."""
    assert state.background is not None
    assert state.noise is not None
    change = np.abs(frame - state.background)
    if (change > limits.difference).mean() > limits.least_share:
        return ViewState(frame, np.zeros_like(frame), 1.0, 1, frame)
    count = state.learned_frames + 1
    return ViewState(
        (state.background + (frame - state.background) / count).astype(np.float32),
        np.maximum(state.noise, change),
        1.0,
        count,
        frame,
    )


def _gain(state: ViewState, frame: Levels) -> float:
    """Return the light relative to the background's, from where no part was; it changes slowly."""
    assert state.background is not None
    covered = np.zeros(frame.shape, bool)
    for part in state.parts:
        covered |= part.mask
    free = ~cv2.dilate(covered.astype(np.uint8), _CLOSE).astype(bool)
    if free.mean() < 1 - _UNCLEAR_SHARE:
        return state.gain
    ratio = float(np.median(frame[free] / np.maximum(state.background[free], 1.0)))
    step = _LARGEST_GAIN_STEP * state.gain
    return float(np.clip(ratio, state.gain - step, state.gain + step))


def _foreground(state: ViewState, frame: Levels, gain: float, limits: DetectionLimits) -> Mask:
    assert state.background is not None
    assert state.noise is not None
    least = np.maximum(limits.difference, _NOISE_FACTOR * state.noise / 2)
    mask = (np.abs(frame - gain * state.background) > least).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, _OPEN)
    return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, _CLOSE)).astype(bool)


def _components(mask: Mask, limits: DetectionLimits) -> list[NDArray[np.bool_]]:
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    least = limits.least_share * mask.size
    areas = statistics[:, cv2.CC_STAT_AREA]
    return [labels == label for label in range(1, count) if areas[label] >= least]


def _follow(
    state: ViewState, frame: Levels, found: list[NDArray[np.bool_]], limits: DetectionLimits
) -> tuple[TrackedPart, ...]:
    """Return each region's part, that which it overlaps most; what is missing for long is gone."""
    left = list(state.parts)
    followed = []
    for mask in sorted(found, key=lambda one: -int(one.sum())):
        overlaps = [int((mask & part.mask).sum()) for part in left]
        if not overlaps or max(overlaps) == 0:
            followed.append(TrackedPart(mask))
            continue
        part = left.pop(int(np.argmax(overlaps)))
        is_still = _is_still(state, frame, part.mask, mask, limits)
        still_frames = part.still_frames + 1 if is_still else 0
        followed.append(replace(part, mask=mask, still_frames=still_frames, missing_frames=0))
    missing = [replace(part, missing_frames=part.missing_frames + 1) for part in left]
    followed += [part for part in missing if part.missing_frames < limits.gone_frames]
    return tuple(followed)


def _is_still(
    state: ViewState, frame: Levels, before: Mask, now: Mask, limits: DetectionLimits
) -> bool:
    """Return whether neither the outline of a part moved nor what is inside of it."""
    assert state.previous is not None
    union = before | now
    if (before & now).sum() < _SAME_PLACE * union.sum():
        return False
    moved = np.abs(frame - state.previous)[union] > limits.difference
    return bool(moved.mean() < 1 - _SAME_PLACE)


def _is_due(part: TrackedPart, limits: DetectionLimits) -> bool:
    is_here = part.missing_frames == 0
    return is_here and not part.is_announced and part.still_frames >= limits.still_frames


def _adapt(state: ViewState, frame: Levels, mask: Mask) -> ViewState:
    """Return the background after slow changes where no part is."""
    assert state.background is not None
    near = cv2.dilate(mask.astype(np.uint8), _CLOSE).astype(bool)
    for part in state.parts:
        near |= part.mask
    target = frame / max(state.gain, 1e-3)
    rate = np.where(near, 0.0, _LEARNING_RATE).astype(np.float32)
    background = state.background + rate * (target - state.background)
    return replace(state, background=background.astype(np.float32))
