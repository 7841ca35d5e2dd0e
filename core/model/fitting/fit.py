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
from core.model.estimators.discriminants import Altered, Placed
from core.model.estimators.gate import fit_gate
from core.model.estimators.model import Model
from core.model.estimators.presentation import Ways, fit_ways
from core.model.fitting import score_calibration
from core.model.fitting.harmless import Benign, harmless, ordinary
from core.model.fitting.head_choice import choose_head
from core.model.fitting.table import Table
from core.model.fitting.transfer import Start
from core.types import F32, F64


@dataclass(frozen=True)
class Fit:
    """What fitting gives.

    Attributes:
        model: The fitted model.
        oof: Out-of-fold cases of the training pictures, for the grid and the review budget.
        nll: Cross-validated negative log-likelihood of each head that was tried.
        head: Name of the head chosen.
        shares: By name, what each head's scores are multiplied with in a committee.
    """

    model: Model
    oof: Cases
    nll: Mapping[str, float]
    head: str
    shares: Mapping[str, F64]


def fit(
    table: Table,
    classes: tuple[str, ...],
    positive: tuple[bool, ...],
    seed: int = 0,
    bank: Bank | None = None,
    wrong: Altered | None = None,
    faulty: Altered | None = None,
    start: Start | None = None,
    benign: Benign | None = None,
) -> Fit:
    """Fit a model on training pictures alone.

    Head and calibrator are chosen by grouped cross-validated NLL; the OOD gate's reference holds
    out-of-fold scores, so that a new ordinary picture is exchangeable with them.

    Args:
        table: The training pictures; those the pack refused are left out.
        classes: Class names.
        positive: Whether each class counts as positive.
        seed: Seed of the folds.
        bank: The memory that the table's ``log_odds`` come from.
        wrong: Training pictures shown wrongly, to be told from the right ones.
        faulty: Training pictures with a known fault, which the gate is to see sooner.
        start: Pictures of another place, whose heads take part in the choice.
        benign: Training pictures varied as pictures vary; where that does not change what the head
            says of them out of fold, the checks and gates find them ordinary.

    Raises:
        ValueError: There is a start, and pictures may have several labels.
        DataError: There are fewer than two groups, or one side has fewer and no memory bank stands
            in for a head.
    """
    if start and table.targets is not None:
        raise ValueError("start: expected pictures with one label each")
    benign = benign.among(table.sound) if benign else None
    table = table.pick(table.sound)
    heads = choose_head(table, classes, positive, seed, start, benign)
    z, fold, centre, scale = heads.z, heads.fold, heads.centre, heads.scale
    best, varied = heads.best, heads.varied

    def placed(made: Altered | None) -> Placed | None:
        return made.placed(table.groups, fold, centre, scale) if made else None

    if benign and varied:
        sides = heads.sides(table.groups, positive, seed)
        kept = harmless(benign, sides[: len(z)], sides[len(z) :])
        benign, varied = benign.pick(kept), varied.pick(kept)
    gate, strangeness = fit_gate(z, table.gated, fold, seed, placed(faulty), varied)
    whole = z if table.asymmetry is None else np.hstack([z, table.asymmetry])
    ways, flagged = _ways(whole, placed(wrong), fold, varied)
    model = Model(
        classes=classes,
        positive=positive,
        centre=centre,
        scale=scale,
        head=heads.fit_best(),
        calibrator=heads.calibrators[best],
        gate=gate,
        ranges=quality.learn_ranges(ordinary(table.measures, benign)),
        bank=bank,
        voices=heads.voices[best],
        ways=ways,
    )
    oof_p = ood.conformal_p(strangeness, gate.reference)
    oof = _cases(heads.calibrators[best], heads.scores[best], oof_p, table, positive)
    oof = replace(oof, gates_passed=oof.gates_passed & ~flagged)
    return Fit(model, oof, heads.nll, best, heads.shares)


def _ways(
    z: F32, wrong: Placed | None, fold: NDArray[np.int64], benign: Placed | None
) -> tuple[Ways | None, NDArray[np.bool_]]:
    if not wrong:
        return None, np.zeros(len(z), np.bool_)
    right = np.concatenate([z, benign.z]) if benign else z
    place = np.concatenate([fold, benign.fold]) if benign else fold
    ways, flagged = fit_ways(right, wrong, place)
    return ways, flagged[: len(z)]


def _cases(
    calibrator: Calibrator | Sigmoids,
    scores: F64,
    ood_p: F64,
    table: Table,
    positive: tuple[bool, ...],
) -> Cases:
    return Cases(
        positive_probability=score_calibration.chance(calibrator, scores, positive),
        ood_p=ood_p,
        gates_passed=table.sound.copy(),
        positive=np.array(positive)[table.labels],
        group=table.groups,
    )
