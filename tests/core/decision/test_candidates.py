"""Candidates: a dearer one is kept where it is better, and luck does not make it so."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from core.decision.candidates import can_be_bettered, is_better
from core.decision.splits import folds

TRIED = 3


def out_of_fold(x, labels, fold):
    """Losses of a nearest-mean classifier, each fold judged by the means of the others."""
    losses = np.empty(len(x))
    for held in range(5):
        out = fold == held
        good, bad = (x[~out][labels[~out] == side].mean(axis=0) for side in (0, 1))
        margin = 0.3 * (x[out] - (good + bad) / 2) @ (bad - good)
        losses[out] = np.logaddexp(0.0, np.where(labels[out] == 1, -margin, margin))
    return losses


def drawn(rng, signals, groups=60, each=2, width=20):
    """Draw candidates that see what decides with a signal each, and their losses out of fold."""
    member = np.repeat(np.arange(groups), each)
    labels = np.repeat(rng.permutation(groups) % 2, each)
    fold = folds(labels, member, 5, seed=0)
    found = []
    for signal in signals:
        x = np.repeat(rng.normal(size=(groups, width)), each, axis=0)
        x += 0.3 * rng.normal(size=x.shape)
        x[:, :4] += signal * (labels[:, None] - 0.5)
        found.append(out_of_fold(x, labels, fold))
    return found, member


def kept(found, member):
    best = 0
    for one in range(1, len(found)):
        if is_better(found[one], found[best], member, TRIED):
            best = one
    return best


def test_of_equally_good_candidates_a_later_one_is_kept_at_most_in_a_twentieth():
    rng = np.random.default_rng(0)
    made = [drawn(rng, [1.0] * (1 + TRIED)) for _ in range(300)]
    later = sum(kept(*one) > 0 for one in made)
    least = sum(np.argmin([losses.mean() for losses in found]) > 0 for found, _ in made)
    assert later <= binom.ppf(0.999, 300, 0.05)
    assert least > 200  # the least loss chooses by luck


def test_a_candidate_that_is_much_better_is_kept():
    rng = np.random.default_rng(1)
    chosen = [kept(*drawn(rng, [0.6, 0.6, 2.0], groups=200)) for _ in range(40)]
    assert np.mean(np.array(chosen) == 2) > 0.95


def test_a_group_counts_once_however_many_pictures_it_has():
    rng = np.random.default_rng(2)
    gain = rng.normal(0.1, 0.2, 20)
    assert not is_better(-gain, np.zeros(20), np.arange(20), TRIED)
    many = np.repeat(np.arange(20), 50)
    assert not is_better(-gain[many], np.zeros(1000), many, TRIED)
    assert is_better(-gain[many], np.zeros(1000), np.arange(1000), TRIED)


def test_the_same_losses_are_not_better_and_one_group_says_nothing():
    losses = np.linspace(0.1, 1.0, 30)
    assert not is_better(losses, losses, np.arange(30), TRIED)
    assert not is_better(np.zeros(30), losses, np.zeros(30, np.intp), TRIED)


@pytest.mark.parametrize(("wrong", "room"), [(0, False), (2, False), (40, True)])
def test_where_hardly_a_group_is_predicted_wrongly_nothing_can_be_clearly_better(wrong, room):
    losses = np.full(100, 1e-6)
    losses[:wrong] = 3.0
    losses[0] += 1e-3
    assert can_be_bettered(losses, np.arange(100), TRIED) is room
