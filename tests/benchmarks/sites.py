"""Two hospitals: children at site 1, adults at site 2, and the product trained on the first."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from core.decision.policy import Cases
from core.labelled import read_labelled
from core.model.bundle.bundle import Bundle
from core.packs import pack_named
from core.service.bundles.open import certify_bundle, open_bundle
from core.service.training.train import TrainSpec, train
from core.settings import Settings
from core.types import Policy
from tests.benchmarks.homes import Home, Judged, judged, kept
from tests.benchmarks.sets import HOME, Labelled, labelled, looked

CLASSES = ("abnormal", "normal")
NOTE = (
    "Labels of site 2 are mined from reports and carry a shortcut of unknown cause (the patient's "
    "number alone gives 0.79): its figures are about shift, deferral and the mechanics of "
    "adaptation, never about disease."
)


def first() -> tuple[Home, Bundle, Policy]:
    """Train on site 1 as `assay train` does, unless that was done; judge its test part."""
    settings, path = Settings(home=HOME), HOME / "site1"
    if not path.exists():
        train(TrainSpec("xray", settings.shared_data / "xray", path), settings)
    bundle = open_bundle(path, settings)
    policy = certify_bundle(bundle, bundle.pack.targets)
    one = labelled("xray")
    test = rows_in(one, "test")
    home = Home(one, bundle.model, bundle.pack, bundle.network, test, judge(bundle, one, test))
    return home, bundle, policy


def second() -> Labelled:
    """Look at site 2."""
    pack = pack_named("xray")
    rows = read_labelled(Settings().shared_data / "xray", pack.group_columns).rows
    away = [row for row in rows if row.split.startswith("ext")]
    return looked("xray-site2", "xray", away, CLASSES, labelled("xray").backbone)


def rows_in(one: Labelled, *splits: str) -> NDArray[np.intp]:
    """Number the pictures of some splits."""
    return np.flatnonzero([row.split in splits for row in one.rows])


def judge(bundle: Bundle, one: Labelled, rows: Iterable[int]) -> Judged:
    """Judge pictures of a set by a bundle's model."""
    return judged(bundle.model, (kept(one, int(row)) for row in rows))


def cases(predictions: Judged, one: Labelled, rows: NDArray[np.intp]) -> Cases:
    """Line judged pictures up with their labels and groups."""
    return Cases(
        predictions.chance,
        predictions.ood_p,
        ~predictions.stopped,
        one.truth[rows],
        one.table.groups[rows],
    )
