"""Calibration of class scores, whether a picture has one label or may have several."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.decision import calibration, metrics, multilabel
from core.decision.calibration import Calibrator
from core.decision.multilabel import Sigmoids
from core.model.fitting.head_fitting import LabelArray
from core.types import F64


def calibrate(
    scores: F64, targets: LabelArray, groups: NDArray[np.str_], seed: int
) -> Calibrator | Sigmoids:
    """Return the calibrator of class scores ``n k`` with the least loss across groups."""
    if targets.dtype == np.bool_:
        return multilabel.fit(scores, targets)
    return calibration.choose_calibrator(scores, targets, groups, seed)[0]


def share(calibrator: Calibrator | Sigmoids) -> F64:
    """Return the factor that brings a head's scores to log-odds."""
    return np.atleast_1d(np.asarray(calibrator.scale, np.float64))


def nll(calibrator: Calibrator | Sigmoids, scores: F64, targets: LabelArray) -> float:
    """Return the mean negative log-likelihood."""
    if isinstance(calibrator, Sigmoids):
        return multilabel.nll(multilabel.apply(calibrator, scores), targets)
    return metrics.nll(calibration.apply(calibrator, scores), targets)


def losses(calibrator: Calibrator | Sigmoids, scores: F64, targets: LabelArray) -> F64:
    """Return each picture's negative log-likelihood, float64 ``n``."""
    if isinstance(calibrator, Sigmoids):
        return multilabel.losses(multilabel.apply(calibrator, scores), targets)
    return calibration.losses(calibrator, scores, targets)


def chance(calibrator: Calibrator | Sigmoids, scores: F64, positive: tuple[bool, ...]) -> F64:
    """Return the probability of the positive side, float64 ``n``."""
    if isinstance(calibrator, Sigmoids):
        return np.asarray(multilabel.apply(calibrator, scores)[:, -1])
    probabilities = calibration.apply(calibrator, scores)
    return np.asarray(probabilities[:, np.array(positive)].sum(axis=1))
