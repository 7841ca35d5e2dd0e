"""A rate, its interval, and how it is written."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from core.decision.rate import Rate, percent_range, percentage


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_independent_cases_have_the_exact_binomial_interval(counts):
    k, n = counts
    rate = Rate.independent(k, n)
    exact = binomtest(k, n).proportion_ci(method="exact")

    assert (rate.low, rate.high) == pytest.approx((exact.low, exact.high), abs=1e-9)
    assert rate.value == k / n


def test_cases_in_groups_have_a_wider_interval_than_independent_ones():
    hit = np.repeat([True, False, False, True, False, False], 10)
    rate = Rate.from_groups(hit, np.repeat(np.arange(6), 10))
    alone = Rate.independent(20, 60)

    assert (rate.k, rate.n) == (20, 60)
    assert rate.low < alone.low < alone.high < rate.high
    single = Rate.from_groups(hit, np.arange(60))
    assert (single.low, single.high) == pytest.approx((alone.low, alone.high), abs=1e-9)


@pytest.mark.parametrize("given", [(5, 4, 0, 1), (-1, 4, 0, 1), (1, 4, 0.5, 0.2), (1, 4, 0, 1.2)])
def test_a_count_or_an_interval_that_cannot_be_is_refused(given):
    with pytest.raises(ValueError, match="expected 0 <= k <= n"):
        Rate(*given)


def test_it_comes_back_from_json():
    rate = Rate.independent(3, 40)
    assert Rate.from_json(json.loads(json.dumps(rate.to_json()))) == rate
    assert rate.to_json()["rate"] == 3 / 40


@pytest.mark.parametrize(
    ("rate", "written", "short"),
    [
        (Rate(1, 100, 0.0, 0.05), "1 % (1 of 100; 95 % interval 0 to 5 %)", "1 % (0 to 5 %)"),
        (
            Rate(5, 192, 0.008494, 0.059731),
            "2.6 % (5 of 192; 95 % interval 0.849 to 5.98 %)",
            "2.6 % (0.849 to 5.98 %)",
        ),
        (
            Rate(12_000, 12_000, 0.99969, 1.0),
            "100 % (12,000 of 12,000; 95 % interval 99.9 to 100 %)",
            "100 % (99.9 to 100 %)",
        ),
        (Rate(0, 0, 0.0, 1.0), "none seen", "–"),
    ],
)
def test_it_is_written_with_its_count_and_its_interval(rate, written, short):
    assert rate.describe() == written
    assert rate.describe_briefly() == short


def test_what_the_gates_held_back_is_named_beside_it():
    assert Rate(1, 100, 0.0, 0.05).describe(excluded=1200) == (
        "1 % (1 of 100; 95 % interval 0 to 5 %; 1,200 sent to review by the gates)"
    )
    assert Rate(0, 0, 0.0, 1.0).describe(excluded=3) == "none seen; 3 sent to review by the gates"


@given(st.floats(1e-9, 1), st.floats(1e-9, 1))
def test_a_written_interval_is_never_narrower_than_it_is(a, b):
    low, high = sorted((a, b))
    written = percent_range(low, high).removesuffix(" %").split(" to ")

    assert float(written[0]) / 100 <= low * (1 + 1e-8)
    assert float(written[1]) / 100 >= high * (1 - 1e-8)
    assert float(written[0]) / 100 >= low * 0.99
    assert float(written[1]) / 100 <= high * 1.01


def test_nothing_counted_is_a_dash():
    assert percentage(math.nan) == "–"
    assert percentage(1 / 3) == "33.3 %"
