"""Training pictures varied without harm, which a gate is to find ordinary.

A gate that knows the pictures of a few days alone finds those of the next day strange: a brighter
lamp, another export. Where such a variation does not change what the model says, holding pictures
back for it only cries wolf. Where it does change it, the gate is right to speak.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.model.estimators.discriminants import Placed
from core.types import F32, F64

MOST_CHANGED = 0.10
"""Share of pictures that change sides, above which a variation counts as harmful."""
PARTS = 3  # of the way to a variation's end


@dataclass(frozen=True)
class Benign:
    """Training pictures that were varied, after the network.

    Attributes:
        names: The ``v`` variations.
        pooled: float32 ``m d``, features.
        asymmetry: float32 ``m q``, how the left differs from the right; ``m 0`` where nobody asks.
        kind: int64 ``m``, index into the names.
        strength: float64 ``m``, the share gone of the way to the variation's end.
        of: int64 ``m``, row of the training picture that was varied.
        measures: Quality measure to float64 ``m``.
    """

    names: tuple[str, ...]
    pooled: F32
    asymmetry: F32
    kind: NDArray[np.int64]
    strength: F64
    of: NDArray[np.int64]
    measures: Mapping[str, F64]

    def pick(self, rows: NDArray[np.bool_]) -> Benign:
        """Return some of the varied pictures."""
        return Benign(
            self.names,
            self.pooled[rows],
            self.asymmetry[rows],
            self.kind[rows],
            self.strength[rows],
            self.of[rows],
            {name: values[rows] for name, values in self.measures.items()},
        )

    def among(self, rows: NDArray[np.bool_]) -> Benign:
        """Return those of some training pictures, bool ``n``, with rows counted among these."""
        kept = self.pick(rows[self.of])
        place = np.cumsum(rows) - 1
        return Benign(
            kept.names,
            kept.pooled,
            kept.asymmetry,
            kept.kind,
            kept.strength,
            place[kept.of],
            kept.measures,
        )

    def placed(self, fold: NDArray[np.int64], centre: F32, scale: F32) -> Placed:
        """Return them beside the training pictures: in the fold of their own, in the same units.

        Args:
            fold: int64 ``n``, folds of the training pictures.
            centre: float32 ``d``, subtracted from features.
            scale: float32 ``d``, divides them.
        """
        z = np.hstack([(self.pooled - centre) / scale, self.asymmetry])
        return Placed(self.names, z, self.kind, fold[self.of])


def harmless(
    benign: Benign, before: NDArray[np.bool_], after: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return which variations the model takes without changing its mind, bool ``m``.

    A variation is followed from weak to strong until more than ``MOST_CHANGED`` of the pictures
    so far have changed sides.

    Args:
        benign: The varied pictures.
        before: bool ``n``, whether each training picture is called positive out of fold.
        after: bool ``m``, the same of the varied ones.
    """
    changed = after != before[benign.of]
    part = np.minimum((benign.strength * PARTS).astype(np.int64), PARTS - 1)
    kept = np.zeros(len(changed), np.bool_)
    for kind in range(len(benign.names)):
        for last in range(PARTS):
            so_far = (benign.kind == kind) & (part <= last)
            if so_far.any() and changed[so_far].mean() > MOST_CHANGED:
                break
            kept |= so_far
    return kept


def ordinary(measures: Mapping[str, F64], benign: Benign | None) -> Mapping[str, F64]:
    """Return what was measured of ordinary pictures: as they are, varied, and at both ends.

    The least of the training pictures, varied as far down as any was, is ordinary still, and so is
    the largest. Seldom are the same pictures drawn at the end of a range and far on a way.

    Args:
        measures: Quality measure to float64 ``n``, of the training pictures.
        benign: Those varied without harm, if any.
    """
    if not benign or not len(benign.of):
        return measures
    return {
        name: _with_ends(own, benign.measures[name], benign.of) for name, own in measures.items()
    }


def _with_ends(own: F64, varied: F64, of: NDArray[np.int64]) -> F64:
    change = varied - own[of]
    ends = [own.min() + min(change.min(), 0.0), own.max() + max(change.max(), 0.0)]
    return np.concatenate([own, varied, ends])
