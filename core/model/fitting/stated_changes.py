"""Fitting how out-of-distribution scores move with what a file states of how it is stored."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from core.imaging.variations import VARIATIONS
from core.model.estimators.stated_changes import LOSSLESS, SIZE, STATED, StatedChange
from core.model.fitting.variations import VariedFeatures
from core.types import F64

FEWEST = 30
"""Varied pictures beyond those of training: fewer give no mean and deviation to rely on."""
MEAN_DEGREE, DEVIATION_DEGREE = 2, 1
MAD_TO_DEVIATION = np.sqrt(np.pi / 2)  # of a normal distribution


def fit_stated_changes(
    own: F64,
    varied: F64,
    variations: VariedFeatures,
    facts: Mapping[str, F64],
) -> tuple[StatedChange, ...]:
    """Return how scores move with each fact, where enough variations show it.

    Args:
        own: float64 ``n``, scores out of fold of the training pictures as they are.
        varied: float64 ``m``, the same of their variations.
        variations: The variations, those that leave the predictions as they are.
        facts: Name to float64 ``n``, as ``read_facts`` returns them; empty where nobody read them.
    """
    found = []
    for place, name in enumerate(variations.names):
        if name not in STATED or not facts:
            continue
        rows = variations.kind == place
        fact, direction = STATED[name]
        usual = direction * float((direction * facts[fact]).max())
        distance = direction * (_values(name, variations, facts)[rows] - usual)
        beyond = distance > 0
        if beyond.sum() >= FEWEST:
            found.append(_fit(name, usual, distance[beyond], varied[rows][beyond], own))
    return tuple(found)


def _values(name: str, variations: VariedFeatures, facts: Mapping[str, F64]) -> F64:
    """Return the fact of every picture, float64 ``m``, had it been varied that way."""
    change = variations.strength * VARIATIONS[name].end
    if STATED[name].fact == SIZE:
        return np.asarray(facts[SIZE][variations.of] + change)
    return np.asarray(LOSSLESS - change)


def _fit(name: str, usual: float, distance: F64, scores: F64, own: F64) -> StatedChange:
    mean = np.polyfit(distance, scores, MEAN_DEGREE)
    off = np.abs(scores - np.polyval(mean, distance))
    deviation = np.polyfit(distance, off, DEVIATION_DEGREE) * MAD_TO_DEVIATION
    return StatedChange(
        name,
        usual,
        float(distance.max()),
        tuple(mean.tolist()),
        tuple(deviation.tolist()),
        float(own.mean()),
        float(own.std()),
    )
