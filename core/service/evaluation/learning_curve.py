"""What more training pictures would buy: the head refitted on shares of what the bundle knows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.decision import calibration, metrics, splits
from core.model.bundle.bundle import Bundle
from core.model.estimators import heads
from core.model.fitting.head_fitting import DUMMY, fit_head
from core.report.learning_curve import Step
from core.service.progress import Progress
from core.types import F32, F64

SHARES = (0.125, 0.25, 0.5, 1.0)
REPEATS = 3
MOST = 1500
FEWEST = 30


class Growth(NamedTuple):
    """A learning curve and how it came about; without steps the note says why."""

    steps: tuple[Step, ...]
    note: str


class _Sample(NamedTuple):
    z: F32
    labels: NDArray[np.int64]
    group: NDArray[np.str_]


def grow(bundle: Bundle, progress: Progress, seed: int = 0, fewest: int = FEWEST) -> Growth:
    """Return how the head does on growing shares of its training features, by thirds.

    Each third is held out once; the head is fitted on a share of the groups of the other two. The
    calibrator behind the NLL is fitted on held-out scores of other groups. At most ``MOST``
    pictures take part, so that it stays a matter of seconds.

    Args:
        bundle: The bundle; its known pictures carry the standardised training features.
        progress: Called after every fit.
        seed: Of the draw, the thirds and the shares.
        fewest: Groups of either side below which a curve would be noise.
    """
    if bundle.model.is_multilabel:
        return Growth((), "There is no learning curve for pictures with several labels yet.")
    fit = bundle.metadata["fit"]
    name = fit["head"]
    if name == DUMMY:
        return Growth((), "There is no learning curve for a bundle without a trained head.")
    if bundle.metadata.get("transfer"):
        return Growth((), "There is no learning curve for a bundle that was started from another.")
    sample, source = _sample(bundle, seed)
    sides = np.array(bundle.model.positive)[sample.labels]
    if min(np.unique(sample.group[side]).size for side in (sides, ~sides)) < fewest:
        few = f"A learning curve needs {fewest} groups of either side; there are fewer."
        return Growth((), few)
    shares = {one: np.array(share, np.float64) for one, share in fit["shares"].items()}
    steps: list[Step] = []
    third = splits.folds(sample.labels, sample.group, REPEATS, seed)
    for share in SHARES:
        scores = np.zeros((len(sample.labels), len(bundle.model.classes)))
        fitted = []
        for number in range(REPEATS):
            rows = _share(sample, sides, third != number, share, seed + number)
            fitted.append(int(rows.sum()))
            head = fit_head(name, sample.z[rows], sample.labels[rows], scores.shape[1], shares)
            for row in np.flatnonzero(third == number):
                scores[row] = heads.logits(head, sample.z[row])
            progress("Learning curve", len(steps) * REPEATS + number + 1, len(SHARES) * REPEATS)
        steps.append(_step(round(float(np.mean(fitted))), scores, sample, third, sides, bundle))
    note = (
        f"Learning curve: the head ({name}) refitted on an eighth to all of two thirds of "
        f"{len(sample.labels):,} training pictures and judged on the last third, {REPEATS} times; "
        f"thirds by {source}. The backbone and the settings stay as they are."
    )
    return Growth(tuple(steps), note)


def _sample(bundle: Bundle, seed: int) -> tuple[_Sample, str]:
    """Return the known pictures with their groups, or a draw of them."""
    known, classes = bundle.known, bundle.model.classes
    labels = np.array([classes.index(label) for label in known.labels], np.int64)
    names = np.array(known.names, np.str_)
    positive = np.array(bundle.model.positive)[labels]
    # The out-of-fold cases are the same pictures in the same order, unless some were left out.
    aligned = bundle.oof.positive.shape == positive.shape and bool(
        (bundle.oof.positive == positive).all()
    )
    group = bundle.oof.group if aligned else names
    rows = np.arange(len(labels))
    if rows.size > MOST:
        rows = np.sort(np.random.default_rng(seed).permutation(rows)[:MOST])
    return (
        _Sample(known.features[rows], labels[rows], group[rows]),
        "group" if aligned else "file name, since the bundle keeps no groups for them",
    )


def _share(
    sample: _Sample, sides: NDArray[np.bool_], pool: NDArray[np.bool_], share: float, seed: int
) -> NDArray[np.bool_]:
    """Return a random share of the groups of a pool, of every class its share.

    Where a class has too few groups for that, either side has its share: a share of none would
    leave all pictures of rare classes out.
    """
    if share >= 1.0:
        return pool
    rows = np.flatnonzero(pool)
    labels = sample.labels[rows]
    groups = [np.unique(sample.group[rows][labels == one]).size for one in np.unique(labels)]
    parts = splits.split_groups(
        labels if min(groups) * share >= 1.0 else sides[rows].astype(np.int64),
        sample.group[rows],
        (share, 0.0, 1.0 - share),
        seed,
    )
    kept = np.zeros_like(pool)
    kept[rows[parts == "train"]] = True
    return kept


def _step(
    pictures: int,
    scores: F64,
    sample: _Sample,
    third: NDArray[np.int64],
    sides: NDArray[np.bool_],
    bundle: Bundle,
) -> Step:
    """Return how each third does by its scores, calibrated on the other two."""
    auroc, nll = [], []
    for number in range(REPEATS):
        mine = third == number
        calibrator, _ = calibration.choose_calibrator(
            scores[~mine], sample.labels[~mine], sample.group[~mine], number
        )
        p = calibration.apply(calibrator, scores[mine])
        positive = p[:, np.array(bundle.model.positive)].sum(axis=1)
        auroc.append(metrics.auroc(positive, sides[mine]))
        nll.append(metrics.nll(p, sample.labels[mine]))
    return Step(pictures, np.array(auroc), np.array(nll))
