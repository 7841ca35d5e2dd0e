"""Test martingales: bets against a hypothesis, whose wealth may be looked at after every step.

Whoever bets against a true hypothesis reaches a wealth of ``1 / delta`` with probability ``delta``
at most, however often they look (Ville's inequality). Source: Waudby-Smith and Ramdas, Estimating
means of bounded random variables by betting, JRSS B 86 (2024); Vovk, Testing randomness online,
Statistical Science 36 (2021).

Several fixed bets share the wealth. Of the first unit ``1 / (t (t + 1))`` is put in at step t, the
same for each bet; what is not put in yet lies in reserve. The mixture over the step at which the
betting begins is a test martingale too, and does not wither while nothing changes: after T steps a
bet that begins now still has ``1 / T^2`` of the wealth, where one that began at the first step has
lost almost all. Source: Shin, Ramdas and Rinaldo, E-detectors, NEJSDS 2 (2024), section 5.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.types import F64

SMALL_P = (0.2, 0.5, 0.8)
"""Exponents of the bets ``k p^(k - 1)`` on small p-values: on rare very small ones first."""

SLOPES = (0.3, 0.6, 0.9)
"""Slopes of the bets ``1 + s (1 - 2 p)`` on p-values that are smaller all in all."""


def start(bets: int) -> F64:
    """Return the log wealth of each bet before the first step, float64 ``b``: nothing is put in."""
    return np.full(bets, -np.inf)


def step(logs: F64, steps: int, log_factors: F64) -> F64:
    """Return the log wealth of each bet after one more step.

    Args:
        logs: float64 ``... b``, log wealth of each bet so far.
        steps: How many steps there were before this one.
        log_factors: float64 ``... b``, what each bet multiplies its wealth by; of mean 1 at most
            under the hypothesis, whatever came before.
    """
    put_in = -math.log((steps + 1) * (steps + 2) * logs.shape[-1])
    return np.asarray(np.logaddexp(logs, put_in) + log_factors)


def log_wealth(logs: F64, steps: int) -> F64:
    """Return the log of the whole wealth, the reserve included, float64 ``...``; 0 at the start.

    Args:
        logs: float64 ``... b``, as `step` returned them.
        steps: How many steps there were.
    """
    reserve = np.full((*logs.shape[:-1], 1), -math.log(steps + 1))
    return np.asarray(np.logaddexp.reduce(np.concatenate([logs, reserve], axis=-1), axis=-1))


def log_alarm(delta: float) -> float:
    """Return the log wealth at which a test alarms: it ever gets there with probability ``delta``.

    Raises:
        ValueError: ``delta`` is not inside (0, 1).
    """
    if not 0.0 < delta < 1.0:
        raise ValueError(f"delta: expected inside (0, 1), got {delta}")
    return -math.log(delta)


def bet_on_small(p: F64 | float) -> F64:
    """Return the log factors of bets that p-values are smaller than uniform ones, ``... b``.

    Valid for p-values that are uniform or larger.
    """
    p = np.asarray(p, np.float64)[..., None]
    power, slope = np.array(SMALL_P), np.array(SLOPES)
    return np.concatenate(
        [
            np.log(power) + (power - 1.0) * np.log(np.maximum(p, 1e-300)),
            np.log1p(slope * (1.0 - 2.0 * p)),
        ],
        axis=-1,
    )


def bet_on_both(p: F64 | float) -> F64:
    """Return the log factors of bets that p-values are smaller or larger than uniform ones.

    Valid for p-values that are exactly uniform, such as those of `smoothed_p`.
    """
    p = np.asarray(p, np.float64)
    return np.concatenate([bet_on_small(p), bet_on_small(1.0 - p)], axis=-1)


SMALL_BETS = len(SMALL_P) + len(SLOPES)
BOTH_BETS = 2 * SMALL_BETS


def smoothed_p(counts: NDArray[np.integer], place: int, u: float) -> float:
    """Return the share of values so far that are larger, ties and the value itself by chance.

    Exactly uniform and independent of all earlier ones as long as the values are exchangeable,
    whichever they are. Source: Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World
    (2005), section 2.4.

    Args:
        counts: int ``k``, how many of the values so far lie in each of ``k`` ordered places.
        place: That of the new value, not counted yet.
        u: A number uniform on [0, 1).
    """
    larger, equal, total = int(counts[place + 1 :].sum()), int(counts[place]), int(counts.sum())
    return (larger + u * (equal + 1)) / (total + 1)


def category_p(counts: Mapping[str, int], category: str, u: float) -> float:
    """Return the share of values so far whose category is rarer, ties by chance.

    Args:
        counts: How many of the values so far have each category.
        category: That of the new value, not counted yet.
        u: A number uniform on [0, 1).
    """
    own = counts.get(category, 0) + 1
    others = {name: n for name, n in counts.items() if name != category}
    rarer = sum(n for n in others.values() if n < own)
    equal = own + sum(n for n in others.values() if n == own)
    return (rarer + u * equal) / (sum(others.values()) + own)


@dataclass(frozen=True, slots=True)
class Martingale:
    """A test martingale after some steps.

    Attributes:
        steps: How many.
        logs: Log wealth of each bet; -infinity where nothing was put in.
        peak: The largest log wealth so far.
    """

    steps: int
    logs: tuple[float, ...]
    peak: float = 0.0

    @classmethod
    def fresh(cls, bets: int) -> Martingale:
        """Return one before its first step."""
        return cls(0, tuple(start(bets).tolist()))

    @property
    def log(self) -> float:
        """The log wealth, 0 at the start."""
        return float(log_wealth(np.array(self.logs), self.steps))

    def after(self, log_factors: F64) -> Martingale:
        """Return it one step later.

        Args:
            log_factors: float64 ``b``, as `step` takes them.
        """
        logs = step(np.array(self.logs), self.steps, log_factors)
        now = float(log_wealth(logs, self.steps + 1))
        return Martingale(self.steps + 1, tuple(logs.tolist()), max(self.peak, now))

    @property
    def leading(self) -> int:
        """Number of the bet with the most wealth."""
        return int(np.argmax(self.logs))

    def to_json(self) -> list[float | list[float]]:
        """Return it as plain JSON values."""
        return [self.steps, self.peak, [max(log, -1e308) for log in self.logs]]

    @classmethod
    def from_json(cls, values: Sequence[float | list[float]]) -> Martingale:
        """Return the martingale that ``to_json`` wrote."""
        steps, peak, logs = values
        if isinstance(steps, list) or isinstance(peak, list) or not isinstance(logs, list):
            raise ValueError(f"martingale: expected [steps, peak, [logs]], got {values}")
        return cls(int(steps), tuple(-math.inf if x <= -1e308 else x for x in logs), peak)
