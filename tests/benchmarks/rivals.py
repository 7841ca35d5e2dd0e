"""Other programs on the same pictures and splits: a plain linear probe, anomalib, ultralytics.

`python -m tests.benchmarks peer` puts them into folders of their own first; `... rivals yolo`
trains ultralytics too, which takes the better part of an hour. No weights can be fetched without a
network, so ultralytics starts from scratch; anomalib's PatchCore and PaDiM get the backbone weights
that Assay uses, as does the probe.
"""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from core.decision import metrics
from core.labelled import Row, read_labelled
from core.model.network import backbone as backbones
from tests.benchmarks import rival_runner
from tests.benchmarks.accuracy import SEEDS, split_of
from tests.benchmarks.good_only import DRAWS, is_mono
from tests.benchmarks.peer import ANOMALIB, FOLDER
from tests.benchmarks.sets import HOME, labelled

PLACE = HOME / "rivals"
GOOD = 20
FEW_DRAWS = 3


def main() -> None:
    """Print what each of them reaches on ELPV."""
    labelled("elpv")  # puts the cells in place
    cells = read_labelled(HOME / "elpv").rows
    _probe(cells)
    for kind in ("patchcore", "padim"):
        _good_only(kind, [row for row in cells if is_mono(row)])
    if "yolo" in sys.argv:
        _yolo(cells)


def _probe(cells: list[Row]) -> None:
    """Logistic regression on what the network's last layer sees, its strength cross-validated."""
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.preprocessing import StandardScaler

    features = _last_layer(cells)
    y = np.array([row.label == "defective" for row in cells])
    sure = np.array([row.columns["certain"] == "yes" for row in cells])
    figures = []
    for seed in SEEDS:
        part = split_of(cells, seed)
        train, test = part == "train", part == "test"
        scale = StandardScaler().fit(features[train])
        fitted = LogisticRegressionCV(Cs=5, cv=5, max_iter=2000, scoring="neg_log_loss")
        fitted.fit(scale.transform(features[train]), y[train])
        p = fitted.predict_proba(scale.transform(features[test]))[:, 1]
        figures.append(_figures(p, y[test], sure[test]))
    _say("timm linear probe, last layer of lite0", figures)


def _last_layer(cells: list[Row]) -> NDArray[np.float32]:
    import torch

    file = PLACE / "last-layer.npy"
    if not file.exists():
        network = backbones.load(backbones.describe())
        torch.set_num_threads(1)
        out = []
        with torch.inference_mode():
            for row in cells:
                pixels = cv2.cvtColor(cv2.imread(str(row.file)), cv2.COLOR_BGR2RGB)
                small = cv2.resize(pixels, (224, 224), interpolation=cv2.INTER_AREA)
                batch = torch.from_numpy(small.transpose(2, 0, 1)[None] / np.float32(127.5) - 1)
                observed = network.forward_features(batch.float())
                out.append(network.forward_head(observed, pre_logits=True)[0].numpy())
        PLACE.mkdir(parents=True, exist_ok=True)
        np.save(file, np.stack(out))
    return np.load(file)


def _good_only(kind: str, cells: list[Row]) -> None:
    """Fit on 20 good cells, judge all others; the draws are those of the ``good_only`` figures."""
    from safetensors.torch import save_file

    weights = PLACE / "lite0.safetensors"
    if not weights.exists():
        save_file(backbones.load(backbones.describe()).state_dict(), weights)
    good = np.array([row.label == "functional" for row in cells])
    figures = []
    for draw in range(min(FEW_DRAWS, DRAWS)):
        known = np.random.default_rng(draw).permutation(np.flatnonzero(good))[:GOOD]
        folder = PLACE / f"mono-{draw}"
        for number, row in enumerate(cells):
            part = "train" if number in known else "test"
            _link(row, folder / part / ("good" if good[number] else "defective"))
        scores, wrong = _run(kind, folder, str(weights), path=(ANOMALIB, FOLDER))
        figures.append(metrics.auroc(scores, wrong))
        shutil.rmtree(folder)
    print(
        f"anomalib {kind}, {GOOD} good mono cells, certain: AUROC {np.mean(figures):.3f} "
        f"(sd {np.std(figures, ddof=1):.3f}, {len(figures)} draws)",
        flush=True,
    )


def _yolo(cells: list[Row]) -> None:
    part, folder = split_of(cells, 0), PLACE / "elpv-0"
    for row, split in zip(cells, part, strict=True):
        name = {"train": "train", "cal": "val", "test": "test"}[str(split)]
        _link(row, folder / name / ("good" if row.label == "functional" else "defective"))
    started = time.perf_counter()
    scores, wrong = _run("yolo", folder, path=(FOLDER,))
    sure = {row.file.name: row.columns["certain"] == "yes" for row in cells}
    names = sorted(path for path in (folder / "test").rglob("*.png"))
    figures = _figures(scores, wrong, np.array([sure[path.name] for path in names]))
    wall_min = (time.perf_counter() - started) / 60
    epochs = rival_runner.EPOCHS
    _say(f"yolo11n-cls from scratch, {epochs} epochs, {wall_min:.0f} min, seed 0", [figures])


def _run(kind: str, folder: Path, *more: str, path: tuple[Path, ...]) -> tuple[NDArray, NDArray]:
    out = PLACE / f"{kind}.csv"
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(str(one.resolve()) for one in path),
        "YOLO_CONFIG_DIR": str(PLACE.resolve()),
        "OMP_NUM_THREADS": "1",
    }
    call = [sys.executable, rival_runner.__file__, kind, str(folder), str(out), *more]
    subprocess.run(call, check=True, env=environment, stdout=subprocess.DEVNULL)
    with out.open(newline="") as file:
        rows = list(csv.reader(file))
    return np.array([float(row[2]) for row in rows]), np.array([row[1] != "good" for row in rows])


def _link(row: Row, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / row.file.name).exists():
        os.link(row.file, folder / row.file.name)


def _figures(p: NDArray, wrong: NDArray, sure: NDArray) -> tuple[float, ...]:
    right = (p > 0.5) == wrong
    return (
        metrics.auroc(p, wrong),
        metrics.auroc(p[sure], wrong[sure]),
        float(right.mean()),
        float(right[sure].mean()),
    )


def _say(name: str, figures: list[tuple[float, ...]]) -> None:
    mean = np.mean(figures, axis=0)
    spread = f" (sd {np.std(figures, axis=0, ddof=1)[0]:.4f})" if len(figures) > 1 else ""
    print(
        f"{name}: AUROC all / certain {mean[0]:.4f}{spread} / {mean[1]:.4f}, "
        f"accuracy {mean[2]:.4f} / {mean[3]:.4f}, {len(figures)} seed(s)",
        flush=True,
    )
