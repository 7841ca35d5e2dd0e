"""Which pictures a person should look at first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.evaluation import Judged
from core.types import Disposition

EACH = 6
KINDS = ("escape", "overkill", "leaning", "strange")


@dataclass(frozen=True)
class Exhibit:
    """A picture to look at: its row, and which of ``KINDS`` it is."""

    row: int
    kind: str


def worst(cases: Judged, each: int = EACH) -> list[Exhibit]:
    """Choose pictures: escapes, overkills, those held back that leaned the wrong way, strangers.

    The surest first within each kind; no picture twice.
    """
    p, truth = cases.positive_probability, cases.truth
    made, known = cases.disposition, cases.readable
    wrong = np.where(truth, 1.0 - p, p)
    held = known & (made == Disposition.DEFER.value)
    ranked: dict[str, tuple[NDArray[np.bool_], NDArray[np.float64]]] = {
        "escape": (truth & (made == Disposition.NEGATIVE.value), wrong),
        "overkill": (~truth & (made == Disposition.POSITIVE.value), wrong),
        "leaning": (held & (wrong > 0.5), wrong),
        "strange": (known, cases.ood_score),
    }
    chosen: list[Exhibit] = []
    for kind, (rows, how) in ranked.items():
        taken = {look.row for look in chosen}
        order = np.argsort(-np.where(rows, how, -np.inf), kind="stable")
        mine = [int(i) for i in order[: int(rows.sum())] if int(i) not in taken]
        chosen += [Exhibit(row, kind) for row in mine[:each]]
    return chosen
