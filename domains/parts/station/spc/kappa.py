"""Agreement beyond chance of two-way ratings: Cohen's and Fleiss' kappa, with intervals.

The last axes hold the parts (and readings); axes before them are resamples, so that a bootstrap is
one call. Sources: Cohen, Educational and Psychological Measurement 20 (1960); Fleiss, Cohen and
Everitt, Psychological Bulletin 72 (1969); Fleiss, Nee and Landis, Psychological Bulletin 86 (1979).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.types import F64

Ratings = NDArray[np.bool_]

_NORMAL = 1.959963984540054  # two-sided 95 %


@dataclass(frozen=True, slots=True)
class Kappa:
    """A kappa with two 95 % intervals; NaN where it is undefined (everything is in one class).

    Attributes:
        value: -1 to 1; 0 is the agreement that chance gives.
        low: Lower end by resampling parts, which allows for the readings of one part being alike.
        high: Upper end of the same.
        asymptotic_low: Lower end as programs for quality control print it.
        asymptotic_high: Upper end of the same.
    """

    value: float
    low: float
    high: float
    asymptotic_low: float
    asymptotic_high: float

    def to_json(self) -> dict[str, float]:
        """Return the figures."""
        return {
            "kappa": self.value,
            "low": self.low,
            "high": self.high,
            "asymptotic_low": self.asymptotic_low,
            "asymptotic_high": self.asymptotic_high,
        }

    def describe(self) -> str:
        """Return it as text: ``0.86 (0.74 to 0.95; asymptotic 0.78 to 0.95)``."""
        if np.isnan(self.value):
            return "undefined: all readings are alike"
        asymptotic = f"asymptotic {self.asymptotic_low:.2f} to {self.asymptotic_high:.2f}"
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f}; {asymptotic})"


def cohen(first: Ratings, second: Ratings) -> F64:
    """Return Cohen's kappa of paired ratings.

    Args:
        first: ``... x parts x readings`` of one appraiser.
        second: The same of the other.
    """
    agreed = (first == second).mean((-2, -1))
    p, q = first.mean((-2, -1)), second.mean((-2, -1))
    return _beyond_chance(agreed, p * q + (1.0 - p) * (1.0 - q))


def fleiss(ratings: Ratings) -> F64:
    """Return Fleiss' kappa of several readings of each part.

    Args:
        ratings: ``... x parts x readings``.
    """
    m = ratings.shape[-1]
    counts = ratings.sum(-1).astype(np.float64)
    pairs = counts * (counts - 1.0) + (m - counts) * (m - counts - 1.0)
    p = counts.mean(-1) / m
    return _beyond_chance(pairs.mean(-1) / (m * (m - 1)), p**2 + (1.0 - p) ** 2)


def fleiss_against(ratings: Ratings, reference: Ratings) -> F64:
    """Return the mean over readings of Fleiss' kappa of each reading with the reference.

    This is what Minitab and SigmaXL print for appraisers against a standard.

    Args:
        ratings: ``... x parts x readings``.
        reference: ``... x parts``.
    """
    pairs = np.stack([ratings, np.broadcast_to(reference[..., None], ratings.shape)], -1)
    mean: F64 = np.asarray(fleiss(np.moveaxis(pairs, -2, 0)).mean(0))
    return mean


def cohen_error(first: Ratings, second: Ratings) -> float:
    """Return the asymptotic standard error of Cohen's kappa (Fleiss, Cohen and Everitt 1969).

    It takes every pair for independent, and is too small where a part is read several times.

    Args:
        first: ``parts x readings``.
        second: The same of the other.
    """
    n = first.size
    table = np.array(
        [[np.mean((first == a) & (second == b)) for b in (False, True)] for a in (False, True)]
    )
    rows, columns = table.sum(1), table.sum(0)
    chance = float(rows @ columns)
    if chance == 1.0:
        return float("nan")
    kappa = (np.trace(table) - chance) / (1.0 - chance)
    both = rows[None, :] + columns[:, None]
    on = sum(table[i, i] * (1.0 - both[i, i] * (1.0 - kappa)) ** 2 for i in (0, 1))
    off = (1.0 - kappa) ** 2 * sum(table[i, 1 - i] * both[i, 1 - i] ** 2 for i in (0, 1))
    variance = on + off - (kappa - chance * (1.0 - kappa)) ** 2
    return float(np.sqrt(max(variance, 0.0) / n) / (1.0 - chance))


def fleiss_error(parts: int, readings: int) -> float:
    """Return the standard error of Fleiss' kappa of two classes without agreement beyond chance.

    Fleiss, Nee and Landis 1979; for two classes it does not depend on their shares. Programs for
    quality control use it for intervals too, so it is printed beside those of the bootstrap.
    """
    return float(np.sqrt(2.0 / (parts * readings * (readings - 1))))


def kappa_interval(
    statistic: Callable[[NDArray[np.intp]], F64],
    parts: int,
    error: float,
    resamples: int,
    seed: int,
) -> Kappa:
    """Return a kappa with its intervals.

    Args:
        statistic: Kappa of the parts at ``... x parts`` indices.
        parts: How many there are.
        error: Asymptotic standard error.
        resamples: Bootstrap samples of the parts; those without a kappa are left out.
        seed: Of the bootstrap.
    """
    value = float(statistic(np.arange(parts)))
    drawn = np.random.default_rng(seed).integers(0, parts, (resamples, parts))
    found = statistic(drawn)
    found = found[~np.isnan(found)]
    low, high = np.quantile(found, (0.025, 0.975)) if found.size else (np.nan, np.nan)
    ends = value - _NORMAL * error, min(value + _NORMAL * error, 1.0)
    return Kappa(value, float(low), float(high), *ends)


def _beyond_chance(agreed: NDArray[np.float64], chance: NDArray[np.float64]) -> F64:
    with np.errstate(invalid="ignore", divide="ignore"):
        kappa: F64 = np.where(chance < 1.0, (agreed - chance) / (1.0 - chance), np.nan)
    return kappa
