"""Policies: how limits decide, and what a verdict says."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.decision.certificate import (
    upper_bound,
)
from core.decision.policy import certify, decide, dispositions, from_json, suspend, to_json
from core.types import Disposition, Finding, Prediction, Reason, Targets
from tests.core.decision.policy_cases import (
    IMAGE,
    IMAGES,
    PROBABILITY,
    TARGETS,
    cases,
    plain,
    population,
)

BLUR = Finding(Reason.POOR_QUALITY, "sharpness 3, expected 12 to 80.")


def prediction(p=0.2, ood_p=1.0, findings=()):
    return Prediction(np.array([1 - p, p]), p, ood_p, findings)


def judged(predicted, policy):
    return decide(predicted, policy, ("good", "scratch"), (False, True))


@pytest.fixture(scope="module")
def policy():
    return certify(
        population(2000, 0), population(500, 1), Targets(escape=0.1, overkill=0.1), bundle="b@1"
    )


@settings(deadline=None)
@given(images=IMAGES, oof=IMAGES, targets=TARGETS, new=st.lists(IMAGE, min_size=1, max_size=10))
def test_decide_and_dispositions_are_the_same_rule(images, oof, targets, new):
    policy = certify(cases(images), cases(oof), targets, bundle="b")
    one_by_one = [
        judged(prediction(p, ood_p, () if passed else (BLUR,)), policy)
        for p, ood_p, passed, _, _ in new
    ]
    assert [v.disposition for v in one_by_one] == dispositions(cases(new), policy).tolist()
    for verdict in one_by_one:
        assert (verdict.findings == ()) == (verdict.disposition is not Disposition.DEFER)


@settings(deadline=None)
@given(
    where=st.integers(0, 2),
    bad=st.sampled_from([math.nan, math.inf, -math.inf, -0.5, 1.5]),
    p=PROBABILITY,
    ood_p=st.sampled_from([0.0, 0.001, 1.0]),
)
def test_a_number_that_is_no_probability_is_always_a_fault(policy, where, bad, p, ood_p):
    broken = (
        Prediction(np.array([bad, p]), p, ood_p),
        Prediction(np.array([1 - p, p]), bad, ood_p),
        Prediction(np.array([1 - p, p]), p, bad),
    )[where]
    verdict = judged(broken, policy)
    assert verdict.disposition is Disposition.DEFER
    assert [f.reason for f in verdict.findings] == [Reason.FAULT]
    assert (verdict.label == "") == (where == 0)


@settings(deadline=None)
@given(p=PROBABILITY | st.just(math.nan), ood_p=st.sampled_from([0.0, 1.0, math.nan]))
def test_a_gate_finding_defers_with_that_finding_whatever_the_scores(policy, p, ood_p):
    verdict = judged(prediction(p, ood_p, (BLUR,)), policy)
    assert verdict.disposition is Disposition.DEFER
    assert verdict.findings[0] == BLUR
    flagged = [Reason.NOVEL] if ood_p == 0.0 and not math.isnan(p) else []
    assert [f.reason for f in verdict.findings[1:]] == flagged


def test_an_ood_picture_is_novel_up_to_and_including_alpha(policy):
    assert policy.targets.ood_alpha == 0.01
    novel = judged(prediction(0.0, 0.01), policy)
    assert [f.reason for f in novel.findings] == [Reason.NOVEL]
    assert judged(prediction(0.0, 0.0101), policy).disposition is Disposition.NEGATIVE


def test_both_limits_belong_to_the_automatic_side(policy):
    at = {
        p: judged(prediction(p), policy).disposition
        for p in (policy.t_neg, policy.t_pos, np.nextafter(policy.t_neg, 1))
    }
    assert list(at.values()) == [Disposition.NEGATIVE, Disposition.POSITIVE, Disposition.DEFER]


def test_between_the_limits_the_reason_is_ambiguity(policy):
    middle = (policy.t_neg + policy.t_pos) / 2
    assert [f.reason for f in judged(prediction(middle), policy).findings] == [Reason.AMBIGUOUS]


def test_without_a_certified_limit_the_reason_says_how_many_groups_are_missing():
    cal = plain([0.1, 0.9, 0.8], [False, True, True])
    policy = certify(cal, cal, Targets(), bundle="b")
    low, high = (judged(prediction(p), policy).findings[0] for p in (0.1, 0.5))
    assert (low.reason, high.reason) == (Reason.NOT_CERTIFIED, Reason.NOT_CERTIFIED)
    assert low.detail == (
        "Negative verdicts at an escape rate of 5 % need 57 more positive group(s) "
        "without an escape."
    )
    assert high.detail.startswith("Positive verdicts at an overkill rate of 5 % need 58 more")


def test_the_label_is_the_most_probable_class_of_the_side_that_was_decided(policy):
    classes, positive = ("ok", "spot", "dent", "clean"), (False, True, True, False)

    def label(p):
        probabilities = np.array(p)
        sick = float(probabilities[[1, 2]].sum())
        return decide(Prediction(probabilities, sick, 1.0), policy, classes, positive)

    called = label([0.35, 0.33, 0.32, 0.0])
    assert (called.disposition, called.label) == (Disposition.POSITIVE, "spot")
    assert label([0.1, 0.12, 0.0, 0.78]).label == "clean"
    unsure = label([0.29, 0.21, 0.2, 0.3])
    assert (unsure.disposition, unsure.label) == (Disposition.DEFER, "clean")


@pytest.mark.parametrize(
    ("chance", "ood_p", "disposition", "label"),
    [
        (1.0, 1.0, Disposition.POSITIVE, "dent|stain"),
        (0.0, 1.0, Disposition.NEGATIVE, "good"),
        (0.9, 0.0, Disposition.DEFER, "dent|stain"),
        (0.1, 0.0, Disposition.DEFER, "good"),
    ],
)
def test_of_several_labels_all_of_the_side_are_named_from_one_half_on(
    policy, chance, ood_p, disposition, label
):
    result = Prediction(np.array([0.7, 0.3, 0.4, 0.6]), chance, ood_p, is_multilabel=True)
    names, sides = ("dent", "good", "scratch", "stain"), (True, False, True, True)
    verdict = decide(result, policy, names, sides)
    assert (verdict.disposition, verdict.label) == (disposition, label)
    unsure = replace(result, probabilities=np.array([0.2, 0.3, 0.4, 0.1]))
    best = "good" if label == "good" else "scratch"
    assert decide(unsure, policy, names, sides).label == best


def test_a_side_without_classes_is_labelled_by_all_of_them(policy):
    everything = replace(policy, t_neg=1.0, t_pos=None)
    verdict = decide(prediction(0.7), everything, ("spot", "dent"), (True, True))
    assert (verdict.disposition, verdict.label) == (Disposition.NEGATIVE, "dent")


def test_classes_and_probabilities_must_agree(policy):
    with pytest.raises(ValueError, match="equal lengths"):
        decide(prediction(), policy, ("a", "b", "c"), (False, True, True))


def test_overlapping_limits_meet_at_one_half_and_leave_nothing_ambiguous():
    rng = np.random.default_rng(0)
    positive = rng.random(1000) < 0.5
    p = np.where(positive, 0.9, 0.1) + rng.uniform(-0.1, 0.1, 1000)
    cal = plain(p, positive)
    policy = certify(cal, cal, Targets(), bundle="b")
    assert (policy.t_neg, policy.t_pos) == (0.5, math.nextafter(0.5, 1))
    assert (policy.escape.k, policy.overkill.k, policy.deferred) == (0, 0, 0.0)
    assert policy.escape.bound == upper_bound(0, int(positive.sum()), 0.95)


@pytest.mark.parametrize(("shift", "cut"), [(0.1, 0.6), (-0.1, 0.3)])
def test_an_overlap_away_from_one_half_is_cut_at_its_nearest_end(shift, cut):
    """The classes part cleanly, but on one side of 0.5: the overlap does not reach it."""
    grid = plain([0.2, 0.3, 0.6, 0.7], [0, 0, 1, 1])
    negative, positive = (0.5, 0.75) if shift > 0 else (0.25, 0.45)
    cal = plain(np.repeat([negative, positive], 100), np.repeat([False, True], 100))
    policy = certify(cal, grid, Targets(), bundle="b")
    assert (policy.t_neg, policy.t_pos) == (cut, math.nextafter(cut, 1))
    assert (policy.deferred, policy.escape.k, policy.overkill.k) == (0.0, 0, 0)


def test_a_hand_made_overlap_calls_out_rather_than_lets_through(policy):
    careless = replace(policy, t_neg=0.8, t_pos=0.2)
    assert judged(prediction(0.5), careless).disposition is Disposition.POSITIVE


def test_a_suspended_policy_lets_nothing_through_and_gives_its_reason(policy):
    suspended = suspend(policy, "An alarm suspended it.")
    assert judged(prediction(0.0), policy).disposition is Disposition.NEGATIVE
    verdict = judged(prediction(0.0), suspended)
    assert verdict.disposition is Disposition.DEFER
    assert verdict.findings == (Finding(Reason.NOT_CERTIFIED, "An alarm suspended it."),)
    assert judged(prediction(1.0), suspended) == judged(prediction(1.0), policy)
    assert suspended.id == suspend(policy, "An alarm suspended it.").id != policy.id
    assert suspended.id != suspend(policy, "Another one did.").id
    assert from_json(to_json(suspended)) == suspended
    assert suspend(suspended, "Another one did.") is suspended


def test_a_policy_that_holds_has_the_id_that_it_had_before_any_could_be_suspended(policy):
    before = {name: value for name, value in to_json(policy).items() if name != "suspended"}
    assert from_json(before) == policy


def test_a_suspended_policy_that_lets_pictures_through_is_refused(policy):
    with pytest.raises(ValueError, match="suspended"):
        replace(policy, suspended="An alarm suspended it.")
