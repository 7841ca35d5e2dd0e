"""A head for pictures unlike those of training, where what is right at home means little.

A head that was fitted at some places relies on their backgrounds and cameras, and that does not
travel. This head looks at the late features of the foreground alone, and is chosen
by how it does on subjects that it never met (domain generalisation; leave one domain out as in
Gulrajani and Lopez-Paz, arXiv 2007.01434). The limits of a policy are never reached by what it
answers for: the OOD gate stops these pictures. Its number sorts them for whoever looks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from core.types import F32, F64

P_VALUE = 0.01
"""OOD p-value up to which a picture counts as unlike those of training."""

_EDGE = 1e-12


@dataclass(frozen=True)
class ShiftHead:
    """A linear head on the foreground's late features, calibrated on subjects it never met.

    Attributes:
        weights: float32 ``q``.
        bias: Added to the weighted sum; the result is the log odds of being positive.
    """

    weights: F32
    bias: float

    def probability(self, foreground: F32) -> float:
        """Return the probability of being positive."""
        log_odds = float(self.weights @ foreground) + self.bias
        return 1.0 / (1.0 + math.exp(-min(max(log_odds, -700.0), 700.0)))


def apply_shift(probabilities: F64, positive: F64, found: float, shifted: float) -> F64:
    """Return probabilities scaled on either side, float64 ``k``; the positive sum to ``shifted``.

    Args:
        probabilities: float64 ``k``, summing to one.
        positive: float64 ``k``, 1 for positive classes and 0 for the others.
        found: What the positive ones sum to.
        shifted: What they are to sum to.
    """
    up, down = shifted / max(found, _EDGE), (1.0 - shifted) / max(1.0 - found, _EDGE)
    scaled: F64 = probabilities * (positive * up + (1.0 - positive) * down)
    return scaled / scaled.sum() if scaled.sum() > 0.0 else probabilities
