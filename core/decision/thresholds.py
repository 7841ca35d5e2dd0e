"""The two limits on the positive probability: chosen by certificate or by review budget."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace

import numpy as np
import scipy  # special functions take a tenth of a second: loaded by their first use

from core.decision.cases import Cases, Side, candidates, sides
from core.decision.certificate import (
    NEVER,
    certificate_at,
    certify_side,
    confidence_spent,
    groups_to_ceiling,
)
from core.decision.rule import judge
from core.types import F64, Ceiling, Certificate, Disposition, Targets

Limits = tuple[float | None, float | None]

_TINY = 1e-9


def certified_limits(
    cal: Cases, oof: Cases, targets: Targets, attempt: int = 1
) -> tuple[Certificate, Certificate]:
    """Return the widest limits that cal certifies at the rates asked for.

    Args:
        cal: Held-out cases; nothing was fitted on them.
        oof: Out-of-fold cases of the training set; they lay the grid of candidates alone.
        targets: The rates, without a review budget.
        attempt: How many targets were certified on cal, these included; it raises the confidence
            with which each must hold, as in ``certificate.confidence_spent``.

    Returns:
        Escape and overkill certificates with their limits, counted at those limits.
    """
    grid, confidence = candidates(oof), confidence_spent(targets.confidence, attempt)
    escape, overkill = sides(cal, targets.ood_alpha)
    t_neg, t_pos = resolve_overlap(
        _sequence(escape, grid, targets.escape, confidence),
        _sequence(overkill, grid[::-1], targets.overkill, confidence),
    )
    return (
        _at(escape, t_neg, targets.escape, confidence),
        _at(overkill, t_pos, targets.overkill, confidence),
    )


def _sequence(side: Side, grid: F64, alpha: float, confidence: float) -> float | None:
    found = certify_side(
        side.kind, grid, side.errors(grid), n=side.n, alpha=alpha, confidence=confidence
    )
    return found.threshold


def _at(side: Side, limit: float | None, alpha: float, confidence: float) -> Certificate:
    """Return the certificate at a limit, or at the most careful one if nothing was certified."""
    careful = 0.0 if side.sign > 0 else 1.0
    k = int(side.errors(np.array([careful if limit is None else limit]))[0])
    return certificate_at(
        side.kind,
        threshold=limit,
        k=k,
        n=side.n,
        alpha=alpha,
        confidence=confidence,
        excluded=side.excluded,
    )


def resolve_overlap(t_neg: float | None, t_pos: float | None) -> Limits:
    """Return two limits whose bands do not overlap, so that every image has one verdict.

    Both limits move to the conservative side of where they were certified: to the cut, which is 0.5
    or as near as the overlap allows. Negative iff ``p <= cut``, positive iff p is the next float
    up.
    """
    if t_neg is None or t_pos is None or t_neg < t_pos:
        return t_neg, t_pos
    cut = min(max(0.5, t_pos), t_neg)
    return cut, float(np.nextafter(cut, np.inf))


def budget_limits(
    cal: Cases, oof: Cases, targets: Targets, ceiling: Ceiling, attempt: int = 1
) -> tuple[Certificate, Certificate]:
    """Return the most careful limits that fit the review budget, certified at what they give.

    The limits come from oof alone: the smallest common rate whose plug-in limits defer no more
    than the budget there (or than the gates alone, where those already exceed it). A limit that is
    independent of cal is a single test on cal, so its bound needs no correction but for earlier
    attempts.

    Args:
        cal: Held-out cases.
        oof: Out-of-fold cases of the training set.
        targets: The budget, the confidence and the gate.
        ceiling: What the escape bound must lie under: a budget buys automation, never an escape
            rate that nobody would have asked for.
        attempt: As in ``certified_limits``.

    Returns:
        Escape and overkill certificates with ``alpha`` = the bound that cal gives. A side is not
        certified where cal bounds it by nothing less than 1 (one error-free group would do), where
        oof gives no limit (no group in cal would help) or, for escapes, where the bound lies above
        the ceiling, which ``alpha`` then is.
    """
    t_neg, t_pos = resolve_overlap(*_plug_in_for_budget(oof, targets))
    escape, overkill = sides(cal, targets.ood_alpha)
    confidence = confidence_spent(targets.confidence, attempt)
    return (
        _cap_at(_certify_given(_at(escape, t_neg, 1.0, confidence), t_neg), ceiling),
        _certify_given(_at(overkill, t_pos, 1.0, confidence), t_pos),
    )


def _cap_at(given: Certificate, ceiling: Ceiling) -> Certificate:
    more = groups_to_ceiling(given, ceiling)
    if given.needed == NEVER or more == 0:
        return given
    return replace(given, alpha=ceiling.bound, certified=False, threshold=None, needed=more)


def uncertified_limit(cal: Cases, oof: Cases, targets: Targets) -> float | None:
    """Return the ``t_neg`` at which the escapes among known cases stay within the rate asked for.

    Nothing is certified: this is for a person who lets pictures pass without a certificate. Where
    no positive is known, nothing limits it. Of all limits with as few escapes the one is taken that
    is as far from the positive that would be the next as from the case below it, in log odds: the
    highest of a few good cases would stop the many that lie a little above it.
    """
    known = [side for side in (sides(one, targets.ood_alpha)[0] for one in (cal, oof)) if side.n]
    if not known:
        return 1.0
    grid = np.unique(np.concatenate([candidates(oof), candidates(cal)]))
    is_within = np.logical_and.reduce([s.errors(grid) / s.n <= targets.escape for s in known])
    fits = int(np.count_nonzero(is_within))
    return _between(grid, fits) if fits else None


def _between(grid: F64, place: int) -> float:
    """Return the middle of two neighbours of a grid in log odds, the upper one left out."""
    if place == grid.size:
        return float(grid[-1])
    low, high = (
        float(scipy.special.logit(np.clip(p, _TINY, 1.0 - _TINY)))
        for p in grid[place - 1 : place + 1]
    )
    middle = float(scipy.special.expit((low + high) / 2.0))
    return middle if grid[place - 1] < middle < grid[place] else float(grid[place - 1])


def _certify_given(at_any_rate: Certificate, limit: float | None) -> Certificate:
    if limit is None:
        return replace(at_any_rate, certified=False, threshold=None, needed=NEVER)
    if at_any_rate.bound >= 1.0:
        return replace(at_any_rate, certified=False, threshold=None, needed=1)
    return replace(at_any_rate, alpha=at_any_rate.bound)


def _plug_in_for_budget(oof: Cases, targets: Targets) -> Limits:
    grid = candidates(oof)
    escape, overkill = sides(oof, targets.ood_alpha)
    shares = [side.errors(grid) / side.n for side in (escape, overkill) if side.n]
    if not shares:
        return None, None
    rates = np.unique(np.concatenate(shares)).tolist()

    def limits(rate: float) -> Limits:
        return _plug_in(escape, grid, rate), _plug_in(overkill, grid[::-1], rate)

    def share(rate: float) -> float:
        return deferral_rate(oof, targets.ood_alpha, *limits(rate))

    allowed = max(targets.review_budget or 0.0, share(rates[-1]))
    return limits(rates[bisect_left(rates, True, key=lambda rate: share(rate) <= allowed)])


def _plug_in(side: Side, grid: F64, rate: float) -> float | None:
    if side.n == 0:
        return None
    fits = int(np.count_nonzero(side.errors(grid) / side.n <= rate))
    return float(grid[fits - 1]) if fits else None


def deferral_rate(
    cases: Cases, ood_alpha: float, t_neg: float | None, t_pos: float | None
) -> float:
    """Return the share of images that two limits send to review; 1.0 for no image."""
    made = judge(cases.positive_probability, cases.reached(ood_alpha), t_neg, t_pos)
    return float(np.mean(made == Disposition.DEFER.value)) if made.size else 1.0
