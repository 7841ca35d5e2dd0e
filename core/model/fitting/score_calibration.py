"""Calibration of class scores, whether a picture has one label or may have several."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.decision import calibration, metrics, multilabel
from core.decision.calibration import Calibrator
from core.decision.multilabel import Sigmoids
from core.model.fitting.head_fitting import Answers
from core.types import F64


def calibrate(
    scores: F64, answers: Answers, groups: NDArray[np.str_], seed: int
) -> Calibrator | Sigmoids:
    """Return the calibrator of class scores ``n k`` with the least loss across groups."""
    if answers.dtype == np.bool_:
        return multilabel.fit(scores, answers)
    return calibration.choose_calibrator(scores, answers, groups, seed)[0]


def share(calibrator: Calibrator | Sigmoids) -> F64:
    """Return what a head's scores are multiplied with, so that all heads speak in log-odds."""
    return np.atleast_1d(np.asarray(calibrator.scale, np.float64))


def nll(calibrator: Calibrator | Sigmoids, scores: F64, answers: Answers) -> float:
    """Return the mean negative log-likelihood."""
    if isinstance(calibrator, Sigmoids):
        return multilabel.nll(multilabel.apply(calibrator, scores), answers)
    return metrics.nll(calibration.apply(calibrator, scores), answers)


def losses(calibrator: Calibrator | Sigmoids, scores: F64, answers: Answers) -> F64:
    """Return each picture's negative log-likelihood, float64 ``n``."""
    if isinstance(calibrator, Sigmoids):
        return multilabel.losses(multilabel.apply(calibrator, scores), answers)
    return calibration.losses(calibrator, scores, answers)


def chance(calibrator: Calibrator | Sigmoids, scores: F64, positive: tuple[bool, ...]) -> F64:
    """Return the probability of the positive side, float64 ``n``."""
    if isinstance(calibrator, Sigmoids):
        return np.asarray(multilabel.apply(calibrator, scores)[:, -1])
    probabilities = calibration.apply(calibrator, scores)
    return np.asarray(probabilities[:, np.array(positive)].sum(axis=1))
