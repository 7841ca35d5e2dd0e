"""ELPV, 60/20/20 stratified by type and probability, `assay train` default, 5 seeds."""

from __future__ import annotations

import time

import numpy as np

from core.decision import calibration, metrics
from core.decision.splits import split_groups
from core.model.fitting import fit
from tests.benchmarks.cells import CLASSES, POSITIVE, cells

SEEDS = range(5)


def main() -> None:
    """Print AUROC, accuracy and calibration on the test part of every seed."""
    started = time.process_time()
    all_cells = cells()
    look_s = (time.process_time() - started) * 0.8  # the share of the 2,624 cells that train sees
    figures, pooled, labels = [], [], []
    for seed in SEEDS:
        table = all_cells.table
        split = split_groups(table.labels, table.groups, (0.6, 0.2, 0.2), seed, all_cells.strata)
        started = time.process_time()
        fitted = fit(table.pick(split == "train"), CLASSES, POSITIVE, seed)
        fit_s = time.process_time() - started
        test = np.flatnonzero(split == "test")
        logits = np.array([fitted.model.evidence(all_cells.seen[i].look).logits for i in test])
        p = calibration.apply(fitted.model.calibrator, logits)
        y, sure = table.labels[test], all_cells.certain[test]
        pooled.append(p)
        labels.append(y)
        right = p.argmax(axis=1) == y
        row = [
            metrics.auroc(p[:, 0], y == 0),
            metrics.auroc(p[sure, 0], y[sure] == 0),
            float(right.mean()),
            float(right[sure].mean()),
            look_s + fit_s,
        ]
        figures.append(row)
        print(
            f"seed {seed}: n {len(test)} (certain {sure.sum()}), head {fitted.head}, "
            f"AUROC {row[0]:.3f} / {row[1]:.3f}, accuracy {row[2]:.3f} / {row[3]:.3f}, "
            f"train {row[4]:.0f} CPU s"
        )
    mean, spread = np.mean(figures, axis=0), np.std(figures, axis=0, ddof=1)
    names = ("AUROC all", "AUROC certain", "accuracy all", "accuracy certain", "CPU s")
    for name, m, s in zip(names, mean, spread, strict=True):
        print(f"{name:<17} {m:.3f} (sd {s:.3f} over {len(figures)} seeds)")
    p, y = np.concatenate(pooled), np.concatenate(labels)
    error, floor = metrics.ece(p, y), metrics.ece_floor(p, seed=0)
    print(f"ECE pooled {error:.4f}, floor {floor:.4f}, difference {error - floor:.4f} (n {len(y)})")
