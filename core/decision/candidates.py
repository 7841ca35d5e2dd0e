"""Whether a more costly candidate is kept: only where it predicts clearly better out of fold.

Each of several candidates may look better by chance, and the least of several losses is biased
down (selection bias). So they are tried in a fixed order, each against the one kept so far by a
paired one-sided t-test over groups, and the chance ``ALPHA`` of a mistake is shared among all of
them. The share of one that is kept goes to the next (the fallback procedure of Wiens,
Pharmaceutical Statistics 2, 2003): where none is better than the simplest, that one is kept in all
but ``ALPHA`` of the cases.

The split into folds moves a loss too, so a candidate is compared by repeated cross-validation, each
picture by the mean of its losses. The folds share most of their training pictures, so that their
gains are correlated and the plain standard error is too small; it is corrected as by
Nadeau and Bengio, Machine Learning 52 (2003): with k folds the variance counts ``1 + k / (k - 1)``
times. That holds for several repeats too: all of them share the training pictures.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy  # special functions take a tenth of a second: loaded by their first use
from numpy.typing import NDArray

from core.decision.calibration import is_clearly_less
from core.types import F64

ALPHA = 0.10
FOLDS = 5
REPEATS = 4
_MAX_SHIFT = 1.5  # standard errors; further repeats hardly ever move a gain so far


def next_level(kept: Sequence[bool], weights: Sequence[float]) -> float:
    """Return the level at which the next candidate is tested.

    Args:
        kept: Of each candidate before, whether it was kept.
        weights: Of each candidate in order, its weight in sharing ``ALPHA``.
    """
    shares = ALPHA * np.array(weights, np.float64) / np.sum(weights)
    level = float(shares[0])
    for was_kept, share in zip(kept, shares[1:], strict=False):
        level = float(share) + (level if was_kept else 0.0)
    return level


def is_better(
    losses: F64, than: F64, members: NDArray[np.intp], level: float, folds: int = FOLDS
) -> bool:
    """Return whether a candidate's losses are less than those of the one kept so far.

    Args:
        losses: float64 ``r n``, a row a repeat, out of ``folds`` folds.
        than: float64 ``r n``, of the same pictures in the same repeats by the one kept so far.
        members: int ``n``, the number of each picture's group.
        level: The chance of a mistake that is allowed, from ``next_level``.
        folds: Number of folds of each repeat.
    """
    errors = _errors(members, level, folds)
    return is_clearly_less(losses.mean(axis=0), than.mean(axis=0), members, errors)


def is_undecided(losses: F64, than: F64, members: NDArray[np.intp], level: float) -> bool:
    """Return whether more repeats may still show that a candidate is better.

    Args:
        losses: float64 ``n``, of one repeat.
        than: float64 ``n``, of the same pictures by the one kept so far.
        members: int ``n``, the number of each picture's group.
        level: The chance of a mistake that is allowed.
    """
    return is_clearly_less(losses, than, members, _errors(members, level, FOLDS) - _MAX_SHIFT)


def can_be_improved(
    losses: F64, members: NDArray[np.intp], level: float, folds: int = FOLDS
) -> bool:
    """Return whether a candidate without any loss would be better; else it need not be tried.

    Args:
        losses: float64 ``r n``, a row a repeat, of the one kept so far.
        members: int ``n``, the number of each picture's group.
        level: The chance of a mistake that is allowed to the candidate.
        folds: Number of folds of each repeat of the candidate.
    """
    return is_better(np.zeros_like(losses), losses, members, level, folds)


def _errors(members: NDArray[np.intp], level: float, folds: int) -> float:
    """Return by how many plain standard errors losses are to be less; infinite for one group."""
    groups = np.unique(members).size
    if groups < 2:
        return float("inf")
    shared = 1.0 + folds / (folds - 1)
    return float(
        scipy.special.stdtrit(groups - 1, 1.0 - level) * (shared * groups / (groups - 1)) ** 0.5
    )
