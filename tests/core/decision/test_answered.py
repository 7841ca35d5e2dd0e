"""Answers that a biased draw brought, weighed until they stand for all cases."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from core.decision.answered import count_unrepresented, weigh_answers
from core.decision.back_test import CALLS_OUT, DEFERS, PASSES, PastVerdicts
from core.decision.cluster_intervals import share_interval
from core.report.curves import risk_coverage
from core.report.reliability import reliability

N = 20_000


def judged(seed=0, n=N):
    """Cases at two sites, the probabilities of one far too low, of which the audit draws fewer.

    Returns the cases as they are known, and what each truly is.
    """
    rng = np.random.default_rng(seed)
    site = rng.random(n) < 0.5
    p = rng.beta(0.5, 1.0, n)
    positive = rng.random(n) < np.where(site, p, np.sqrt(p))
    given = np.select([p < 0.3, p < 0.7], [PASSES, DEFERS], CALLS_OUT).astype(np.int8)
    q = np.where(site, 0.5, 0.1)
    drawn = (given == PASSES) & (rng.random(n) < q)
    opened = (given == PASSES) & positive & (rng.random(n) < 0.3)  # by who was looking for escapes
    waits = (given != PASSES) & (rng.random(n) < np.where(given == DEFERS, 0.9, 0.2))
    answer = np.where(drawn | opened | waits, np.where(positive, CALLS_OUT, PASSES), -1)
    past = PastVerdicts(
        positive_probability=p,
        ood_p=np.ones(n),
        good_p=np.ones(n),
        gates_passed=np.ones(n, bool),
        verdict=given,
        case=np.arange(n),
        case_id=np.array([f"c{number:05}" for number in range(n)]),
        answer=answer.astype(np.int8),
        is_drawn=drawn,
        is_hidden=drawn & (answer < 0),
        audit_probability=np.where(given == PASSES, q, np.nan),
    )
    return past, positive


def test_each_answer_stands_for_its_share_of_what_it_was_drawn_from():
    past, _ = judged()
    weight = weigh_answers(past)
    passed = past.given == PASSES
    assert not weight[passed & ~past.is_drawn].any()
    assert not weight[past.answer < 0].any()
    # 1/q but for the luck of the draw, which the known counts take out.
    for q in (0.1, 0.5):
        own = passed & (past.audit_probability == q)
        assert weight[own].sum() == pytest.approx(own.sum())
        assert weight[own & past.is_drawn] == pytest.approx(1 / q, rel=0.1)
    for verdict in (DEFERS, CALLS_OUT):
        assert weight[past.given == verdict].sum() == pytest.approx((past.given == verdict).sum())
    assert count_unrepresented(past) == 0
    nobody = replace(past, answer=np.where(passed, -1, past.answer).astype(np.int8))
    assert count_unrepresented(nobody) == passed.sum()


def test_weighed_curves_are_those_of_all_cases_and_bare_ones_are_not():
    past, positive = judged()
    weight = weigh_answers(past)
    mine = np.flatnonzero(weight)
    p, truth, own = past.case_probability[mine], positive[mine], weight[mine]
    found = reliability(p, truth, own)
    every = reliability(past.case_probability, positive)  # bins compared with scikit-learn's
    chosen = np.flatnonzero(past.answer >= 0)
    bare = reliability(past.case_probability[chosen], positive[chosen])
    observed = np.interp(every.stated, found.stated, found.observed)
    assert np.abs(observed - every.observed).mean() < 0.02
    # Whoever opens a case looks for errors: without weights that tells another story.
    assert abs(found.error - every.error) < 0.01 < abs(bare.error - every.error) / 2

    risk = risk_coverage(p, truth, mine, float(own.sum()), own)
    every_one = np.arange(N)
    all_cases = risk_coverage(past.case_probability, positive, every_one, N)
    expected = np.interp(risk.x, all_cases.x, all_cases.y)
    late = risk.x > 0.1
    assert np.abs(risk.y - expected)[late].max() < 0.02
    unweighed = risk_coverage(past.case_probability[chosen], positive[chosen], chosen, chosen.size)
    assert unweighed.y[-1] - all_cases.y[-1] > 0.05
    assert ((risk.low <= expected) & (expected <= risk.high))[late].mean() > 0.9


def test_weights_are_as_if_each_case_stood_there_so_many_times():
    rng = np.random.default_rng(1)
    p = rng.random(400).round(2)
    truth, times = rng.random(400) < p, rng.integers(1, 5, 400)
    found, repeated = (
        reliability(p, truth, times.astype(float)),
        reliability(np.repeat(p, times), np.repeat(truth, times)),
    )
    np.testing.assert_allclose(found.stated, repeated.stated)
    np.testing.assert_allclose(found.observed, repeated.observed)
    assert found.error == pytest.approx(repeated.error)
    # The band is of 400 outcomes, not of as many as they stand for.
    assert (found.high - found.low).mean() > 1.2 * (repeated.high - repeated.low).mean()
    curve = risk_coverage(p, truth, np.arange(400), float(times.sum()), times.astype(float))
    many = risk_coverage(
        np.repeat(p, times), np.repeat(truth, times), np.repeat(np.arange(400), times), times.sum()
    )
    np.testing.assert_allclose((curve.x, curve.y), (many.x, many.y))


def test_a_weighed_interval_holds_the_true_share_as_often_as_it_says():
    rng = np.random.default_rng(2)
    covered, runs = 0, 400
    for _ in range(runs):
        heavy = rng.random(300) < 0.3
        hit = rng.random(300) < np.where(heavy, 0.05, 0.25)
        weight = np.where(heavy, 7.0, 1.0)  # 0.3 were drawn of 0.75 of all cases
        low, high = share_interval(hit, np.arange(300), weight)
        covered += low <= 0.75 * 0.05 + 0.25 * 0.25 <= high
    assert covered >= binom.ppf(1e-4, runs, 0.95)
