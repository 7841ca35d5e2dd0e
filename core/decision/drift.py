"""Whether a feature of the pictures of one source still comes as it came before.

The first values of a source fix the places (their quantiles); after that every value is ranked
among all that came before it, and the p-values are bet on in both directions. A change of the
source makes the ranks uneven for as long as the earlier values outnumber the later ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from core.decision.martingales import (
    BOTH_BETS,
    SMALL_BETS,
    Martingale,
    bet_on_both,
    bet_on_small,
    category_p,
    smoothed_p,
)
from core.types import F64

BASELINE = 100
"""Values that fix the places of a feature before any is ranked."""

PLACES = 32
_MOST_CATEGORIES = 64
OTHER = "other"


def choose_edges(baseline: F64) -> F64:
    """Return the edges between the places of a feature, float64 ``e``, ascending.

    Quantiles of the baseline, its ends, and a whole range beyond either: what lies further out than
    anything before is then no tie with what was merely at the end.

    Args:
        baseline: float64 ``n``, the first values.
    """
    low, high = float(baseline.min()), float(baseline.max())
    beyond = max(high - low, 1e-9)
    levels = np.arange(1, PLACES) / PLACES
    inner = np.quantile(baseline, levels, method="higher")
    return np.unique(np.concatenate([inner, [low - beyond, low, high, high + beyond]]))


@dataclass(frozen=True, slots=True)
class NumberStream:
    """A measured feature of one source.

    Attributes:
        baseline: The first values, until there are BASELINE.
        edges: As `choose_edges` chose them; empty until then.
        counts: How many later values lie below, at and between the edges.
        martingale: Bets that what comes is larger or smaller.
        last_p: p-value of the last value; None where it was not ranked.
    """

    baseline: tuple[float, ...] = ()
    edges: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    martingale: Martingale = field(default_factory=lambda: Martingale.fresh(BOTH_BETS))
    last_p: float | None = field(default=None, compare=False)

    def after(self, value: float, u: float) -> NumberStream:
        """Return the stream with one more value.

        Args:
            value: Finite.
            u: A number uniform on [0, 1), for ties.
        """
        if not self.edges:
            return self._begin((*self.baseline, value))
        # Below, at and between edges: a value equal to an edge has a place of its own.
        place = int(
            np.searchsorted(self.edges, value, "left") + np.searchsorted(self.edges, value, "right")
        )
        counts = np.array(self.counts)
        p = smoothed_p(counts, place, u)
        counts[place] += 1
        return replace(
            self,
            counts=tuple(counts.tolist()),
            martingale=self.martingale.after(bet_on_both(p)),
            last_p=p,
        )

    def _begin(self, baseline: tuple[float, ...]) -> NumberStream:
        if len(baseline) < BASELINE:
            return replace(self, baseline=baseline)
        edges = choose_edges(np.array(baseline))
        counts = (0,) * (2 * edges.size + 1)
        return replace(self, baseline=(), edges=tuple(edges.tolist()), counts=counts)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            "baseline": self.baseline,
            "edges": self.edges,
            "counts": self.counts,
            "martingale": self.martingale.to_json(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> NumberStream:
        """Return the stream that ``to_json`` wrote."""
        return cls(
            tuple(data["baseline"]),
            tuple(data["edges"]),
            tuple(data["counts"]),
            Martingale.from_json(data["martingale"]),
        )


@dataclass(frozen=True, slots=True)
class CategoryStream:
    """A named feature of one source, such as the camera's model.

    Attributes:
        counts: How many values have each name.
        martingale: Bets that what comes is rarer.
        last_p: p-value of the last value; None where it was not ranked.
    """

    counts: Mapping[str, int]
    martingale: Martingale = field(default_factory=lambda: Martingale.fresh(SMALL_BETS))
    last_p: float | None = field(default=None, compare=False)

    def after(self, value: str, u: float) -> CategoryStream:
        """Return the stream with one more value.

        Args:
            value: The name; beyond 64 different ones they count as one.
            u: A number uniform on [0, 1), for ties.
        """
        if value not in self.counts and len(self.counts) >= _MOST_CATEGORIES:
            value = OTHER
        p = category_p(self.counts, value, u)
        counts = {**self.counts, value: self.counts.get(value, 0) + 1}
        if sum(counts.values()) <= BASELINE:
            return CategoryStream(counts, self.martingale)
        return CategoryStream(counts, self.martingale.after(bet_on_small(p)), p)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {"counts": dict(self.counts), "martingale": self.martingale.to_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> CategoryStream:
        """Return the stream that ``to_json`` wrote."""
        return cls(dict(data["counts"]), Martingale.from_json(data["martingale"]))
