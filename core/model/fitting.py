"""Fitting: labelled features become a ``Model``, with every choice made out of fold.

scikit-learn does the optimisation; what it finds is copied into plain arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.decision import calibration, metrics, ood, quality, splits
from core.decision.calibration import Calibrator
from core.decision.policy import Cases
from core.model import heads
from core.model.fitted import Gate, Model, standardise
from core.model.heads import Head, KernelHead, LinearHead
from core.types import F32, F64

FOLDS = 5


@dataclass(frozen=True)
class Table:
    """Labelled pictures after the network, axes ``n`` (pictures) and ``d`` (pooled features).

    Attributes:
        pooled: float32 ``n d``.
        labels: int64 ``n``, index into the classes.
        groups: str ``n``.
        measures: Quality measure to float64 ``n``.
        sound: bool ``n``, False where the pack itself refused the picture.
        gated: How many of the first features the OOD gate looks at.
    """

    pooled: F32
    labels: NDArray[np.int64]
    groups: NDArray[np.str_]
    measures: Mapping[str, F64]
    sound: NDArray[np.bool_]
    gated: int

    def pick(self, rows: NDArray[np.bool_]) -> Table:
        """Keep some pictures."""
        return Table(
            self.pooled[rows],
            self.labels[rows],
            self.groups[rows],
            {name: values[rows] for name, values in self.measures.items()},
            self.sound[rows],
            self.gated,
        )


@dataclass(frozen=True)
class Fit:
    """What fitting gives.

    Attributes:
        model: The fitted model.
        oof: Out-of-fold cases of the training pictures, for the grid and the review budget.
        nll: Cross-validated negative log-likelihood of each head that was tried.
        head: Name of the head chosen.
    """

    model: Model
    oof: Cases
    nll: Mapping[str, float]
    head: str


def fit(table: Table, classes: tuple[str, ...], positive: tuple[bool, ...], seed: int = 0) -> Fit:
    """Fit a model on training pictures alone.

    Head and calibrator are chosen by grouped cross-validated NLL; the OOD gate's reference holds
    out-of-fold distances, so that a new ordinary picture is exchangeable with them.

    Args:
        table: The training pictures; those the pack refused are left out.
        classes: Class names.
        positive: Whether each class counts as positive.
        seed: Seed of the folds.
    """
    table = table.pick(table.sound)
    centre = table.pooled.mean(axis=0)
    scale = table.pooled.std(axis=0) + np.float32(1e-6)
    z = standardise(table.pooled, centre, scale)
    fold = splits.folds(table.labels, table.groups, FOLDS, seed)
    tried = {
        name: _out_of_fold(z, table.labels, fold, maker, len(classes))
        for name, maker in CANDIDATES.items()
    }
    calibrators = {
        name: calibration.choose_calibrator(scores, table.labels, table.groups, seed)[0]
        for name, scores in tried.items()
    }
    nll = {name: _nll(calibrators[name], scores, table.labels) for name, scores in tried.items()}
    best = min(nll, key=lambda name: nll[name])
    distances = _distances(z[:, : table.gated], fold)
    model = Model(
        classes=classes,
        positive=positive,
        centre=centre,
        scale=scale,
        head=CANDIDATES[best](z, table.labels, len(classes)),
        calibrator=calibrators[best],
        gate=_gate(z[:, : table.gated], np.sort(distances)),
        ranges=quality.learn_ranges(table.measures),
    )
    oof = _cases(calibrators[best], tried[best], distances, table, positive)
    return Fit(model, oof, nll, best)


def _out_of_fold(
    z: F32,
    labels: NDArray[np.int64],
    fold: NDArray[np.int64],
    maker: Callable[[F32, NDArray[np.int64], int], Head],
    k: int,
) -> F64:
    scores = np.zeros((len(z), k))
    for held in np.unique(fold):
        head = maker(z[fold != held], labels[fold != held], k)
        for row in np.flatnonzero(fold == held):
            scores[row] = heads.logits(head, z[row])
    return scores


def _nll(calibrator: Calibrator, scores: F64, labels: NDArray[np.int64]) -> float:
    return metrics.nll(calibration.apply(calibrator, scores), labels)


def _cases(
    calibrator: Calibrator,
    scores: F64,
    distances: F64,
    table: Table,
    positive: tuple[bool, ...],
) -> Cases:
    probabilities = calibration.apply(calibrator, scores)
    return Cases(
        positive_probability=probabilities[:, np.array(positive)].sum(axis=1),
        ood_p=ood.conformal_p(distances, distances),
        gates_passed=table.sound.copy(),
        positive=np.array(positive)[table.labels],
        group=table.groups,
    )


def _gate(z: F32, reference: F64) -> Gate:
    mean, whiten = _shape(z)
    return Gate(mean, whiten, reference)


def _distances(z: F32, fold: NDArray[np.int64]) -> F64:
    distances = np.zeros(len(z))
    for held in np.unique(fold):
        gate = _gate(z[fold != held], np.zeros(0))
        for row in np.flatnonzero(fold == held):
            distances[row] = gate.score(z[row])
    return distances


def _shape(z: F32) -> tuple[F32, F32]:
    """Mean and whitening of the shrunk covariance (Ledoit and Wolf 2004)."""
    from sklearn.covariance import LedoitWolf

    shrunk = LedoitWolf().fit(z.astype(np.float64))
    values, vectors = np.linalg.eigh(shrunk.covariance_)
    whiten = (vectors / np.sqrt(values)).T
    return shrunk.location_.astype(np.float32), whiten.astype(np.float32)


def _binary_columns(score: F64) -> F64:
    """Spread a one-sided score over two logits, so that softmax gives its sigmoid."""
    return np.stack([-score / 2.0, score / 2.0])


def fit_logistic(z: F32, labels: NDArray[np.int64], k: int, c: float = 0.01) -> Head:
    """Fit a linear head by regularised logistic regression, classes weighted equally."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=c, max_iter=2000, class_weight="balanced").fit(z, labels)
    weights, bias = _per_class(fitted.coef_, fitted.intercept_)
    return LinearHead(*_spread(weights, bias, fitted.classes_, k))


