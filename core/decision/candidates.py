"""Whether a dearer candidate is kept: only where it predicts clearly better out of fold.

Each of several candidates may look better by chance, and the one with the least loss is chosen for
its luck too. So they are tried from simple to dear, each against the one kept so far by a paired
one-sided t-test over groups, and the chance of a mistake is shared among all of them (Bonferroni):
where none is better than the simplest, that one is kept in all but ``ALPHA`` of the cases.

The folds share most of what they learned from, so that their gains go up and down together and the
plain standard error is too small; it is corrected as by Nadeau and Bengio, Machine Learning 52
(2003): with k folds the variance counts ``1 + k / (k - 1)`` times.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from core.decision.calibration import clearly_less
from core.types import F64

ALPHA = 0.05
FOLDS = 5
_SHARED = 1.0 + FOLDS / (FOLDS - 1)


def is_better(losses: F64, than: F64, members: NDArray[np.intp], tried: int) -> bool:
    """Return whether a candidate's losses are less than those of the one kept so far.

    Args:
        losses: float64 ``n``, out of ``FOLDS`` folds.
        than: float64 ``n``, of the same pictures by the one kept so far.
        members: int ``n``, the number of each picture's group.
        tried: How many candidates are tried in all.
    """
    groups = np.unique(members).size
    if groups < 2:
        return False
    widened = (_SHARED * groups / (groups - 1)) ** 0.5
    errors = float(t.ppf(1.0 - ALPHA / tried, groups - 1)) * widened
    return clearly_less(losses, than, members, errors)


def can_be_bettered(losses: F64, members: NDArray[np.intp], tried: int) -> bool:
    """Return whether a candidate without any loss would be better; else none need be tried."""
    return is_better(np.zeros_like(losses), losses, members, tried)
