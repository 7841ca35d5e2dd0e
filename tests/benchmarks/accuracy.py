"""ELPV, 60/20/20 stratified by type and probability, 5 seeds: `assay train`, quick and best.

`python -m tests.benchmarks accuracy best 0 1` measures `--effort best` on the seeds named; it takes
several CPU minutes a seed, quick takes half a minute.
"""

from __future__ import annotations

import shutil
import sys
import time
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.decision import calibration, metrics
from core.decision.splits import split_groups
from core.labelled import Row, read_labelled
from core.model.fitting.fit import fit
from core.model.network import backbone as backbones
from core.model.network.backbone import Files
from core.model.network.runtime import open_network
from core.packs import pack_named
from core.service.data.feature_table import table_of
from core.service.data.pictures import PictureFeatures, extract_features
from core.service.progress import silent
from core.service.training.features import LearningTask
from core.service.training.precision import TrainingContext
from core.service.training.selection import select
from core.settings import Settings
from core.types import F64
from tests.benchmarks.sets import HOME, labelled

SEEDS = range(5)
CLASSES, POSITIVE = ("defective", "functional"), (True, False)


class Judged(NamedTuple):
    """Test pictures of one seed: probabilities ``n 2``, labels, whether the expert was sure."""

    p: F64
    y: NDArray[np.int64]
    sure: NDArray[np.bool_]
    cpu_s: float
    head: str


def main() -> None:
    """Print AUROC, accuracy and calibration on the test part of every seed."""
    named = [int(word) for word in sys.argv[1:] if word.isdigit()]
    efforts = ("best",) if "best" in sys.argv else ("quick", "both sides")
    for effort in efforts:
        _print(effort, {seed: candidate(effort, seed) for seed in named or SEEDS})


def split_of(rows: list[Row], seed: int) -> NDArray[np.str_]:
    """Deal the cells into train, cal and test."""
    labels = np.array([CLASSES.index(row.label) for row in rows], np.int64)
    strata = np.array([f"{r.columns['type']} {r.columns['probability']}" for r in rows])
    return split_groups(labels, np.array([r.group for r in rows]), (0.6, 0.2, 0.2), seed, strata)


def candidate(effort: str, seed: int) -> Judged:
    """Train on one split as `assay train` does, and judge its test part."""
    settings = Settings(home=HOME)
    labelled("elpv")  # puts the cells in place
    cells = read_labelled(HOME / "elpv").rows
    parts = split_of(cells, seed)
    rows = [replace(row, split=str(part)) for row, part in zip(cells, parts, strict=True)]
    backbone, files, pack = backbones.describe(), Files(), pack_named("parts")
    if effort == "both sides":
        backbone = replace(backbone, views=pack.views)
    started = time.process_time()
    stages = None
    if effort == "best":
        work = TrainingContext(backbone, files, rows, pack, settings, silent)
        say = partial(print, file=sys.stderr, flush=True)
        task = LearningTask(CLASSES, POSITIVE, pack.negative_labels, False, False, seed)
        stages = select(work, task, say, sizes=True, tails=True)
        backbone, files = stages.work.backbone, stages.work.files
    network = open_network(backbone, runtime=settings.runtime, cache=settings.cache, files=files)
    observed: list[PictureFeatures] = []
    for part in ("train", "test"):
        looked = extract_features(
            [row for row in rows if row.split == part],
            pack="parts",
            size=backbone.size,
            network=network,
            settings=settings,
            progress=silent,
        )
        observed += [one for one in looked if isinstance(one, PictureFeatures)]
        if part == "train":
            table = table_of(observed, CLASSES, backbone.gated)
            if stages and stages.oof_scores:
                table = replace(table, tail=stages.oof(observed))
            if stages and stages.folder:
                shutil.rmtree(stages.folder)
            fitted, observed = fit(table, CLASSES, POSITIVE, seed), []
            cpu_s = time.process_time() - started
    logits = np.array([fitted.model.evidence(one.output, one.prepared).logits for one in observed])
    return Judged(
        calibration.apply(fitted.model.calibrator, logits),
        np.array([CLASSES.index(one.row.label) for one in observed], np.int64),
        np.array([one.row.columns["certain"] == "yes" for one in observed]),
        cpu_s,
        f"{fitted.head} {fitted.model.expert_weights.round(2).tolist()}",
    )


def _print(effort: str, by_seed: dict[int, Judged]) -> None:
    figures = []
    for seed, (p, y, sure, cpu_s, head) in by_seed.items():
        right = p.argmax(axis=1) == y
        row = (
            metrics.auroc(p[:, 0], y == 0),
            metrics.auroc(p[sure, 0], y[sure] == 0),
            float(right.mean()),
            float(right[sure].mean()),
            cpu_s,
        )
        figures.append(row)
        print(
            f"{effort}, seed {seed}: n {len(y)} (certain {sure.sum()}), head {head}, "
            f"AUROC {row[0]:.4f} / {row[1]:.4f}, accuracy {row[2]:.4f} / {row[3]:.4f}, "
            f"train {row[4]:.0f} CPU s"
        )
    mean, spread = np.mean(figures, axis=0), np.std(figures, axis=0, ddof=1)
    names = ("AUROC all", "AUROC certain", "accuracy all", "accuracy certain", "CPU s")
    for name, m, s in zip(names, mean, spread, strict=True):
        print(f"{effort}: {name:<17} {m:.4f} (sd {s:.4f} over {len(figures)} seeds)")
    p = np.concatenate([one.p for one in by_seed.values()])
    y = np.concatenate([one.y for one in by_seed.values()])
    error, floor = metrics.ece(p, y), metrics.ece_floor(p, seed=0)
    print(f"{effort}: ECE pooled {error:.4f}, floor {floor:.4f}, n {len(y)}", flush=True)