def fit_svm(z: F32, labels: NDArray[np.int64], k: int, c: float = 3.0) -> Head:
    """Fit a support vector machine with radial kernel, one class against the rest."""
    from sklearn.svm import SVC

    gamma = 1.0 / z.shape[1]
    present = np.unique(labels)
    sides = present[1:] if len(present) == 2 else present
    dual = np.zeros((len(sides), len(z)))
    bias = np.zeros(len(sides))
    for row, side in enumerate(sides):
        fitted = SVC(C=c, gamma=gamma, class_weight="balanced").fit(z, labels == side)
        dual[row, fitted.support_] = fitted.dual_coef_[0]
        bias[row] = fitted.intercept_[0]
    dual, bias = _per_class(dual, bias)
    kept = np.any(dual != 0.0, axis=0)
    weights, bias = _spread(dual[:, kept], bias, present, k)
    support = z[kept]
    return KernelHead(support, (support**2).sum(axis=1), weights, bias, gamma)


def fit_discriminant(z: F32, labels: NDArray[np.int64], k: int) -> Head:
    """Fit linear discriminant analysis with Ledoit-Wolf shrinkage, classes weighted equally."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    present = np.unique(labels)
    even = np.full(len(present), 1.0 / len(present))
    fitted = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=even)
    fitted.fit(z.astype(np.float64), labels)
    return LinearHead(*_spread(*_per_class(fitted.coef_, fitted.intercept_), present, k))


def _per_class(weights: F64, bias: F64) -> tuple[F64, F64]:
    """Give every class its row: a two-class fit has one, the second class's against the first."""
    if len(weights) > 1:
        return weights, bias
    return _binary_columns(weights[0]), _binary_columns(bias[0])


def _spread(weights: F64, bias: F64, present: NDArray[np.int64], k: int) -> tuple[F32, F64]:
    """Place rows at their classes; a class that no training picture shows scores far below."""
    full = np.zeros((k, weights.shape[1]), np.float32)
    level = np.full(k, float(bias.min()) - 20.0)
    full[present], level[present] = weights, bias
    return full, level


CANDIDATES: Mapping[str, Callable[[F32, NDArray[np.int64], int], Head]] = {
    "svm": fit_svm,
    "logistic": fit_logistic,
    "discriminant": fit_discriminant,
}
