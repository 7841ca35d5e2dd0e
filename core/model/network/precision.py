"""Which arithmetic a network runs in: the fastest that judges no worse than float32.

Everything is compared on the training pictures, out of fold, so that nothing a certificate is
computed on has a say in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.decision.cases import Side, candidates, sides
from core.decision.policy import Cases
from core.decision.rule import judge
from core.decision.thresholds import resolve_overlap
from core.types import F64, Disposition, Targets

FASTER = 1.1
MORE_NLL = 0.01
LESS_AUTOMATION = 0.01
MOST_FLIPPED = 0.01
_ONE_SIDED = 1.645  # 95 % of a normal distribution
_SMALLEST = 1e-12


@dataclass(frozen=True)
class Change:
    """What a precision makes of the training pictures, out of fold, beside float32.

    Attributes:
        nll: Upper 95 % bound of what it adds to the negative log likelihood of the positive
            probability, in nats a picture, counted over groups.
        automation: Share of automatic verdicts that it adds; below 0 it loses some.
        flipped: Share of pictures that it calls out where float32 lets through, or the other way.
    """

    nll: float
    automation: float
    flipped: float

    @property
    def is_no_worse(self) -> bool:
        """Whether it is no worse, within the stated tolerances."""
        return (
            self.nll <= MORE_NLL
            and self.automation >= -LESS_AUTOMATION
            and self.flipped <= MOST_FLIPPED
        )


@dataclass(frozen=True)
class PrecisionTrial:
    """A precision that was tried.

    Attributes:
        precision: Its name.
        speed: How many times faster than float32 the network is.
        change: What it does to the verdicts; None where it is not fast enough to be asked.
    """

    precision: str
    speed: float
    change: Change | None

    @property
    def accepted(self) -> bool:
        """Whether it is faster and harmless."""
        return self.speed >= FASTER and self.change is not None and self.change.is_no_worse


def compare(plain: Cases, other: Cases, targets: Targets) -> Change:
    """Return how a precision's scores of the training pictures differ from float32's.

    Both sides are judged at the widest limits that keep their out-of-fold error rates at the
    targets: what they would do if the certificates gave exactly what was asked for.

    Args:
        plain: Out-of-fold cases in float32.
        other: The same pictures in the same order in the other precision.
        targets: The error rates.

    Raises:
        ValueError: The cases are not of the same pictures.
    """
    same = plain.positive.shape == other.positive.shape and bool(
        (plain.positive == other.positive).all() and (plain.group == other.group).all()
    )
    if not same:
        raise ValueError("plain, other: expected the same pictures in the same order")
    mine, theirs = _verdicts(plain, targets), _verdicts(other, targets)
    automatic = [made != Disposition.DEFER.value for made in (mine, theirs)]
    return Change(
        nll=_bound(_losses(other) - _losses(plain), plain.group),
        automation=float(automatic[1].mean() - automatic[0].mean()),
        flipped=float((automatic[0] & automatic[1] & (mine != theirs)).mean()),
    )


def fastest(trials: Sequence[PrecisionTrial]) -> str:
    """Return the fastest accepted precision, ``f32`` where there is none."""
    accepted = [trial for trial in trials if trial.accepted]
    return max(accepted, key=lambda trial: trial.speed).precision if accepted else "f32"


def trials_to_json(trials: Sequence[PrecisionTrial]) -> list[dict[str, Any]]:
    """Return the comparisons as JSON for the bundle's card."""
    return [{**asdict(trial), "accepted": trial.accepted} for trial in trials]


def _losses(cases: Cases) -> F64:
    p = np.where(cases.positive, cases.positive_probability, 1.0 - cases.positive_probability)
    losses: F64 = -np.log(np.clip(p, _SMALLEST, 1.0))
    return losses


def _bound(more: F64, group: NDArray[np.str_]) -> float:
    """Return an upper bound on the mean, pictures of one group counting as dependent."""
    mean = float(more.mean())
    sums = np.bincount(np.unique(group, return_inverse=True)[1], weights=more - mean)
    return mean + _ONE_SIDED * float(np.sqrt((sums**2).sum())) / more.size


def _verdicts(cases: Cases, targets: Targets) -> NDArray[np.str_]:
    grid = candidates(cases)
    escape, overkill = sides(cases, targets.ood_alpha)
    limits = resolve_overlap(
        _widest(escape, grid, targets.escape), _widest(overkill, grid[::-1], targets.overkill)
    )
    return judge(cases.positive_probability, cases.reached(targets.ood_alpha), *limits)


def _widest(side: Side, grid: F64, rate: float) -> float | None:
    """Return the last limit of a careful-first grid that errs on at most a share of groups."""
    fits = int(np.count_nonzero(side.errors(grid) <= rate * side.n)) if side.n else 0
    return float(grid[fits - 1]) if fits else None
