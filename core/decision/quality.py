"""Quality gates that a bundle learns from its own training pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from core.decision.measures import describe, plain
from core.types import F64, Finding, Reason

Ranges = Mapping[str, tuple[float, float]]

WIDENING = 0.25
FEW = 5
RELATIVE = 0.10
ABSOLUTE = 0.01


def learn_ranges(measures: Mapping[str, F64]) -> dict[str, tuple[float, float]]:
    """Return what is ordinary: smallest and largest value in training, widened on both sides.

    Without widening, a new ordinary picture falls outside with probability 2 / (n + 1) per
    measure. Each side gets the largest of: a quarter of the observed range (with few pictures
    5 / n of it, a whole range at n = 5); 10 % of the larger magnitude, for a station whose
    pictures hardly vary; 0.01, for shares that are constant at zero. So the gate finds gross
    defects, a covered lens or a lost focus, and leaves subtle novelty to the OOD score.

    Args:
        measures: Name to float64 ``n``, one value per training picture; non-finite values are
            ignored, and a name without any finite value gets no range.

    Returns:
        Name to (low, high), both inside the range.
    """
    finite = {name: values[np.isfinite(values)] for name, values in measures.items()}
    return {name: _widened(values) for name, values in finite.items() if values.size}


def _widened(values: F64) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    margin = max(
        (high - low) * max(WIDENING, FEW / values.size),
        RELATIVE * max(abs(low), abs(high)),
        ABSOLUTE,
    )
    return low - margin, high + margin


def outside_ranges(measures: Mapping[str, float], ranges: Ranges) -> tuple[Finding, ...]:
    """Return a finding for each learned measure that a picture fails, in alphabetical order.

    A measure that is missing or NaN is a finding; one that was never learned is ignored.

    Args:
        measures: Name to value of one picture.
        ranges: What ``learn_ranges`` gave.
    """
    return tuple(
        Finding(Reason.POOR_QUALITY, describe(name, measures.get(name, math.nan), low, high))
        for name, (low, high) in sorted(ranges.items())
        if not low <= measures.get(name, math.nan) <= high
    )


def outside_population(stated: Mapping[str, float], population: Ranges) -> tuple[Finding, ...]:
    """Return a finding for each stated number that is outside the population a model is for.

    A number that a file does not state is no finding: most files state few. One that it states in
    an unknown form is. The number itself is not repeated: it may be a person's age.

    Args:
        stated: Name to value, as the file says; NaN for what is stated and not understood.
        population: Name to (low, high), both inside.
    """
    return tuple(
        Finding(
            Reason.WRONG_INPUT,
            _not_of(name, stated[name], low, high),
            name,
        )
        for name, (low, high) in sorted(population.items())
        if name in stated and not low <= stated[name] <= high
    )


def _not_of(name: str, value: float, low: float, high: float) -> str:
    if math.isnan(value):
        how = "is stated in a form that is not understood; the model is for"
        return f"{name} {how} {plain(low)} to {plain(high)}."
    return f"{name} is outside {plain(low)} to {plain(high)}, whom the model is for."
