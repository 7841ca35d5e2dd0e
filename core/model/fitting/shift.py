"""Fitting the head for pictures unlike those of training: chosen on subjects it never met.

Each subject that has pictures of both sides counts the same, and in it each side: a subject of
which only one side was photographed teaches to tell subjects apart, and is left out. Copies with
the background painted over teach to look at the foreground.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.decision import calibration, metrics
from core.model.estimators.shift import ShiftHead
from core.types import F32, F64

RIDGES = (0.1, 0.3, 1.0, 3.0)
MIN_SUBJECTS = 3
_LEAST_SCALE = 1e-3

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class PaintedFeatures:
    """Foreground features of training pictures with their background painted over.

    Attributes:
        foreground: float32 ``m f``.
        of: int64 ``m``, row of the training picture that each was made of.
    """

    foreground: F32
    of: NDArray[np.int64]


def fit_shift_head(
    foreground: F32,
    positive: Bools,
    subjects: Sequence[str],
    painted: PaintedFeatures | None = None,
) -> ShiftHead | None:
    """Return the head, its ridge and its calibration found by leaving one subject out.

    Args:
        foreground: float32 ``n f``, of the training pictures.
        positive: bool ``n``.
        subjects: Subject of each of the ``n``; empty for none.
        painted: Copies of some of them.

    Returns:
        None where fewer than ``MIN_SUBJECTS`` subjects have pictures of both sides.
    """
    names = np.array(subjects, np.str_)
    weight = balance_subjects(positive, names)
    used = np.unique(names[weight > 0.0])
    if used.size < MIN_SUBJECTS or not foreground.size:
        return None
    z, of = foreground, np.arange(len(foreground))
    if painted is not None:
        z, of = np.concatenate([z, painted.foreground]), np.concatenate([of, painted.of])
    rows = _TrainingRows(z.astype(np.float64), of, positive, names, weight)
    scores = {ridge: _leave_one_out(rows, used, ridge) for ridge in RIDGES}
    areas = {ridge: _mean_area(s, positive, names, used) for ridge, s in scores.items()}
    best = max(RIDGES, key=lambda ridge: areas[ridge])
    kept = weight > 0.0
    known = calibration.fit("platt", _as_logits(scores[best][kept]), positive[kept].astype(int))
    weights, bias = _ridge(rows, np.ones(len(of), np.bool_), best)
    spread = known.scale
    return ShiftHead(
        (spread * weights).astype(np.float32), spread * bias + float(known.bias[1] - known.bias[0])
    )


@dataclass(frozen=True)
class _TrainingRows:
    """Pictures and their painted copies, axis ``m``; ``of`` says whose copy each is."""

    z: F64
    of: NDArray[np.int64]
    positive: Bools
    subjects: NDArray[np.str_]
    weight: F64


def balance_subjects(positive: Bools, subjects: NDArray[np.str_]) -> F64:
    """Return weights, float64 ``n``: each subject and in it each side counts the same.

    A subject of one side alone, and no subject at all, weighs nothing.
    """
    weight = np.zeros(len(positive))
    for name in np.unique(subjects[subjects != ""]):
        mine = subjects == name
        if positive[mine].any() and not positive[mine].all():
            for side in (mine & positive, mine & ~positive):
                weight[side] = 1.0 / side.sum()
    return weight


def _leave_one_out(rows: _TrainingRows, used: NDArray[np.str_], ridge: float) -> F64:
    """Return log odds of the training pictures by heads that never met their subject."""
    scores = np.zeros(len(rows.positive))
    for name in used:
        mine = rows.subjects == name
        weights, bias = _ridge(rows, ~mine[rows.of], ridge)
        scores[mine] = rows.z[: len(mine)][mine] @ weights + bias
    return scores


def _mean_area(
    scores: F64, positive: Bools, subjects: NDArray[np.str_], used: NDArray[np.str_]
) -> float:
    mine = [subjects == name for name in used]
    return float(np.mean([metrics.auroc(scores[one], positive[one]) for one in mine]))


def _ridge(rows: _TrainingRows, kept: Bools, ridge: float) -> tuple[F64, float]:
    """Return weights and bias by weighted ridge regression on the sides' signs, ``f`` and one."""
    kept = kept & (rows.weight[rows.of] > 0.0)
    z, w = rows.z[kept], rows.weight[rows.of][kept]
    w = w / w.sum()
    centre = w @ z
    scale = np.sqrt(w @ (z - centre) ** 2) + _LEAST_SCALE
    even = (z - centre) / scale
    signs = np.where(rows.positive[rows.of][kept], 1.0, -1.0)
    level = float(w @ signs)
    gram = (even * w[:, None]).T @ even + ridge * np.eye(z.shape[1])
    weights = np.linalg.solve(gram, even.T @ (w * (signs - level))) / scale
    return weights, level - float(centre @ weights)


def _as_logits(scores: F64) -> F64:
    return np.stack([-scores / 2.0, scores / 2.0], axis=1)
