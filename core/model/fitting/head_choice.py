"""The choice of a head: each is tried out of fold, and the one that predicts best is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from core.decision import calibration, fusion, multilabel, splits
from core.decision.calibration import Calibrator
from core.decision.multilabel import Sigmoids
from core.errors import DataError
from core.model.estimators import heads
from core.model.estimators.bank import class_scores
from core.model.estimators.discriminants import FoldedCorruptions
from core.model.estimators.heads import Head
from core.model.estimators.model import standardise
from core.model.fitting import score_calibration
from core.model.fitting.head_fitting import (
    DUMMY,
    ENSEMBLE,
    HEAD_FITTERS,
    HeadFitter,
    LabelArray,
    affordable_heads,
    fit_dummy,
    fit_head,
    have_classes,
)
from core.model.fitting.table import FeatureTable
from core.model.fitting.transfer import TransferSource
from core.model.fitting.variations import VariedFeatures
from core.types import F32, F64

FOLDS = 5
HALF = 0.5


@dataclass(frozen=True)
class HeadSearch:
    """Heads tried out of fold on the training pictures, and which of them is the best.

    Attributes:
        z: float32 ``n d``, standardised features.
        centre: float32 ``d``, subtracted from features.
        scale: float32 ``d``, divides them.
        fold: int64 ``n``, the fold of each picture.
        targets: What the heads learn.
        rows: How many rows a head has.
        varied: Varied training pictures, if any were made.
        own_scores: By head, float64 ``n + m k``, its class scores out of fold of the training
            pictures and of those varied.
        shares: By name, the factor of a head's scores in the ensemble.
        expert_weights: By head, the weight of each expert, its own included.
        scores: By head, float64 ``n k``, fused with the other experts.
        calibrators: By head, the calibrator of these scores.
        transferred: Fitters of heads that use another site's pictures.
        nll: By head, cross-validated negative log-likelihood.
        best: Name of the head chosen.
    """

    z: F32
    centre: F32
    scale: F32
    fold: NDArray[np.int64]
    targets: LabelArray
    rows: int
    varied: FoldedCorruptions | None
    own_scores: Mapping[str, F64]
    shares: Mapping[str, F64]
    expert_weights: Mapping[str, F64]
    scores: Mapping[str, F64]
    calibrators: Mapping[str, Calibrator | Sigmoids]
    transferred: Mapping[str, HeadFitter]
    nll: Mapping[str, float]
    best: str

    @property
    def losses(self) -> F64:
        """Negative log likelihood of each training picture by the head chosen, in nats."""
        return score_calibration.losses(
            self.calibrators[self.best], self.scores[self.best], self.targets
        )

    def fit_best(self) -> Head:
        """Return the head chosen, fitted on all training pictures."""
        if self.best in self.transferred:
            return self.transferred[self.best](self.z, self.targets, self.rows)
        return fit_head(self.best, self.z, self.targets, self.rows, self.shares)

    def sides(
        self, groups: NDArray[np.str_], positive: tuple[bool, ...], seed: int
    ) -> NDArray[np.bool_]:
        """Return whether each training and each varied picture is called positive by the head."""
        scores = self.own_scores[self.best]
        known = score_calibration.calibrate(scores[: len(self.z)], self.targets, groups, seed)
        return score_calibration.chance(known, scores, positive) > HALF


def choose_head(
    table: FeatureTable,
    classes: tuple[str, ...],
    positive: tuple[bool, ...],
    seed: int = 0,
    source: TransferSource | None = None,
    variations: VariedFeatures | None = None,
) -> HeadSearch:
    """Return all heads tried on the training pictures by grouped cross-validation.

    Args:
        table: The training pictures, none that the pack refused.
        classes: Class names.
        positive: Whether each class counts as positive.
        seed: Seed of the folds.
        source: Pictures of another site, whose heads take part in the choice.
        variations: Varied training pictures.

    Raises:
        DataError: There are fewer than two groups, or one side has fewer and no memory bank stands
            in for a head.
    """
    count = _count_folds(table)
    centre = table.pooled.mean(axis=0)
    scale = table.pooled.std(axis=0) + np.float32(1e-6)
    z = standardise(table.pooled, centre, scale)
    fold = splits.folds(table.labels, table.groups, count, seed)
    targets, rows = _head_targets(table, positive), len(classes) + (table.targets is not None)
    names = affordable_heads(len(z)) if _has_both_sides(table, positive) else (DUMMY,)
    transferred = source.fitters(centre, scale, rows) if source else {}
    fitters = {**HEAD_FITTERS, **transferred}
    varied = variations.assign_folds(fold, centre, scale) if variations else None
    calibrate = partial(
        score_calibration.calibrate, targets=targets, groups=table.groups, seed=seed
    )
    own_scores = {
        n: _out_of_fold(z, targets, fold, fitters[n], rows, varied) for n in (*names, *transferred)
    }
    shares = {n: score_calibration.share(calibrate(own_scores[n][: len(z)])) for n in names}
    if len(names) > 1:
        own_scores[ENSEMBLE] = np.sum([shares[name] * own_scores[name] for name in names], axis=0)
    own = {name: scores[: len(z)] for name, scores in own_scores.items()}
    expert_weights = {
        name: _choose_expert_weights(table, scores, positive, seed) for name, scores in own.items()
    }
    tried = {
        name: _fuse_experts(table, scores, positive, expert_weights[name])
        for name, scores in own.items()
    }
    calibrators = {name: calibrate(scores) for name, scores in tried.items()}
    nll = {n: score_calibration.nll(calibrators[n], scores, targets) for n, scores in tried.items()}
    best = min(nll.keys() - transferred.keys(), key=lambda name: nll[name])
    if transferred:
        losses = {n: score_calibration.losses(calibrators[n], tried[n], targets) for n in tried}
        best = _choose_transfer_head(
            {n: losses[n] for n in (best, *transferred)}, best, table.groups
        )
    return HeadSearch(
        z,
        centre,
        scale,
        fold,
        targets,
        rows,
        varied,
        own_scores,
        shares,
        expert_weights,
        tried,
        calibrators,
        transferred,
        nll,
        best,
    )


def _choose_transfer_head(losses: Mapping[str, F64], own: str, groups: NDArray[np.str_]) -> str:
    """Return a transferred head where it is clearly better than this site's own, else that.

    With few pictures the least loss is noisy, and the other site may differ.
    """
    best = min(losses.keys() - {own}, key=lambda name: float(losses[name].mean()))
    members = np.unique(groups, return_inverse=True)[1]
    return best if calibration.is_clearly_less(losses[best], losses[own], members) else own


def _places(fold: NDArray[np.int64], variations: FoldedCorruptions | None) -> NDArray[np.int64]:
    return np.concatenate([fold, variations.fold]) if variations else fold


def _count_folds(table: FeatureTable) -> int:
    """Return how many folds the groups make.

    Raises:
        DataError: Fewer than two.
    """
    groups = np.unique(table.groups).size
    if groups < 2:
        raise DataError(
            f"The {len(table.groups)} training pictures that can be used belong to {groups} group: "
            "copies of one picture, or pictures of one part, count once.",
            hint="Add pictures of further groups (parts, patients, fields).",
        )
    return min(FOLDS, groups)


def _has_both_sides(table: FeatureTable, positive: tuple[bool, ...]) -> bool:
    """Return whether either side has two groups, so that a fold leaves one to learn from."""
    side = np.array(positive)[table.labels]
    counts = [np.unique(table.groups[rows]).size for rows in (side, ~side)]
    if min(counts) < 2 and table.log_odds is None:
        raise DataError(
            f"Two groups a side are needed to learn from, got {counts[0]} with something wrong "
            f"and {counts[1]} with nothing wrong.",
            hint="Add pictures of further groups; good ones own_scores do from 5 groups on.",
        )
    return min(counts) >= 2


def _experts(table: FeatureTable, scores: F64, positive: tuple[bool, ...]) -> F64:
    """Return out-of-fold scores of all experts, stacked in the order of their weights."""
    experts = [scores]
    if table.log_odds is not None:
        experts.insert(0, np.array([class_scores(odds, positive) for odds in table.log_odds]))
    if table.tail is not None:
        experts.append(table.tail)
    return np.stack(experts)


def _choose_expert_weights(
    table: FeatureTable, scores: F64, positive: tuple[bool, ...], seed: int
) -> F64:
    experts = _experts(table, scores, positive)
    return fusion.choose_weights(experts, table.labels, table.groups, seed)


def _fuse_experts(
    table: FeatureTable, scores: F64, positive: tuple[bool, ...], expert_weights: F64
) -> F64:
    return fusion.fuse(_experts(table, scores, positive), expert_weights)


def _head_targets(table: FeatureTable, positive: tuple[bool, ...]) -> LabelArray:
    if table.targets is None:
        return table.labels
    return multilabel.with_roll_up(table.targets, np.array(positive))


def _out_of_fold(
    z: F32,
    labels: LabelArray,
    fold: NDArray[np.int64],
    maker: HeadFitter,
    k: int,
    variations: FoldedCorruptions | None,
) -> F64:
    """Return class scores of the training pictures, then of the varied ones, by heads without."""
    every = np.concatenate([z, variations.z[:, : z.shape[1]]]) if variations else z
    place = _places(fold, variations)
    scores = np.zeros((len(every), k))
    for number in np.unique(fold):
        rest = fold != number
        made = maker if have_classes(labels[rest]) else fit_dummy
        head = made(z[rest], labels[rest], k)
        for row in np.flatnonzero(place == number):
            scores[row] = heads.logits(head, every[row])
    return scores
