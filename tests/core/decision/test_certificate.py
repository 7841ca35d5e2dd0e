"""Bounds, counts and sentences of certificates."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.decision.certificate import (
    NEVER,
    allowed_errors,
    best_alpha,
    certificate_at,
    certify_side,
    groups_needed,
    guarantee_table,
    interval,
    upper_bound,
)
from core.decision.certificate_text import describe_certificate, percent


def exact_cdf(k: int, n: int, rate: float) -> Fraction:
    """P(Binomial(n, rate) <= k) without any rounding."""
    p = Fraction(rate)
    return sum((math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1)), Fraction(0))


@pytest.mark.parametrize("n", [1, 2, 7, 20, 41])
@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.999])
def test_the_upper_bound_brackets_the_exact_binomial_tail(n, confidence):
    miss = 1 - Fraction(confidence)
    for k in range(n):
        bound = upper_bound(k, n, confidence)
        assert exact_cdf(k, n, bound * (1 - 1e-9)) > miss > exact_cdf(k, n, bound * (1 + 1e-9))


@pytest.mark.parametrize("n", [1, 5, 23])
def test_both_ends_of_the_interval_bracket_the_exact_binomial_tails(n):
    tail = (1 - Fraction(0.9)) / 2
    for k in range(n + 1):
        low, high = interval(k, n, 0.9)
        if k < n:
            assert exact_cdf(k, n, high * (1 - 1e-9)) > tail > exact_cdf(k, n, high * (1 + 1e-9))
        if k > 0:
            assert 1 - exact_cdf(k - 1, n, low * (1 - 1e-9)) < tail
            assert 1 - exact_cdf(k - 1, n, low * (1 + 1e-9)) > tail
        assert low <= k / n <= high


def test_nothing_seen_and_everything_wrong_bound_nothing():
    assert upper_bound(0, 0, 0.95) == 1.0
    assert upper_bound(5, 5, 0.95) == 1.0
    assert interval(0, 0) == (0.0, 1.0)
    assert interval(0, 4)[0] == 0.0
    assert interval(4, 4)[1] == 1.0
    assert best_alpha(0, 0.95) == 1.0


@pytest.mark.parametrize(("k", "n", "confidence"), [(-1, 3, 0.9), (4, 3, 0.9), (1, 3, 1.0)])
def test_impossible_counts_are_refused(k, n, confidence):
    with pytest.raises(ValueError, match="expected"):
        upper_bound(k, n, confidence)


def test_the_published_table_of_error_free_groups():
    assert guarantee_table(0.95) == (
        (0.05, 59),
        (0.02, 149),
        (0.01, 299),
        (0.005, 598),
        (0.001, 2995),
    )
    assert [count for _, count in guarantee_table(0.9, (0.01, 0.02, 0.05))] == [230, 114, 45]


@settings(deadline=None)
@given(
    n=st.integers(0, 60),
    alpha=st.sampled_from([0.0, 1e-3, 0.02, 0.05, 0.1, 0.3, 0.999, 1.0]),
    confidence=st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99]),
)
def test_allowed_errors_is_what_a_search_by_hand_finds(n, alpha, confidence):
    fitting = [k for k in range(n + 1) if upper_bound(k, n, confidence) <= alpha]
    assert allowed_errors(n, alpha, confidence) == max(fitting, default=-1)


@settings(deadline=None)
@given(
    n=st.integers(0, 80),
    data=st.data(),
    alpha=st.sampled_from([0.01, 0.05, 0.2, 0.9]),
    confidence=st.sampled_from([0.5, 0.9, 0.95]),
)
def test_needed_is_the_first_count_that_certifies(n, data, alpha, confidence):
    k = data.draw(st.integers(0, min(n, 5)))
    more = groups_needed(n, k, alpha, confidence)
    assert upper_bound(k, n + more, confidence) <= alpha
    if more:
        assert upper_bound(k, n + more - 1, confidence) > alpha


def test_a_rate_of_zero_is_never_certified_and_a_rate_of_one_always_is():
    assert groups_needed(100, 0, 0.0, 0.95) == NEVER
    assert allowed_errors(100, 0.0, 0.95) == -1
    assert groups_needed(0, 0, 1.0, 0.95) == 0
    assert groups_needed(7, 7, 1.0, 0.95) == 0
    assert allowed_errors(7, 1.0, 0.95) == 7


@settings(deadline=None)
@given(n=st.integers(1, 3000), confidence=st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_the_best_rate_follows_its_formula_and_needs_no_more_groups(n, confidence):
    alpha = best_alpha(n, confidence)
    assert alpha == pytest.approx(1 - (1 - confidence) ** (1 / n), rel=1e-9)
    assert groups_needed(n, 0, alpha, confidence) == 0


def test_the_sequence_stops_at_the_first_failure_even_if_later_candidates_pass():
    grid = np.array([0.0, 0.1, 0.2, 0.3])
    errors = np.array([0, 1, 5, 0])
    found = certify_side("escape", grid, errors, n=100, alpha=0.05, confidence=0.95)
    assert (found.threshold, found.k, found.certified) == (0.1, 1, True)
    assert found.bound == upper_bound(1, 100, 0.95)


def test_a_failing_first_candidate_certifies_nothing_and_says_what_is_missing():
    grid = np.array([0.0, 0.5])
    found = certify_side("escape", grid, np.array([0, 0]), n=41, alpha=0.01, confidence=0.95)
    assert (found.certified, found.threshold, found.k) == (False, None, 0)
    assert found.needed == 299 - 41
    assert found.best_alpha == pytest.approx(0.07046, abs=1e-5)


def test_a_sequence_needs_candidates_with_their_errors():
    with pytest.raises(ValueError, match="candidates"):
        certify_side("escape", np.array([]), np.array([], int), n=3, alpha=0.1, confidence=0.9)


def test_the_sentences_of_a_certificate_say_everything_needed():
    def say(k, n, alpha, threshold=0.1, word="escape", kind="escape"):
        certificate = certificate_at(
            kind, threshold=threshold, k=k, n=n, alpha=alpha, confidence=0.95
        )
        return describe_certificate(certificate, word, "defective groups")

    assert say(3, 212, 0.05) == (
        "At most 5 % of defective groups that pass the gates are let through, "
        "with 95 % confidence: 3 escapes in 212, upper bound 3.62 %."
    )
    assert say(0, 41, 0.01) == (
        "Cannot certify an escape rate of 1 %: 41 defective groups seen, "
        "258 more without an escape are needed; 7.05 % could be certified today."
    )
    assert say(1, 400, 0.05, word="false alarm", kind="overkill") == (
        "At most 5 % of defective groups that pass the gates are called out, "
        "with 95 % confidence: 1 false alarm in 400, upper bound 1.19 %."
    )
    assert say(0, 0, 0.0) == (
        "Cannot certify an escape rate of 0 %: 0 defective groups seen, "
        "and no number of them would be enough; nothing could be certified today."
    )
    held_out = certificate_at(
        "escape", threshold=0.1, k=0, n=60, alpha=0.05, confidence=0.95, excluded=160
    )
    assert describe_certificate(held_out, "escape", "parts").endswith(
        "upper bound 4.88 %. 160 more are not counted: the gates sent all their pictures to review."
    )
    assert "1 escape at the strictest limit, 34 more without an escape are" in say(1, 59, 0.05)


@pytest.mark.parametrize(
    ("rate", "text"),
    [(0.0, "0 %"), (0.05, "5 %"), (0.07, "7 %"), (0.0036201, "0.363 %"), (1.0, "100 %"),
     (0.001, "0.1 %"), (0.999, "99.9 %"), (0.29, "29 %"), (1e-9, "1e-07 %")],
)  # fmt: skip
def test_a_percentage_is_short_and_never_flatters(rate, text):
    assert percent(rate) == text
