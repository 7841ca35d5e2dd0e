"""From head scores to calibrated probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.decision.splits import folds
from core.types import F64

KINDS = ("identity", "temperature", "platt")
FOLDS = 5
_SCALES = (1e-9, 1e9)
_FLAT = 1e-12  # logits that vary less are all the same

Labels = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Calibrator:
    """A map from logits to probabilities: ``softmax(scale * logits + bias)``.

    Attributes:
        kind: ``identity``, ``temperature`` (scale only) or ``platt`` (scale and bias).
        scale: Positive, so that the ranking of two scores survives.
        bias: float64 ``k``, sums to zero.
    """

    kind: str
    scale: float
    bias: F64

    def __post_init__(self) -> None:
        """Refuse what would not give probabilities.

        Raises:
            ValueError: The kind is unknown, the scale not positive or the bias not finite ``k``.
        """
        if self.kind not in KINDS:
            raise ValueError(f"kind: expected one of {KINDS}, got {self.kind!r}")
        if not 0.0 < self.scale < float("inf"):
            raise ValueError(f"scale: expected positive and finite, got {self.scale}")
        if self.bias.ndim != 1 or not np.isfinite(self.bias).all():
            raise ValueError(f"bias: expected finite (k,), got shape {self.bias.shape}")


def apply(calibrator: Calibrator, logits: F64) -> F64:
    """Return probabilities ``n k`` of logits ``n k``; rows sum to one.

    A row with a NaN or infinite logit becomes NaN as a whole.

    Raises:
        ValueError: The logits do not have the calibrator's number of classes.
    """
    return np.exp(_log_probabilities(calibrator, logits))


def _log_probabilities(calibrator: Calibrator, logits: F64) -> F64:
    if logits.ndim != 2 or logits.shape[1] != calibrator.bias.size:
        raise ValueError(f"logits: expected (n, {calibrator.bias.size}), got {logits.shape}")
    finite = np.isfinite(logits).all(axis=1, keepdims=True)
    safe = np.where(finite, logits, 0.0)
    # Two far-apart floats may differ by infinity: their ratio is then a plain 0.
    with np.errstate(over="ignore"):
        shifted = calibrator.scale * (safe - safe.max(axis=1, keepdims=True)) + calibrator.bias
    return np.where(finite, _log_softmax(shifted), np.nan)


def _log_softmax(scores: F64) -> F64:
    shifted = scores - scores.max(axis=1, keepdims=True)
    logs: F64 = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return logs


def fit(kind: str, logits: F64, labels: Labels) -> Calibrator:
    """Return a calibrator of one kind, fitted by penalised maximum likelihood.

    The targets are smoothed as by Platt, Advances in Large Margin Classifiers (1999): an image of
    a class seen N times counts (N + 1) / (N + 2) for it and shares the rest among the others. So
    perfectly separated data, and a class never seen, give finite numbers. With two classes this is
    Platt's method; temperature scaling is Guo et al., ICML 2017.

    Args:
        kind: One of ``KINDS``.
        logits: float64 ``n k``, from models that did not see the images; rows with a non-finite
            logit are ignored.
        labels: int ``n``, class numbers 0 to k - 1.

    Raises:
        ValueError: Shapes or labels are not as stated, or the kind is unknown.
    """
    logits, labels = _usable(logits, labels)
    classes = logits.shape[1]
    if kind == "identity" or np.unique(labels).size < 2:
        return Calibrator("identity", 1.0, np.zeros(classes))
    centred = logits - logits.mean(axis=1, keepdims=True)
    varied = float(centred.std())
    spread = varied if varied > _FLAT else 1.0
    free = kind == "platt"
    start = np.concatenate([[1.0], np.zeros(classes if free else 0)])
    from scipy.optimize import minimize  # takes a tenth of a second: for fitting alone

    found = minimize(
        _loss,
        start,
        args=(centred / spread, _targets(labels, classes)),
        jac=True,
        method="L-BFGS-B",
        bounds=[(_SCALES[0] * spread, _SCALES[1] * spread)] + [(None, None)] * (start.size - 1),
        options={"maxiter": 500, "ftol": 1e-14, "gtol": 1e-9},
    )
    bias = found.x[1:] - found.x[1:].mean() if free else np.zeros(classes)
    return Calibrator(kind, float(found.x[0]) / spread, bias)


def _loss(parameters: F64, logits: F64, targets: F64) -> tuple[float, F64]:
    """Return the cross-entropy against soft targets and its gradient; convex in both."""
    free = parameters.size > 1
    logs = _log_softmax(parameters[0] * logits + (parameters[1:] if free else 0.0))
    slope = (np.exp(logs) - targets) / logits.shape[0]
    gradient = np.concatenate([[(slope * logits).sum()], slope.sum(axis=0) if free else []])
    return float(-(targets * logs).sum() / logits.shape[0]), gradient


def _targets(labels: Labels, classes: int) -> F64:
    counts = np.bincount(labels, minlength=classes)[labels]
    rest = 1.0 / (counts + 2.0)
    soft = np.repeat((rest / (classes - 1))[:, None], classes, axis=1)
    soft[np.arange(labels.size), labels] = 1.0 - rest
    return soft


def _usable(logits: F64, labels: Labels) -> tuple[F64, Labels]:
    if logits.ndim != 2 or logits.shape[1] < 2 or labels.shape != logits.shape[:1]:
        raise ValueError(
            f"logits, labels: expected (n, k) with k >= 2 and (n,), got {logits.shape}, "
            f"{labels.shape}"
        )
    if labels.size and not 0 <= labels.min() <= labels.max() < logits.shape[1]:
        raise ValueError(f"labels: expected 0 to {logits.shape[1] - 1}")
    finite = np.isfinite(logits).all(axis=1)
    return logits[finite], labels[finite]


def choose_calibrator(
    logits: F64, labels: Labels, groups: NDArray[Any], seed: int
) -> tuple[Calibrator, dict[str, float]]:
    """Return the best kind of calibrator by grouped cross-validation, fitted on everything.

    A richer kind wins only when it lowers the negative log likelihood by more than one standard
    error of the paired difference, counted over groups; within that noise the simplest stays.

    Args:
        logits: float64 ``n k``, out-of-fold scores of the head; non-finite rows are ignored.
        labels: int ``n``, class numbers 0 to k - 1.
        groups: ``n``, the group of each image.
        seed: Of the folds.

    Returns:
        The calibrator, and each tried kind's cross-validated NLL in nats per image. With one class
        or one group there is nothing to choose by: the identity, with its plain NLL (empty without
        images).

    Raises:
        ValueError: Shapes or labels are not as stated.
    """
    finite = np.isfinite(logits).all(axis=1) if logits.ndim == 2 else np.zeros(0, dtype=bool)
    logits, labels = _usable(logits, labels)
    members = np.unique(groups[finite], return_inverse=True)[1]
    if np.unique(labels).size < 2 or np.unique(members).size < 2:
        plain = fit("identity", logits, labels)
        found = losses(plain, logits, labels)
        return plain, {"identity": float(found.mean())} if labels.size else {}
    fold = folds(labels, members, min(FOLDS, int(members.max()) + 1), seed)
    losses_by_kind = {kind: _cross_validated_losses(kind, logits, labels, fold) for kind in KINDS}
    chosen = KINDS[0]
    for kind in KINDS[1:]:
        if is_clearly_less(losses_by_kind[kind], losses_by_kind[chosen], members):
            chosen = kind
    means = {kind: float(found.mean()) for kind, found in losses_by_kind.items()}
    return fit(chosen, logits, labels), means


def _cross_validated_losses(kind: str, logits: F64, labels: Labels, fold: NDArray[np.int64]) -> F64:
    found = np.empty(labels.size)
    for number in np.unique(fold):
        out = fold == number
        found[out] = losses(fit(kind, logits[~out], labels[~out]), logits[out], labels[out])
    return found


def losses(calibrator: Calibrator, logits: F64, labels: Labels) -> F64:
    """Return the negative log likelihood of each picture in nats, float64 ``n``."""
    found: F64 = -_log_probabilities(calibrator, logits)[np.arange(labels.size), labels]
    return found


def is_clearly_less(losses: F64, than: F64, members: NDArray[np.intp], errors: float = 1.0) -> bool:
    """Return whether losses are less by more than standard errors of the paired difference.

    Args:
        losses: float64 ``n``.
        than: float64 ``n``, of the same pictures.
        members: int ``n``, the number of each picture's group, over which the error is counted.
        errors: How many standard errors.
    """
    gain = than - losses
    mean = float(gain.mean())
    per_group = np.bincount(members, weights=gain - mean)
    return mean > errors * float(np.sqrt((per_group**2).sum())) / gain.size
