"""What is sent to review of pictures that only vary from day to day, beside the lost AUROC.

Steps of twelve ladders, climbed by test pictures at the resolution they were taken in. Where the
classifier keeps its mind, a gate that holds pictures back cries wolf; where it loses its grip, it
should. `... ladders` holds what goes wrong.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.decision import metrics
from core.imaging.variations import suits, vary
from core.model.estimators.stated_changes import LOSSLESS
from core.settings import Settings
from core.types import F64, Frame
from tests.benchmarks.homes import ALPHAS, Judged, settle
from tests.benchmarks.ladders import SMALL, sample
from tests.benchmarks.sets import asked, labelled

STEPS: Mapping[str, tuple[float, ...]] = {
    "darker": (-0.05, -0.1, -0.15),
    "brighter": (0.05, 0.1, 0.15),
    "flatter": (-0.05, -0.1, -0.15),
    "harder": (0.05, 0.1, 0.15),
    "warmer": (0.05, 0.1),
    "cooler": (-0.05, -0.1),
    "compressed": (10.0, 20.0, 30.0),
    "cropped": (0.02, 0.05),
    "shifted": (0.01, 0.03),
    "turned": (1.0, 2.0, 3.0),
    "smaller": tuple(math.log(factor) for factor in (0.95, 0.8, 0.6)),
    "larger": tuple(math.log(factor) for factor in (1.25, 1.5)),
}
LOSS, FLIPS, ALARMS = 0.01, 0.02, 0.03  # A step is harmless below both; what may be held then.
HARM, MIN_DEFERRED = 0.05, 0.90


@dataclass(frozen=True)
class Step:
    """One step of one ladder.

    Attributes:
        lost: AUROC that the classifier lost on it.
        flips: Share of pictures that changed sides.
        gate: Share flagged by the OOD gate.
        held: Share flagged by any gate.
    """

    lost: float
    flips: float
    gate: float
    deferred: float

    @property
    def is_harmless(self) -> bool:
        """Whether the classifier does not mind."""
        return self.lost < LOSS and self.flips < FLIPS


def main() -> None:
    """Print every step of every set named, and a line of averages each."""
    climbed = {name: _climb(name) for name in asked() if name not in SMALL}
    print(f"\nany gate at {ALPHAS[0]:.0%}; harmless: lost under {LOSS} and flips under {FLIPS:.0%}")
    for name, steps in climbed.items():
        print(f"{name:<14} {_line(steps)}")
    print(f"{'all sets':<14} {_line([step for steps in climbed.values() for step in steps])}")


def _climb(name: str) -> list[Step]:
    home = settle(labelled(name))
    rows = sample(home)
    still, truth = home.rows(rows).chance, home.of.truth[rows]
    own = home.ordinary.flagged(ALPHAS[0])
    print(f"\n{name}: test {len(home.test)}, held as taken: gate {own[0]:.3f}, any {own[1]:.3f}")
    print(f"{len(rows)} go up; AUROC lost, flips | held: gate, any")
    frames = [
        home.pack.read(home.of.rows[i].file.read_bytes(), Settings().max_pixels, 0) for i in rows
    ]
    steps = []
    for ladder, strengths in STEPS.items():
        if not all(suits(ladder, frame.pixels.astype(np.uint8)) for frame in frames):
            continue
        for strength in strengths:
            quality = LOSSLESS - strength if ladder == "compressed" else LOSSLESS
            observed = home.judge(_varied(frames, rows, ladder, strength), quality)
            steps.append(_step(observed, still, truth))
            one = steps[-1]
            print(
                f"{ladder:<14} {strength:>6.2f} {one.lost:+.3f} {one.flips:.3f} | "
                f"{one.gate:.2f} {one.deferred:.2f} {'' if one.is_harmless else 'not harmless'}",
                flush=True,
            )
    return steps


def _varied(
    frames: list[Frame], rows: NDArray[np.intp], ladder: str, strength: float
) -> list[Frame]:
    seeds = ([int(row), zlib.crc32(ladder.encode())] for row in rows)
    return [
        vary(frame, ladder, strength, np.random.default_rng(seed))
        for frame, seed in zip(frames, seeds, strict=True)
    ]


def _step(observed: Judged, still: F64, truth: NDArray[np.bool_]) -> Step:
    gate, deferred = observed.flagged(ALPHAS[0])
    return Step(
        lost=metrics.auroc(still, truth) - metrics.auroc(observed.chance, truth),
        flips=float(np.mean((observed.chance > 0.5) != (still > 0.5))),
        gate=gate,
        deferred=deferred,
    )


def _line(steps: list[Step]) -> str:
    harmless = [step for step in steps if step.is_harmless]
    harmful = [step for step in steps if step.lost > HARM]
    loud = [step for step in harmless if step.deferred > ALARMS + 0.5 / 60]
    text = f"harmless steps {len(harmless):>2}"
    if harmless:
        text += (
            f": held {np.mean([step.deferred for step in harmless]):.3f} (gate "
            f"{np.mean([step.gate for step in harmless]):.3f}), at most "
            f"{max(step.deferred for step in harmless):.2f}, over {ALARMS:.0%} in {len(loud)}"
        )
    text += f"; steps that cost over {HARM}: {len(harmful)}"
    if harmful:
        text += (
            f", held {np.mean([step.deferred for step in harmful]):.2f} (asked {MIN_DEFERRED:.2f})"
        )
    return text
