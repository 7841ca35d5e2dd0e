"""The promise itself, measured: how often recalibration breaks it on a known population."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta, binom

from core.decision.policy import Cases, certify
from core.types import Ceiling, Targets

RUNS = 500
CONFIDENCE = 0.90
# Positive groups: 4 % blurred (always deferred), the rest Beta(3, 1.5); negatives Beta(1.5, 4).
BLURRED = 0.04


def draw(n, rng):
    positive = rng.random(n) < 0.4
    return Cases(
        np.where(positive, rng.beta(3, 1.5, n), rng.beta(1.5, 4, n)),
        np.ones(n),
        rng.random(n) >= BLURRED,
        positive,
        np.arange(n).astype(str),
    )


def escape_rate(t_neg):
    """Give the rate among positives that pass the gates, which the certificate is about."""
    return 0.0 if t_neg is None else beta.cdf(t_neg, 3, 1.5)


def overkill_rate(t_pos):
    return 0.0 if t_pos is None else beta.sf(t_pos, 1.5, 4)


def allowed_violations():
    """Give the count that a procedure at exactly 10 % passes in all but one in 100,000 tests."""
    return int(binom.ppf(1 - 1e-5, RUNS, 1 - CONFIDENCE))


@pytest.mark.parametrize("alpha", [0.05, 0.15])
def test_the_certified_rates_hold_in_as_many_recalibrations_as_promised(alpha):
    rng = np.random.default_rng(11)
    oof = draw(400, rng)
    targets = Targets(escape=alpha, overkill=alpha, confidence=CONFIDENCE)
    made = [certify(draw(300, rng), oof, targets, bundle="b") for _ in range(RUNS)]
    assert sum(escape_rate(p.t_neg) > alpha for p in made) <= allowed_violations()
    assert sum(overkill_rate(p.t_pos) > alpha for p in made) <= allowed_violations()
    assert np.mean([p.escape.certified for p in made]) > 0.9


def test_a_limit_without_the_bound_breaks_the_same_promise_half_the_time():
    rng = np.random.default_rng(11)
    broken = 0
    for _ in range(RUNS):
        cal = draw(300, rng)
        p = np.sort(cal.positive_probability[cal.positive & cal.gates_passed])
        naive = p[int(0.05 * cal.positive.sum()) - 1]
        broken += escape_rate(naive) > 0.05
    assert broken > 2 * allowed_violations()


def test_the_certificate_of_a_review_budget_holds_as_often_as_promised():
    rng = np.random.default_rng(5)
    targets = Targets(review_budget=0.3, confidence=CONFIDENCE)
    made = [certify(draw(200, rng), draw(150, rng), targets, bundle="b") for _ in range(RUNS)]
    assert sum(escape_rate(p.t_neg) > p.escape.alpha for p in made) <= allowed_violations()
    assert sum(overkill_rate(p.t_pos) > p.overkill.alpha for p in made) <= allowed_violations()


@pytest.mark.parametrize("n", [150, 500])
def test_the_best_of_seven_review_budgets_keeps_its_promise(n):
    """Seven budgets are certified on the same cases and the most pleasing policy is kept."""
    rng, broken = np.random.default_rng(3), 0
    budgets = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4)
    for _ in range(RUNS):
        cal, oof = draw(n, rng), draw(200, rng)
        made = [
            certify(
                cal,
                oof,
                Targets(review_budget=budget, confidence=CONFIDENCE),
                bundle="b",
                ceiling=Ceiling(bound=0.9, groups=1),
                attempt=attempt,
            )
            for attempt, budget in enumerate(rng.permutation(budgets).tolist(), 1)
        ]
        kept = min(made, key=lambda p: p.escape.bound + 0.2 * p.deferred)
        broken += escape_rate(kept.t_neg) > kept.escape.bound
    assert broken <= allowed_violations()


def test_groups_of_alike_images_are_what_the_promise_counts():
    """Images of a group share one score here; counting images would understate the bound."""
    rng = np.random.default_rng(8)
    oof = draw(400, rng)
    targets = Targets(escape=0.15, overkill=0.15, confidence=CONFIDENCE)
    broken = 0
    for _ in range(RUNS):
        one = draw(100, rng)
        many = Cases(*(np.repeat(getattr(one, name), 5) for name in Cases.__dataclass_fields__))
        broken += escape_rate(certify(many, oof, targets, bundle="b").t_neg) > 0.15
    assert broken <= allowed_violations()
