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
from core.model.estimators.discriminants import Placed
from core.model.estimators.heads import Head
from core.model.estimators.model import standardise
from core.model.fitting import score_calibration
from core.model.fitting.harmless import Benign
from core.model.fitting.head_fitting import (
    COMMITTEE,
    MAKERS,
    NOTHING,
    Answers,
    Maker,
    affordable,
    fit_nothing,
    have_classes,
    make,
)
from core.model.fitting.table import Table
from core.model.fitting.transfer import Start
from core.types import F32, F64

FOLDS = 5
HALF = 0.5


@dataclass(frozen=True)
class Heads:
    """Heads tried out of fold on the training pictures, and which of them is the best.

    Attributes:
        z: float32 ``n d``, standardised features.
        centre: float32 ``d``, subtracted from features.
        scale: float32 ``d``, divides them.
        fold: int64 ``n``, the fold of each picture.
        answers: What the heads learn.
        rows: How many rows a head has.
        varied: Training pictures varied without harm, if any were made.
        alone: By head, float64 ``n + m k``, its class scores out of fold of the training pictures
            and of those varied.
        shares: By name, what a head's scores are multiplied with in a committee.
        voices: By head, how loud each expert is beside it.
        scores: By head, float64 ``n k``, with the other experts heard.
        calibrators: By head, the calibrator of these scores.
        further: Makers of heads that know another place's pictures.
        nll: By head, cross-validated negative log-likelihood.
        best: Name of the head chosen.
    """

    z: F32
    centre: F32
    scale: F32
    fold: NDArray[np.int64]
    answers: Answers
    rows: int
    varied: Placed | None
    alone: Mapping[str, F64]
    shares: Mapping[str, F64]
    voices: Mapping[str, F64]
    scores: Mapping[str, F64]
    calibrators: Mapping[str, Calibrator | Sigmoids]
    further: Mapping[str, Maker]
    nll: Mapping[str, float]
    best: str

    @property
    def losses(self) -> F64:
        """Negative log likelihood of each training picture by the head chosen, in nats."""
        return score_calibration.losses(
            self.calibrators[self.best], self.scores[self.best], self.answers
        )

    def fit_best(self) -> Head:
        """Fit the head chosen on all training pictures."""
        if self.best in self.further:
            return self.further[self.best](self.z, self.answers, self.rows)
        return make(self.best, self.z, self.answers, self.rows, self.shares)

    def sides(
        self, groups: NDArray[np.str_], positive: tuple[bool, ...], seed: int
    ) -> NDArray[np.bool_]:
        """Return whether each training and each varied picture is called positive by the head."""
        scores = self.alone[self.best]
        known = score_calibration.calibrate(scores[: len(self.z)], self.answers, groups, seed)
        return score_calibration.chance(known, scores, positive) > HALF


def choose_head(
    table: Table,
    classes: tuple[str, ...],
    positive: tuple[bool, ...],
    seed: int = 0,
    start: Start | None = None,
    benign: Benign | None = None,
) -> Heads:
    """Try all heads on the training pictures by grouped cross-validation.

    Args:
        table: The training pictures, none that the pack refused.
        classes: Class names.
        positive: Whether each class counts as positive.
        seed: Seed of the folds.
        start: Pictures of another place, whose heads take part in the choice.
        benign: Training pictures varied as pictures vary.

    Raises:
        DataError: There are fewer than two groups, or one side has fewer and no memory bank stands
            in for a head.
    """
    count = _count_folds(table)
    centre = table.pooled.mean(axis=0)
    scale = table.pooled.std(axis=0) + np.float32(1e-6)
    z = standardise(table.pooled, centre, scale)
    fold = splits.folds(table.labels, table.groups, count, seed)
    answers, rows = _answers(table, positive), len(classes) + (table.targets is not None)
    names = affordable(len(z)) if _tellable(table, positive) else (NOTHING,)
    further = start.makers(centre, scale, rows) if start else {}
    makers = {**MAKERS, **further}
    varied = benign.placed(fold, centre, scale) if benign else None
    calibrate = partial(
        score_calibration.calibrate, answers=answers, groups=table.groups, seed=seed
    )
    alone = {n: _out_of_fold(z, answers, fold, makers[n], rows, varied) for n in (*names, *further)}
    shares = {n: score_calibration.share(calibrate(alone[n][: len(z)])) for n in names}
    if len(names) > 1:
        alone[COMMITTEE] = np.sum([shares[name] * alone[name] for name in names], axis=0)
    own = {name: scores[: len(z)] for name, scores in alone.items()}
    voices = {name: _voices(table, scores, positive, seed) for name, scores in own.items()}
    tried = {name: _heard(table, scores, positive, voices[name]) for name, scores in own.items()}
    calibrators = {name: calibrate(scores) for name, scores in tried.items()}
    nll = {n: score_calibration.nll(calibrators[n], scores, answers) for n, scores in tried.items()}
    best = min(nll.keys() - further.keys(), key=lambda name: nll[name])
    if further:
        losses = {n: score_calibration.losses(calibrators[n], tried[n], answers) for n in tried}
        best = _heard_from({n: losses[n] for n in (best, *further)}, best, table.groups)
    return Heads(
        z,
        centre,
        scale,
        fold,
        answers,
        rows,
        varied,
        alone,
        shares,
        voices,
        tried,
        calibrators,
        further,
        nll,
        best,
    )


