"""Bounds on a finite count, against scipy's hypergeometric distribution."""

from __future__ import annotations

import pytest
from scipy.stats import hypergeom

from core.decision.finite_counts import count_interval


@pytest.mark.parametrize("tail", [0.025, 0.005])
@pytest.mark.parametrize("total", [1, 7, 20, 40])
def test_the_bounds_are_those_that_trying_every_count_gives(total, tail):
    for n in range(total + 1):
        for k in range(0, n + 1, 1 + total // 20):
            possible = [
                hits
                for hits in range(k, total - (n - k) + 1)
                if hypergeom.sf(k - 1, total, hits, n) > tail * (1 - 1e-9)
                and hypergeom.cdf(k, total, hits, n) > tail * (1 - 1e-9)
            ]
            assert count_interval(k, n, total, tail) == (min(possible), max(possible))


def test_nothing_is_open_once_all_were_looked_at_and_everything_before():
    assert count_interval(3, 500, 500) == (3, 3)
    assert count_interval(0, 0, 500) == (0, 500)


@pytest.mark.parametrize("hits", [0, 3, 30])
def test_the_bounds_hold_the_truth_at_least_as_often_as_they_say(hits):
    total, n = 60, 20
    covered = sum(
        hypergeom.pmf(k, total, hits, n)
        for k in range(min(hits, n) + 1)
        if count_interval(k, n, total)[0] <= hits <= count_interval(k, n, total)[1]
    )
    assert covered >= 0.95


@pytest.mark.parametrize("wrong", [(2, 1, 5, 0.1), (0, 6, 5, 0.1), (0, 0, 0, 0.5), (-1, 2, 5, 0.1)])
def test_counts_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match="expected 0 <= k"):
        count_interval(*wrong)
