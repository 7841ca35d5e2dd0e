"""What known answers and times say about a reader, and when that is an alarm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from core.decision.rate import Rate

FASTEST_MS = 400.0
"""Nobody reads a picture in less."""
TIMED = 50
"""Newest cases over which the median time is taken."""
_TAIL = 0.025


@dataclass(frozen=True, slots=True)
class ReaderAlarms:
    """What is wrong with a reader's answers; both may be.

    Attributes:
        is_insensitive: Whether the known positives do not show the sensitivity asked for.
        is_too_fast: Whether the median time of a case is one in which nobody reads.
        more_needed: Known positives that are missing before the sensitivity can be shown at all.
    """

    is_insensitive: bool
    is_too_fast: bool
    more_needed: int


def positives_needed(target: float) -> int:
    """Return how many known positives, all found, show a sensitivity (Clopper-Pearson, 95 %).

    Raises:
        ValueError: The target is not inside (0, 1).
    """
    if not 0.0 < target < 1.0:
        raise ValueError(f"target: expected inside (0, 1), got {target}")
    return math.ceil(math.log(_TAIL) / math.log(target) - 1e-9)


def check_reader(sensitivity: Rate, target: float, times_ms: Sequence[float]) -> ReaderAlarms:
    """Return what is wrong with a reader's answers on known cases, and with their times.

    The lower bound of the sensitivity must reach the target. Before there are enough known
    positives no reader could reach it, so that only an upper bound below the target is an alarm.

    Args:
        sensitivity: Of the known positives those that the reader called positive.
        target: Sensitivity asked for, inside (0, 1).
        times_ms: Time on each case, the newest first.

    Raises:
        ValueError: The target is not inside (0, 1).
    """
    missing = max(positives_needed(target) - sensitivity.n, 0)
    is_below = sensitivity.high < target or (not missing and sensitivity.low < target)
    middle = median_time(times_ms)
    return ReaderAlarms(is_below, middle is not None and middle < FASTEST_MS, missing)


def median_time(times_ms: Sequence[float]) -> float | None:
    """Return the median of the newest ``TIMED`` times; None before there are so many."""
    return float(median(times_ms[:TIMED])) if len(times_ms) >= TIMED else None