def _heard_from(losses: Mapping[str, F64], own: str, groups: NDArray[np.str_]) -> str:
    """Choose a head of a start where it is clearly better than this place's own, else that.

    With few pictures the least loss is often luck, and a start may be far off.
    """
    best = min(losses.keys() - {own}, key=lambda name: float(losses[name].mean()))
    members = np.unique(groups, return_inverse=True)[1]
    return best if calibration.is_clearly_less(losses[best], losses[own], members) else own


def _places(fold: NDArray[np.int64], benign: Placed | None) -> NDArray[np.int64]:
    return np.concatenate([fold, benign.fold]) if benign else fold


def _count_folds(table: Table) -> int:
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


def _tellable(table: Table, positive: tuple[bool, ...]) -> bool:
    """Return whether either side has two groups, so that a fold leaves one to learn from."""
    side = np.array(positive)[table.labels]
    counts = [np.unique(table.groups[rows]).size for rows in (side, ~side)]
    if min(counts) < 2 and table.log_odds is None:
        raise DataError(
            f"Two groups a side are needed to learn from, got {counts[0]} with something wrong "
            f"and {counts[1]} with nothing wrong.",
            hint="Add pictures of further groups; good ones alone do from 5 groups on.",
        )
    return min(counts) >= 2


def _experts(table: Table, scores: F64, positive: tuple[bool, ...]) -> F64:
    """Stack what is known of the training pictures out of fold, in the order of the voices."""
    experts = [scores]
    if table.log_odds is not None:
        experts.insert(0, np.array([class_scores(odds, positive) for odds in table.log_odds]))
    if table.tail is not None:
        experts.append(table.tail)
    return np.stack(experts)


def _voices(table: Table, scores: F64, positive: tuple[bool, ...], seed: int) -> F64:
    experts = _experts(table, scores, positive)
    return fusion.choose_weights(experts, table.labels, table.groups, seed)


def _heard(table: Table, scores: F64, positive: tuple[bool, ...], voices: F64) -> F64:
    return fusion.fuse(_experts(table, scores, positive), voices)


def _answers(table: Table, positive: tuple[bool, ...]) -> Answers:
    if table.targets is None:
        return table.labels
    return multilabel.with_roll_up(table.targets, np.array(positive))


def _out_of_fold(
    z: F32,
    labels: Answers,
    fold: NDArray[np.int64],
    maker: Maker,
    k: int,
    benign: Placed | None,
) -> F64:
    """Return class scores of the training pictures, then of the varied ones, by heads without."""
    every = np.concatenate([z, benign.z[:, : z.shape[1]]]) if benign else z
    place = _places(fold, benign)
    scores = np.zeros((len(every), k))
    for held in np.unique(fold):
        rest = fold != held
        made = maker if have_classes(labels[rest]) else fit_nothing
        head = made(z[rest], labels[rest], k)
        for row in np.flatnonzero(place == held):
            scores[row] = heads.logits(head, every[row])
    return scores
