"""Overkill bounded by good groups alone."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from core.decision.good_only import (
    best_alpha,
    bound_overkill,
    describe_bound,
    groups_needed,
    leave_one_out_p,
)
from core.decision.policy import Cases, certify, decide, from_json, to_json
from core.types import Policy, Prediction, Reason, Targets, Verdict


@given(n=st.integers(1, 12), seed=st.integers(0, 10_000), levels=st.integers(1, 4))
def test_of_any_groups_whatever_their_scores_no_more_than_alpha_are_called_out(
    n: int, seed: int, levels: int
) -> None:
    # Scores of n + 1 groups, each by a memory of all the others; few levels make many ties.
    score = np.random.default_rng(seed).integers(0, levels + 1, n + 1).astype(float)
    p = np.array([leave_one_out_p(score[i], np.delete(score, i)) for i in range(n + 1)])
    for alpha in (p - 1e-9).tolist() + p.tolist():
        assert np.count_nonzero(p <= alpha) <= alpha * (n + 1) + 1e-9


@pytest.mark.parametrize(("n", "alpha"), [(20, 0.05), (20, 0.15), (50, 0.05)])
def test_new_good_pictures_are_called_out_as_often_as_allowed_and_no_oftener(
    n: int, alpha: float
) -> None:
    rng, runs = np.random.default_rng(3), 4000
    called = 0
    for _ in range(runs):
        points = rng.normal(size=(n + 1, 3))
        apart = np.linalg.norm(points[:, None] - points[None], axis=2)
        np.fill_diagonal(apart, np.inf)
        called += leave_one_out_p(apart[n, :n].min(), apart[:n, :n].min(axis=1)) <= alpha
    reached = int(alpha * (n + 1)) / (n + 1)  # p-values come in steps
    assert called <= binom.isf(1e-6, runs, reached)
    assert called >= binom.isf(1 - 1e-6, runs, 0.8 * reached)


def test_a_picture_less_usual_than_all_good_ones_has_the_smallest_p_there_is() -> None:
    assert leave_one_out_p(9.0, np.arange(19.0) / 10) == best_alpha(19) == 0.05


def test_a_picture_as_unusual_as_the_least_usual_good_one_is_not_more_unusual_than_it() -> None:
    assert leave_one_out_p(3.0, np.array([3.0] + [1.0] * 8)) == 0.2


def test_a_score_that_cannot_be_read_has_no_p_value() -> None:
    assert math.isnan(leave_one_out_p(math.nan, np.ones(2)))
    assert math.isnan(leave_one_out_p(1.0, np.array([np.nan, 1.0])))


def test_a_level_is_granted_exactly_from_the_number_of_groups_that_reaches_it() -> None:
    for alpha in (0.5, 0.2, 0.05, 0.01, 1 / 3):
        enough = groups_needed(alpha)
        assert enough is not None
        assert bound_overkill(enough, alpha).level == alpha
        assert bound_overkill(enough - 1, alpha).level is None
    assert groups_needed(0.05) == 19
    assert groups_needed(0.0) is None
    assert bound_overkill(10_000, 0.0).level is None


def test_too_few_good_groups_are_told_what_they_bound_and_how_many_more_are_needed() -> None:
    result = describe_bound(bound_overkill(5, 0.05), "overkill", "good groups")
    assert result == ("5 good groups: overkill can be bounded at 16.7 % at best; 14 more make 5 %.")


def test_what_is_bounded_says_that_it_holds_on_average() -> None:
    result = describe_bound(bound_overkill(20, 0.05), "overkill", "good groups")
    assert result.startswith("On average at most 5 % of good groups are called out")
    assert "20 good groups" in result
    assert "not with a confidence" in result


def test_arrays_and_rates_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="group_scores"):
        leave_one_out_p(1.0, np.ones((2, 2)))
    with pytest.raises(ValueError, match="rate"):
        bound_overkill(5, 1.5)
    with pytest.raises(ValueError, match="n >= 0"):
        bound_overkill(-1, 0.5)


def test_a_picture_is_called_out_exactly_when_its_p_value_is_within_the_level() -> None:
    policy = a_policy(good_groups=20, overkill=0.15)
    verdicts = [decided(policy, good_p=p) for p in (1 / 21, 3 / 21, 0.15, 0.1500001, 1.0)]
    assert [v.disposition for v in verdicts] == ["positive", "positive", "positive"] + ["defer"] * 2
    assert verdicts[0].label == "anomaly"
    assert verdicts[4].findings[0].reason is Reason.NOT_CERTIFIED
    assert "0 positive groups seen" in verdicts[4].message


def test_a_picture_whose_p_value_cannot_be_read_is_never_decided() -> None:
    reported = a_policy(good_groups=20, overkill=0.15, uncertified_negatives=True)
    assert decided(reported, good_p=0.9).disposition == "negative"
    result = decided(reported, good_p=math.nan)
    assert result.disposition == "defer"
    assert result.findings[0].reason is Reason.FAULT


def test_a_certified_limit_takes_the_place_of_the_good_groups() -> None:
    counted = Cases(
        np.linspace(0.0, 0.5, 100), np.ones(100), *map(np.array, ([True] * 100, [False] * 100)),
        np.arange(100).astype(str),
    )  # fmt: skip
    policy = certify(counted, counted, Targets(), bundle="b", good_groups=20)
    assert policy.overkill.certified
    assert policy.good_only is None


def test_an_uncertified_limit_lets_no_more_known_positives_pass_than_asked() -> None:
    p = np.concatenate([np.linspace(0.0, 0.4, 10), np.linspace(0.3, 1.0, 10)])
    observed = Cases(
        p, np.ones(20), np.ones(20, bool), np.arange(20) >= 10, np.arange(20).astype(str)
    )
    policy = certify(
        observed, observed, Targets(uncertified_negatives=True), bundle="b", good_groups=20
    )
    assert not policy.escape.certified
    assert policy.t_neg is not None
    assert policy.t_neg < 0.3


def test_an_uncertified_limit_leaves_room_above_a_few_good_cases() -> None:
    def cases(*p: float, positives: int) -> Cases:
        n = len(p)
        is_positive, groups = np.arange(n) >= n - positives, np.arange(n).astype(str)
        return Cases(np.array(p), np.ones(n), np.ones(n, bool), is_positive, groups)

    oof = cases(*np.linspace(0.0, 0.001, 20), 0.2, 0.999, 0.999, positives=2)
    cal = cases(0.2, 0.999, 0.9995, positives=2)
    targets = Targets(uncertified_negatives=True)
    policy = certify(cal, oof, targets, bundle="b", good_groups=20)
    # Half way from 0.2 to 0.999 in log odds: (-1.386 + 6.907) / 2 = 2.760.
    assert policy.t_neg == pytest.approx(0.9405, abs=1e-4)
    policy = certify(cases(0.2, 0.01, 0.999, positives=2), oof, targets, bundle="b", good_groups=20)
    # A positive of cal at 0.01 counts too: half way from 0.001, -6.907, and -4.595, to -5.751.
    assert policy.t_neg == pytest.approx(0.00317, abs=1e-5)


def test_a_policy_of_good_groups_survives_its_json() -> None:
    policy = a_policy(good_groups=20, overkill=0.15, uncertified_negatives=True)
    assert from_json(json.loads(json.dumps(to_json(policy)))) == policy
    assert policy.id != a_policy(good_groups=21, overkill=0.15, uncertified_negatives=True).id


def a_policy(*, good_groups: int, overkill: float, uncertified_negatives: bool = False) -> Policy:
    targets = Targets(overkill=overkill, uncertified_negatives=uncertified_negatives)
    return certify(nothing(), nothing(), targets, bundle="b", good_groups=good_groups)


def nothing() -> Cases:
    none, never = np.zeros(0), np.zeros(0, np.bool_)
    return Cases(none, none, never, never, np.zeros(0, np.str_))


def decided(policy: Policy, *, good_p: float) -> Verdict:
    read = Prediction(np.array([0.2, 0.8]), 0.8, ood_p=0.5, good_p=good_p)
    return decide(read, policy, ("good", "anomaly"), (False, True))
