"""Rates from answers that were drawn with unequal probabilities, over all cases and by groups."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from core.decision.back_test import CALLS_OUT, DEFERS, PASSES, PastVerdicts
from core.decision.subgroups import MOST_GROUPS, estimate_rate, rates_by


def audited(n, rng, rate=(0.02, 0.2), share=(0.1, 0.5)):
    """Cases that passed at two sites, of which the worse one is drawn more often."""
    site = (rng.random(n) < 0.2).astype(int)
    q = np.array(share)[site]
    is_wrong = rng.random(n) < np.array(rate)[site]
    drawn = rng.random(n) < q
    answer = np.where(drawn, np.where(is_wrong, CALLS_OUT, PASSES), -1).astype(np.int8)
    past = PastVerdicts(
        positive_probability=np.zeros(n),
        ood_p=np.ones(n),
        good_p=np.ones(n),
        gates_passed=np.ones(n, bool),
        verdict=np.full(n, PASSES, np.int8),
        case=np.arange(n),
        case_id=np.array([f"c{number:05}" for number in range(n)]),
        answer=answer,
        is_drawn=drawn,
        is_hidden=drawn & (answer < 0),
        audit_probability=q,
    )
    return past, is_wrong, site


def test_what_was_drawn_more_often_counts_for_less():
    past, is_wrong, _ = audited(20_000, np.random.default_rng(0))
    found = estimate_rate(past, past.given == PASSES, CALLS_OUT)
    plain = (past.answer == CALLS_OUT).sum() / past.is_drawn.sum()
    assert plain > 1.8 * is_wrong.mean()  # what counting the answers alone would say
    assert found.low <= is_wrong.mean() <= found.high
    assert found.value == pytest.approx(is_wrong.mean(), rel=0.1)
    assert (found.n, found.total) == (past.is_drawn.sum(), 20_000)


def test_the_interval_holds_the_true_share_in_at_least_95_of_100_stores():
    rng = np.random.default_rng(1)
    covering = 0
    for _ in range(300):
        past, is_wrong, _ = audited(400, rng)
        found = estimate_rate(past, past.given == PASSES, CALLS_OUT)
        covering += found.low <= is_wrong.mean() <= found.high
    assert covering >= 0.95 * 300 - 3 * math.sqrt(300 * 0.95 * 0.05)


def test_an_answer_that_nobody_drew_counts_for_nothing():
    past, *_ = audited(2000, np.random.default_rng(2))
    chosen = past.answer.copy()
    chosen[~past.is_drawn] = CALLS_OUT  # a person opened these, knowing why
    mine = past.given == PASSES
    before, after = (
        estimate_rate(one, mine, CALLS_OUT) for one in (past, replace(past, answer=chosen))
    )
    assert before == after


def test_groups_come_with_most_cases_first_and_those_without_answers_say_so():
    past, is_wrong, site = audited(4000, np.random.default_rng(3))
    answer = np.where(site == 1, -1, past.answer).astype(np.int8)
    past = replace(past, answer=answer)
    values = [("north", "any") if one == 0 else ("south", "any") for one in site]
    every, north, south = rates_by(past, values)
    assert [one.name for one in (every, north, south)] == ["any", "north", "south"]
    assert (every.cases, north.cases + south.cases) == (4000, 4000)
    assert north.escapes.low <= is_wrong[site == 0].mean() <= north.escapes.high
    assert south.escapes.describe().startswith("not known yet (0 answers stand for")
    assert (south.escapes.low, south.escapes.high) == (0.0, 1.0)
    assert math.isnan(every.escapes.value)
    assert north.overkills.describe() == "none decided so"


def test_one_value_is_no_group_and_of_many_the_most_frequent_are_shown():
    past, *_ = audited(300, np.random.default_rng(4))
    assert rates_by(past, [("one",)] * 300) == []
    assert rates_by(past, [()] * 300) == []
    many = rates_by(past, [(f"v{number % 40}",) for number in range(300)])
    assert len(many) == MOST_GROUPS
    assert [one.cases for one in many] == [8] * MOST_GROUPS


def test_called_out_cases_are_errors_where_people_find_nothing():
    past, *_ = audited(10, np.random.default_rng(5))
    verdict = np.array([CALLS_OUT] * 4 + [DEFERS] * 6, np.int8)
    answer = np.array([PASSES, CALLS_OUT, CALLS_OUT, CALLS_OUT] + [-1] * 6, np.int8)
    past = replace(past, verdict=verdict, answer=answer)
    found = estimate_rate(past, past.given == CALLS_OUT, PASSES)
    assert (found.value, found.low, found.high) == (0.25, 0.25, 0.25)  # all of them were looked at
