"""What a what-if says, word for word where a number has to be exact."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core.decision.back_test import Costs, ErrorEstimate, PolicyEffect
from core.decision.certificate import certificate_at, confidence_spent
from core.decision.rate import Rate
from core.packs import installed
from dashboard.present.what_if import (
    confidences_to_choose,
    describe_certifiable,
    describe_cost,
    describe_estimate,
    describe_flips,
    describe_window,
    rates_to_choose,
    what_if_rows,
)


def certificate(alpha, n=0, k=0, confidence=0.95, threshold=None):
    return certificate_at(
        "escape", threshold=threshold, k=k, n=n, alpha=alpha, confidence=confidence
    )


@pytest.mark.parametrize(
    ("alpha", "n", "missing"), [(0.05, 0, 59), (0.01, 0, 299), (0.05, 40, 19), (0.01, 298, 1)]
)
def test_how_many_more_defects_a_rate_needs_is_exact(alpha, n, missing):
    found = describe_certifiable(certificate(alpha, n), "escape", "defective parts", 0.95)
    assert found.startswith(f"Not certifiable: needs at least {missing} more defective parts, ")


def test_earlier_certifications_need_more_and_both_numbers_are_told_apart():
    later = certificate(0.05, confidence=confidence_spent(0.95, 3))
    found = describe_certifiable(later, "escape", "defective parts", 0.95)
    assert "needs at least 94 more" in found
    assert "59 more if these were the first targets tried on them" in found


def test_a_certified_rate_says_what_it_rests_on():
    found = describe_certifiable(
        certificate(0.05, 59, threshold=0.3), "escape", "defective parts", 0.95
    )
    assert found == "Certified: escape at most 5 %, 0 in 59 defective parts (bound 4.96 %)."


def test_an_error_nobody_looked_for_is_unknown():
    unknown = ErrorEstimate(known=0, value=None, low=0, high=50, total=50, looked_at=0)
    assert describe_estimate(unknown) == "0 known; of 50 nobody was asked: 0 to 50"
    measured = ErrorEstimate(known=2, value=10.0, low=3, high=31, total=100, looked_at=20)
    assert describe_estimate(measured) == "2 known; about 10, 3 to 31 (20 of 100 answered)"


def effect(passed, deferred, failed, escapes):
    n = passed + deferred + failed
    shares = tuple(Rate.independent(k, n) for k in (passed, deferred, failed))
    return PolicyEffect(shares, escapes, ErrorEstimate(0, 0.0, 0, 0, failed, failed))


def test_rows_stand_side_by_side_in_the_packs_words():
    known = ErrorEstimate(1, 2.0, 1, 4, 80, 40)
    unknown = ErrorEstimate(0, None, 0, 90, 90, 0)
    before, after = effect(80, 15, 5, known), effect(90, 5, 5, unknown)
    costs = Costs(escape=100.0, overkill=10.0, review=2.0)
    rows = what_if_rows(before, after, installed()["parts"], costs)
    assert [row[0] for row in rows] == [
        "decided without a person", "PASS", "REVIEW (a person decides)", "FAIL",
        "escape: cases", "overkill: cases", "cost",
    ]  # fmt: skip
    assert rows[0][1].startswith("85 % (")
    assert rows[-1] == ("cost", "about 230, 130 to 430", "unknown, 10 to 9,010")


def test_a_cost_that_is_known_wholly_is_one_number():
    exact = ErrorEstimate(1, 1.0, 1, 1, 80, 80)
    assert describe_cost(effect(80, 15, 5, exact), Costs(100.0, 10.0, 2.0)) == "130"


def test_the_sliders_offer_what_the_pack_allows_and_what_is_in_force():
    assert rates_to_choose(0.1, 0.04) == [
        0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1,
    ]  # fmt: skip
    assert confidences_to_choose(0.95, 0.97) == [0.95, 0.97, 0.975, 0.99, 0.995, 0.999]


def test_a_window_and_its_flips_say_what_was_left_out():
    assert describe_window(0, 0, None, None, None).startswith("No decision of the bundle in use")
    now = datetime(2026, 6, 15, tzinfo=UTC)
    assert "Left out: 1,200 more" in describe_window(5, 5, now, now, None, 1200)
    assert "Left out" not in describe_window(5, 5, now, now, None)
    text = describe_flips(200, 1234, 5)
    assert text.startswith("1,234 past verdicts would be another one; 200 of them are listed")
    assert "5 wait for a person who must not know the verdict" in text
    assert describe_flips(0, 0, 0) == "No past verdict would be another one."
