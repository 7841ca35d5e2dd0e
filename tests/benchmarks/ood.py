"""OOD pictures flagged by the gate of the magnetic_tile bundle at 1 % false alarms."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from core.decision.certificate import interval
from core.evaluation import is_novel
from core.service.assessment.paths import assess_paths
from core.service.bundles.open import certify_bundle, open_bundle
from core.service.training.train import TrainSpec, train
from core.settings import Settings
from core.types import Targets
from tests.benchmarks.sets import HOME


def main() -> None:
    """Train on magnetic_tile, then send everything else."""
    settings = Settings(home=HOME)
    parts = settings.shared_data / "parts"
    out = train(TrainSpec("parts", parts / "magnetic_tile", HOME / "magnetic_tile"), settings)
    bundle = open_bundle(out, settings)
    policy = certify_bundle(bundle, Targets(ood_alpha=0.01))
    own = bundle.cal.ood_p <= policy.targets.ood_alpha
    print(f"own cal pictures flagged: {own.mean():.3f} of {len(own)}")
    test = _test_files(parts / "magnetic_tile")
    sets = {"own test": test, "ood/near": [parts / "ood/near"], "ood/far": [parts / "ood/far"]}
    for product in ("ball_screw", "toy_figure", "screw_block"):
        sets[product] = _all_files(parts / product)
    for name, paths in sets.items():
        answers = list(assess_paths(bundle, paths, policy=policy, settings=settings))
        novel = [is_novel(a) for a in answers]
        stopped = np.mean([bool(a.verdict.findings) for a in answers])
        low, high = interval(sum(novel), len(novel))
        print(
            f"{name:<12} flagged as OOD {np.mean(novel):.3f} [{low:.3f}, {high:.3f}] of "
            f"{len(novel)}; deferred for any reason {stopped:.3f}"
        )
    print(json.dumps(bundle.metadata["fit"]["nll"]))


def _rows(folder: Path) -> list[dict[str, str]]:
    import csv

    with (folder / "manifest.csv").open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def _test_files(folder: Path) -> list[Path]:
    return [folder / row["file"] for row in _rows(folder) if row["split"] == "test"]


def _all_files(folder: Path) -> list[Path]:
    return [folder / row["file"] for row in _rows(folder)]
