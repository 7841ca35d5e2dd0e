"""Policies: how cases certify limits, how limits decide, and how policies are kept."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.decision.certificate import (
    NEVER,
    certificate_at,
    confidence_spent,
    groups_to_ceiling,
    interval,
    upper_bound,
)
from core.decision.policy import Cases, certify, decide, dispositions, from_json, to_json
from core.errors import BundleError
from core.types import Ceiling, Disposition, Finding, Prediction, Reason, Targets

NEGATIVE, POSITIVE, DEFER = (d.value for d in Disposition)
BLUR = Finding(Reason.POOR_QUALITY, "sharpness 3, expected 12 to 80.")

PROBABILITY = st.integers(0, 8).map(lambda i: i / 8)
IMAGE = st.tuples(
    PROBABILITY | st.just(math.nan),
    st.sampled_from([0.001, 0.01, 0.3, 1.0, 1.0, 1.0, math.nan]),
    st.sampled_from([True, True, True, False]),
    st.booleans(),
    st.integers(0, 12),
)
IMAGES = st.lists(IMAGE, max_size=60)
TARGETS = st.builds(
    Targets,
    escape=st.sampled_from([1e-9, 0.05, 0.2, 0.4, 0.99]),
    overkill=st.sampled_from([1e-9, 0.05, 0.2, 0.4, 0.99]),
    confidence=st.sampled_from([0.5, 0.8, 0.95]),
    ood_alpha=st.sampled_from([0.0, 0.01, 1.0]),
    review_budget=st.sampled_from([None, None, 0.0, 0.2, 1.0]),
)


def cases(images):
    columns = list(zip(*images, strict=True)) or [()] * 5
    return Cases(
        np.array(columns[0], float),
        np.array(columns[1], float),
        np.array(columns[2], bool),
        np.array(columns[3], bool),
        np.array([f"g{number}" for number in columns[4]], str),
    )


def plain(p, positive, group=None):
    """Give cases that pass every gate, one per group by default."""
    p = np.asarray(p, float)
    group = np.arange(p.size) if group is None else np.asarray(group)
    passed = np.ones(p.size, bool)
    return Cases(p, np.ones(p.size), passed, np.asarray(positive, bool), group.astype(str))


def population(n, seed, ood=0.05, blurred=0.05):
    """Draw single-image groups, 30 % positive, with overlapping scores and imperfect gates."""
    rng = np.random.default_rng(seed)
    positive = rng.random(n) < 0.3
    return Cases(
        np.where(positive, rng.beta(3, 1.5, n), rng.beta(1.5, 4, n)),
        np.where(rng.random(n) < ood, 0.001, 1.0),
        rng.random(n) >= blurred,
        positive,
        np.arange(n).astype(str),
    )


def prediction(p=0.2, ood_p=1.0, findings=()):
    return Prediction(np.array([1 - p, p]), p, ood_p, findings)


def judged(predicted, policy):
    return decide(predicted, policy, ("good", "scratch"), (False, True))


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


@pytest.mark.parametrize("budget", [0.12, 0.2, 0.5])
def test_a_review_budget_is_met_and_gives_an_honest_certificate(budget):
    cal, oof = population(4000, 0), population(3000, 1)
    policy = certify(cal, oof, Targets(review_budget=budget), bundle="b")
    assert np.mean(dispositions(oof, policy) == DEFER) <= budget
    assert policy.deferred == pytest.approx(budget, abs=0.03)
    for certificate in (policy.escape, policy.overkill):
        assert certificate.certified
        assert certificate.alpha == certificate.bound


def test_a_larger_review_budget_promises_smaller_errors():
    made = [
        certify(population(4000, 0), population(3000, 1), Targets(review_budget=b), bundle="b")
        for b in (0.12, 0.3, 0.6)
    ]
    for side in ("escape", "overkill"):
        bounds = [getattr(policy, side).bound for policy in made]
        assert bounds == sorted(bounds, reverse=True)
        assert bounds[-1] < bounds[0] / 3


def test_a_budget_that_the_gates_alone_exceed_gets_the_most_automation():
    cal = population(1000, 2)
    policy = certify(cal, cal, Targets(review_budget=0.0), bundle="b")
    gates = np.mean(~(cal.gates_passed & (cal.ood_p > 0.01)))
    assert policy.deferred == pytest.approx(gates)


def test_a_budget_certifies_no_side_that_cal_has_not_seen():
    oof, cal = population(500, 0), plain(np.linspace(0, 1, 50), np.zeros(50))
    policy = certify(cal, oof, Targets(review_budget=0.2), bundle="b")
    assert (policy.t_neg, policy.escape.certified, policy.escape.needed) == (None, False, 20)
    missing = certify(population(500, 0), cal, Targets(review_budget=0.2), bundle="b")
    assert (missing.t_neg, missing.escape.needed) == (None, NEVER)
    nothing = certify(oof, cases([]), Targets(review_budget=0.2), bundle="b")
    assert (nothing.t_neg, nothing.t_pos) == (None, None)


@pytest.mark.parametrize(("n", "more"), [(2, 18), (13, 7), (19, 1), (20, 0)])
def test_a_budget_buys_no_escape_rate_above_the_ceiling_nor_from_a_few_groups(n, more):
    p = np.concatenate([np.full(n, 0.9), np.full(60, 0.1)])
    cal = plain(p, p > 0.5)
    policy = certify(cal, plain([0.1, 0.9], [0, 1]), Targets(review_budget=0.15), bundle="b")
    assert (policy.escape.certified, policy.t_neg is None) == (more == 0, more > 0)
    assert policy.escape.needed == more
    assert policy.escape.bound == upper_bound(0, n, 0.95)
    assert policy.escape.alpha == (0.2 if more else policy.escape.bound)
    sterner = Ceiling(bound=0.1, groups=20)
    held_out = certify(
        cal, plain([0.1, 0.9], [0, 1]), Targets(review_budget=0.15), bundle="b", ceiling=sterner
    )
    assert (held_out.t_neg, held_out.escape.needed) == (None, 29 - n)


def test_a_bound_of_little_confidence_is_counted_anew_at_the_ceilings():
    bold = certificate_at("escape", threshold=0.1, k=1, n=40, alpha=0.1, confidence=0.2)
    assert bold.certified
    assert groups_to_ceiling(bold, Ceiling(bound=0.1, groups=30)) == 6  # 46 groups with one error
    assert groups_to_ceiling(replace(bold, k=0), Ceiling(bound=0.1, groups=30)) == 0


def test_each_later_certification_on_the_same_cases_must_hold_with_more_confidence():
    cal, oof = population(500, 1), population(500, 0)
    made = [certify(cal, oof, Targets(), bundle="b", attempt=j) for j in (1, 2, 3, 4)]
    sure = [policy.escape.confidence for policy in made]
    assert sure == pytest.approx([0.95, 1 - 0.05 / 2, 1 - 0.05 / 6, 1 - 0.05 / 12])
    assert [p.overkill.confidence for p in made] == sure
    limits = [policy.t_neg for policy in made]
    assert limits == sorted(limits, reverse=True)
    assert limits[-1] < limits[0]
    assert len({policy.id for policy in made}) == 4
    assert sum(1 - confidence_spent(0.95, j) for j in range(2, 10_000)) == pytest.approx(
        0.05, abs=1e-5
    )


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


def test_a_hand_made_overlap_calls_out_rather_than_lets_through(policy):
    careless = replace(policy, t_neg=0.8, t_pos=0.2)
    assert judged(prediction(0.5), careless).disposition is Disposition.POSITIVE
