"""Fitting: labelled features become a ``Model``, with every choice made out of fold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from core.decision import calibration, fusion, multilabel, ood, quality, splits
from core.decision.calibration import Calibrator
from core.decision.multilabel import Sigmoids
from core.decision.policy import Cases
from core.errors import DataError
from core.model import calibrating, heads
from core.model.bank import Bank, class_scores
from core.model.benign import Benign, harmless, ordinary
from core.model.discriminants import Altered, Placed
from core.model.fitted import Model, standardise
from core.model.gate import fit_gate
from core.model.makers import (
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
from core.model.starting import Start
from core.model.ways import Ways, fit_ways
from core.types import F32, F64

FOLDS = 5
HALF = 0.5


@dataclass(frozen=True)
class Table:
    """Labelled pictures after the network, axes ``n`` (pictures) and ``d`` (pooled features).

    Attributes:
        pooled: float32 ``n d``.
        labels: int64 ``n``, index into the classes; the rarest of a picture's several labels.
        groups: str ``n``.
        measures: Quality measure to float64 ``n``.
        sound: bool ``n``, False where the pack itself refused the picture.
        gated: How many of the first features the OOD gate looks at.
        targets: bool ``n k``, which labels each picture has, where it may have several; else None.
        log_odds: float64 ``n``, what a memory bank without each picture's group said; else None.
        tail: float64 ``n k``, class scores of the fine-tuned stages that never saw each picture's
            group; else None.
        form: float32 ``n q``, how each picture's left differs from its right, where ways are
            learned; else None.
    """

    pooled: F32
    labels: NDArray[np.int64]
    groups: NDArray[np.str_]
    measures: Mapping[str, F64]
    sound: NDArray[np.bool_]
    gated: int
    targets: NDArray[np.bool_] | None = None
    log_odds: F64 | None = None
    tail: F64 | None = None
    form: F32 | None = None

    def pick(self, rows: NDArray[np.bool_]) -> Table:
        """Keep some pictures."""
        return Table(
            self.pooled[rows],
            self.labels[rows],
            self.groups[rows],
            {name: values[rows] for name, values in self.measures.items()},
            self.sound[rows],
            self.gated,
            None if self.targets is None else self.targets[rows],
            None if self.log_odds is None else self.log_odds[rows],
            None if self.tail is None else self.tail[rows],
            None if self.form is None else self.form[rows],
        )


@dataclass(frozen=True)
class Fit:
    """What fitting gives.

    Attributes:
        model: The fitted model.
        oof: Out-of-fold cases of the training pictures, for the grid and the review budget.
        nll: Cross-validated negative log-likelihood of each head that was tried.
        head: Name of the head chosen.
        shares: By name, what each head's scores are multiplied with in a committee.
        scores: float64 ``n k``, out-of-fold class scores of the sound training pictures.
        losses: float64 ``n``, their negative log likelihood in nats.
    """

    model: Model
    oof: Cases
    nll: Mapping[str, float]
    head: str
    shares: Mapping[str, F64]
    scores: F64
    losses: F64


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
    calibrate = partial(calibrating.calibrate, answers=answers, groups=table.groups, seed=seed)
    heard = {n: _out_of_fold(z, answers, fold, makers[n], rows, varied) for n in (*names, *further)}
    alone = {name: scores[: len(z)] for name, scores in heard.items()}
    shares = {n: calibrating.share(calibrate(alone[n])) for n in names}
    if len(names) > 1:
        heard[COMMITTEE] = np.sum([shares[name] * heard[name] for name in names], axis=0)
        alone[COMMITTEE] = heard[COMMITTEE][: len(z)]
    voices = {name: _voices(table, scores, positive, seed) for name, scores in alone.items()}
    tried = {name: _heard(table, scores, positive, voices[name]) for name, scores in alone.items()}
    calibrators = {name: calibrate(scores) for name, scores in tried.items()}
    nll = {n: calibrating.nll(calibrators[n], scores, answers) for n, scores in tried.items()}
    best = min(nll.keys() - further.keys(), key=lambda name: nll[name])
    if further:
        own = {n: calibrating.losses(calibrators[n], tried[n], answers) for n in (best, *further)}
        best = _heard_from(own, best, table.groups)
    chosen = further.get(best)
    head = chosen(z, answers, rows) if chosen else make(best, z, answers, rows, shares)

    def placed(made: Altered | None) -> Placed | None:
        return made.placed(table.groups, fold, centre, scale) if made else None

    if benign and varied:
        sides = calibrating.chance(calibrate(alone[best]), heard[best], positive) > HALF
        kept = harmless(benign, sides[: len(z)], sides[len(z) :])
        benign, varied = benign.pick(kept), varied.pick(kept)
    gate, strangeness = fit_gate(z, table.gated, fold, seed, placed(faulty), varied)
    whole = z if table.form is None else np.hstack([z, table.form])
    ways, flagged = _ways(whole, placed(wrong), fold, varied)
    model = Model(
        classes=classes,
        positive=positive,
        centre=centre,
        scale=scale,
        head=head,
        calibrator=calibrators[best],
        gate=gate,
        ranges=quality.learn_ranges(ordinary(table.measures, benign)),
        bank=bank,
        voices=voices[best],
        ways=ways,
    )
    oof_p = ood.conformal_p(strangeness, gate.reference)
    oof = _cases(calibrators[best], tried[best], oof_p, table, positive)
    oof = replace(oof, gates_passed=oof.gates_passed & ~flagged)
    losses = calibrating.losses(calibrators[best], tried[best], answers)
    return Fit(model, oof, nll, best, shares, tried[best], losses)


def _heard_from(losses: Mapping[str, F64], own: str, groups: NDArray[np.str_]) -> str:
    """Choose a head of a start where it is clearly better than this place's own, else that.

    With few pictures the least loss is often luck, and a start may be far off.
    """
    best = min(losses.keys() - {own}, key=lambda name: float(losses[name].mean()))
    members = np.unique(groups, return_inverse=True)[1]
    return best if calibration.clearly_less(losses[best], losses[own], members) else own


def _ways(
    z: F32, wrong: Placed | None, fold: NDArray[np.int64], benign: Placed | None
) -> tuple[Ways | None, NDArray[np.bool_]]:
    if not wrong:
        return None, np.zeros(len(z), np.bool_)
    right = np.concatenate([z, benign.z]) if benign else z
    ways, flagged = fit_ways(right, wrong, _places(fold, benign))
    return ways, flagged[: len(z)]


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
    """Say whether either side has two groups, so that a fold leaves one to learn from."""
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


def _cases(
    calibrator: Calibrator | Sigmoids,
    scores: F64,
    ood_p: F64,
    table: Table,
    positive: tuple[bool, ...],
) -> Cases:
    return Cases(
        positive_probability=calibrating.chance(calibrator, scores, positive),
        ood_p=ood_p,
        gates_passed=table.sound.copy(),
        positive=np.array(positive)[table.labels],
        group=table.groups,
    )
