"""Fitting heads: scikit-learn fits them, the result is copied into plain arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.model.estimators.heads import (
    Head,
    HeadEnsemble,
    KernelHead,
    LinearHead,
    add_kernels,
    scale_head,
)
from core.model.estimators.landmarks import (
    LANDMARKS,
    choose_landmarks,
    kernel_directions,
    ridge_on_landmarks,
)
from core.types import F32, F64

ABSENT = -1.0  # score of a label that no training picture has

LabelArray = NDArray[Any]
"""Labels that heads learn: int64 ``n``, or bool ``n m``: a column a label, the roll-up last."""

HeadFitter = Callable[[F32, LabelArray, int], LinearHead | KernelHead]
"""From standardised features ``n d`` and answers to a head with so many rows."""


def _binary_columns(score: F64) -> F64:
    """Return a one-sided score as two logits whose softmax is its sigmoid."""
    return np.stack([-score / 2.0, score / 2.0])


def fit_dummy(z: F32, _labels: LabelArray, k: int) -> LinearHead:
    """Return a constant head, where one side has too few groups to learn from."""
    return LinearHead(np.zeros((k, z.shape[1]), np.float32), np.zeros(k))


def fit_logistic(
    z: F32, labels: LabelArray, k: int, c: float = 0.01, weight: F64 | None = None
) -> LinearHead:
    """Return a linear head by regularised logistic regression, classes weighted equally.

    A ``weight``, float64 ``n``, of the pictures stands in for that of the classes.
    """
    from sklearn.linear_model import LogisticRegression

    if labels.ndim == 2:
        return _logistic_by_label(z, labels, c)
    equal = "balanced" if weight is None else None
    model = LogisticRegression(C=c, max_iter=2000, class_weight=equal)
    fitted = model.fit(z, labels, sample_weight=weight)
    weights, bias = _per_class(fitted.coef_, fitted.intercept_)
    return LinearHead(*_spread(weights, bias, fitted.classes_, k))


def fit_svm(z: F32, labels: LabelArray, k: int, c: float = 3.0) -> KernelHead:
    """Return a support vector machine with radial kernel, one class against the rest.

    Time grows with the square of the number of pictures: see ``affordable_heads``.
    """
    from sklearn.metrics.pairwise import rbf_kernel
    from sklearn.svm import SVC

    gamma, basis = 1.0 / z.shape[1], kernel_directions(z)
    z = z if basis is None else z @ basis.T
    present, sides = _against_the_rest(labels)
    # All labels share one kernel matrix; it is small, for no more than LANDMARKS pictures come.
    x, kernel = (rbf_kernel(z, gamma=gamma), "precomputed") if labels.ndim == 2 else (z, "rbf")
    dual = np.zeros((len(sides), len(z)))
    bias = np.full(len(sides), ABSENT)
    for row, side in enumerate(sides):
        if labels.ndim == 2 and not _divides(side):
            continue
        fitted = SVC(C=c, gamma=gamma, kernel=kernel, class_weight="balanced").fit(x, side)
        dual[row, fitted.support_] = fitted.dual_coef_[0]
        bias[row] = fitted.intercept_[0]
    dual, bias = _per_class(dual, bias)
    kept = np.any(dual != 0.0, axis=0)
    weights, bias = _spread(dual[:, kept], bias, present, k)
    support = z[kept]
    return KernelHead(support, (support**2).sum(axis=1), weights, bias, gamma, basis)


def fit_ridge(z: F32, labels: LabelArray, k: int, ridge: float = 0.3) -> KernelHead:
    """Return kernel ridge regression on the sides' signs, with the kernel of ``fit_svm``.

    In closed form, all sides at once: the pictures' weights, by which every class counts the same,
    are those of the pictures and not of the sides. Pictures with several labels weigh the same.
    More than ``LANDMARKS`` pictures are compared with landmarks instead of with each other.
    """
    gamma, basis = 1.0 / z.shape[1], kernel_directions(z)
    z = z if basis is None else z @ basis.T
    present, sides = _against_the_rest(labels)
    signs = np.where(np.stack(sides, axis=1), 1.0, -1.0)
    weight = np.ones(len(z))
    if labels.ndim == 1:
        _, place, counts = np.unique(labels, return_inverse=True, return_counts=True)
        weight = len(z) / (len(counts) * counts[place])
    bias = weight @ signs / weight.sum()
    support, targets = choose_landmarks(z, LANDMARKS), signs - bias
    if len(support) < len(z):
        dual = ridge_on_landmarks(z, support, targets, weight, gamma=gamma, ridge=ridge).T
    else:
        dual = _ridge(z, targets, weight, gamma, ridge).T
    bias[[not _divides(side) for side in sides]] = ABSENT
    weights, bias = _spread(*_per_class(dual, bias), present, k)
    return KernelHead(support, (support**2).sum(axis=1), weights, bias, gamma, basis)


def _ridge(z: F32, targets: F64, weight: F64, gamma: float, ridge: float) -> F64:
    from sklearn.metrics.pairwise import rbf_kernel

    kernel = rbf_kernel(z, gamma=gamma).astype(np.float64)
    kernel[np.diag_indices(len(z))] += ridge / weight
    return np.asarray(np.linalg.solve(kernel, targets), np.float64)


def have_classes(labels: LabelArray) -> bool:
    """Return whether the pictures show more than one class."""
    return labels.ndim == 2 or len(np.unique(labels)) > 1


def fit_head(name: str, z: F32, labels: LabelArray, k: int, shares: Mapping[str, F64]) -> Head:
    """Return the fitted head of a name, or the sum of all that have a share.

    Pictures of one class alone give a constant head.

    Args:
        name: One of ``HEAD_FITTERS`` or ``ENSEMBLE``.
        z: float32 ``n d``, standardised features.
        labels: What the pictures show.
        k: Rows of the head.
        shares: By name, the factor of a head's scores, float64 ``k`` or of one number.
    """
    if not have_classes(labels):
        return fit_dummy(z, labels, k)
    if name != ENSEMBLE:
        return HEAD_FITTERS[name](z, labels, k)
    parts = [scale_head(HEAD_FITTERS[one](z, labels, k), share) for one, share in shares.items()]
    kernels = [part for part in parts if isinstance(part, KernelHead)]
    kernels.sort(key=lambda part: -len(part.support))
    (linear,) = (part for part in parts if isinstance(part, LinearHead))
    return HeadEnsemble(reduce(add_kernels, kernels), linear)


def _against_the_rest(labels: LabelArray) -> tuple[NDArray[np.int64], list[NDArray[np.bool_]]]:
    """Return the rows that a head has, and which pictures are on each row's side."""
    if labels.ndim == 2:
        return np.arange(labels.shape[1]), list(labels.T)
    present = np.unique(labels)
    return present, [labels == one for one in (present[1:] if len(present) == 2 else present)]


