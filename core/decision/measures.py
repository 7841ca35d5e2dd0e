"""What a measure of a picture means to a person: a comparison in words, and values with a unit."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

LARGEST_LOGARITHM = 100.0
WHOLE_FROM = 999.5


@dataclass(frozen=True)
class Measure:
    """How a measure is put into words.

    Attributes:
        less: What a picture is whose value is too small, as in "... than the training pictures".
        more: What one is whose value is too large.
        unit: Printed after the number.
        value: From the measure to the number that a person knows.
        most: Largest number there can be; the smallest is 0.
    """

    less: str
    more: str
    unit: str
    value: Callable[[float], float] = float
    most: float = math.inf

    def number(self, value: float) -> str:
        """Return the number that a person knows, within what there can be."""
        return plain(min(max(self.value(value), 0.0), self.most))


def describe(name: str, value: float, low: float, high: float) -> str:
    """Return a sentence on a picture whose measure is outside (low, high), with all three values.

    A measure of a pack's own, which is not known here, goes by its name.
    """
    if math.isnan(value):
        return f"no {name} could be measured."
    known = MEASURES.get(name)
    less, more, unit = (known.less, known.more, known.unit) if known else ("lower", "higher", "")
    number = known.number if known else plain
    comparison = less if value < low else more
    subject = comparison if known else f"{name} {comparison}"
    return (
        f"{subject} than the training pictures: {number(value)}{unit}, "
        f"accepted are {number(low)} to {number(high)}."
    )


def plain(value: float) -> str:
    """Return a number to three digits, whole from a thousand on, never in powers of ten."""
    if abs(value) >= WHOLE_FROM:
        return f"{value:,.0f}"
    return np.format_float_positional(value, precision=3, fractional=False, trim="-")


def _percent(share: float) -> float:
    return 100.0 * share


def _exp(logarithm: float) -> float:
    return math.exp(min(logarithm, LARGEST_LOGARITHM))


def _edges(logarithm: float) -> float:
    return math.sqrt(max(_exp(logarithm) - 1.0, 0.0))


_GREYS = " grey levels"
MEASURES: Mapping[str, Measure] = {
    "sharpness": Measure("less sharp", "sharper or noisier", " grey levels at edges", _edges),
    "brightness": Measure("darker", "brighter", _GREYS, most=255.0),
    "contrast": Measure("lower in contrast", "higher in contrast", _GREYS, most=255.0),
    "clipped dark": Measure("less black", "blacker", " % fully dark", _percent, 100.0),
    "clipped bright": Measure("less white", "whiter", " % fully bright", _percent, 100.0),
    "centre x": Measure(
        "its detail further left", "its detail further right", " % of the width", _percent, 100.0
    ),
    "centre y": Measure(
        "its detail further up", "its detail further down", " % of the height", _percent, 100.0
    ),
    "aspect ratio": Measure("narrower", "wider", " times as wide as high", _exp),
    "size": Measure("smaller", "larger", " px", _exp),
}
"""By the names that ``core.imaging.square`` gives them."""
