"""Labelled, scored images, and how often a limit would err on them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.decision.rule import is_admitted, is_probability
from core.decision.splits import order_by_hash
from core.types import F64

_MOST_CANDIDATES = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Cases:
    """Labelled images as the policy sees them, one entry per image.

    Attributes:
        positive_probability: float64 ``n``.
        ood_p: float64 ``n``, small = out of distribution.
        gates_passed: bool ``n``, whether the pack's checks found nothing.
        positive: bool ``n``, the truth.
        group: str ``n``, the part, patient or field: errors are counted over these.
    """

    positive_probability: F64
    ood_p: F64
    gates_passed: NDArray[np.bool_]
    positive: NDArray[np.bool_]
    group: NDArray[Any]

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together.

        Raises:
            ValueError: The arrays are not equally long (n,) or have the wrong dtype.
        """
        expected = {
            "positive_probability": "f",
            "ood_p": "f",
            "gates_passed": "b",
            "positive": "b",
            "group": "UO",
        }
        n = self.positive_probability.shape
        for name, kinds in expected.items():
            array = getattr(self, name)
            if array.ndim != 1 or array.shape != n or array.dtype.kind not in kinds:
                raise ValueError(
                    f"{name}: expected shape {n[:1]} of kind {kinds}, "
                    f"got {array.shape} of {array.dtype}"
                )

    def reached(self, ood_alpha: float) -> NDArray[np.bool_]:
        """Return which images reach the limits, as ``rule.is_admitted`` does."""
        return is_admitted(self.positive_probability, self.ood_p, self.gates_passed, ood_alpha)


def subsample_groups(cases: Cases, most: int) -> Cases:
    """Return whole groups, in the order of their names' hashes, of at most so many pictures."""
    if len(cases.group) <= most:
        return cases
    names, member, counts = np.unique(cases.group, return_inverse=True, return_counts=True)
    order = np.array(order_by_hash(names.tolist()), np.intp)
    kept = np.zeros(names.size, np.bool_)
    kept[order[np.cumsum(counts[order]) <= most]] = True
    rows = kept[member]
    return Cases(*(getattr(cases, field.name)[rows] for field in fields(Cases)))


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One side of the rule, reduced to one number per group.

    Both sides read alike on ``strictness = sign * probability``: an image gets the automatic
    verdict when its strictness is at most that of the limit.

    Attributes:
        kind: ``escape`` (sign 1, positive groups) or ``overkill`` (sign -1, negative groups).
        sign: 1.0 or -1.0.
        erring: float64 ``g``, sorted: the strictness from which on the group counts as an error.
        excluded: Groups of this side without a picture that passes the gates.
    """

    kind: str
    sign: float
    erring: F64
    excluded: int = 0

    @property
    def n(self) -> int:
        """Number of groups that the rate is counted over."""
        return int(self.erring.size)

    def errors(self, limits: F64) -> NDArray[np.intp]:
        """Return the number of groups on which the rule errs, for each limit on the probability."""
        return np.searchsorted(self.erring, self.sign * limits, side="right")


def sides(cases: Cases, ood_alpha: float) -> tuple[Side, Side]:
    """Return the images reduced to the escape side and the overkill side.

    A group counts once, if any of its images of that class passes the gates and the OOD check: it
    errs as soon as *any* of these does. The others are left out. The gates are fixed before cal is
    looked at, so the groups that pass them are a random sample of all groups that do, and a bound
    counted over them is a bound on that population; groups that never reach the class would fill
    n with cases on which nothing was tried.
    """
    reached = cases.reached(ood_alpha)
    return (
        _side("escape", 1.0, cases, reached, cases.positive),
        _side("overkill", -1.0, cases, reached, ~cases.positive),
    )


def _side(
    kind: str, sign: float, cases: Cases, reached: NDArray[np.bool_], mine: NDArray[np.bool_]
) -> Side:
    """Return one side: the least strictness of each group's images that pass the gates."""
    judged = mine & reached
    names, members = np.unique(cases.group[judged], return_inverse=True)
    least = np.full(names.size, np.inf)
    np.minimum.at(least, members, sign * cases.positive_probability[judged])
    return Side(kind, sign, np.sort(least), np.unique(cases.group[mine]).size - names.size)


def candidates(oof: Cases) -> F64:
    """Return the grid of limits: out-of-fold probabilities, at most about 1,000, with 0 and 1.

    The grid must not depend on the cases that certify: a fixed sequence is fixed beforehand.

    Returns:
        float64 ``c``, ascending, distinct.
    """
    p = oof.positive_probability
    known = np.unique(np.clip(p[is_probability(p)], 0.0, 1.0))
    if known.size > _MOST_CANDIDATES:
        known = known[np.linspace(0, known.size - 1, _MOST_CANDIDATES).round().astype(np.intp)]
    return np.unique(np.concatenate([[0.0, 1.0], known]))
