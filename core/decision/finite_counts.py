"""Exact bounds on how many of a finite number are hits, after some of them were looked at."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy  # special functions take a tenth of a second: loaded by their first use

from core.types import F64

_ROUNDING = 1e-9


@lru_cache(maxsize=4096)
def count_interval(k: int, n: int, total: int, tail: float = 0.025) -> tuple[int, int]:
    """Return the fewest and the most hits among ``total`` that k hits in a random n allow.

    Exact for n drawn without replacement (hypergeometric), so that nothing is left open once all
    are looked at. Source: Wright, Exact Confidence Bounds when Sampling from Small Finite
    Universes (1991).

    Args:
        k: Hits among those looked at.
        n: Looked at, drawn at random from all.
        total: All of them.
        tail: Probability left out on either side.

    Raises:
        ValueError: Not ``0 <= k <= n <= total``, or the tail not inside (0, 0.5).
    """
    if not 0 <= k <= n <= total or not 0.0 < tail < 0.5:
        raise ValueError(
            f"expected 0 <= k <= n <= total and a tail inside (0, 0.5), got {k}, {n}, {total}, "
            f"{tail}"
        )
    tail *= 1.0 - _ROUNDING  # a count whose probability is the tail itself stays possible
    fewest, most = k, total - (n - k)
    low, high = fewest - 1, most
    while high - low > 1:
        middle = (low + high) // 2
        if 1.0 - _at_most(k - 1, n, total, middle) > tail:
            high = middle
        else:
            low = middle
    lowest = high
    low, high = fewest, most + 1
    while high - low > 1:
        middle = (low + high) // 2
        if _at_most(k, n, total, middle) > tail:
            low = middle
        else:
            high = middle
    return lowest, low


def _at_most(k: int, n: int, total: int, hits: int) -> float:
    """Return the probability of k hits at most in n of a total that holds so many."""
    found = np.arange(max(0, n - (total - hits)), min(k, hits, n) + 1, dtype=np.float64)
    if not found.size:
        return 0.0
    logs = _choose(hits, found) + _choose(total - hits, n - found) - _choose(total, np.array([n]))
    return float(min(1.0, np.exp(scipy.special.logsumexp(logs))))


def _choose(n: int, k: F64) -> F64:
    chosen: F64 = (
        scipy.special.gammaln(n + 1.0)
        - scipy.special.gammaln(k + 1.0)
        - scipy.special.gammaln(n - k + 1.0)
    )
    return chosen
