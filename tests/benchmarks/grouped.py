"""Accuracy on every set by repeated grouped cross-validation, and on the official splits.

`... grouped best SET` also sees pictures from all sides and closer, in every fold, where that
predicts clearly better out of fold, as `--effort best` does; nothing is fine-tuned here.
`... grouped marks SET` always searches for small marks, which is one of these candidates.
"""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray

from core.decision import calibration, candidates, metrics
from core.decision.splits import folds
from core.model.fitting.fit import fit
from core.model.fitting.head_choice import choose_head
from core.model.fitting.table import FeatureTable
from core.service.training.selection import WEIGHTS
from core.types import F64, NetworkOutput
from tests.benchmarks.sets import BLANK, Labelled, asked, labelled

FOLDS, REPEATS = 5, 2


def main() -> None:
    """Print both for every set named, or for all."""
    for name in asked():
        sizes = [labelled(name, marks="marks" in sys.argv)]
        if "best" in sys.argv:
            sizes += [labelled(name, marks=True), labelled(name, close=True)]
            sizes += [labelled(name, all_sides=True)]
        _official(sizes)
        if len(sizes[0].rows) < 2000:
            _repeated(sizes)


def _official(sizes: list[Labelled]) -> None:
    one = sizes[0]
    split = np.array([row.split for row in one.rows])
    train, test = split == "train", split == "test"
    p = predicted(sizes, train, test)
    y = one.table.labels[test]
    truth, score = one.truth[test], p[:, np.array(one.positive)].sum(axis=1)
    print(
        f"{one.name:<14} official test n {test.sum()}: AUROC {metrics.auroc(score, truth):.4f}, "
        f"accuracy of {len(one.classes)} labels {np.mean(p.argmax(axis=1) == y):.4f}, of the two "
        f"sides {np.mean((score > 0.5) == truth):.4f}",
        flush=True,
    )


def _repeated(sizes: list[Labelled]) -> None:
    one = sizes[0]
    pooled, by_fold = [], []
    for seed in range(REPEATS):
        fold = folds(one.table.labels, one.table.groups, FOLDS, seed)
        score = np.zeros(len(fold))
        for held_out in range(FOLDS):
            out = fold == held_out
            p = predicted(sizes, ~out, out)
            score[out] = p[:, np.array(one.positive)].sum(axis=1)
            by_fold.append(metrics.auroc(score[out], one.truth[out]))
        pooled.append(metrics.auroc(score, one.truth))
    print(
        f"{one.name:<14} grouped {FOLDS}-fold x {REPEATS}: pooled AUROC {np.mean(pooled):.4f} "
        f"(sd {np.std(pooled, ddof=1):.4f}), fold mean {np.mean(by_fold):.4f} "
        f"(sd {np.std(by_fold):.4f}, {min(by_fold):.3f} to {max(by_fold):.3f})",
        flush=True,
    )


def predicted(
    sizes: list[Labelled], known: NDArray[np.bool_], asked_for: NDArray[np.bool_], seed: int = 0
) -> F64:
    """Fit on some pictures, seen the way that is clearly better for them; judge others, ``n k``."""
    tables = [one.table.pick(known & one.table.sound) for one in sizes]
    members = np.unique(tables[0].groups, return_inverse=True)[1]
    dealt: list[F64] = []
    best, kept = 0, list[bool]()
    for i, table in enumerate(tables if len(tables) > 1 else ()):
        dealt.append(_losses(table, sizes[i], seed))
        if i:
            level = candidates.next_level(kept, [*WEIGHTS.values()])
            kept.append(candidates.is_better(dealt[i], dealt[best], members, level))
            best = i if kept[-1] else best
    model = fit(tables[best], sizes[best].classes, sizes[best].positive, seed).model
    pooled = sizes[best].table.pooled[asked_for]
    logits = np.array([model.evidence(NetworkOutput(row), BLANK).logits for row in pooled])
    return calibration.apply(model.calibrator, logits)


def _losses(table: FeatureTable, one: Labelled, seed: int) -> F64:
    deals = range(seed, seed + candidates.REPEATS)
    return np.stack([choose_head(table, one.classes, one.positive, d).losses for d in deals])
