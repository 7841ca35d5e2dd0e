"""When the exposure of a frame began at the earliest, for cameras that do not say it."""

from __future__ import annotations

import math
from dataclasses import dataclass

_ARRIVALS = 32
_FEWEST = 4
_WAITED = 0.5


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What is known of a camera's frames from when they came.

    Attributes:
        times: When the last frames came, in seconds of the monotonic clock.
        exposed_at: When the exposure of the last one began at the earliest.
    """

    times: tuple[float, ...] = ()
    exposed_at: float = -math.inf

    @property
    def interval_s(self) -> float:
        """Mean time between two frames; NaN while there are too few to say."""
        if len(self.times) < _FEWEST:
            return math.nan
        return (self.times[-1] - self.times[0]) / (len(self.times) - 1)


def arrive(
    arrivals: Arrivals,
    began_at: float,
    arrived_at: float,
    *,
    exposure_s: float | None,
    latency_s: float,
) -> Arrivals:
    """Return what is known after another frame.

    Drivers keep a few frames back, so that one that is read now may be old. But a frame for which
    the reader had to wait was not there when it began to wait. Before that moment lie its way to
    this machine, its readout, at most one frame interval, and its exposure, at most another one
    where it is not known. A frame that was there at once says only that it is not older than the
    one before it.

    Args:
        arrivals: What was known before.
        began_at: When the reader began to ask for the frame.
        arrived_at: When it had it.
        exposure_s: Length of the exposure; None where it is not known.
        latency_s: Longest way of a frame to this machine.
    """
    times = (*arrivals.times, arrived_at)[-_ARRIVALS:]
    interval = Arrivals(times).interval_s
    exposed_at = arrivals.exposed_at
    if arrived_at - began_at >= _WAITED * interval:  # false while there is no interval
        exposure = interval if exposure_s is None else exposure_s
        exposed_at = max(exposed_at, began_at - latency_s - interval - exposure)
    return Arrivals(times, exposed_at)
