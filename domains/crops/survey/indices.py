"""Vegetation indices of mean values, and which of them a picture can give.

An index is computed of the means over an area, not as the mean of its pixels' indices: that is what
one sensor over the whole area would measure, no dark pixel dominates it, and it needs no bands that
lie exactly on each other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np

from core.types import F64
from domains.crops.survey.bands import BLUE, GREEN, NEAR_INFRARED, RED, RED_EDGE

DIGITS = 6
"""Decimals that an index is rounded to, once, so that a screen and every export agree."""


@dataclass(frozen=True, slots=True)
class Index:
    """A vegetation index.

    Attributes:
        name: Its usual name.
        bands: The bands that it takes, in the order of the formula.
        formula: Of the mean of each band.
        needs_reflectance: Whether it means something only where values are reflectances.
        shown: What a picture of it spans, from the first colour to the last.
    """

    name: str
    bands: tuple[str, ...]
    formula: Callable[..., float]
    needs_reflectance: bool
    shown: tuple[float, float]

    def of_pixels(self, values: Mapping[str, F64]) -> F64:
        """Return it for each pixel; NaN where it divides by 0 or a value is none.

        Args:
            values: Of each band, ``h w``, scaled.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.asarray(self.formula(*(values[band] for band in self.bands)), np.float64)
        return np.where(np.isfinite(found), found, np.nan)


def excess_green(red: float, green: float, blue: float) -> float:
    """Return ExG, 2g - r - b of chromatic coordinates (Woebbecke and others 1995)."""
    return (2 * green - red - blue) / (red + green + blue)


def visible_resistant(red: float, green: float, blue: float) -> float:
    """Return VARI, (G - R) / (G + R - B) (Gitelson and others 2002)."""
    return (green - red) / (green + red - blue)


def normalized_difference(one: float, other: float) -> float:
    """Return (one - other) / (one + other)."""
    return (one - other) / (one + other)


INDICES = (
    Index("exg", (RED, GREEN, BLUE), excess_green, False, (-0.2, 0.6)),
    Index("vari", (RED, GREEN, BLUE), visible_resistant, False, (-0.4, 0.6)),
    # Rouse and others 1974; Barnes and others 2000; Gitelson and others 1996.
    Index("ndvi", (NEAR_INFRARED, RED), normalized_difference, True, (0.0, 1.0)),
    Index("ndre", (NEAR_INFRARED, RED_EDGE), normalized_difference, True, (0.0, 1.0)),
    Index("gndvi", (NEAR_INFRARED, GREEN), normalized_difference, True, (0.0, 1.0)),
)


def refused(bands: Collection[str], *, is_reflectance: bool, levels: str) -> dict[str, str]:
    """Return the indices that cannot be had, each with the reason.

    Args:
        bands: The bands that there are.
        is_reflectance: Whether their values are reflectances.
        levels: What the values are where they are none, for the reason.
    """
    reasons = {}
    for index in INDICES:
        missing = [band for band in index.bands if band not in bands]
        if missing:
            reasons[index.name] = f"There is no {missing[0]} band."
        elif index.needs_reflectance and not is_reflectance:
            reasons[index.name] = f"{levels}; expected reflectance."
    return reasons


def indices_of(means: Mapping[str, float], *, is_reflectance: bool) -> dict[str, float]:
    """Return every index that the means of bands give; one that divides by 0 is left out.

    Args:
        means: Mean value of each band.
        is_reflectance: Whether they are reflectances.
    """
    found = {}
    for index in INDICES:
        if index.needs_reflectance and not is_reflectance:
            continue
        if all(band in means for band in index.bands):
            try:
                value = index.formula(*(means[band] for band in index.bands))
            except ZeroDivisionError:
                continue
            if math.isfinite(value):
                found[index.name] = round(value, DIGITS)
    return found
