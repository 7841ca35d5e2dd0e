"""Charts agree with published examples and alarm as often as they say."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, binom

from domains.parts.station.part import InspectedPart, Trigger
from domains.parts.station.result import LineReason, LineVerdict
from domains.parts.station.spc.control_charts import (
    EwmaChart,
    PChart,
    PChartLimits,
    exact_limits,
    line_rates,
    logit,
    sample,
    three_sigma_limits,
)

# Purchase orders with errors in weekly samples: Montgomery, Introduction to Statistical Quality
# Control, 6th edition, table 7.4 (p-bar = 234/2450 = 0.096; week 11 is beyond its limit).
ORDERS = np.fromstring(
    "100 80 80 100 110 110 100 100 90 90 110 120 120 120 110 80 80 80 90 100 100 100 100 90 90",
    np.intp,
    sep=" ",
)
ERRORS = np.fromstring(
    "12 8 6 9 10 12 11 16 10 6 20 15 9 8 6 8 10 7 5 8 5 8 10 6 9", np.intp, sep=" "
)


def test_three_sigma_limits_are_those_of_a_published_example():
    assert (ERRORS.sum(), ORDERS.sum()) == (234, 2450)
    # Montgomery draws limits for a share of 0.096: 0.184 / 0.007, 0.194 / 0, 0.180 / 0.012.
    low, high = three_sigma_limits(0.096, np.array([100, 80, 110]))
    assert high == pytest.approx([0.184, 0.195, 0.180], abs=6e-4)
    assert low == pytest.approx([0.008, 0.0, 0.012], abs=6e-4)
    _, upper = three_sigma_limits(234 / 2450, ORDERS)
    assert np.flatnonzero(upper < ERRORS / ORDERS).tolist() == [10]


def test_a_binomial_baseline_gets_exact_limits_and_says_why():
    chart = PChart.fit(ERRORS, ORDERS)
    assert chart.p == pytest.approx(234 / 2450)
    assert chart.limits_by is PChartLimits.EXACT
    assert "Exact binomial limits" in chart.reason
    assert f"p = {chart.dispersion_p:.2g}" in chart.reason
    assert not chart.is_provisional
    # Of 110 orders 21 may be wrong: week 11 with its 20, beyond three sigma, is not beyond chance.
    assert binom.sf(21, 110, chart.p) < 0.00135 < binom.sf(20, 110, chart.p)
    assert not chart.signals(ERRORS, ORDERS).any()
    assert chart.signals(np.array([21, 22]), np.array([110, 110])).tolist() == [False, True]


def test_an_overdispersed_baseline_gets_laneys_limits():
    """Shares that wander between 2 and 6 % in samples of 5,000: no binomial limit holds."""
    rng = np.random.default_rng(3)
    n = np.full(60, 5000)
    rejected = rng.binomial(n, rng.uniform(0.02, 0.06, n.size))
    chart = PChart.fit(rejected, n)
    assert chart.limits_by is PChartLimits.LANEY
    assert "varies more than binomial" in chart.reason
    # An independent reckoning of Laney's factor: individuals chart of the standardised shares.
    z = (rejected / n - chart.p) / math.sqrt(chart.p * (1 - chart.p) / 5000)
    ranges = [abs(z[i] - z[i - 1]) for i in range(1, z.size)]
    assert chart.sigma_z == pytest.approx(sum(ranges) / len(ranges) / 1.128)
    assert chart.sigma_z > 3.0
    assert not chart.signals(rejected, n).any()
    binomial = exact_limits(chart.p, n)
    assert ((rejected / n < binomial[0]) | (rejected / n > binomial[1])).mean() > 0.4
    assert chart.standardise(rejected, n).std() == pytest.approx(1.0, abs=0.25)


def test_a_binomial_baseline_is_taken_for_overdispersed_as_seldom_as_stated():
    """2,000 baselines of 25 samples of 200 parts, 10 % rejected: 1 %, the level of the test."""
    rng = np.random.default_rng(7)
    n = np.full(25, 200)
    charts = [PChart.fit(rng.binomial(n, 0.1), n) for _ in range(2000)]
    assert np.mean([chart.limits_by is PChartLimits.LANEY for chart in charts]) <= 0.015
    assert np.mean([chart.sigma_z > 1.0 for chart in charts]) > 0.3  # its factor alone would err


@given(p=st.floats(0.001, 0.999), n=st.integers(1, 400), side=st.sampled_from(["low", "high"]))
def test_exact_limits_are_crossed_by_chance_at_most_as_often_as_stated(p, n, side):
    low, high = (float(limit[0]) * n for limit in exact_limits(p, np.array([n])))
    if side == "high":
        assert binom.sf(round(high), n, p) <= 0.00135
        assert high == 0 or binom.sf(round(high) - 1, n, p) > 0.00135
    else:
        assert round(low) == 0 or binom.cdf(round(low) - 1, n, p) < 0.00135
        assert binom.cdf(round(low), n, p) >= 0.00135


def test_three_sigma_limits_alarm_ten_times_too_often_on_a_good_line():
    """The figure in the docstring of PChart: 100 parts, 0.5 %."""
    _, high = three_sigma_limits(0.005, np.array([100]))
    assert binom.sf(math.floor(high[0] * 100), 100, 0.005) / 0.00135 == pytest.approx(10.4, abs=0.1)


def test_a_baseline_without_an_error_is_no_proof_of_none():
    chart = PChart.fit(np.zeros(20, np.intp), np.full(20, 50))
    assert chart.p == 0.5 / 1000
    assert not chart.signals(np.array([1]), np.array([50])).any()
    assert chart.signals(np.array([2]), np.array([50])).all()


def test_run_rules_are_kept_from_samples_too_small_for_them():
    chart = PChart.fit(ERRORS, ORDERS)
    z = chart.standardise(np.array([0, 0, 20]), np.array([0, 30, 110]))
    assert np.isnan(z[:2]).all()
    assert z[2] == pytest.approx((20 / 110 - chart.p) / math.sqrt(chart.p * (1 - chart.p) / 110))


def test_an_empty_sample_does_not_signal_and_cannot_be_a_baseline():
    chart = PChart.fit(ERRORS, ORDERS)
    assert not chart.signals(np.array([0]), np.array([0])).any()
    with pytest.raises(ValueError, match="n >= 1"):
        PChart.fit(np.array([0, 1]), np.array([0, 5]))
    with pytest.raises(ValueError, match="m >= 2"):
        PChart.fit(np.array([1]), np.array([5]))


def test_parts_are_cut_into_samples_without_losing_one():
    rejected = np.array([1, 0, 0, 1, 1, 0, 0], bool)
    counts, n = sample(rejected, 3)
    assert counts.tolist() == [1, 2, 0]
    assert n.tolist() == [3, 3, 1]
    assert [part.size for part in sample(np.zeros(0, bool), 3)] == [0, 0]


def test_ewma_is_that_of_the_nist_handbook():
    """NIST/SEMATECH e-Handbook 6.3.2.4: target 50, s 2.0539, weight 0.3, limits 47.41 and 52.59."""
    values = (
        "52.0 47.0 53.0 49.3 50.1 47.0 51.0 50.1 51.2 50.5 "
        "49.6 47.6 49.9 51.3 47.8 51.2 52.6 52.4 53.6 52.1"
    )
    published = (
        "50.60 49.52 50.56 50.18 50.16 49.21 49.75 49.85 50.26 50.33 "
        "50.11 49.36 49.52 50.05 49.38 49.92 50.73 51.23 51.94 51.99"
    )
    chart = EwmaChart(50.0, 2.0539, weight=0.3, width=3.0)
    data = np.array(values.split(), float)
    assert chart.average(data) == pytest.approx(np.array(published.split(), float), abs=0.0051)
    low, high = chart.limits(1000)
    assert (low[-1], high[-1]) == pytest.approx((47.4115, 52.5884), abs=2e-4)
    assert not chart.signals(data).any()


def test_ewma_is_that_of_montgomerys_example():
    """Montgomery, 6th edition, table 9.10: weight 0.1, width 2.7, target 10, sigma 1."""
    values = (
        "9.45 7.99 9.29 11.66 12.16 10.18 8.04 11.46 9.20 10.34 9.03 11.47 10.51 9.40 10.08 9.37 "
        "10.62 10.31 8.52 10.84 10.90 9.33 12.29 11.50 10.60 11.08 10.38 11.62 11.31 10.52"
    )
    chart = EwmaChart(10.0, 1.0, weight=0.1, width=2.7)
    data = np.array(values.split(), float)
    averages = chart.average(data)
    assert averages[:5] == pytest.approx([9.945, 9.7495, 9.70355, 9.8992, 10.1253], abs=6e-5)
    assert averages[-1] == pytest.approx(10.6341, abs=6e-5)
    low, high = chart.limits(30)
    assert (low[0], high[0], low[1], high[1]) == pytest.approx((9.73, 10.27, 9.64, 10.36), abs=5e-3)
    assert (low[-1], high[-1]) == pytest.approx((9.38, 10.62), abs=5e-3)
    assert np.flatnonzero(chart.signals(data)).tolist() == [28, 29]


@pytest.mark.parametrize(("shift", "published"), [(0.0, 500.0), (1.0, 10.3)])
def test_ewma_alarms_as_seldom_and_finds_as_fast_as_published(shift, published):
    """Lucas and Saccucci, table 3: weight 0.1, width 2.814, with the limits of many points."""
    rng = np.random.default_rng(5)
    chart = EwmaChart(0.0, 1.0)
    limit = float(chart.limits(10_000)[1][-1])
    level, length, running = np.zeros(1500), np.zeros(1500), np.ones(1500, bool)
    while running.any() and length.max() < 6000:
        level = 0.9 * level + 0.1 * (rng.standard_normal(1500) + shift)
        length[running] += 1
        running &= np.abs(level) <= limit
    assert not running.any()
    assert length.mean() == pytest.approx(published, rel=0.08)


def test_a_level_that_never_moves_makes_no_chart():
    with pytest.raises(ValueError, match="two different values"):
        EwmaChart.fit(np.full(30, 0.2))
    fitted = EwmaChart.fit(np.array([1.0, 2.0, 3.0]))
    assert (fitted.mean, fitted.sd) == (2.0, 1.0)


def test_logit_is_finite_at_the_ends():
    assert logit(np.array([0.0, 0.5, 1.0])) == pytest.approx([-13.8155, 0.0, 13.8155], abs=1e-4)


def _part(number: int, *reasons: LineReason, challenge: str = "") -> InspectedPart:
    verdict = LineVerdict.because(*reasons) if reasons else LineVerdict.passed()
    trigger = Trigger(number, float(number), challenge=challenge)
    return InspectedPart(
        trigger, verdict, "", "product", (), 0.1, "", "", datetime(2026, 11, 29, tzinfo=UTC), 1
    )


def test_rates_leave_reference_parts_out_and_have_exact_intervals():
    parts = [_part(n) for n in range(17)]
    parts += [
        _part(17, LineReason.DEFECT),
        _part(18, LineReason.DEFECT),
        _part(19, LineReason.DISK),
    ]
    parts += [_part(20, LineReason.DEFECT, challenge="bad-1"), _part(21, challenge="good-1")]
    rates = line_rates(parts)
    assert (rates.passed.k, rates.failed.k, rates.stopped.k, rates.passed.n) == (17, 2, 1, 20)
    assert list(rates.by_reason) == [LineReason.DEFECT, LineReason.DISK]
    exact = (beta.ppf(0.025, 2, 19), beta.ppf(0.975, 3, 18))
    assert (rates.failed.low, rates.failed.high) == pytest.approx(exact)
    assert line_rates([]).passed.describe() == "none seen"
