"""The start from good pictures: detection, the bound on overkill, and the time until it runs.

The covariance of patches within good groups was chosen on draws of poly cells and magnetic_tile;
the rest (mid taps, centred patches, the five farthest places) on mono cells, poly cells, ball_screw
and toy_figure.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.decision import metrics
from core.decision.certificate import interval
from core.labelled import Row
from core.model.estimators.bank import Bank
from core.model.estimators.model import one_thread
from core.model.fitting.bank_fitting import collect_patches, fit_bank
from core.model.network import backbone as backbones
from core.model.network.runtime import open_network
from core.service.assessment.paths import assess_paths
from core.service.bundles.open import certify_bundle, open_bundle
from core.service.data.pictures import PictureFeatures, extract_features
from core.service.progress import silent
from core.service.training.train import TrainSpec, train
from core.settings import Settings
from core.types import F32, Targets
from tests.benchmarks.sets import HOME, rows_of

DRAWS = 10
RESPLITS = 200
FRESH = 20
LEVELS = (0.05, 0.1, 0.2)


@dataclass(frozen=True)
class Patched:
    """Pictures of one product after the network; each is a group of its own here.

    Attributes:
        patches: float32 ``n p c``.
        good: bool ``n``.
        files: ``n`` paths.
    """

    patches: F32
    good: NDArray[np.bool_]
    files: Sequence[Path]


def main() -> None:
    """Print every figure of the start from good pictures."""
    one_thread()
    cells = patched("elpv", "mono cells, certain", is_mono)
    figure = patched("toy_figure", "toy_figure", lambda _row: True)
    for n in (5, 20, 50):
        _detection("mono cells, certain", cells, n)
    _detection("toy_figure", figure, 20)
    _overkill("mono cells, certain", cells)
    _overkill("toy_figure", figure)
    _time_to_running(figure)


def patched(name: str, what: str, kept: Callable[[Row], bool]) -> Patched:
    """Run the network on the pictures of a set, or read what it gave last time."""
    settings = Settings(home=HOME)
    pack, rows = rows_of(name, settings)
    rows = [row for row in rows if kept(row)]
    backbone = replace(backbones.describe(), patches=True)
    file = HOME / "tables" / f"{what.replace(', ', '-').replace(' ', '-')}-{backbone.key}.npy"
    if not file.exists():
        network = open_network(backbone, runtime=settings.runtime, cache=settings.cache)
        pictures = extract_features(
            rows,
            pack=pack,
            size=backbone.size,
            network=network,
            settings=settings,
            progress=silent,
        )
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(
            file,
            np.stack([one.output.patches for one in pictures if isinstance(one, PictureFeatures)]),
        )
    patches = np.load(file)
    good = np.array([row.label in ("good", "functional", "normal") for row in rows])
    if len(good) != len(patches):
        sys.exit(f"{file} is of another data set; remove it.")
    return Patched(patches, good, [row.file for row in rows])


def is_mono(row: Row) -> bool:
    return row.columns["type"] == "mono" and row.columns["certain"] == "yes"


def _detection(name: str, pictures: Patched, n: int) -> None:
    """Tell good from defective after n good pictures, drawn several times."""
    figures = []
    for draw in range(DRAWS):
        rng = np.random.default_rng(draw)
        known = rng.permutation(np.flatnonzero(pictures.good))[:n]
        rest = np.setdiff1d(np.arange(len(pictures.good)), known)
        bank = collect_patches([[pictures.patches[i]] for i in known]).bank()
        scores = np.array([bank.score(pictures.patches[i]) for i in rest], np.float64)
        figures.append(metrics.auroc(scores, ~pictures.good[rest]))
    print(
        f"{name}, {n} good: AUROC {np.mean(figures):.3f} (sd {np.std(figures, ddof=1):.3f}, "
        f"{min(figures):.3f} to {max(figures):.3f}, {DRAWS} draws; tested on "
        f"{int((~pictures.good).sum())} defective, {int(pictures.good.sum()) - n} good)"
    )


def _overkill(name: str, pictures: Patched, n: int = 20) -> None:
    """Count fresh good pictures called out over many draws of good pictures to know."""
    p = np.empty((RESPLITS, FRESH))
    for draw in range(RESPLITS):
        rng = np.random.default_rng(1000 + draw)
        order = rng.permutation(np.flatnonzero(pictures.good))[: n + FRESH]
        bank = _bank(pictures, order[:n])
        p[draw] = [bank.good_p(bank.score(pictures.patches[i])) for i in order[n:]]
    for alpha in LEVELS:
        called = p <= alpha
        each = called.mean(axis=1)
        low, high = interval(int(called[:, 0].sum()), RESPLITS)
        print(
            f"{name}, {n} good, overkill bounded at {alpha:g}: {called.mean():.4f} of "
            f"{called.size} fresh good ones called out in {RESPLITS} resplits (first of each: "
            f"{called[:, 0].mean():.3f}, 95 % interval {low:.3f} to {high:.3f}); resplits above "
            f"alpha {np.mean(each > alpha):.3f}, above twice alpha {np.mean(each > 2 * alpha):.3f}"
        )


def _bank(pictures: Patched, known: NDArray[np.intp]) -> Bank:
    return fit_bank([[pictures.patches[i]] for i in known])


def _time_to_running(pictures: Patched, n: int = 20) -> None:
    """Go from a folder of good pictures to a first verdict, as a person does."""
    settings = Settings(home=HOME)
    known = [file for file, good in zip(pictures.files, pictures.good, strict=True) if good]
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data" / "good"
        data.mkdir(parents=True)
        for file in known[:n]:
            shutil.copy(file, data)
        wall, cpu = time.perf_counter(), time.process_time()
        out = train(TrainSpec("parts", data.parent, Path(folder) / "bundle"), settings)
        bundle = open_bundle(out, settings)
        policy = certify_bundle(bundle, Targets())
        (first,) = assess_paths(bundle, known[n : n + 1], policy=policy, settings=settings)
        print(
            f"{n} good pictures to a first verdict ({first.wording}): "
            f"{time.perf_counter() - wall:.0f} s wall, {time.process_time() - cpu:.0f} CPU s here, "
            f"decoders beside; the exported network was in the cache"
        )


if __name__ == "__main__":
    main()