def _logistic_by_label(z: F32, labels: NDArray[np.bool_], c: float) -> LinearHead:
    """Return a head with the score of a two-class fit, one label against the rest, for each."""
    weights = np.zeros((labels.shape[1], z.shape[1]), np.float32)
    bias = np.full(labels.shape[1], ABSENT)
    for row, side in enumerate(labels.T):
        if _divides(side):
            head = fit_logistic(z, side.astype(np.int64), 2, c)
            weights[row] = head.weights[1] - head.weights[0]
            bias[row] = head.bias[1] - head.bias[0]
    return LinearHead(weights, bias)


def _divides(side: NDArray[np.bool_]) -> bool:
    return bool(side.any() and not side.all())


def _per_class(weights: F64, bias: F64) -> tuple[F64, F64]:
    """Return a row for every class; a two-class fit has one, the second class's."""
    if len(weights) > 1:
        return weights, bias
    return _binary_columns(weights[0]), _binary_columns(bias[0])


def _spread(weights: F64, bias: F64, present: NDArray[np.int64], k: int) -> tuple[F32, F64]:
    """Return rows at their classes; a class that no training picture shows scores far below."""
    full = np.zeros((k, weights.shape[1]), np.float32)
    level = np.full(k, float(bias.min()) - 20.0)
    full[present], level[present] = weights, bias
    return full, level


DUMMY = "none"
ENSEMBLE = "ensemble"
HEAD_FITTERS: Mapping[str, HeadFitter] = {
    "ridge": fit_ridge,
    "svm": fit_svm,
    "logistic": fit_logistic,
    DUMMY: fit_dummy,
}


def affordable_heads(pictures: int) -> tuple[str, ...]:
    """Return the makers for so many training pictures.

    A support vector machine takes the square of their number and keeps pictures without a limit.
    Ridge regression on landmarks does neither.
    """
    return ("ridge", "svm", "logistic") if pictures <= LANDMARKS else ("ridge", "logistic")
