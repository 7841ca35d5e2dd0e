"""Nelson's rules mark what he drew, and nothing but chance's share of a process in control."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from domains.parts.station.spc import nelson
from domains.parts.station.spc.nelson import RULES

# One pattern for each rule, as Nelson's figure draws it, with the place that ends it.
PATTERNS = {
    1: ([0.5, -3.1, 0.2], [1]),
    2: ([0.5, -0.4, *[0.6, 0.2, 1.1, 0.3, 0.8, 0.5, 0.1, 0.9, 0.4]], [10]),
    3: ([0.5, -1.0, -0.8, -0.1, 0.2, 0.9, 1.4, 0.3], [6]),
    4: ([0.1, *[0.5, -0.5] * 7], [13, 14]),
    5: ([0.0, 2.2, 0.5, 2.1, 0.0], [3]),
    6: ([0.0, 1.2, 1.4, 0.3, 1.1, 1.9, -0.2], [5]),
    7: ([1.5, *[0.3, -0.6, 0.1] * 5], [15]),
    8: ([0.2, 1.5, -1.2, 1.4, 1.3, -1.7, 1.1, -1.1, 1.2, 0.1], [8]),
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.number))
def test_a_rule_marks_its_own_pattern_where_it_ends(rule):
    points, marked = PATTERNS[rule.number]
    assert np.flatnonzero(rule.mark(np.array(points))).tolist() == marked


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.number))
def test_one_point_less_is_no_pattern(rule):
    points, marked = PATTERNS[rule.number]
    assert not rule.mark(np.array(points[: marked[0]])).any()


def test_rule_8_needs_points_on_both_sides():
    assert not nelson.eight_outside_one_sigma(np.full(12, 1.5)).any()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.number))
def test_the_false_alarm_rate_is_the_published_one(rule):
    """The stated rates follow from the normal law, and a simulation of 500,000 points meets them.

    Closed forms with p = P(Z > k): rule 1 2p(3); 2 2 x 0.5^9; 3 2/6!; 4 2E(14)/14! with the Euler
    number E(14) = 199,360,981; 5 2(3p(2)^2(1-p(2)) + p(2)^3); 6 2(5p(1)^4(1-p(1)) + p(1)^5);
    7 (1-2p(1))^15; 8 (2p(1))^8 less 2p(1)^8.
    """
    p1, p2, p3 = (math.erfc(k / math.sqrt(2)) / 2 for k in (1, 2, 3))
    closed = {
        1: 2 * p3,
        2: 2 * 0.5**9,
        3: 2 / math.factorial(6),
        4: 2 * 199_360_981 / math.factorial(14),
        5: 2 * (3 * p2**2 * (1 - p2) + p2**3),
        6: 2 * (5 * p1**4 * (1 - p1) + p1**5),
        7: (1 - 2 * p1) ** 15,
        8: (2 * p1) ** 8 - 2 * p1**8,
    }[rule.number]
    assert rule.false_alarm == pytest.approx(closed, abs=5.1e-6)
    points = np.random.default_rng(12).standard_normal(500_000)
    # Marks come in clumps: their count varies several times as much as independent ones would.
    spread = 5 * math.sqrt(4 * closed / points.size)
    assert rule.mark(points).mean() == pytest.approx(closed, abs=spread)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.number))
@given(z=arrays(np.float64, st.integers(0, 40), elements=st.floats(-4, 4, width=16)))
def test_a_rule_looks_back_only_and_sees_both_sides_alike(rule, z):
    marked = rule.mark(z)
    assert marked.shape == z.shape
    assert (rule.mark(-z) == marked).all()
    half = z.size // 2
    assert (rule.mark(z[:half]) == marked[:half]).all()


@pytest.mark.parametrize("rule", RULES[1:], ids=lambda rule: str(rule.number))
def test_a_missing_point_breaks_a_pattern(rule):
    points, marked = PATTERNS[rule.number]
    broken = np.array(points[: marked[0] + 1])
    # The pattern's points but for the last: rules 5 and 6 leave one of theirs free.
    broken[{5: 1, 6: 2}.get(rule.number, marked[0] - 1)] = np.nan
    assert not rule.mark(broken).any()
