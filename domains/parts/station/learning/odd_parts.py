"""Which parts look odd among parts that are called good, and why, before any is learned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from core.types import F64

ODD = 3.5
"""Modified z-score from which on a figure is odd (Iglewicz and Hoaglin 1993, How to detect and
handle outliers, section 3.3)."""

VERY_ODD = 2 * ODD
"""From which on one figure of the picture alone makes a part odd: there are several of them."""

_FLOOR = 0.04
"""Least median deviation, relative: parts that are nearly alike have no odd one below 1.23."""


@dataclass(frozen=True, slots=True)
class PartLook:
    """What one picture of a part looks like to the memory of the others.

    Attributes:
        group: The part.
        name: Name of the picture's file.
        score: Anomaly score by a memory bank of the other parts, above 0.
        size: Height and width in pixels.
        measures: Figures of quality.
        findings: What no picture of a part can look like, as sentences.
    """

    group: str
    name: str
    score: float
    size: tuple[int, int]
    measures: Mapping[str, float] = field(default_factory=dict)
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RankedPart:
    """A part with how odd it looks.

    Attributes:
        group: The part.
        name: Name of its oddest picture.
        rank: 1 for the oddest.
        ratio: Its score, as a multiple of the usual one.
        is_odd: Whether a person should look at it before it is learned.
        sentence: Why it is odd, or how it compares.
    """

    group: str
    name: str
    rank: int
    ratio: float
    is_odd: bool
    sentence: str


def modified_z(values: F64, floor: float = 0.0) -> F64:
    """Return by how many robust standard deviations each value lies above the median.

    Source: Iglewicz and Hoaglin 1993, How to detect and handle outliers.

    Args:
        values: float64 ``n``.
        floor: Least median absolute deviation, so that values that are all alike have no odd one.
    """
    centre = np.median(values)
    spread = max(float(np.median(np.abs(values - centre))), floor, 1e-12)
    return np.asarray(0.6745 * (values - centre) / spread)


def rank_parts(looks: Sequence[PartLook]) -> list[RankedPart]:
    """Return the parts, the oddest first, each by its oddest picture.

    Scores are compared as logarithms: they are distances, whose spread grows with their size.
    """
    scores = np.array([look.score for look in looks], np.float64)
    above = modified_z(np.log(np.maximum(scores, 1e-12)), _FLOOR)
    usual_size = Counter(look.size for look in looks).most_common(1)[0][0]
    measures = _odd_measures(looks)
    ranked: dict[str, tuple[tuple[bool, float], RankedPart]] = {}
    for place, look in enumerate(looks):
        reasons = _reasons(look, usual_size, float(above[place]), measures[place])
        ratio = float(scores[place] / np.median(scores))
        key = (bool(look.findings) or look.size != usual_size, float(above[place]))
        part = RankedPart(
            look.group, look.name, 0, ratio, bool(reasons), " ".join(reasons) or _compare(ratio)
        )
        if look.group not in ranked or key > ranked[look.group][0]:
            ranked[look.group] = key, part
    order = sorted(ranked.values(), key=lambda one: (one[1].is_odd, one[0]), reverse=True)
    return [
        RankedPart(one.group, one.name, rank, one.ratio, one.is_odd, one.sentence)
        for rank, (_, one) in enumerate(order, 1)
    ]


def _reasons(
    look: PartLook, usual_size: tuple[int, int], above: float, measures: Mapping[str, float]
) -> list[str]:
    reasons = list(look.findings)
    if look.size != usual_size:
        (height, width), (usual_height, usual_width) = look.size, usual_size
        reasons.append(
            f"It has {width} x {height} pixels, most others {usual_width} x {usual_height}."
        )
    if above > ODD:
        reasons.append("It is farther from the other parts than they are from each other.")
    odd = {name: z for name, z in measures.items() if abs(z) > (ODD if reasons else VERY_ODD)}
    if odd:
        names = ", ".join(f"{name} {'higher' if z > 0 else 'lower'}" for name, z in odd.items())
        reasons.append(f"Unlike the others: {names}.")
    return reasons


def _odd_measures(looks: Sequence[PartLook]) -> list[dict[str, float]]:
    found: list[dict[str, float]] = [{} for _ in looks]
    for name in looks[0].measures:
        values = np.array([look.measures.get(name, np.nan) for look in looks], np.float64)
        if not np.isfinite(values).all():
            continue
        floor = _FLOOR * float(np.median(np.abs(values)))
        for one, z in zip(found, modified_z(values, floor), strict=True):
            one[name] = float(z)
    return found


def _compare(ratio: float) -> str:
    return f"{ratio:.2f} times as far from the others as is usual."
