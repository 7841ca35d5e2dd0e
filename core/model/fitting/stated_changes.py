"""Fitting how features and scores move with what a file states of how it is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from core.imaging.variations import VARIATIONS
from core.model.estimators.stated_changes import (
    LOSSLESS,
    SIZE,
    STATED,
    StatedChange,
    StatedShift,
    powers,
)
from core.model.fitting.variations import VariedFeatures
from core.types import F32, F64

FEWEST = 30
"""Varied pictures beyond those of training: fewer give no mean and deviation to rely on."""
SHIFT_POWERS = 2
MEAN_DEGREE, DEVIATION_DEGREE = 2, 1
MAD_TO_DEVIATION = np.sqrt(np.pi / 2)  # of a normal distribution


def fit_stated_shifts(
    moved: F32, moved_foreground: F32, variations: VariedFeatures, facts: Mapping[str, F64]
) -> tuple[StatedShift, ...]:
    """Return how features move with each fact, where enough variations show it.

    Args:
        moved: float32 ``m d``, by how much the standardised features of each varied picture differ
            from those of the picture as it is.
        moved_foreground: float32 ``m f``, the same of the features of the foreground.
        variations: The variations, those that leave the predictions as they are.
        facts: Name to float64 ``n``, as ``read_facts`` returns them; empty where nobody read them.
    """
    found = []
    for name in variations.names:
        if name not in STATED or not facts:
            continue
        fact, direction = STATED[name]
        usual = direction * float((direction * facts[fact]).max())
        distance = _distance(name, usual, variations, facts)
        beyond = distance > 0
        if beyond.sum() >= FEWEST:
            by = powers(distance[beyond], SHIFT_POWERS)
            features, foreground = (
                np.linalg.lstsq(by, change[beyond])[0] for change in (moved, moved_foreground)
            )
            found.append(StatedShift(name, usual, float(distance.max()), features, foreground))
    return tuple(found)


def unmoved(
    values: F32,
    coefficients: Sequence[F32],
    shifts: Sequence[StatedShift],
    variations: VariedFeatures,
    facts: Mapping[str, F64],
) -> F32:
    """Return features of varied pictures, float32 ``m ...``, as those of pictures as they are.

    Args:
        values: The features.
        coefficients: Of each shift, float32 ``p ...``.
        shifts: How features move.
        variations: The variations.
        facts: Name to float64 ``n``, as ``read_facts`` returns them.
    """
    for of, shift in zip(coefficients, shifts, strict=True):
        distance = _distance(shift.name, shift.usual, variations, facts)
        values = values - powers(distance, len(of)) @ of
    return values


def fit_stated_changes(
    shifts: Sequence[StatedShift],
    own: F64,
    varied: F64,
    variations: VariedFeatures,
    facts: Mapping[str, F64],
) -> tuple[StatedChange, ...]:
    """Return how scores move with each fact once the features have been moved.

    Args:
        shifts: How features move.
        own: float64 ``n``, scores out of fold of the training pictures as they are.
        varied: float64 ``m``, the same of their variations.
        variations: The variations, those that leave the predictions as they are.
        facts: Name to float64 ``n``, as ``read_facts`` returns them.
    """
    found = []
    for shift in shifts:
        distance = _distance(shift.name, shift.usual, variations, facts)
        beyond = distance > 0
        found.append(_fit(shift, distance[beyond], varied[beyond], own))
    return tuple(found)


def _distance(name: str, usual: float, variations: VariedFeatures, facts: Mapping[str, F64]) -> F64:
    """Return how far each picture lies beyond the training pictures by one variation, ``m``."""
    fact, direction = STATED[name]
    change = variations.strength * VARIATIONS[name].end
    value = facts[SIZE][variations.of] + change if fact == SIZE else LOSSLESS - change
    mine = variations.kind == variations.names.index(name)
    return np.where(mine, np.maximum(direction * (value - usual), 0.0), 0.0)


def _fit(shift: StatedShift, distance: F64, scores: F64, own: F64) -> StatedChange:
    mean = np.polyfit(distance, scores, MEAN_DEGREE)
    off = np.abs(scores - np.polyval(mean, distance))
    deviation = np.polyfit(distance, off, DEVIATION_DEGREE) * MAD_TO_DEVIATION
    return StatedChange(
        shift,
        tuple(mean.tolist()),
        tuple(deviation.tolist()),
        float(own.mean()),
        float(own.std()),
    )
