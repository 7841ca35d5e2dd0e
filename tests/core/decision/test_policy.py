"""Policies: how cases certify limits, and how policies are kept."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.decision.certificate import (
    interval,
    upper_bound,
)
from core.decision.policy import certify, dispositions, from_json, to_json
from core.errors import BundleError
from core.types import Targets
from tests.core.decision.policy_cases import (
    DEFER,
    IMAGES,
    NEGATIVE,
    POSITIVE,
    TARGETS,
    cases,
    plain,
    population,
)


@pytest.fixture(scope="module")
def policy():
    return certify(
        population(2000, 0), population(500, 1), Targets(escape=0.1, overkill=0.1), bundle="b@1"
    )


def by_hand(cal, policy, *, positive, called):
    """Count groups with an image that passes, and those of which any is called the other."""
    made = dispositions(cal, policy)
    passed = cal.reached(policy.targets.ood_alpha)
    concerned = {
        g for g, p, r in zip(cal.group, cal.positive, passed, strict=True) if p == positive and r
    }
    erring = {
        g
        for g, p, d in zip(cal.group, cal.positive, made, strict=True)
        if p == positive and d == called
    }
    return len(erring), len(concerned)


@settings(deadline=None)
@given(images=IMAGES, oof=IMAGES, targets=TARGETS)
def test_every_certificate_counts_what_the_rule_does_on_cal(images, oof, targets):
    cal = cases(images)
    policy = certify(cal, cases(oof), targets, bundle="b")
    sides = ((policy.escape, True, NEGATIVE), (policy.overkill, False, POSITIVE))
    for certificate, positive, called in sides:
        k, n = by_hand(cal, policy, positive=positive, called=called)
        assert certificate.n == n
        assert certificate.n + certificate.excluded == len(
            {g for g, p in zip(cal.group, cal.positive, strict=True) if p == positive}
        )
        assert certificate.bound == upper_bound(certificate.k, n, targets.confidence)
        assert certificate.certified == (certificate.threshold is not None)
        if certificate.certified:
            assert certificate.k == k
            assert certificate.bound <= certificate.alpha
            assert certificate.needed == 0
        else:
            assert k == 0
            assert certificate.needed != 0
    assert (policy.t_neg, policy.t_pos) == (policy.escape.threshold, policy.overkill.threshold)
    made = dispositions(cal, policy)
    assert policy.deferred == (np.mean(made == DEFER) if made.size else 1.0)


@settings(deadline=None)
@given(images=IMAGES, oof=IMAGES, targets=TARGETS)
def test_the_limits_are_the_widest_that_brute_force_certifies(images, oof, targets):
    targets = replace(targets, review_budget=None)
    cal, fold = cases(images), cases(oof)
    policy = certify(cal, fold, targets, bundle="b")
    known = fold.positive_probability[~np.isnan(fold.positive_probability)]
    grid = sorted({0.0, 1.0, *known.tolist()})

    def last(limits, name, alpha, positive, called):
        found = None
        for limit in limits:
            trial = replace(policy, **{"t_neg": None, "t_pos": None, name: limit})
            k, n = by_hand(cal, trial, positive=positive, called=called)
            if upper_bound(k, n, targets.confidence) > alpha:
                break
            found = limit
        return found

    t_neg = last(grid, "t_neg", targets.escape, True, NEGATIVE)
    t_pos = last(grid[::-1], "t_pos", targets.overkill, False, POSITIVE)
    if t_neg is None or t_pos is None or t_neg < t_pos:
        assert (policy.t_neg, policy.t_pos) == (t_neg, t_pos)
    else:
        assert t_pos <= policy.t_neg <= t_neg
        assert policy.t_neg == min(max(0.5, t_pos), t_neg)
        assert policy.t_pos == math.nextafter(policy.t_neg, math.inf)


@settings(deadline=None)
@given(images=IMAGES, oof=IMAGES, targets=TARGETS, more=st.sampled_from([0.05, 0.2, 0.4, 0.99]))
@pytest.mark.parametrize("side", ["escape", "overkill"])
def test_more_alpha_never_defers_more(side, images, oof, targets, more):
    targets = replace(targets, review_budget=None)
    assume(more >= getattr(targets, side))
    cal, fold = cases(images), cases(oof)
    strict = certify(cal, fold, targets, bundle="b")
    loose = certify(cal, fold, replace(targets, **{side: more}), bundle="b")
    freed = dispositions(cal, loose)[dispositions(cal, strict) != DEFER]
    assert (freed != DEFER).all()
    assert loose.deferred <= strict.deferred


@settings(deadline=None)
@given(images=IMAGES, oof=IMAGES, targets=TARGETS, more=st.sampled_from([0.8, 0.95, 0.99]))
def test_more_confidence_never_loosens(images, oof, targets, more):
    targets = replace(targets, review_budget=None)
    assume(more >= targets.confidence)
    cal, fold = cases(images), cases(oof)
    sure = certify(cal, fold, replace(targets, confidence=more), bundle="b")
    bold = certify(cal, fold, targets, bundle="b")
    assert sure.deferred >= bold.deferred
    overlap = None not in (bold.t_neg, bold.t_pos) and bold.t_pos == math.nextafter(bold.t_neg, 2)
    if not overlap:
        assert sure.t_neg is None or sure.t_neg <= bold.t_neg
        assert sure.t_pos is None or sure.t_pos >= bold.t_pos


@settings(deadline=None)
@given(images=IMAGES, oof=IMAGES, targets=TARGETS, data=st.data())
def test_the_order_of_cases_is_irrelevant(images, oof, targets, data):
    shuffled = data.draw(st.permutations(images)), data.draw(st.permutations(oof))
    first = certify(cases(images), cases(oof), targets, bundle="b")
    second = certify(*(cases(s) for s in shuffled), targets, bundle="b")
    assert first == second
    assert first.id == second.id


def test_a_group_escapes_once_however_many_of_its_images_do():
    n = 100
    cal = plain(
        np.concatenate([[0.1, 0.1, 0.1], np.full(n, 0.9)]),
        np.ones(n + 3),
        [0, 0, 0, *range(n)],
    )
    policy = certify(cal, plain([0.1, 0.9], [0, 1]), Targets(escape=0.05), bundle="b")
    assert (policy.t_neg, policy.escape.k, policy.escape.n) == (0.1, 1, n)
    assert policy.residual == (1.0, *interval(1, 1), 1)


@pytest.mark.parametrize("stopped", ["gates_passed", "ood_p", "positive_probability"])
def test_images_that_gates_stop_certify_nothing(stopped):
    n = 200
    never = {"gates_passed": False, "ood_p": 0.01, "positive_probability": math.nan}[stopped]
    cal = replace(plain(np.zeros(n), np.ones(n)), **{stopped: np.full(n, never)})
    policy = certify(cal, plain([0.0], [1]), Targets(), bundle="b")
    assert (policy.t_neg, policy.escape.certified) == (None, False)
    assert (policy.escape.k, policy.escape.n, policy.escape.excluded) == (0, 0, n)
    assert policy.deferred == 1.0


def test_refused_pictures_do_not_hide_that_the_others_all_escape():
    """160 black frames filed as defects, and 16 defects that look good."""
    observed, black = np.full(16, 0.1), np.full(160, 0.9)
    p = np.concatenate([observed, black])
    cal = replace(plain(p, np.ones(p.size)), gates_passed=np.arange(p.size) < observed.size)
    policy = certify(cal, plain([0.1, 0.9], [0, 1]), Targets(escape=0.25), bundle="b")
    assert policy.t_neg == 0.0
    assert (policy.escape.k, policy.escape.n, policy.escape.excluded) == (0, 16, 160)


def test_a_group_with_some_pictures_refused_and_some_judged_counts_by_the_judged():
    n = 100
    p = np.concatenate([np.full(n, 0.9), np.full(n, 0.1)])
    passed = np.arange(2 * n) < n
    both = replace(plain(p, np.ones(2 * n), np.tile(np.arange(n), 2)), gates_passed=passed)
    policy = certify(both, plain([0.1, 0.5], [0, 1]), Targets(), bundle="b")
    assert (policy.t_neg, policy.escape.k) == (0.5, 0)
    assert (policy.escape.n, policy.escape.excluded) == (n, 0)


def test_the_residual_is_the_share_of_positive_groups_among_those_let_through():
    p, positive = (
        np.repeat([0.1, 0.1, 0.9], [30, 2, 98]),
        np.repeat([False, True, True], [30, 2, 98]),
    )
    cal = plain(p, positive, np.repeat(np.arange(65), 2))
    policy = certify(cal, plain([0.1, 0.9], [0, 1]), Targets(escape=0.2), bundle="b")
    assert policy.t_neg == 0.1
    assert policy.residual == (1 / 16, *interval(1, 16), 16)


def test_nothing_is_certified_from_nothing():
    empty = cases([])
    policy = certify(empty, empty, Targets(), bundle="b")
    assert (policy.t_neg, policy.t_pos, policy.deferred) == (None, None, 1.0)
    assert (policy.escape.bound, policy.escape.needed, policy.escape.best_alpha) == (1.0, 59, 1.0)
    assert policy.residual == (0.0, 0.0, 1.0, 0)


@pytest.mark.parametrize("name", ["escape", "overkill", "confidence"])
@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1, 1.1, math.nan])
def test_rates_that_nothing_or_anything_meets_are_refused(name, rate):
    with pytest.raises(ValueError, match=f"{name}: expected above 0 and below 1"):
        Targets(**{name: rate})


def test_one_class_alone_certifies_its_own_side_only():
    cal = plain(np.linspace(0, 0.4, 200), np.zeros(200))
    policy = certify(cal, cal, Targets(), bundle="b")
    assert (policy.t_neg, policy.escape.n, policy.escape.needed) == (None, 0, 59)
    assert policy.overkill.certified


@settings(deadline=None)
@given(images=IMAGES, oof=IMAGES, targets=TARGETS)
def test_a_policy_survives_json_bit_for_bit(images, oof, targets):
    policy = certify(cases(images), cases(oof), targets, bundle="b@1")
    text = json.dumps(to_json(policy), allow_nan=False)
    again = from_json(json.loads(text))
    assert again == policy
    assert again.id == policy.id == json.loads(text)["id"]


def test_a_policy_edited_by_hand_is_refused(policy):
    with pytest.raises(BundleError, match="hashes to"):
        from_json({**to_json(policy), "t_neg": 0.9})
    with pytest.raises(BundleError, match="KeyError"):
        from_json({"bundle": "b"})
    with pytest.raises(BundleError, match="ValueError"):
        from_json({**to_json(policy), "targets": {"escape": 7}})


def test_cases_of_unequal_length_or_kind_are_refused():
    good = plain([0.1, 0.2], [0, 1])
    for name, value in [("ood_p", np.ones(3)), ("positive", np.array([0, 1])),
                        ("group", np.array([1, 2])), ("gates_passed", np.ones((2, 1), bool)),
                        ("positive_probability", np.zeros((2, 1)))]:  # fmt: skip
        with pytest.raises(ValueError, match="expected shape"):
            replace(good, **{name: value})
