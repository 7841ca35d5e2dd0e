"""Crops by `--effort best`: what it reaches on pictures like those of training, beside the default.

Both bundles are trained once and kept, best in a quarter of an hour. What is kept of what best
tries is chosen out of fold on train; cal calibrates and certifies. Both judge the test pictures by
the whole path of a verdict.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from core.decision import metrics
from core.decision.certificate import interval
from core.decision.cluster_intervals import auroc_interval
from core.labelled import Row
from core.service.assessment.assessor import Assessor
from core.service.bundles.open import open_bundle, policy_of
from core.service.training.spec import BEST, QUICK
from core.service.training.train import TrainSpec, train
from core.settings import Settings
from tests.benchmarks.sets import HOME, rows_of


def main() -> None:
    """Print accuracy, AUROC and cost of both."""
    settings = Settings(home=HOME)
    rows = [row for row in rows_of("crops", settings)[1] if row.split == "test"]
    spent = [judge(trained(effort, settings), rows, effort, settings) for effort in (QUICK, BEST)]
    print(f"CPU time a picture, best against the default, n {len(rows)}: {spent[1] / spent[0]:.1f}")


def trained(effort: str, settings: Settings) -> Path:
    """Return a bundle of the shared crops, trained where it is not there yet."""
    folder = HOME / f"crops-{effort}"
    if not folder.exists():
        data = settings.shared_data / "crops"
        train(TrainSpec("crops", data, folder, effort=effort, leave_out_copies=True), settings)
    return folder


def judge(folder: Path, rows: Sequence[Row], effort: str, settings: Settings) -> float:
    """Print what a bundle makes of pictures, and return the CPU seconds that it took."""
    bundle = open_bundle(folder, settings)
    with Assessor(bundle, policy_of(bundle), settings) as assessor:
        assessor.one(rows[0].file.read_bytes())
        began = time.process_time()
        answers = [assessor.one(row.file.read_bytes()).prediction for row in rows]
        spent = time.process_time() - began
    pairs = [(row, one) for row, one in zip(rows, answers, strict=True) if one is not None]
    classes = bundle.model.classes
    own = np.array([classes.index(row.label) for row, _ in pairs])
    right = np.array([one.probabilities.argmax() for _, one in pairs]) == own
    sick = np.array(bundle.model.positive)[own]
    chance = np.array([one.positive_probability for _, one in pairs])
    low, high = auroc_interval(chance, sick, np.array([row.group for row, _ in pairs]))
    least, most = interval(int(right.sum()), len(right))
    print(
        f"{effort}, test, healthy or not, n {len(right)}: AUROC {metrics.auroc(chance, sick):.4f} "
        f"[{low:.4f}, {high:.4f}]; {len(classes)} labels right {right.mean():.3f} [{least:.3f}, "
        f"{most:.3f}]",
        flush=True,
    )
    return spent


if __name__ == "__main__":
    main()
