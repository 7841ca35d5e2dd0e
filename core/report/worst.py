"""Which pictures a person should look at first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.evaluation import LabelledVerdicts
from core.types import Disposition

EACH = 6
KINDS = ("escape", "overkill", "leaning", "ood")


@dataclass(frozen=True)
class Pick:
    """A picture to look at: its row, and which of ``KINDS`` it is."""

    row: int
    kind: str


def pick_worst(cases: LabelledVerdicts, each: int = EACH) -> list[Pick]:
    """Return pictures to look at: escapes, overkills, probably wrong ones sent to review, OOD ones.

    The most confident first within each kind; no picture twice.
    """
    p, truth = cases.positive_probability, cases.truth
    made, known = cases.disposition, cases.readable
    wrong = np.where(truth, 1.0 - p, p)
    deferred = known & (made == Disposition.DEFER.value)
    ranked: dict[str, tuple[NDArray[np.bool_], NDArray[np.float64]]] = {
        "escape": (truth & (made == Disposition.NEGATIVE.value), wrong),
        "overkill": (~truth & (made == Disposition.POSITIVE.value), wrong),
        "leaning": (deferred & (wrong > 0.5), wrong),
        "ood": (known, cases.ood_score),
    }
    chosen: list[Pick] = []
    for kind, (rows, how) in ranked.items():
        taken = {pick.row for pick in chosen}
        order = np.argsort(-np.where(rows, how, -np.inf), kind="stable")
        mine = [int(i) for i in order[: int(rows.sum())] if int(i) not in taken]
        chosen += [Pick(row, kind) for row in mine[:each]]
    return chosen
