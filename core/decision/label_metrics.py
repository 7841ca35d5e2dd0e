"""How good independent probabilities are, label by label, before any threshold but one half."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.decision import metrics
from core.decision.multilabel import SPLIT
from core.types import F64

Bools = NDArray[np.bool_]

AVERAGED = ("auroc", "average_precision", "sensitivity", "specificity", "ece", "ece_floor")


def average_precision(scores: F64, positive: Bools) -> float:
    """Return the mean precision over the positives, each at its own score; ties share theirs.

    The step-wise area under precision against recall, without interpolation.

    Args:
        scores: float64 ``n``, higher = more positive.
        positive: bool ``n``.

    Returns:
        The average; NaN when there is no positive.

    Raises:
        ValueError: The shapes differ or a score is NaN.
    """
    if scores.ndim != 1 or positive.shape != scores.shape or np.isnan(scores).any():
        raise ValueError(
            f"scores, positive: expected equal (n,) without NaN, got {scores.shape}, "
            f"{positive.shape}"
        )
    if not positive.any():
        return math.nan
    levels, place = np.unique(-scores, return_inverse=True)
    found = np.bincount(place, weights=positive, minlength=levels.size)
    called = np.bincount(place, minlength=levels.size)
    precision = found.cumsum() / called.cumsum()
    return float((found * precision).sum() / found.sum())


def figures(p: F64, has: Bools, seed: int) -> dict[str, float]:
    """Return the figures of one label.

    Args:
        p: float64 ``n``, its probability.
        has: bool ``n``, whether the picture has it.
        seed: Of the floor of the calibration error.

    Returns:
        ``n``, ``positives``, ``auroc``, ``average_precision``, ``sensitivity`` and ``specificity``
        at one half, ``ece`` and ``ece_floor``; NaN where the pictures do not say.
    """
    pair, number = np.stack([1.0 - p, p], axis=1), has.astype(np.int64)
    called = p >= SPLIT
    return {
        "n": int(has.size),
        "positives": int(has.sum()),
        "auroc": metrics.auroc(p, has),
        "average_precision": average_precision(p, has),
        "sensitivity": float(called[has].mean()) if has.any() else math.nan,
        "specificity": float((~called)[~has].mean()) if not has.all() else math.nan,
        "ece": metrics.ece(pair, number),
        "ece_floor": metrics.ece_floor(pair, seed=seed),
    }


def by_label(
    probabilities: F64, targets: Bools, classes: Sequence[str], seed: int
) -> dict[str, Any]:
    """Return the figures of every label, and their means over the labels that have them.

    Args:
        probabilities: float64 ``n k``.
        targets: bool ``n k``.
        classes: The ``k`` names.
        seed: Of the floors.

    Returns:
        ``each``: {label: figures} and ``mean``: {figure: mean}, NaN where no label has it.
    """
    columns = zip(classes, probabilities.T, targets.T, strict=True)
    each = {name: figures(p, has, seed) for name, p, has in columns}
    return {"each": each, "mean": {name: _mean(each, name) for name in AVERAGED}}


def _mean(each: Mapping[str, Mapping[str, float]], name: str) -> float:
    known = [one[name] for one in each.values() if not math.isnan(one[name])]
    return sum(known) / len(known) if known else math.nan
