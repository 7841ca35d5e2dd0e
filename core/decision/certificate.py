"""Exact bounds on error rates."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy  # special functions take a tenth of a second: loaded by their first use
from numpy.typing import NDArray

from core.types import F64, Ceiling, Certificate

RATES = (0.05, 0.02, 0.01, 0.005, 0.001)
NEVER = -1
_MOST = 2**53  # group counts beyond this are no longer exact as floats


def upper_bound(k: int, n: int, confidence: float) -> float:
    """Return the upper bound of a rate after k errors in n groups (one-sided Clopper-Pearson).

    Source: Clopper and Pearson, Biometrika 26 (1934). Exact: the rate at which k errors or fewer
    have probability ``1 - confidence``.

    Args:
        k: Groups with an error, 0 to n.
        n: Groups seen.
        confidence: Probability, inside (0, 1), with which the bound covers the rate.

    Returns:
        The bound; 1.0 when n = 0 or k = n.

    Raises:
        ValueError: k is not within 0 to n, or the confidence not inside (0, 1).
    """
    _check(k, n, confidence)
    return 1.0 if k == n else float(scipy.special.betaincinv(k + 1, n - k, confidence))


def interval(k: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the two-sided Clopper-Pearson interval of a rate as (low, high).

    Args:
        k: Groups counted, 0 to n.
        n: Groups seen; (0.0, 1.0) is returned for none.
        confidence: Probability, inside (0, 1), with which the interval covers the rate.

    Raises:
        ValueError: k is not within 0 to n, or the confidence not inside (0, 1).
    """
    _check(k, n, confidence)
    tail = (1.0 - confidence) / 2.0
    low = 0.0 if k == 0 else float(scipy.special.betaincinv(k, n - k + 1, tail))
    high = 1.0 if k == n else float(scipy.special.betaincinv(k + 1, n - k, 1.0 - tail))
    return low, high


def _check(k: int, n: int, confidence: float) -> None:
    if not 0 <= k <= n:
        raise ValueError(f"k: expected 0 to n = {n}, got {k}")
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence: expected inside (0, 1), got {confidence}")


def allowed_errors(n: int, alpha: float, confidence: float) -> int:
    """Return the largest k with ``upper_bound(k, n) <= alpha``; -1 when k = 0 is too many."""
    low, high = -1, n + 1
    while high - low > 1:
        middle = (low + high) // 2
        if upper_bound(middle, n, confidence) <= alpha:
            low = middle
        else:
            high = middle
    return low


def groups_needed(n: int, k: int, alpha: float, confidence: float) -> int:
    """Return how many further groups, all without an error, would certify ``alpha``.

    Returns:
        0 when it is certified already, -1 (``NEVER``) when no number would do, as for alpha = 0.
    """
    if upper_bound(k, n, confidence) <= alpha:
        return 0
    low, high = 0, 1
    while upper_bound(k, n + high, confidence) > alpha:
        low, high = high, 2 * high
        if high > _MOST:
            return NEVER
    while high - low > 1:
        middle = (low + high) // 2
        if upper_bound(k, n + middle, confidence) <= alpha:
            high = middle
        else:
            low = middle
    return high


def best_alpha(n: int, confidence: float) -> float:
    """Return the smallest rate that n error-free groups certify: ``1 - (1 - confidence)^(1/n)``."""
    return upper_bound(0, n, confidence)


def guarantee_table(
    confidence: float = 0.95, rates: tuple[float, ...] = RATES
) -> tuple[tuple[float, int], ...]:
    """Return for each rate how many groups without an error certify it."""
    return tuple((rate, groups_needed(0, 0, rate, confidence)) for rate in rates)


