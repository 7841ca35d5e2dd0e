"""Detection against severity, beside accuracy against severity: five steps of eleven ladders.

The gate is fitted on the train part of a set; test pictures go up every ladder at the resolution
they were taken in, and then the pack's own way. Low steps are ordinary life: there the share that
is flagged should stay small while the classifier holds. The gate knows the faults of the ladders
from prepared training pictures; with `... ladders missing` it knows all but each ladder's own.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.decision import metrics
from core.settings import Settings
from core.types import Frame
from tests.benchmarks.homes import ALPHAS, Home, Judged, settle
from tests.benchmarks.sets import asked, labelled
from tests.benchmarks.shifts import LADDERS, MIDDLE, STEPS, shifted, suits

COUNT = 60
HARM = 0.05
SMALL = ("toy_figure", "screw_block")  # Under 50 test pictures, of one specimen or unknown ones.
HEAD = "AUROC FPR95 | flagged 1 %: gate, any | 5 %: gate, any | classifier AUROC"


def main() -> None:
    """Print every ladder of every set named, and the averages at the middle step."""
    climbed = {name: _climb(name) for name in asked() if name not in SMALL}
    print(f"\nmiddle step ({MIDDLE} of {STEPS}), averaged over the ladders: {HEAD}")
    middle = {name: steps[:, MIDDLE].mean(axis=0) for name, steps in climbed.items()}
    for name, figures in middle.items():
        print(f"{name:<14} {_line(figures)} ({len(climbed[name])} ladders)")
    print(f"{'all sets':<14} {_line(np.mean(list(middle.values()), axis=0))}")
    steps = np.concatenate([steps[:, 1:].reshape(-1, steps.shape[2]) for steps in climbed.values()])
    lost = np.concatenate([(s[:, :1, -1] - s[:, 1:, -1]).ravel() for s in climbed.values()])
    for what, rows in (
        (f"steps that cost the classifier over {HARM} AUROC", lost > HARM),
        (f"steps that cost it under {HARM / 5:.2f}", lost < HARM / 5),
    ):
        print(f"{what}: {rows.sum()}; {_line(steps[rows].mean(axis=0))}")


def _climb(name: str) -> NDArray[np.float64]:
    """Print a set's ladders; give the figures, axes ladder, step (0 = as taken) and figure."""
    home = settle(labelled(name))
    rows = sample(home)
    truth = home.of.truth[rows]
    known = len(home.model.gate.reference)
    print(f"\n{name}: train {known}, test {len(home.test)}, of which {len(rows)} go up; {HEAD}")
    print(
        f"{'all, as taken':<16} 0 {_line(_figures(home, home.ordinary, home.of.truth[home.test]))}"
    )
    still = _figures(home, home.rows(rows), truth)
    print(f"{'those, as taken':<16} 0 {_line(still)}")
    frames = [
        home.pack.read(home.of.rows[i].file.read_bytes(), Settings().max_pixels, 0) for i in rows
    ]
    climbed = []
    for ladder in LADDERS:
        if not all(suits(ladder, frame.pixels) for frame in frames):
            continue
        climbed.append([still])
        there = settle(home.of, LADDERS[ladder][0]) if "unseen" in sys.argv else home
        for step in range(1, STEPS + 1):
            found = _figures(there, there.judge(_shifted(frames, rows, ladder, step)), truth)
            print(f"{ladder:<16} {step} {_line(found)}", flush=True)
            climbed[-1].append(found)
    return np.array(climbed)


def sample(home: Home, count: int = COUNT) -> NDArray[np.intp]:
    """Draw test pictures, of as many groups as there are."""
    rows = np.random.default_rng(0).permutation(home.test)
    groups = home.of.table.groups[rows]
    first = np.zeros(len(rows), np.bool_)
    first[np.unique(groups, return_index=True)[1]] = True
    return np.sort(np.concatenate([rows[first], rows[~first]])[:count])


def _shifted(
    frames: list[Frame], rows: NDArray[np.intp], ladder: str, step: int
) -> Iterator[Frame]:
    for row, frame in zip(rows, frames, strict=True):
        rng = np.random.default_rng([int(row), zlib.crc32(ladder.encode())])
        yield replace(frame, pixels=shifted(frame.pixels, ladder, step, rng))


def _figures(home: Home, observed: Judged, truth: NDArray[np.bool_]) -> list[float]:
    shares = [share for alpha in ALPHAS for share in observed.flagged(alpha)]
    return [*home.against(observed), *shares, metrics.auroc(observed.chance, truth)]


def _line(figures: list[float] | NDArray[np.float64]) -> str:
    auroc, fpr, gate1, any1, gate5, any5, classifier = figures
    return (
        f"{auroc:.3f} {fpr:.2f} | {gate1:.2f} {any1:.2f} | {gate5:.2f} {any5:.2f} "
        f"| {classifier:.3f}"
    )
