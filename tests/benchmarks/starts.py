"""A start where what was learned elsewhere does hold: solar cells of one kind, then of the other.

Local cells are drawn at random, all for training; the rest of their kind is scored. The same draws
are fitted with the other kind as a start and without.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.decision import metrics
from core.model.fitting.fit import Fit, fit
from core.model.fitting.transfer import TransferSource
from core.types import F64
from tests.benchmarks.homes import judged, kept
from tests.benchmarks.sets import Labelled, labelled

COUNTS = (12, 30, 60)
SEEDS = range(4)
SCORED = 400


def main() -> None:
    """Print the loss with a start and without, both ways round."""
    cells = labelled("elpv")
    kind = np.array([row.columns["type"] for row in cells.rows])
    for there, here in (("poly", "mono"), ("mono", "poly")):
        start = _start(cells, kind == there)
        for count in COUNTS:
            runs = [_pair(cells, np.flatnonzero(kind == here), start, count, s) for s in SEEDS]
            losses = np.array([[loss for loss, _ in pair] for pair in runs])
            heads = [pair[0][1] for pair in runs]
            (started, alone), gain = losses.mean(axis=0), losses[:, 1] - losses[:, 0]
            print(
                f"{there} to {here}, {count:>2} cells, {len(runs)} draws: NLL {started:.3f} "
                f"started, {alone:.3f} alone (gain {gain.mean():.3f}, sd {gain.std(ddof=1):.3f}); "
                f"heads {', '.join(sorted(heads))}",
                flush=True,
            )


def _start(cells: Labelled, rows: NDArray[np.bool_]) -> TransferSource:
    x = cells.table.pooled[rows]
    centre, scale = x.mean(axis=0), x.std(axis=0) + np.float32(1e-6)
    return TransferSource(
        (x - centre) / scale,
        cells.table.labels[rows],
        centre,
        scale,
        cells.truth[rows].astype(np.int64),
    )


def _pair(
    cells: Labelled, pool: NDArray[np.intp], start: TransferSource, count: int, seed: int
) -> list[tuple[float, str]]:
    order = np.random.default_rng(seed).permutation(pool)
    # Two cells a side are the least that can be learned from.
    positive = cells.truth[order]
    first = np.concatenate([np.flatnonzero(positive)[:2], np.flatnonzero(~positive)[:2]])
    order = np.concatenate([order[first], np.delete(order, first)])
    mine = np.isin(np.arange(len(cells.rows)), order[:count])
    rest = order[count : count + SCORED]
    found = []
    for begun in (start, None):
        fitted = fit(cells.table.pick(mine), cells.classes, cells.positive, seed, source=begun)
        found.append((_loss(cells, fitted, rest), fitted.head))
    return found


def _loss(cells: Labelled, fitted: Fit, rows: NDArray[np.intp]) -> float:
    chance: F64 = judged(fitted.model, (kept(cells, int(row)) for row in rows)).chance
    p = np.stack([chance, 1.0 - chance], axis=1)
    return metrics.nll(p, (~cells.truth[rows]).astype(np.int64))
