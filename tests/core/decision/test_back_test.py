"""A back-test against the rule one picture at a time, and errors counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.decision.back_test import (
    CALLS_OUT,
    DEFERS,
    PASSES,
    SEVERITY,
    Costs,
    PastVerdicts,
    effect_of,
    estimate_errors,
    judge_again,
    list_flips,
)
from core.decision.finite_counts import count_interval
from core.decision.policy import certify
from core.decision.rule import judge_one
from core.types import GoodOnly, Policy, Targets
from tests.core.decision.policy_cases import plain, population

NONE = -1


def past(verdict, answer=None, drawn=None, chance=None, p=None, case=None):
    verdict = np.array(verdict, np.int8)
    case = np.arange(verdict.size) if case is None else np.array(case)
    cases = int(case.max(initial=-1)) + 1
    answer = np.full(cases, NONE, np.int8) if answer is None else np.array(answer, np.int8)
    drawn = np.zeros(cases, bool) if drawn is None else np.array(drawn, bool)
    return PastVerdicts(
        positive_probability=np.full(verdict.size, 0.5) if p is None else np.array(p, float),
        ood_p=np.ones(verdict.size),
        good_p=np.ones(verdict.size),
        gates_passed=np.ones(verdict.size, bool),
        verdict=verdict,
        case=case,
        case_id=np.array([f"c{number}" for number in range(cases)]),
        answer=answer,
        is_drawn=drawn,
        is_hidden=drawn & (answer == NONE),
        audit_probability=np.full(cases, np.nan) if chance is None else np.array(chance, float),
    )


def limits(t_neg, t_pos, level=None):
    made = certify(plain([], []), plain([], []), Targets(), bundle="b@0")
    bound = None if level is None else GoodOnly(20, 0.05, level)
    return Policy(
        made.bundle, made.targets, t_neg, t_pos, made.escape, made.overkill, made.flagged,
        made.residual, made.deferred, bound,
    )  # fmt: skip


SCORE = st.sampled_from([0.0, 0.2, 0.5, 0.8, 1.0, float("nan")])


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(SCORE, SCORE, SCORE, st.booleans()), min_size=1, max_size=20),
    st.sampled_from([None, 0.2, 0.5]),
    st.sampled_from([None, 0.5, 0.8]),
    st.sampled_from([None, 0.1, 0.5]),
)
def test_many_pictures_are_judged_as_each_by_itself(images, t_neg, t_pos, level):
    columns = [np.array(column) for column in zip(*images, strict=True)]
    good_p = np.nan_to_num(columns[2], nan=1.0)
    whole = past(np.zeros(len(images)))
    judged = PastVerdicts(
        columns[0], columns[1], good_p, columns[3].astype(bool), whole.verdict, whole.case,
        whole.case_id, whole.answer, whole.is_drawn, whole.is_hidden, whole.audit_probability,
    )  # fmt: skip
    policy = limits(t_neg, t_pos, level)
    expected = [
        judge_one(
            p, ood_p, gates_passed=passed, ood_alpha=policy.targets.ood_alpha,
            t_neg=t_neg, t_pos=t_pos, good_p=good, good_level=level,
        )
        for p, ood_p, good, passed in zip(*columns[:2], good_p, columns[3], strict=True)
    ]  # fmt: skip
    assert [SEVERITY[place] for place in judge_again(judged, policy)] == expected


def test_a_case_has_the_worst_verdict_of_its_pictures():
    found = past([PASSES, DEFERS, PASSES, CALLS_OUT], p=[0.1, 0.4, 0.2, 0.9], case=[0, 0, 1, 1])
    assert found.given.tolist() == [DEFERS, CALLS_OUT]
    assert found.case_probability.tolist() == [0.4, 0.9]


def test_shares_are_those_of_the_cases_with_exact_intervals():
    effect = effect_of(past([PASSES] * 10), np.array([PASSES] * 7 + [DEFERS] * 2 + [CALLS_OUT]))
    assert [(rate.k, rate.n) for rate in effect.shares] == [(7, 10), (2, 10), (1, 10)]
    assert effect.automatic.k == 8
    # Clopper and Pearson, 8 of 10.
    assert (effect.automatic.low, effect.automatic.high) == pytest.approx(
        (0.4439, 0.9748), abs=1e-4
    )


def test_of_what_had_passed_only_the_drawn_ones_are_counted():
    # 100 passed; 20 were drawn and answered, 2 of them positive; 3 more were opened by chance.
    drawn = [True] * 20 + [False] * 80
    answer = [CALLS_OUT] * 2 + [PASSES] * 18 + [CALLS_OUT] * 3 + [NONE] * 77
    found = past([PASSES] * 100, answer, drawn, [0.2] * 100)
    escapes = estimate_errors(found, found.given == PASSES, CALLS_OUT)
    assert (escapes.known, escapes.value, escapes.looked_at, escapes.total) == (5, 10.0, 20, 100)
    assert (escapes.low, escapes.high) == count_interval(2, 20, 100)


def test_shares_drawn_differently_are_counted_apart():
    # Half was drawn wholly, of the other half a tenth: 1 of 10 and 1 of 2 answered are positive.
    drawn = [True] * 10 + [True] * 2 + [False] * 18
    answer = [CALLS_OUT] + [PASSES] * 9 + [CALLS_OUT, PASSES] + [NONE] * 18
    found = past([PASSES] * 30, answer, drawn, [1.0] * 10 + [0.1] * 20)
    escapes = estimate_errors(found, found.given == PASSES, CALLS_OUT)
    assert escapes.value == 1 + 10
    first, second = count_interval(1, 10, 10, 0.0125), count_interval(1, 2, 20, 0.0125)
    assert (escapes.low, escapes.high) == (first[0] + second[0], first[1] + second[1])


def test_what_nobody_looked_at_is_unknown_and_not_zero():
    found = past([PASSES] * 50)
    escapes = estimate_errors(found, found.given == PASSES, CALLS_OUT)
    assert (escapes.known, escapes.value, escapes.low, escapes.high) == (0, None, 0, 50)


def test_the_estimate_is_unbiased_and_its_interval_holds():
    rng = np.random.default_rng(3)
    truth, share, values, covered = 12, 0.25, [], 0
    for _ in range(400):
        positive = rng.permutation(120) < truth
        drawn = rng.random(120) < share
        answer = np.where(drawn, np.where(positive, CALLS_OUT, PASSES), NONE)
        found = past([PASSES] * 120, answer, drawn, [share] * 120)
        escapes = estimate_errors(found, found.given == PASSES, CALLS_OUT)
        values.append(escapes.value)
        covered += escapes.low <= truth <= escapes.high
    assert np.mean(values) == pytest.approx(truth, abs=4 * np.std(values) / 20)
    assert covered >= 0.95 * 400


def test_cost_is_reviews_and_errors_at_the_users_own_prices():
    answer = [PASSES, PASSES, CALLS_OUT, CALLS_OUT, PASSES]
    found = past([DEFERS] * 5, answer)
    effect = effect_of(found, np.array([PASSES, PASSES, PASSES, DEFERS, CALLS_OUT]))
    assert effect.cost(Costs(escape=100.0, overkill=10.0, review=1.0)) == (111.0, 111.0, 111.0)
    unknown = effect_of(past([DEFERS] * 5), np.array([PASSES] * 4 + [DEFERS]))
    assert unknown.cost(Costs(100.0, 10.0, 1.0)) == (None, 1.0, 401.0)


def test_costs_below_zero_are_refused():
    with pytest.raises(ValueError, match="escape: expected 0 or more, got -1"):
        Costs(escape=-1.0)


def test_flips_come_with_the_known_escapes_first_and_are_capped_with_a_total():
    given_, answer = [DEFERS] * 6, [NONE, CALLS_OUT, PASSES, NONE, PASSES, NONE]
    found = past(given_, answer, p=[0.1, 0.2, 0.3, 0.4, 0.9, 0.5])
    made = np.array([PASSES, PASSES, PASSES, PASSES, CALLS_OUT, DEFERS])
    flips = list_flips(found, made)
    assert flips.cases.tolist() == [1, 4, 3, 2, 0]
    assert (flips.total, flips.withheld) == (5, 0)
    capped = list_flips(found, made, most=2)
    assert capped.cases.tolist() == [1, 4]
    assert capped.total == 5


def test_a_case_drawn_for_the_audit_is_not_listed_before_it_is_answered():
    found = past([PASSES] * 3, [NONE, PASSES, NONE], [True, True, False], [0.5] * 3)
    flips = list_flips(found, np.full(3, DEFERS))
    assert flips.cases.tolist() == [1, 2]
    assert (flips.total, flips.withheld) == (3, 1)


def test_ten_thousand_cases_take_no_time():
    drawn = population(10_000, 1)
    found = past(np.zeros(10_000), p=drawn.positive_probability)
    policy = limits(0.3, 0.7)
    made = found.worst(judge_again(found, policy))
    p = drawn.positive_probability
    effect = effect_of(found, made)
    assert [rate.k for rate in effect.shares] == [
        int((p <= 0.3).sum()), int(((p > 0.3) & (p < 0.7)).sum()), int((p >= 0.7).sum()),
    ]  # fmt: skip
    assert list_flips(found, made).total == int((p > 0.3).sum())
