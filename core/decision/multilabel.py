"""Pictures that may show several things at once: every label is judged for itself.

A model of such pictures gives one score a label and, last, one for the roll-up: whether any
positive label applies. The roll-up has a score and a calibration of its own, because certificates
rest on it: worked out from the labels' probabilities it would inherit their dependence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # special functions take a tenth of a second: loaded by their first use
from numpy.typing import NDArray

from core.types import F64

Bools = NDArray[np.bool_]

SPLIT = 0.5
SHRINKAGE = 4.0
_SCALES = (1e-9, 1e9)
_FLAT = 1e-12  # scores that vary less are all the same
_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True, eq=False)
class Sigmoids:
    """A map from scores to independent probabilities: ``sigmoid(scale * score + bias)``.

    Attributes:
        scale: float64 ``m``, positive, so that the ranking of two scores survives.
        bias: float64 ``m``.
    """

    scale: F64
    bias: F64

    def __post_init__(self) -> None:
        """Refuse what would not give probabilities.

        Raises:
            ValueError: The two differ in shape, a scale is not positive or a bias not finite.
        """
        if self.scale.ndim != 1 or self.bias.shape != self.scale.shape:
            raise ValueError(
                f"scale, bias: expected equal (m,), got {self.scale.shape}, {self.bias.shape}"
            )
        if not ((self.scale > 0.0) & np.isfinite(self.scale) & np.isfinite(self.bias)).all():
            raise ValueError("scale, bias: expected positive and finite, and finite")


def apply(sigmoids: Sigmoids, scores: F64) -> F64:
    """Return probabilities ``n m`` of scores ``n m``; NaN for a row with a non-finite score.

    Raises:
        ValueError: The scores do not have the map's number of columns.
    """
    if scores.ndim != 2 or scores.shape[1] != sigmoids.bias.size:
        raise ValueError(f"scores: expected (n, {sigmoids.bias.size}), got {scores.shape}")
    finite = np.isfinite(scores).all(axis=1, keepdims=True)
    # A huge score times its scale may be infinite: its probability is then a plain 0 or 1.
    with np.errstate(over="ignore"):
        margin = sigmoids.scale * np.where(finite, scores, 0.0) + sigmoids.bias
    return np.where(finite, scipy.special.expit(margin), np.nan)


def fit(scores: F64, targets: Bools, shrinkage: float = SHRINKAGE) -> Sigmoids:
    """Return one sigmoid a column, fitted by penalised maximum likelihood.

    Each column is Platt's method with his smoothed targets (Advances in Large Margin Classifiers,
    1999), so that a label never or always seen gives finite numbers. Scales are shrunk (partial
    pooling): all columns together have one best scale, and a column's own has a normal prior on
    its ratio to it with a deviation of ``1 / sqrt(shrinkage)``. Biases are free, since they carry
    the prevalence of a label: the mean probability of a column is that of its smoothed targets.

    Args:
        scores: float64 ``n m``, from models that did not see the images; rows with a non-finite
            score are ignored.
        targets: bool ``n m``.
        shrinkage: Strength of the common scale; 0 fits every column on its own.

    Raises:
        ValueError: The shapes differ.
    """
    _check(scores, targets)
    finite = np.isfinite(scores).all(axis=1)
    scores, targets = scores[finite], targets[finite]
    labels = scores.shape[1]
    if not len(scores):
        return Sigmoids(np.ones(labels), np.zeros(labels))
    centre = scores.mean(axis=0)
    varied = float((scores - centre).std())
    even, soft = (scores - centre) / max(varied, _FLAT), _smoothed(targets)
    (common,), bias = _minimum(even, soft, np.ones(1), np.zeros(labels), 0.0)
    ratio, bias = _minimum(common * even, soft, np.ones(labels), bias, shrinkage)
    scale = np.clip(ratio * common / max(varied, _FLAT), *_SCALES)
    return Sigmoids(scale, bias - scale * centre)


def _minimum(scores: F64, soft: F64, scale: F64, bias: F64, shrinkage: float) -> tuple[F64, F64]:
    from scipy.optimize import minimize  # takes a tenth of a second: for fitting alone

    found = minimize(
        _loss,
        np.concatenate([scale, bias]),
        args=(scores, soft, shrinkage),
        jac=True,
        method="L-BFGS-B",
        bounds=[_SCALES] * scale.size + [(None, None)] * bias.size,
        options={"maxiter": 1000, "ftol": 1e-14, "gtol": 1e-8},
    )
    return found.x[: scale.size], found.x[scale.size :]


def _loss(parameters: F64, scores: F64, soft: F64, shrinkage: float) -> tuple[float, F64]:
    """Return the cross-entropy against soft targets, scales shrunk to one; convex."""
    n, labels = scores.shape
    scale, bias = parameters[:-labels], parameters[-labels:]
    margin, off = scale * scores + bias, scale - 1.0
    loss = float((np.logaddexp(0.0, margin) - soft * margin).sum() + shrinkage / 2.0 * (off @ off))
    slope = scipy.special.expit(margin) - soft
    by_scale = (slope * scores).sum(axis=0)
    if scale.size == 1:
        by_scale = by_scale.sum(keepdims=True)
    gradient = np.concatenate([by_scale + shrinkage * off, slope.sum(axis=0)])
    return loss / n, gradient / n


def _smoothed(targets: Bools) -> F64:
    positives = targets.sum(axis=0)
    high, low = (positives + 1.0) / (positives + 2.0), 1.0 / (len(targets) - positives + 2.0)
    return np.asarray(np.where(targets, high, low), np.float64)


def nll(probabilities: F64, targets: Bools) -> float:
    """Return the negative log likelihood in nats, the mean of ``losses``."""
    return float(losses(probabilities, targets).mean())


def losses(probabilities: F64, targets: Bools) -> F64:
    """Return each picture's negative log likelihood, half from the roll-up, half the labels' mean.

    Args:
        probabilities: float64 ``n m``, the roll-up last; clipped at the float64 epsilon.
        targets: bool ``n m``.

    Returns:
        float64 ``n``, in nats.

    Raises:
        ValueError: The shapes differ.
    """
    _check(probabilities, targets)
    own = np.clip(np.where(targets, probabilities, 1.0 - probabilities), _EPS, 1.0)
    found = -np.log(own)
    each: F64 = (found[:, -1] + found[:, :-1].mean(axis=1)) / 2.0
    return each


def with_roll_up(targets: Bools, positive: Bools) -> Bools:
    """Return targets ``n k`` with a last column: whether any positive label applies."""
    return np.column_stack([targets, targets[:, positive].any(axis=1)])


def rarest(targets: Bools) -> NDArray[np.int64]:
    """Return for each picture its label that the fewest pictures have, ``n k`` -> ``n``.

    Folds that balance this label balance the rare ones first (Sechidis et al., ECML 2011). Since a
    negative label never stands beside a positive one, it also gives the picture's side.
    """
    counts = np.where(targets, targets.sum(axis=0), len(targets) + 1)
    return np.asarray(counts.argmin(axis=1), np.int64)


def choose_labels(probabilities: F64, side: Bools, positive: Bools) -> Bools:
    """Return the labels that are predicted: those of the picture's side from one half on.

    Args:
        probabilities: float64 ``n k``.
        side: bool ``n``, whether the picture as a whole is predicted positive.
        positive: bool ``k``.

    Returns:
        bool ``n k``, at least one in a row: the most probable of the side.
    """
    mine = np.where(side[:, None] == positive, probabilities, -np.inf)
    chosen = mine >= SPLIT
    chosen[np.arange(len(mine)), mine.argmax(axis=1)] = True
    return np.asarray(chosen, np.bool_)


def _check(values: F64, targets: NDArray[Any]) -> None:
    if values.ndim != 2 or targets.shape != values.shape or targets.dtype != np.bool_:
        raise ValueError(
            f"values, targets: expected equal (n, m), targets bool, got {values.shape} and "
            f"{targets.dtype} {targets.shape}"
        )
