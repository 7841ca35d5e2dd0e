"""Label-preserving variations of training pictures, which the gate is to accept.

A gate fitted on the pictures of a few days flags those of the next day: a brighter lamp, another
export. Where such a variation does not change the prediction, flagging it is a false alarm. Where
it does, the gate should flag it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.model.estimators.discriminants import FoldedCorruptions
from core.types import F32, F64

MAX_CHANGED = 0.10
"""Share of changed predictions above which a variation does not preserve the label."""
MAX_CHANGED_HARMLESS = 0.02
"""Share of changed predictions up to which a variation gets a limit of its own."""
PARTS = 3  # steps of strength


@dataclass(frozen=True)
class VariedFeatures:
    """Features of varied training pictures.

    Attributes:
        names: The ``v`` variations.
        pooled: float32 ``m d``, features.
        asymmetry: float32 ``m q``, how the left differs from the right; ``m 0`` where nobody asks.
        kind: int64 ``m``, index into the names.
        strength: float64 ``m``, from 0 to 1, relative to the variation's largest.
        of: int64 ``m``, row of the training picture that was varied.
        measures: Quality measure to float64 ``m``.
        foreground: float32 ``m f``, features of the foreground; ``m 0`` where nobody asks.
    """

    names: tuple[str, ...]
    pooled: F32
    asymmetry: F32
    kind: NDArray[np.int64]
    strength: F64
    of: NDArray[np.int64]
    measures: Mapping[str, F64]
    foreground: F32

    def pick(self, rows: NDArray[np.bool_]) -> VariedFeatures:
        """Return some of the varied pictures."""
        return VariedFeatures(
            self.names,
            self.pooled[rows],
            self.asymmetry[rows],
            self.kind[rows],
            self.strength[rows],
            self.of[rows],
            {name: values[rows] for name, values in self.measures.items()},
            self.foreground[rows],
        )

    def among(self, rows: NDArray[np.bool_]) -> VariedFeatures:
        """Return those of some training pictures, bool ``n``, with rows counted among these."""
        kept = self.pick(rows[self.of])
        place = np.cumsum(rows) - 1
        return VariedFeatures(
            kept.names,
            kept.pooled,
            kept.asymmetry,
            kept.kind,
            kept.strength,
            place[kept.of],
            kept.measures,
            kept.foreground,
        )

    def assign_folds(self, fold: NDArray[np.int64], centre: F32, scale: F32) -> FoldedCorruptions:
        """Return them in the fold of their own picture, standardised like the training pictures.

        Args:
            fold: int64 ``n``, folds of the training pictures.
            centre: float32 ``d``, subtracted from features.
            scale: float32 ``d``, divides them.
        """
        z = np.hstack([(self.pooled - centre) / scale, self.asymmetry])
        return FoldedCorruptions(self.names, z, self.kind, fold[self.of])


def select_label_preserving(
    variations: VariedFeatures, before: NDArray[np.bool_], after: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], tuple[NDArray[np.bool_], ...]]:
    """Return which variations leave the prediction unchanged, and which of them share a limit.

    A kind that changes at most ``MAX_CHANGED_HARMLESS`` of the predictions is taken in whole, with
    a limit of its own, up to a bound: in a limit shared by all kinds the one that moves the score
    most takes up what all are allowed. Any other kind is followed from weak to strong until the
    prediction of more than ``MAX_CHANGED`` of the pictures so far has changed; all of these share
    one limit, so that none of them widens the gate much. So do all kinds where the head calls every
    picture alike: then no prediction can change, whatever a variation does.

    Args:
        variations: The varied pictures.
        before: bool ``n``, whether each training picture is called positive out of fold.
        after: bool ``m``, the same of the varied ones.

    Returns:
        bool ``m``, those taken in; and bool ``m`` for each limit, the pictures that set it.
    """
    changed = after != before[variations.of]
    part = np.minimum((variations.strength * PARTS).astype(np.int64), PARTS - 1)
    shared = np.zeros(len(changed), np.bool_)
    kept, own = shared.copy(), []
    tells = before.any() and not before.all()
    for kind in range(len(variations.names)):
        mine = variations.kind == kind
        if tells and mine.any() and changed[mine].mean() <= MAX_CHANGED_HARMLESS:
            kept |= mine
            own.append(mine)
        else:
            shared |= _preserving_part(mine, part, changed)
    return kept | shared, (*own, shared)


def _preserving_part(
    mine: NDArray[np.bool_], part: NDArray[np.int64], changed: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return the pictures of a kind up to the strength at which too many predictions change."""
    kept = np.zeros_like(mine)
    for last in range(PARTS):
        so_far = mine & (part <= last)
        if so_far.any() and changed[so_far].mean() > MAX_CHANGED:
            break
        kept = so_far
    return kept


def extend_measures(
    measures: Mapping[str, F64], variations: VariedFeatures | None
) -> Mapping[str, F64]:
    """Return the measures of the training pictures, of their variations, and at both ends.

    The smallest value of the training pictures plus the largest decrease by a variation is in range
    too, and likewise upwards: pictures at the end of a range are rarely the ones varied most.

    Args:
        measures: Quality measure to float64 ``n``, of the training pictures.
        variations: Those whose label is preserved, if any.
    """
    if not variations or not len(variations.of):
        return measures
    return {
        name: _with_ends(own, variations.measures[name], variations.of)
        for name, own in measures.items()
    }


def _with_ends(own: F64, varied: F64, of: NDArray[np.int64]) -> F64:
    change = varied - own[of]
    ends = [own.min() + min(change.min(), 0.0), own.max() + max(change.max(), 0.0)]
    return np.concatenate([own, varied, ends])
