"""Nelson's eight rules: patterns on a control chart that chance alone seldom draws.

Each rule takes standardised points, ``(x - mean) / sigma``, in the order of time, and marks every
point that ends a window with the pattern. A NaN point has no place: it breaks every pattern.
Source: Nelson, "The Shewhart control chart: tests for special causes", Journal of Quality
Technology 16 (1984) 237-239. ``false_alarm`` is the share of points that each rule marks while the
process stays as it is and its points are normal and independent; with several rules the shares add
up to about 2.5 %, which is why a board names the rule and does not stop a line for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.types import F64

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class NelsonRule:
    """One of the eight rules.

    Attributes:
        number: 1 to 8, as Nelson counts them.
        sentence: What the marked points do.
        hint: What it usually comes from.
        false_alarm: Share of the points that it marks in control.
        mark: bool ``n`` for float ``n`` standardised points.
    """

    number: int
    sentence: str
    hint: str
    false_alarm: float
    mark: Callable[[F64], Flags]


def beyond_three_sigma(z: F64) -> Flags:
    """Return which points lie beyond three sigma (rule 1)."""
    flags: Flags = np.abs(z) > 3.0
    return flags


def nine_on_one_side(z: F64) -> Flags:
    """Return which points are the ninth in a row on one side of the centre (rule 2)."""
    return _all_of(z > 0.0, 9) | _all_of(z < 0.0, 9)


def six_in_trend(z: F64) -> Flags:
    """Return which points are the sixth of six that all rise or all fall (rule 3)."""
    return _steps(z, 5, alternating=False)


def fourteen_alternating(z: F64) -> Flags:
    """Return which points are the fourteenth of fourteen that go up and down in turn (rule 4)."""
    return _steps(z, 13, alternating=True)


def two_of_three_beyond_two_sigma(z: F64) -> Flags:
    """Return where two of the last three points lie beyond two sigma on one side (rule 5)."""
    return (_count(z > 2.0, 3) >= 2) | (_count(z < -2.0, 3) >= 2)


def four_of_five_beyond_one_sigma(z: F64) -> Flags:
    """Return where four of the last five points lie beyond one sigma on one side (rule 6)."""
    return (_count(z > 1.0, 5) >= 4) | (_count(z < -1.0, 5) >= 4)


def fifteen_within_one_sigma(z: F64) -> Flags:
    """Return which points are the fifteenth in a row within one sigma (rule 7)."""
    return _all_of(np.abs(z) < 1.0, 15)


def eight_outside_one_sigma(z: F64) -> Flags:
    """Return which are the eighth in a row beyond one sigma, some on either side (rule 8)."""
    above, below = _count(z > 1.0, 8), _count(z < -1.0, 8)
    flags: Flags = (above + below == 8) & (above > 0) & (below > 0)
    return flags


RULES = (
    NelsonRule(
        1,
        "A point lies beyond three sigma.",
        "One sample is grossly off: look at its parts.",
        0.00270,
        beyond_three_sigma,
    ),
    NelsonRule(
        2,
        "Nine points in a row lie on one side of the centre.",
        "The level has shifted: light, lens, material.",
        0.00391,
        nine_on_one_side,
    ),
    NelsonRule(
        3,
        "Six points in a row rise, or fall.",
        "Something drifts: dirt on the lens, wear of a tool.",
        0.00278,
        six_in_trend,
    ),
    NelsonRule(
        4,
        "Fourteen points in a row go up and down in turn.",
        "Two sources are mixed in turn: two moulds, two cameras.",
        0.00457,
        fourteen_alternating,
    ),
    NelsonRule(
        5,
        "Two of three points lie beyond two sigma on one side.",
        "The level shifts.",
        0.00306,
        two_of_three_beyond_two_sigma,
    ),
    NelsonRule(
        6,
        "Four of five points lie beyond one sigma on one side.",
        "The level shifts a little.",
        0.00553,
        four_of_five_beyond_one_sigma,
    ),
    NelsonRule(
        7,
        "Fifteen points in a row lie within one sigma.",
        "The limits are too wide, or parts of several sources make up each point.",
        0.00326,
        fifteen_within_one_sigma,
    ),
    NelsonRule(
        8,
        "Eight points in a row lie beyond one sigma, on both sides.",
        "Two sources make up the points.",
        0.00010,
        eight_outside_one_sigma,
    ),
)


def _count(flags: Flags, window: int) -> NDArray[np.intp]:
    """Return how many of the last ``window`` points are flagged; 0 where there are fewer points."""
    total = np.concatenate(([0], np.cumsum(flags)))
    counts = np.zeros(flags.size, np.intp)
    if flags.size >= window:
        counts[window - 1 :] = total[window:] - total[:-window]
    return counts


def _all_of(flags: Flags, window: int) -> Flags:
    complete: Flags = _count(flags, window) == window
    return complete


def _steps(z: F64, steps: int, *, alternating: bool) -> Flags:
    """Return where the last ``steps`` differences have one sign, or signs in turn."""
    signs = np.sign(np.diff(z))
    signs[np.isnan(signs)] = 0.0
    if alternating:
        signs = signs * np.where(np.arange(signs.size) % 2, -1.0, 1.0)
    flags = np.zeros(z.size, np.bool_)
    flags[1:] = _all_of(signs > 0.0, steps) | _all_of(signs < 0.0, steps)
    return flags
