"""Whoever watches a stream that does not change is rarely alarmed; a change is found in time."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import beta, binom, kstest

from core.decision import martingales, monitoring
from core.decision.drift import BASELINE, CategoryStream, NumberStream
from core.decision.martingales import Martingale
from core.decision.monitoring import FoundPositive

DELTA = 0.05


def found(escapes, others, q=0.02):
    return [FoundPositive(True, q)] * escapes + [FoundPositive(False, q)] * others


def test_a_share_of_the_cases_found_and_an_escape_rate_are_each_others_inverse():
    # 1,000 positives, 50 escape, 2 % of these are drawn: 1 of 951 found is an audited escape.
    theta = monitoring.found_share(0.05, 0.02)
    assert theta == pytest.approx(1 / 951)
    assert monitoring.escape_rate(theta, 0.02) == pytest.approx(0.05)


def test_an_audited_escape_counts_for_the_cases_that_it_stands_for():
    mixed = [FoundPositive(True, 0.5), FoundPositive(True, 0.1), *found(0, 88, 0.5)]
    assert monitoring.estimate_escapes(mixed).value == pytest.approx(12 / 100)


def test_the_interval_of_equal_draws_is_exact():
    made = monitoring.estimate_escapes(found(3, 97, 0.1))
    low, high = beta.ppf(0.025, 3, 98), beta.ppf(0.975, 4, 97)
    assert made.low == pytest.approx(low / (0.1 * (1 - low) + low))
    assert made.high == pytest.approx(high / (0.1 * (1 - high) + high))
    assert made.value == pytest.approx(30 / 127)
    assert made.low < made.value < made.high


def test_the_interval_covers_the_escape_rate_as_often_as_it_states():
    rng, rate, q, n = np.random.default_rng(3), 0.08, 0.2, 120
    theta = monitoring.found_share(rate, q)
    runs = 2000
    hits = 0
    for k in rng.binomial(n, theta, runs):
        made = monitoring.estimate_escapes(found(int(k), n - int(k), q))
        hits += made.low <= rate <= made.high
    assert hits >= binom.ppf(1e-6, runs, 0.95)


def test_nothing_found_says_nothing():
    made = monitoring.estimate_escapes([])
    assert math.isnan(made.value)
    assert (made.low, made.high) == (0.0, 1.0)


def test_a_draw_that_never_happens_is_refused():
    with pytest.raises(ValueError, match="draw_probability"):
        FoundPositive(False, 0.0)


def test_the_factors_of_a_bet_have_mean_one_at_the_certified_rate():
    for alpha, q in ((0.05, 0.02), (0.2, 1.0)):
        theta = monitoring.found_share(alpha, q)
        hit, miss = (
            np.exp(monitoring.bet_on_escapes(FoundPositive(is_escape, q), alpha))
            for is_escape in (True, False)
        )
        assert theta * hit + (1 - theta) * miss == pytest.approx(np.ones(hit.size))


def test_the_factors_on_p_values_have_mean_one():
    def factor(p, bet):
        return float(np.exp(martingales.bet_on_both(p)[bet]))

    means = [quad(factor, 0, 1, args=(bet,), limit=500)[0] for bet in range(martingales.BOTH_BETS)]
    assert means == pytest.approx([1.0] * martingales.BOTH_BETS, abs=1e-3)


def wealth_paths(log_factors):
    """Return the log wealth of runs side by side, ``t runs``; log factors are ``t runs b``."""
    logs = np.full(log_factors.shape[1:], -np.inf)
    paths = []
    for number, factors in enumerate(log_factors):
        logs = martingales.step(logs, number, factors)
        paths.append(martingales.log_wealth(logs, number + 1))
    return np.array(paths)


def escape_factors(rng, rate, alpha, q, shape):
    hits = rng.random(shape) < monitoring.found_share(rate, q)
    bets = [monitoring.bet_on_escapes(FoundPositive(hit, q), alpha) for hit in (False, True)]
    return np.where(hits[..., None], bets[1], bets[0])


def test_false_alarms_are_at_most_delta_however_long_one_looks():
    rng, limit = np.random.default_rng(5), martingales.log_alarm(DELTA)
    most = binom.ppf(1 - 1e-6, 400, DELTA)
    escapes = wealth_paths(escape_factors(rng, 0.05, 0.05, 0.1, (800, 400)))
    assert (escapes.max(axis=0) >= limit).sum() <= most
    ood = wealth_paths(martingales.bet_on_small(rng.random((800, 400))))
    assert (ood.max(axis=0) >= limit).sum() <= most


def test_a_larger_change_is_found_sooner_and_all_are_found():
    rng, limit = np.random.default_rng(6), martingales.log_alarm(DELTA)
    delays = []
    for rate in (0.15, 0.3, 0.6):
        paths = wealth_paths(escape_factors(rng, rate, 0.05, 0.1, (1500, 100)))
        assert (paths.max(axis=0) >= limit).mean() > 0.95
        delays.append(np.median((paths >= limit).argmax(axis=0)))
    assert delays == sorted(delays, reverse=True)
    assert delays[-1] < 40


def test_a_long_quiet_time_costs_little():
    rng, limit = np.random.default_rng(7), martingales.log_alarm(DELTA)
    delays = []
    for quiet in (100, 2000):
        calm, changed = rng.random((quiet, 50)), rng.random((200, 50)) ** 3
        path = wealth_paths(martingales.bet_on_small(np.concatenate([calm, changed])))[quiet:]
        delays.append(np.median((path >= limit).argmax(axis=0)))
    assert 0 < delays[1] < delays[0] + 30


def test_a_martingale_says_the_same_step_by_step_and_after_a_restart():
    rng = np.random.default_rng(8)
    factors = martingales.bet_on_small(rng.random((50, 1)))
    whole = Martingale.fresh(martingales.SMALL_BETS)
    for one in factors[:, 0]:
        whole = Martingale.from_json(whole.after(one).to_json())
    assert whole.log == pytest.approx(wealth_paths(factors)[-1, 0])
    assert whole.steps == 50


def test_smoothed_p_values_of_exchangeable_values_are_uniform():
    rng = np.random.default_rng(9)
    counts, p = np.zeros(8, int), []
    for place in rng.binomial(7, 0.3, 3000):
        p.append(martingales.smoothed_p(counts, place, rng.random()))
        counts[place] += 1
    assert kstest(p, "uniform").pvalue > 1e-3


def test_mapies_monitor_of_a_risk_agrees_and_is_no_sooner():
    from mapie.exchangeability_testing import RiskMonitoring

    rng, limit = np.random.default_rng(10), martingales.log_alarm(DELTA)
    for rate, is_alarm in ((0.05, False), (0.4, True)):
        wrong = rng.random(300) < rate
        theirs = RiskMonitoring("accuracy", test_level=DELTA, threshold=0.1, warn=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs.update(np.ones(300, int), np.where(wrong, 0, 1))
        ours = monitoring.bet_against_rate([FoundPositive(bool(one), 1.0) for one in wrong], 0.1)
        bounds = np.asarray(theirs.online_risk_lower_bound_sequence_history)
        assert bool((bounds > 0.1).any()) == (max(ours) >= limit) == is_alarm
        if is_alarm:
            assert np.argmax(np.array(ours) >= limit) <= np.argmax(bounds > 0.1)


def test_mapies_martingale_agrees_on_the_same_p_values_and_is_no_sooner_after_a_quiet_time():
    from mapie.exchangeability_testing import OnlineMartingaleTest

    rng, limit, quiet = np.random.default_rng(11), martingales.log_alarm(DELTA), 2000
    delays = []
    for shape in (1.0, *[2.0] * 9):
        p = np.concatenate([rng.random(quiet), rng.random(300) ** shape])
        theirs = OnlineMartingaleTest(test_level=DELTA, warn=False)
        values = [theirs.update_simple_jumper_martingale(float(one)) for one in p]
        ours = wealth_paths(martingales.bet_on_small(p[:, None]))[:, 0]
        found = ours >= limit, np.array(values) >= 1 / DELTA
        assert [bool(one.any()) for one in found] == [shape > 1.0] * 2
        if shape > 1.0:
            delays.append([int(one.argmax()) - quiet for one in found])
    own, mapies = np.median(delays, axis=0)
    assert own <= mapies


def drift_peaks(make, runs, steps, seed):
    rng, peaks = np.random.default_rng(seed), []
    for _ in range(runs):
        stream = NumberStream()
        for number in range(steps):
            stream = stream.after(make(rng, number), rng.random())
        peaks.append(stream.martingale.peak)
    return np.array(peaks)


def test_a_feature_that_does_not_change_stays_quiet_and_one_that_does_is_found():
    limit = martingales.log_alarm(DELTA)
    calm = drift_peaks(lambda rng, number: rng.normal(), 40, BASELINE + 200, 12)
    assert (calm >= limit).sum() <= binom.ppf(1 - 1e-6, 40, DELTA)
    darker = drift_peaks(
        lambda rng, number: rng.normal() - 2.0 * (number >= BASELINE + 100), 10, BASELINE + 200, 13
    )
    assert (darker >= limit).all()


def test_a_feature_that_was_constant_is_found_to_change():
    stream = NumberStream()
    for number in range(BASELINE + 100):
        stream = stream.after(95.0 if number < BASELINE + 60 else 60.0, 0.5)
    assert stream.martingale.peak > martingales.log_alarm(DELTA)
    assert NumberStream.from_json(stream.to_json()) == stream


def test_another_camera_is_found():
    stream = CategoryStream({})
    for number in range(BASELINE + 100):
        name = "Other 5" if number >= BASELINE + 60 else f"Canon {number % 2}"
        stream = stream.after(name, 0.5)
        if number == BASELINE + 59:
            assert stream.martingale.peak < 1.0
    assert stream.martingale.peak > martingales.log_alarm(DELTA)
    assert CategoryStream.from_json(stream.to_json()) == stream
