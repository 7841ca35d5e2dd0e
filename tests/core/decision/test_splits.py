"""Grouped, stratified splits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.decision.splits import NAMES, folds, hold_out, split_groups
from core.errors import DataError

FRACTIONS = (0.6, 0.2, 0.2)
IMAGES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 15)), max_size=60)


def assert_no_group_is_parted(parts, groups):
    for group in np.unique(groups):
        assert len(np.unique(parts[groups == group])) == 1


def shares(split):
    return [float(np.mean(split == name)) for name in NAMES]


@settings(deadline=None)
@given(images=IMAGES, seed=st.integers(0, 5))
def test_no_group_is_ever_split(images, seed):
    labels = np.array([label for label, _ in images], int)
    groups = np.array([f"g{group}" for _, group in images], str)
    assert_no_group_is_parted(split_groups(labels, groups, FRACTIONS, seed), groups)


@settings(deadline=None)
@given(images=IMAGES.filter(len), seed=st.integers(0, 5), data=st.data())
def test_a_split_depends_on_the_data_and_the_seed_but_not_on_their_order(images, seed, data):
    order = np.array(data.draw(st.permutations(range(len(images)))))
    labels, groups = np.array(images).T
    split = split_groups(labels, groups, FRACTIONS, seed)
    np.testing.assert_array_equal(
        split_groups(labels[order], groups[order], FRACTIONS, seed), split[order]
    )


def test_every_class_and_every_site_keeps_its_shares_to_within_one_group():
    rng = np.random.default_rng(0)
    groups = np.arange(600)
    labels, sites = rng.choice(3, 600, p=[0.7, 0.2, 0.1]), rng.choice(["x", "y"], 600)
    split = split_groups(labels, groups, FRACTIONS, 1, strata=sites)
    assert shares(split) == pytest.approx(FRACTIONS, abs=0.01)
    for label in range(3):
        for site in "xy":
            chosen = split[(labels == label) & (sites == site)]
            for name, fraction in zip(NAMES, FRACTIONS, strict=True):
                assert abs((chosen == name).sum() - fraction * chosen.size) <= 1


def test_a_rare_class_reaches_training_first_and_cal_or_test_next():
    labels = np.array([0] * 50 + [1] + [2] * 3)
    split = split_groups(labels, np.arange(54), FRACTIONS, 0)
    assert split[50] == "train"
    assert "train" in split[51:]
    assert len(set(split[51:])) > 1


def test_a_mixed_group_counts_for_its_rarest_class():
    labels = np.array([0] * 40 + [0, 1] * 10)
    groups = np.array([*range(40), *np.repeat(np.arange(100, 110), 2)])
    split = split_groups(labels, groups, (0.5, 0.5, 0.0), 0)
    assert (split[labels == 1] == "train").sum() == 5
    assert "test" not in split


def test_another_seed_deals_other_groups():
    labels, groups = np.zeros(40, int), np.arange(40)
    first, second = (split_groups(labels, groups, FRACTIONS, seed) for seed in (1, 2))
    assert (first != second).any()


def test_shares_that_do_not_sum_to_one_are_refused():
    with pytest.raises(ValueError, match="sum to 1"):
        split_groups(np.zeros(3), np.arange(3), (0.6, 0.2, 0.3), 0)
    with pytest.raises(ValueError, match="labels"):
        split_groups(np.zeros(2), np.arange(3), FRACTIONS, 0)


@settings(deadline=None)
@given(images=IMAGES.filter(len), data=st.data())
def test_what_is_held_out_depends_on_names_and_labels_alone(images, data):
    order = np.array(data.draw(st.permutations(range(len(images)))))
    labels, groups = np.array(images).T
    held_out = hold_out(labels, groups, 0.4)
    assert_no_group_is_parted(held_out, groups)
    np.testing.assert_array_equal(hold_out(labels[order], groups[order], 0.4), held_out[order])


def test_each_class_is_held_out_by_its_share_and_a_lone_group_is_trained_on():
    labels = np.array([0] * 50 + [1] * 30 + [2])
    held_out = hold_out(labels, np.arange(81), 0.4)
    assert [int(held_out[labels == label].sum()) for label in range(3)] == [20, 12, 0]
    assert (hold_out(labels, np.arange(81), 0.4, key="other") != held_out).any()
    with pytest.raises(ValueError, match="share"):
        hold_out(labels, np.arange(81), 1.4)


def test_a_group_that_is_added_moves_at_most_one_other():
    names = np.array([f"part{i}" for i in range(101)])
    before = hold_out(np.zeros(100), names[:100], 0.4)
    after = hold_out(np.zeros(101), names, 0.4)[:100]
    assert (before != after).sum() <= 1


def test_folds_are_equal_grouped_and_stratified():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(100), rng.integers(1, 5, 100))
    labels = (groups < 30).astype(int)
    fold = folds(labels, groups, 5, 3)
    assert_no_group_is_parted(fold, groups)
    for number in range(5):
        members = np.unique(groups[fold == number])
        assert (members.size, (members < 30).sum()) == (20, 6)


def test_folds_of_many_classes_with_one_group_each_stay_equal():
    fold = folds(np.arange(20), np.arange(20), 5, 0)
    np.testing.assert_array_equal(np.bincount(fold), [4] * 5)


def test_more_folds_than_groups_is_a_lack_of_data():
    with pytest.raises(DataError, match="at least 5 groups, got 2"):
        folds(np.zeros(4), np.array([0, 0, 1, 1]), 5, 0)
