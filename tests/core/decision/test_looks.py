"""Certificates on reviewed cases hold, over whole loops of review and recertification."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta

from core.decision.cases import Cases
from core.decision.looks import Look, last_look
from core.decision.thresholds import certified_limits
from core.types import Targets

ALPHA, DELTA, LOOPS = 0.1, 0.05, 1000
TARGETS = Targets(escape=ALPHA, overkill=ALPHA, confidence=1.0 - DELTA, ood_alpha=0.0)
OTHERS, DEFECTS = beta(2, 5), beta(5, 2)
LIMIT = float(DEFECTS.ppf(ALPHA))
"""A limit above this one lets more defects through than was asked for."""


def cases_of(p, positive):
    group = np.arange(p.size).astype(np.str_)
    ones = np.ones(p.size)
    return Cases(p, ones, ones.astype(np.bool_), positive, group)


def drawn_cases(rng, n):
    positive = rng.random(n) < 0.5
    return np.where(
        positive, DEFECTS.rvs(n, random_state=rng), OTHERS.rvs(n, random_state=rng)
    ), positive


def joined(own, p, positive):
    return cases_of(np.concatenate([own[0], p]), np.concatenate([own[1], positive]))


@pytest.fixture(scope="module")
def oof():
    return cases_of(*drawn_cases(np.random.default_rng(1), 400))


def test_looks_lie_at_sizes_that_are_fixed_beforehand():
    assert last_look(19) == Look(0, 0)
    assert [last_look(n) for n in (20, 29, 30, 44, 45)] == [
        Look(1, 20), Look(1, 20), Look(2, 30), Look(2, 30), Look(3, 45),
    ]  # fmt: skip
    assert Look(2, 30).following == Look(3, 45)
    assert last_look(10_000).number == 16
    # The certificate at the i-th size may err with delta / (i (i + 1)): delta in all.
    spent = [1 / (a * (a - 1)) for a in (Look(i, 0).least_attempt for i in range(1, 5000))]
    assert sum(spent) == pytest.approx(1.0, abs=1e-3)


def test_the_bound_holds_over_whole_loops_of_review_draw_and_recertification(oof):
    """Somebody looks at every size, and lets every policy decide what is reviewed from then on."""
    rng = np.random.default_rng(14)
    wrong = certified = 0
    for _ in range(LOOPS):
        own = drawn_cases(rng, 60)
        p, positive = drawn_cases(rng, 6000)
        drawn = rng.random(p.size) < 0.05
        t_neg = None
        kept: list[int] = []
        is_wrong = False
        for at in range(p.size):
            # Before anything is certified everything goes to a person, then what the draw chose.
            if t_neg is None or drawn[at]:
                kept.append(at)
                look = last_look(len(kept))
                if look.size == len(kept):
                    cal = joined(own, p[kept], positive[kept])
                    t_neg = certified_limits(cal, oof, TARGETS, look.least_attempt)[0].threshold
                    certified += t_neg is not None
                    is_wrong |= t_neg is not None and t_neg > LIMIT
            if len(kept) >= 160:
                break
        wrong += is_wrong
    # n = 1,000 loops, seed 14: no more than delta, and three standard errors of that count.
    assert wrong <= LOOPS * DELTA + 3 * np.sqrt(LOOPS * DELTA * (1 - DELTA))
    assert certified > LOOPS


def test_cases_seen_because_of_their_verdict_would_break_it(oof):
    """What passed is hardly among them, so escapes are: the reason why they do not count."""
    rng = np.random.default_rng(15)
    in_force = float(DEFECTS.ppf(0.3))  # a policy that lets three defects in ten through
    wrong = 0
    for _ in range(200):
        p, positive = drawn_cases(rng, 400)
        reviewed = (p > in_force) | (rng.random(p.size) < 0.05)
        cal = cases_of(p[reviewed], positive[reviewed])
        t_neg = certified_limits(cal, oof, TARGETS)[0].threshold
        wrong += t_neg is not None and t_neg > LIMIT
    assert wrong > 100


def test_certifying_whenever_it_looks_well_would_break_it(oof):
    rng = np.random.default_rng(16)
    wrong = 0
    for _ in range(100):
        p, positive = drawn_cases(rng, 400)
        limits = (
            certified_limits(cases_of(p[:n], positive[:n]), oof, TARGETS)[0].threshold
            for n in range(20, 400, 10)
        )
        wrong += any(t_neg is not None and t_neg > LIMIT for t_neg in limits)
    assert wrong > 100 * 0.12
