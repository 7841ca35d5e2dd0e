"""Candidates: a dearer one is kept where it is better, and luck does not make it so."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from core.decision.candidates import (
    ALPHA,
    REPEATS,
    can_be_improved,
    is_better,
    is_undecided,
    next_level,
)
from core.decision.splits import folds

WEIGHTS = (4.0, 1.0, 1.0)


def out_of_fold(x, labels, fold):
    """Losses of a nearest-mean classifier, each fold judged by the means of the others."""
    losses = np.empty(len(x))
    for held_out in range(5):
        out = fold == held_out
        good, bad = (x[~out][labels[~out] == side].mean(axis=0) for side in (0, 1))
        margin = 0.3 * (x[out] - (good + bad) / 2) @ (bad - good)
        losses[out] = np.logaddexp(0.0, np.where(labels[out] == 1, -margin, margin))
    return losses


def drawn(rng, signals, groups=60, each=2, width=20):
    """Draw candidates that see what decides with a signal each, and their losses out of fold."""
    member = np.repeat(np.arange(groups), each)
    labels = np.repeat(rng.permutation(groups) % 2, each)
    dealt = [folds(labels, member, 5, seed) for seed in range(REPEATS)]
    found = []
    for signal in signals:
        x = np.repeat(rng.normal(size=(groups, width)), each, axis=0)
        x += 0.3 * rng.normal(size=x.shape)
        x[:, :4] += signal * (labels[:, None] - 0.5)
        found.append(np.stack([out_of_fold(x, labels, fold) for fold in dealt]))
    return found, member


def keep(found, member):
    best, kept = 0, []
    for one in range(1, len(found)):
        level = next_level(kept, WEIGHTS)
        kept.append(
            is_undecided(found[one][0], found[best][0], member, level)
            and is_better(found[one], found[best], member, level)
        )
        best = one if kept[-1] else best
    return best


@pytest.mark.parametrize("first", [1.0, 2.0])
def test_of_equally_good_candidates_a_later_one_is_kept_at_most_at_the_stated_rate(first):
    rng = np.random.default_rng(0)
    made = [drawn(rng, [1.0, first, first, first]) for _ in range(150)]
    best = 0 if first == 1.0 else 1
    later = sum(keep(*one) > best for one in made)
    least = sum(np.argmin([losses.mean() for losses in found]) > best for found, _ in made)
    assert later <= binom.ppf(0.999, 150, ALPHA)
    assert least > 90  # the least loss chooses by luck


def test_a_candidate_that_is_much_better_is_kept():
    rng = np.random.default_rng(1)
    chosen = [keep(*drawn(rng, [0.6, 0.6, 2.0], groups=200)) for _ in range(40)]
    assert np.mean(np.array(chosen) == 2) > 0.95


def test_several_deals_show_a_gain_that_one_does_not():
    by_deal = np.where(np.arange(60) % 2, 0.8, -0.8)
    gain = 0.2 + np.stack([by_deal, -by_deal] * (REPEATS // 2))
    level = next_level([], WEIGHTS)
    assert not is_better(-gain[:1], np.zeros((1, 60)), np.arange(60), level)
    assert is_better(-gain, np.zeros((REPEATS, 60)), np.arange(60), level)


def test_a_gain_far_from_clear_is_not_dealt_again():
    noise = np.random.default_rng(3).normal(0.0, 1.0, 100)
    noise = (noise - noise.mean()) / noise.std()
    level = next_level([], WEIGHTS)
    for errors, expected in ((0.5, False), (1.5, True)):
        assert (
            is_undecided(-noise - errors / 10.0, np.zeros(100), np.arange(100), level) is expected
        )


def test_the_share_of_a_candidate_that_is_kept_goes_to_the_next():
    share = ALPHA / 6.0
    levels = [next_level(kept, WEIGHTS) for kept in ([], [True], [False], [True, True])]
    np.testing.assert_allclose(levels, [4 * share, 5 * share, share, 6 * share])
    assert next_level([True, False], WEIGHTS) == pytest.approx(share)


def test_a_group_counts_once_however_many_pictures_it_has():
    rng = np.random.default_rng(2)
    gain = rng.normal(0.1, 0.2, (1, 20))
    level = next_level([], WEIGHTS)
    assert not is_better(-gain, np.zeros((1, 20)), np.arange(20), level)
    many = np.repeat(np.arange(20), 50)
    assert not is_better(-gain[:, many], np.zeros((1, 1000)), many, level)
    assert is_better(-gain[:, many], np.zeros((1, 1000)), np.arange(1000), level)


def test_fewer_folds_share_more_so_that_a_gain_has_to_be_larger():
    gain = np.array([[0.01, 2.01] * 6])
    assert is_better(-gain, np.zeros((1, 12)), np.arange(12), 0.03, folds=5)
    assert not is_better(-gain, np.zeros((1, 12)), np.arange(12), 0.03, folds=2)


def test_the_same_losses_are_not_better_and_one_group_says_nothing():
    losses = np.linspace(0.1, 1.0, 30)[None]
    level = next_level([], WEIGHTS)
    assert not is_better(losses, losses, np.arange(30), level)
    assert not is_better(np.zeros((1, 30)), losses, np.zeros(30, np.intp), level)
    assert not is_undecided(np.zeros(30), losses[0], np.zeros(30, np.intp), level)


@pytest.mark.parametrize(("wrong", "room"), [(0, False), (2, False), (40, True)])
def test_where_hardly_a_group_is_predicted_wrongly_nothing_can_be_clearly_better(wrong, room):
    losses = np.full(100, 1e-6)
    losses[:wrong] = 3.0
    losses[0] += 1e-3
    assert can_be_improved(losses[None], np.arange(100), 0.05) is room
