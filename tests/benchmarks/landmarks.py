"""What bounds on a kernel cost: heads with and without them, out of fold on training pictures.

The committee is fitted on four of five grouped folds and scores the fifth, with every limit in
turn; the last lines are the limits of `core.model.estimators.landmarks` as they are.
`... landmarks cal` takes the pictures of cal as well, which brings a set beyond 2,000.
`... landmarks test` scores the test pictures once instead, fitted on all of train, with and
without the limits.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from core.decision import metrics
from core.decision.splits import folds
from core.model.estimators import heads, landmarks
from core.model.estimators.model import one_thread, standardise
from core.model.fitting import head_fitting, score_calibration
from core.types import F32, F64
from tests.benchmarks.sets import Labelled, asked, labelled

FOLDS = 5
SETS = ("elpv", "xray", "crops")
NONE = 10**9
# All features up to so many pictures; directions; landmarks.
TRIED = {
    "no limit": (NONE, NONE, NONE),
    "128 directions": (0, 128, NONE),
    "256 directions": (0, 256, NONE),
    "256, 500 landmarks": (0, 256, 500),
    "256, 1000 landmarks": (0, 256, 1000),
    "as it is": (landmarks.ALL_FEATURES, landmarks.DIRECTIONS, landmarks.LANDMARKS),
}


def main() -> None:
    """Print AUROC and NLL with every limit, and what each changes fold by fold."""
    one_thread()
    named = set(asked()) & set(SETS) if set(sys.argv) & set(SETS) else SETS
    for name in sorted(named):
        (_on_test if "test" in sys.argv else _out_of_fold)(labelled(name))


@contextmanager
def limited(all_features: int, directions: int, most: int) -> Iterator[None]:
    """Fit with other limits."""
    with (
        patch.object(landmarks, "ALL_FEATURES", all_features),
        patch.object(landmarks, "DIRECTIONS", directions),
        patch.object(head_fitting, "LANDMARKS", most),
    ):
        yield


def _out_of_fold(one: Labelled) -> None:
    split = np.array([row.split for row in one.rows])
    taken = ("train", "cal") if "cal" in sys.argv else ("train",)
    table = one.table.pick(np.isin(split, taken) & one.table.sound)
    fold = folds(table.labels, table.groups, FOLDS, 0)
    which = f"n {len(fold)} of {' and '.join(taken)}, {FOLDS} grouped folds, seed 0"
    first: tuple[F64, F64] | None = None
    for name, limits in TRIED.items():
        with limited(*limits):
            scores = committee_out_of_fold(one, table.pooled, table.labels, table.groups, fold)
        found = figures(one, scores, table.labels, table.groups, fold)
        first = first or found
        changed = (
            f"; change fold by fold {_format_scores(found, first)}" if name != "no limit" else ""
        )
        print(f"{one.name}, {name}: {which}, {_format_scores(found)}{changed}", flush=True)


def _format_scores(found: tuple[F64, F64], first: tuple[F64, F64] | None = None) -> str:
    parts = [one - other for one, other in zip(found, first, strict=True)] if first else found
    sign = "+" if first else ""
    return ", ".join(
        f"{name} {part.mean():{sign}.4f} (sd {part.std(ddof=1):.4f})"
        for name, part in zip(("AUROC", "NLL"), parts, strict=True)
    )


def committee_out_of_fold(
    one: Labelled,
    pooled: F32,
    labels: NDArray[np.int64],
    groups: NDArray[np.str_],
    fold: NDArray[np.int64],
) -> F64:
    """Score every picture by a committee that saw none of its fold, ``n k``."""
    z = standardise(pooled, pooled.mean(axis=0), pooled.std(axis=0) + np.float32(1e-6))
    total = np.zeros((len(z), len(one.classes)))
    for name in head_fitting.affordable_heads(len(z)):
        scores = np.zeros_like(total)
        for held_out in range(FOLDS):
            out = fold == held_out
            head = head_fitting.HEAD_FITTERS[name](z[~out], labels[~out], len(one.classes))
            scores[out] = [heads.logits(head, row) for row in z[out]]
        total += scores * score_calibration.share(
            score_calibration.calibrate(scores, labels, groups, 0)
        )
    return total


def figures(
    one: Labelled,
    scores: F64,
    labels: NDArray[np.int64],
    groups: NDArray[np.str_],
    fold: NDArray[np.int64],
) -> tuple[F64, F64]:
    """Return AUROC and NLL of every fold."""
    calibrator = score_calibration.calibrate(scores, labels, groups, 0)
    lost = score_calibration.losses(calibrator, scores, labels)
    p = score_calibration.chance(calibrator, scores, one.positive)
    truth = np.array(one.positive)[labels]
    parts = [fold == held_out for held_out in np.unique(fold)]
    return (
        np.array([metrics.auroc(p[part], truth[part]) for part in parts]),
        np.array([lost[part].mean() for part in parts]),
    )


def _on_test(one: Labelled) -> None:
    from tests.benchmarks.grouped import predicted

    split = np.array([row.split for row in one.rows])
    train, test = split == "train", split == "test"
    for name in ("no limit", "as it is"):
        with limited(*TRIED[name]):
            p = predicted([one], train, test)
        score = p[:, np.array(one.positive)].sum(axis=1)
        y = one.table.labels[test]
        print(
            f"{one.name} {name}: test n {test.sum()}, AUROC "
            f"{metrics.auroc(score, one.truth[test]):.4f}, NLL {metrics.nll(p, y):.4f}, accuracy "
            f"of {len(one.classes)} labels {np.mean(p.argmax(axis=1) == y):.4f}",
            flush=True,
        )
