"""Shortcuts: whether nuisances alone predict the label."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.checking.columns import Nuisance
from core.checking.nuisance_model import out_of_fold
from core.checking.slices import MIN_GROUPS, MIN_PICTURES, DataSlice, LabelledPictures, units_of
from core.decision.cluster_intervals import auroc_interval
from core.decision.metrics import auroc
from core.decision.splits import folds
from core.types import F64

FOLDS = 5
CONTENT = 8  # cells a side of the picture that shortcuts are compared with
POSITIVE = "positive"


@dataclass(frozen=True, slots=True)
class ShortcutResult:
    """How well one nuisance predicts one target in one slice.

    Attributes:
        nuisance: Its name.
        source: Where it comes from, as ``Nuisance.source``.
        where: The slice's name.
        what: ``positive``, or a label against all others.
        auroc: Area under the ROC curve, each picture scored by a model that saw none of its group.
        low: Lower bound of the area that holds for all tests of the run together.
        content: Area that the picture itself, shrunk to 8 x 8, reaches with the same model.
        n: Pictures.
        groups: Groups.
        fewest: Pictures for which the target is true, or for which it is not: the fewer.
    """

    nuisance: str
    source: str
    where: str
    what: str
    auroc: float
    low: float
    content: float
    n: int
    groups: int
    fewest: int


def measure_shortcuts(
    nuisances: Sequence[Nuisance],
    slices: Sequence[DataSlice],
    cases: LabelledPictures,
    content: F64,
    *,
    confidence: float,
    seed: int,
) -> list[ShortcutResult]:
    """Return how well every nuisance predicts the label in every slice.

    Args:
        nuisances: Numbers that ought to have nothing to do with the label.
        slices: Where to look.
        cases: What the pictures are.
        content: float64 ``n c``, the pictures themselves, for comparison.
        confidence: Probability with which all lower bounds hold together (Bonferroni).
        seed: Seed of folds and models.
    """
    jobs = [(s, n, _targets(s, slices, cases, n)) for s in slices for n in nuisances]
    jobs = [job for job in jobs if np.ptp(job[1].numbers[job[0].member], axis=0).any()]
    tail = (1.0 - confidence) / max(sum(len(targets) for _, _, targets in jobs), 1)
    found: list[ShortcutResult] = []
    for where in slices:
        mine = [(nuisance, targets) for s, nuisance, targets in jobs if s is where]
        found.extend(_in_slice(where, mine, cases, content, tail, seed))
    return found


def _targets(
    where: DataSlice, slices: Sequence[DataSlice], cases: LabelledPictures, nuisance: Nuisance
) -> dict[str, NDArray[np.bool_]]:
    """Return the targets: positive or not; in the smallest slices each label, from records.

    What the picture itself shows may predict one label against the others, and names may be
    numbered by label: neither is a shortcut.
    """
    inside = where.member
    targets = {POSITIVE: cases.positive[inside]}
    parted = any(s is not where and not (s.member & ~inside).any() for s in slices)
    if len(cases.labels) > 2 and not parted and nuisance.source == "record":
        unit = units_of(cases.group[inside])[1]
        for name, flags in cases.labels.items():
            own = flags[inside]
            if own.sum() >= MIN_PICTURES and np.unique(unit[own]).size >= MIN_GROUPS:
                targets[name] = own
    return {name: truth for name, truth in targets.items() if not truth.all()}


def _in_slice(
    where: DataSlice,
    nuisances: Sequence[tuple[Nuisance, Mapping[str, NDArray[np.bool_]]]],
    cases: LabelledPictures,
    content: F64,
    tail: float,
    seed: int,
) -> Iterator[ShortcutResult]:
    inside = where.member
    unit = units_of(cases.group[inside])[1]
    place = folds(cases.positive[inside].astype(np.int64), unit, FOLDS, seed)
    reach: dict[str, float] = {}
    for nuisance, targets in nuisances:
        truths = np.stack(list(targets.values()), axis=1)
        scores = out_of_fold(nuisance.numbers[inside], truths, place, seed)
        if not targets.keys() <= reach.keys():
            shown = out_of_fold(content[inside], truths, place, seed)
            reach |= {w: auroc(shown[:, i], targets[w]) for i, w in enumerate(targets)}
        for at, (what, truth) in enumerate(targets.items()):
            yield ShortcutResult(
                nuisance=nuisance.name,
                source=nuisance.source,
                where=where.name,
                what=what,
                auroc=auroc(scores[:, at], truth),
                low=auroc_interval(scores[:, at], truth, unit, tail=tail)[0],
                content=reach[what],
                n=truth.size,
                groups=np.unique(unit).size,
                fewest=int(min(truth.sum(), (~truth).sum())),
            )
