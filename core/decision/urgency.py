"""Which image makes a case's verdict, and which case comes first."""

from __future__ import annotations

from core.types import Disposition

UNSCORED = 2.0
"""Urgency of an image without a probability: above every probability."""

_SEVERITY = {Disposition.NEGATIVE: 0, Disposition.DEFER: 1, Disposition.POSITIVE: 2}


def urgency(positive_probability: float | None) -> float:
    """Return how urgent an image is: its probability; one that has none comes before all."""
    return UNSCORED if positive_probability is None else positive_probability


def severity(
    disposition: Disposition, positive_probability: float | None, decision_id: str
) -> tuple[int, float, str]:
    """Return a key whose largest makes a case's verdict.

    Positive before defer before negative, then the more urgent; the id breaks ties, so that the
    same images always give the same verdict.
    """
    return _SEVERITY[disposition], urgency(positive_probability), decision_id
