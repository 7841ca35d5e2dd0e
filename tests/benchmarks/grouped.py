"""Accuracy on every set by repeated grouped cross-validation, and on the official splits."""

from __future__ import annotations

import numpy as np

from core.decision import calibration, metrics
from core.decision.splits import folds
from core.model.fitting import Table, fit
from core.types import F64, Look
from tests.benchmarks.sets import Labelled, asked, labelled

FOLDS, REPEATS = 5, 2


def main() -> None:
    """Print both for every set named, or for all."""
    for name in asked():
        one = labelled(name)
        _official(one)
        if len(one.rows) < 2000:
            _repeated(one)


def _official(one: Labelled) -> None:
    split = np.array([row.split for row in one.rows])
    train, test = split == "train", split == "test"
    p = predicted(one.table.pick(train), one.table.pick(test), one)
    y = one.table.labels[test]
    truth, score = one.truth[test], p[:, np.array(one.positive)].sum(axis=1)
    print(
        f"{one.name:<14} official test n {test.sum()}: AUROC {metrics.auroc(score, truth):.4f}, "
        f"accuracy of {len(one.classes)} labels {np.mean(p.argmax(axis=1) == y):.4f}, of the two "
        f"sides {np.mean((score > 0.5) == truth):.4f}",
        flush=True,
    )


def _repeated(one: Labelled) -> None:
    pooled, by_fold = [], []
    for seed in range(REPEATS):
        fold = folds(one.table.labels, one.table.groups, FOLDS, seed)
        score = np.zeros(len(fold))
        for held in range(FOLDS):
            out = fold == held
            p = predicted(one.table.pick(~out), one.table.pick(out), one)
            score[out] = p[:, np.array(one.positive)].sum(axis=1)
            by_fold.append(metrics.auroc(score[out], one.truth[out]))
        pooled.append(metrics.auroc(score, one.truth))
    print(
        f"{one.name:<14} grouped {FOLDS}-fold x {REPEATS}: pooled AUROC {np.mean(pooled):.4f} "
        f"(sd {np.std(pooled, ddof=1):.4f}), fold mean {np.mean(by_fold):.4f} "
        f"(sd {np.std(by_fold):.4f}, {min(by_fold):.3f} to {max(by_fold):.3f})",
        flush=True,
    )


def predicted(known: Table, asked: Table, one: Labelled, seed: int = 0) -> F64:
    """Fit on some pictures and give the calibrated probabilities ``n k`` of others."""
    model = fit(known, one.classes, one.positive, seed).model
    logits = np.array([model.evidence(Look(row)).logits for row in asked.pooled])
    return calibration.apply(model.calibrator, logits)
