"""Policies for a review budget, and for targets that were chosen after a first result."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.decision.certificate import (
    NEVER,
    certificate_at,
    confidence_spent,
    groups_to_ceiling,
    upper_bound,
)
from core.decision.policy import certify, dispositions
from core.types import Ceiling, Targets
from tests.core.decision.policy_cases import (
    DEFER,
    cases,
    plain,
    population,
)


@pytest.mark.parametrize("budget", [0.12, 0.2, 0.5])
def test_a_review_budget_is_met_and_gives_an_honest_certificate(budget):
    cal, oof = population(4000, 0), population(3000, 1)
    policy = certify(cal, oof, Targets(review_budget=budget), bundle="b")
    assert np.mean(dispositions(oof, policy) == DEFER) <= budget
    assert policy.deferred == pytest.approx(budget, abs=0.03)
    for certificate in (policy.escape, policy.overkill):
        assert certificate.certified
        assert certificate.alpha == certificate.bound


def test_a_larger_review_budget_promises_smaller_errors():
    made = [
        certify(population(4000, 0), population(3000, 1), Targets(review_budget=b), bundle="b")
        for b in (0.12, 0.3, 0.6)
    ]
    for side in ("escape", "overkill"):
        bounds = [getattr(policy, side).bound for policy in made]
        assert bounds == sorted(bounds, reverse=True)
        assert bounds[-1] < bounds[0] / 3


def test_a_budget_that_the_gates_alone_exceed_gets_the_most_automation():
    cal = population(1000, 2)
    policy = certify(cal, cal, Targets(review_budget=0.0), bundle="b")
    gates = np.mean(~(cal.gates_passed & (cal.ood_p > 0.01)))
    assert policy.deferred == pytest.approx(gates)


def test_a_budget_certifies_no_side_that_cal_has_not_seen():
    oof, cal = population(500, 0), plain(np.linspace(0, 1, 50), np.zeros(50))
    policy = certify(cal, oof, Targets(review_budget=0.2), bundle="b")
    assert (policy.t_neg, policy.escape.certified, policy.escape.needed) == (None, False, 20)
    missing = certify(population(500, 0), cal, Targets(review_budget=0.2), bundle="b")
    assert (missing.t_neg, missing.escape.needed) == (None, NEVER)
    nothing = certify(oof, cases([]), Targets(review_budget=0.2), bundle="b")
    assert (nothing.t_neg, nothing.t_pos) == (None, None)


@pytest.mark.parametrize(("n", "more"), [(2, 18), (13, 7), (19, 1), (20, 0)])
def test_a_budget_buys_no_escape_rate_above_the_ceiling_nor_from_a_few_groups(n, more):
    p = np.concatenate([np.full(n, 0.9), np.full(60, 0.1)])
    cal = plain(p, p > 0.5)
    policy = certify(cal, plain([0.1, 0.9], [0, 1]), Targets(review_budget=0.15), bundle="b")
    assert (policy.escape.certified, policy.t_neg is None) == (more == 0, more > 0)
    assert policy.escape.needed == more
    assert policy.escape.bound == upper_bound(0, n, 0.95)
    assert policy.escape.alpha == (0.2 if more else policy.escape.bound)
    sterner = Ceiling(bound=0.1, groups=20)
    held_out = certify(
        cal, plain([0.1, 0.9], [0, 1]), Targets(review_budget=0.15), bundle="b", ceiling=sterner
    )
    assert (held_out.t_neg, held_out.escape.needed) == (None, 29 - n)


def test_a_bound_of_little_confidence_is_counted_anew_at_the_ceilings():
    bold = certificate_at("escape", threshold=0.1, k=1, n=40, alpha=0.1, confidence=0.2)
    assert bold.certified
    assert groups_to_ceiling(bold, Ceiling(bound=0.1, groups=30)) == 6  # 46 groups with one error
    assert groups_to_ceiling(replace(bold, k=0), Ceiling(bound=0.1, groups=30)) == 0


def test_each_later_certification_on_the_same_cases_must_hold_with_more_confidence():
    cal, oof = population(500, 1), population(500, 0)
    made = [certify(cal, oof, Targets(), bundle="b", attempt=j) for j in (1, 2, 3, 4)]
    sure = [policy.escape.confidence for policy in made]
    assert sure == pytest.approx([0.95, 1 - 0.05 / 2, 1 - 0.05 / 6, 1 - 0.05 / 12])
    assert [p.overkill.confidence for p in made] == sure
    limits = [policy.t_neg for policy in made]
    assert limits == sorted(limits, reverse=True)
    assert limits[-1] < limits[0]
    assert len({policy.id for policy in made}) == 4
    assert sum(1 - confidence_spent(0.95, j) for j in range(2, 10_000)) == pytest.approx(
        0.05, abs=1e-5
    )