def certificate_at(
    kind: str,
    *,
    threshold: float | None,
    k: int,
    n: int,
    alpha: float,
    confidence: float,
    excluded: int = 0,
) -> Certificate:
    """Return what k errors in n groups certify about one limit.

    Args:
        kind: ``escape`` or ``overkill``.
        threshold: The limit on the positive probability; None says that nothing was certified.
        k: Groups on which the rule errs at that limit.
        n: Groups that the rate is counted over.
        alpha: The rate asked for.
        confidence: Inside (0, 1).
        excluded: Groups left out of n because the gates sent them to review.
    """
    bound = upper_bound(k, n, confidence)
    certified = threshold is not None and bound <= alpha
    return Certificate(
        kind=kind,
        alpha=float(alpha),
        confidence=float(confidence),
        n=int(n),
        k=int(k),
        bound=bound,
        certified=certified,
        threshold=float(threshold) if threshold is not None and certified else None,
        needed=groups_needed(n, k, alpha, confidence),
        best_alpha=best_alpha(n, confidence),
        excluded=int(excluded),
    )


def confidence_spent(confidence: float, attempt: int) -> float:
    """Return the confidence with which the ``attempt``-th certificate on the same cases must hold.

    The first is fixed before anything of these cases was seen and may err with probability
    ``delta = 1 - confidence``. The j-th may err with ``delta / (j (j - 1))``: these sum to delta
    over all j from 2 on, so that by the union bound all that come after the first together hold
    with ``confidence``, however many they are. Source: alpha spending, Lan and DeMets, Biometrika
    70 (1983), with the spending sequence of Foster and Stine, JRSS B 70 (2008).

    Raises:
        ValueError: The attempt is below 1 or the confidence not inside (0, 1).
    """
    if attempt < 1 or not 0.0 < confidence < 1.0:
        raise ValueError(
            f"confidence, attempt: expected inside (0, 1) and 1 or more, "
            f"got {confidence} and {attempt}"
        )
    return 1.0 - (1.0 - confidence) / max(1, attempt * (attempt - 1))


def groups_to_ceiling(certificate: Certificate, ceiling: Ceiling) -> int:
    """Return how many further groups without an error bring a bound under a ceiling.

    The bound is counted anew at the ceiling's confidence where the certificate's own is lower.

    Returns:
        0 when it lies under the ceiling already.
    """
    confidence = max(certificate.confidence, ceiling.confidence)
    more = groups_needed(certificate.n, certificate.k, ceiling.bound, confidence)
    return max(more, ceiling.groups - certificate.n, 0)


def certify_side(
    kind: str,
    candidates: F64,
    errors: NDArray[np.integer[Any]],
    *,
    n: int,
    alpha: float,
    confidence: float,
) -> Certificate:
    """Return the limit that fixed-sequence testing reaches before the first failure.

    Fixed-sequence testing keeps the probability of *any* wrong limit at ``1 - confidence`` without
    dividing it, because the order does not depend on the cases that are counted. Source:
    Angelopoulos et al., Learn then Test, arXiv 2110.01052, section 3.2.

    Args:
        kind: ``escape`` or ``overkill``.
        candidates: float64 ``c``, at least one, from the most careful on.
        errors: int ``c``, groups on which the rule errs at each candidate.
        n: Groups that the rate is counted over.
        alpha: The rate asked for.
        confidence: Inside (0, 1).

    Returns:
        The certificate of the last candidate before the first failure; where the most careful one
        already fails, an uncertified one with k counted there.

    Raises:
        ValueError: There is no candidate, or the two arrays differ in shape.
    """
    if candidates.ndim != 1 or candidates.size == 0 or errors.shape != candidates.shape:
        raise ValueError(
            f"candidates, errors: expected equal (c,) with c > 0, "
            f"got {candidates.shape} and {errors.shape}"
        )
    failed = errors > allowed_errors(n, alpha, confidence)
    passed = int(np.argmax(failed)) if failed.any() else candidates.size
    last = max(passed - 1, 0)
    return certificate_at(
        kind,
        threshold=float(candidates[last]) if passed else None,
        k=int(errors[last]),
        n=n,
        alpha=alpha,
        confidence=confidence,
    )
