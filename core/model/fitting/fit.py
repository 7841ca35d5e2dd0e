"""Fitting: labelled features become a ``Model``, with every choice made out of fold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.decision import ood, quality
from core.decision.calibration import Calibrator
from core.decision.multilabel import Sigmoids
from core.decision.policy import Cases
from core.model.estimators.bank import Bank
from core.model.estimators.discriminants import CorruptedFeatures, FoldedCorruptions
from core.model.estimators.foreground_distance import FoldedForegrounds
from core.model.estimators.gate import fit_gate
from core.model.estimators.model import Model
from core.model.estimators.presentation import WrongPresentations, fit_presentations
from core.model.estimators.stated_changes import StatedShift
from core.model.fitting import score_calibration
from core.model.fitting.head_choice import choose_head
from core.model.fitting.stated_changes import (
    fit_stated_changes,
    fit_stated_shifts,
    unmoved,
)
from core.model.fitting.table import FeatureTable
from core.model.fitting.transfer import TransferSource
from core.model.fitting.variations import VariedFeatures, extend_measures, select_label_preserving
from core.types import F32, F64


@dataclass(frozen=True)
class Fit:
    """What fitting gives.

    Attributes:
        model: The fitted model.
        oof: Out-of-fold cases of the training pictures, for the grid and the review budget.
        nll: Cross-validated negative log-likelihood of each head that was tried.
        head: Name of the head chosen.
        shares: By name, the factor of each head's scores in an ensemble.
    """

    model: Model
    oof: Cases
    nll: Mapping[str, float]
    head: str
    shares: Mapping[str, F64]


def fit(
    table: FeatureTable,
    classes: tuple[str, ...],
    positive: tuple[bool, ...],
    seed: int = 0,
    bank: Bank | None = None,
    presentations: CorruptedFeatures | None = None,
    corruptions: CorruptedFeatures | None = None,
    source: TransferSource | None = None,
    variations: VariedFeatures | None = None,
) -> Fit:
    """Return a model fitted on training pictures alone.

    Head and calibrator are chosen by grouped cross-validated NLL; the OOD gate's reference holds
    out-of-fold scores, so that a new ordinary picture is exchangeable with them.

    Args:
        table: The training pictures; those the pack refused are left out.
        classes: Class names.
        positive: Whether each class counts as positive.
        seed: Seed of the folds.
        bank: The memory bank that the table's ``log_odds`` come from.
        presentations: Training pictures in wrong presentations.
        corruptions: Training pictures with known corruptions, which the gate should flag.
        source: Pictures of another site, whose heads take part in the choice.
        variations: Varied training pictures; where the out-of-fold prediction does not change, the
            gates are fitted to accept them.

    Raises:
        ValueError: There is a source, and pictures may have several labels.
        DataError: There are fewer than two groups, or one side has fewer and no memory bank stands
            in for a head.
    """
    if source and table.targets is not None:
        raise ValueError("source: expected pictures with one label each")
    variations = variations.among(table.sound) if variations else None
    table = table.pick(table.sound)
    heads = choose_head(table, classes, positive, seed, source, variations)
    z, fold, centre, scale = heads.z, heads.fold, heads.centre, heads.scale
    best, varied = heads.best, heads.varied

    def in_folds(made: CorruptedFeatures | None) -> FoldedCorruptions | None:
        return made.assign_folds(table.groups, fold, centre, scale) if made else None

    limits: tuple[NDArray[np.bool_], ...] = ()
    if variations and varied:
        sides = heads.sides(table.groups, positive, seed)
        kept, groups = select_label_preserving(variations, sides[: len(z)], sides[len(z) :])
        variations, varied = variations.pick(kept), varied.pick(kept)
        limits = tuple(rows[kept] for rows in groups)
    stored_alike, foregrounds, shifts = _take_out_stated(z, table, variations, varied)
    gate, ood_scores, varied_scores = fit_gate(
        z, table.gated, fold, seed, in_folds(corruptions), stored_alike, foregrounds, limits
    )
    if variations:
        stated = fit_stated_changes(shifts, ood_scores, varied_scores, variations, table.stated)
        gate = replace(gate, stated=stated)
    whole = z if table.asymmetry is None else np.hstack([z, table.asymmetry])
    presentation_check, flagged = _fit_presentation_check(
        whole, in_folds(presentations), fold, varied
    )
    model = Model(
        classes=classes,
        positive=positive,
        centre=centre,
        scale=scale,
        head=heads.fit_best(),
        calibrator=heads.calibrators[best],
        gate=gate,
        ranges=quality.learn_ranges(extend_measures(table.measures, variations)),
        bank=bank,
        expert_weights=heads.expert_weights[best],
        presentations=presentation_check,
    )
    oof_p = ood.conformal_p(ood_scores, gate.reference)
    oof = _cases(heads.calibrators[best], heads.scores[best], oof_p, table, positive)
    oof = replace(oof, gates_passed=oof.gates_passed & ~flagged)
    return Fit(model, oof, heads.nll, best, heads.shares)


def _take_out_stated(
    z: F32,
    table: FeatureTable,
    variations: VariedFeatures | None,
    varied: FoldedCorruptions | None,
) -> tuple[FoldedCorruptions | None, FoldedForegrounds | None, tuple[StatedShift, ...]]:
    """Return varied pictures without what their files would state, and what that was.

    Args:
        z: float32 ``n d``, standardised features of the training pictures.
        table: The training pictures.
        variations: Their variations.
        varied: The same, standardised and in folds.
    """
    own = table.foreground if table.foreground is not None else np.zeros((len(z), 0), np.float32)
    if not variations or not varied:
        return varied, FoldedForegrounds(own, own[:0]) if own.size else None, ()
    features = varied.z[:, : z.shape[1]]
    foreground = variations.foreground[:, : own.shape[1]]  # nothing where nobody asks
    beyond = features - z[variations.of]
    shifts = fit_stated_shifts(beyond, foreground - own[variations.of], variations, table.stated)
    features = unmoved(features, [s.features for s in shifts], shifts, variations, table.stated)
    foreground = unmoved(
        foreground, [s.foreground for s in shifts], shifts, variations, table.stated
    )
    return (
        replace(varied, z=features),
        FoldedForegrounds(own, foreground) if own.size else None,
        shifts,
    )


def _fit_presentation_check(
    z: F32,
    presentations: FoldedCorruptions | None,
    fold: NDArray[np.int64],
    variations: FoldedCorruptions | None,
) -> tuple[WrongPresentations | None, NDArray[np.bool_]]:
    if not presentations:
        return None, np.zeros(len(z), np.bool_)
    correct = np.concatenate([z, variations.z]) if variations else z
    place = np.concatenate([fold, variations.fold]) if variations else fold
    presentation_check, flagged = fit_presentations(correct, presentations, place)
    return presentation_check, flagged[: len(z)]


def _cases(
    calibrator: Calibrator | Sigmoids,
    scores: F64,
    ood_p: F64,
    table: FeatureTable,
    positive: tuple[bool, ...],
) -> Cases:
    return Cases(
        positive_probability=score_calibration.chance(calibrator, scores, positive),
        ood_p=ood_p,
        gates_passed=table.sound.copy(),
        positive=np.array(positive)[table.labels],
        group=table.groups,
    )
