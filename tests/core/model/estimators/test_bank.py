"""The memory of good patches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.decision.good_only import jackknife_p
from core.model.estimators import bank as banks
from core.model.estimators.bank import Bank, class_scores, fit_bank

CHANNELS = 6


def pictures(rng: np.random.Generator, count: int, places: int = 49) -> list[list[np.ndarray]]:
    spread = np.linspace(0.5, 3.0, CHANNELS)
    return [
        [(rng.normal(size=(places, CHANNELS)) * spread + rng.normal()).astype(np.float32)]
        for _ in range(count)
    ]


def slow_distances(bank_groups: list[list[np.ndarray]], patches: np.ndarray) -> np.ndarray:
    """Every place to every group's nearest patch, one by one, in float64 and with all patches."""
    columns, patches = [], patches - patches.mean(axis=0)
    for group in bank_groups:
        known = np.concatenate([one - one.mean(axis=0) for one in group]).astype(np.float64)
        spread = known.var(axis=0)
        metric = 1.0 / (spread + banks._FLOOR * spread.mean() + banks._TINY)
        apart = ((patches[:, None].astype(np.float64) - known[None]) ** 2 * metric).sum(axis=2)
        columns.append(np.sqrt(apart.min(axis=1)))
    return np.stack(columns, axis=1)


def slow_score(away: np.ndarray) -> float:
    return float(np.sort(away.min(axis=1))[-banks.TOP_PATCHES :].mean())


def test_scores_are_those_of_every_memory_measured_one_by_one() -> None:
    rng = np.random.default_rng(0)
    groups, (new,) = pictures(rng, 5), pictures(rng, 1)[0]
    result = fit_bank(groups).score(new)
    away = slow_distances(groups, new)
    assert result[0] == pytest.approx(slow_score(away), rel=1e-4)
    for left_out in range(5):
        alone = np.delete(away, left_out, axis=1)
        assert result[1 + left_out] == pytest.approx(slow_score(alone), rel=1e-4)


def test_a_memory_without_a_group_is_the_one_that_the_others_make(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(1)
    groups, (new,) = pictures(rng, 6), pictures(rng, 1)[0]
    whole = fit_bank(groups).score(new)
    # As many patches a group as in the memory of six, so that only the group's absence differs.
    monkeypatch.setattr(banks, "MAX_VECTORS", banks.MAX_VECTORS * 5 // 6)
    for left_out in range(6):
        others = fit_bank(groups[:left_out] + groups[left_out + 1 :])
        assert others.score(new)[0] == pytest.approx(float(whole[1 + left_out]), rel=1e-5)


def test_a_remembered_picture_is_not_unusual_at_all_unless_its_group_is_left_out() -> None:
    groups = pictures(np.random.default_rng(2), 5)
    result = fit_bank(groups).score(groups[3][0])
    assert result[[0, 1, 2, 3, 5]] == pytest.approx(0.0, abs=1e-2)
    assert result[4] > 0.5


def test_a_memory_never_grows_beyond_its_bound() -> None:
    rng = np.random.default_rng(3)
    sizes = [
        len(fit_bank(pictures(rng, count, places)).vectors)
        for count, places in ((5, 49), (5, 4900), (100, 196), (banks.MAX_GROUPS, 400))
    ]
    assert sizes[0] == 5 * 49
    assert max(sizes) <= banks.MAX_VECTORS
    assert min(sizes[1:]) >= banks.MAX_VECTORS - banks.MAX_GROUPS


def test_few_remembered_patches_cover_the_picture_better_than_a_random_draw() -> None:
    rng = np.random.default_rng(4)
    points = np.concatenate([rng.normal(0, 0.1, (2000, 4)), rng.normal(5, 0.1, (5, 4))])
    points = points.astype(np.float32)
    apart = np.linalg.norm(points[:, None] - points[banks._k_center(points, 20)][None], axis=2)
    drawn = np.linalg.norm(points[:, None] - points[rng.permutation(2000)[:20]][None], axis=2)
    assert apart.min(axis=1).max() < 0.1 * drawn.min(axis=1).max()


def test_a_mark_raises_the_score_and_the_heat_where_it_is() -> None:
    rng = np.random.default_rng(5)
    groups, (new,) = pictures(rng, 8, 196), pictures(rng, 1, 196)[0]
    memory = finished(fit_bank(groups), groups)
    marked = new.copy()
    marked[30:36] += 12.0
    assert memory.score(marked)[0] > 2 * memory.score(new)[0]
    heat = memory.anomaly_map(marked)
    assert heat.shape == (14, 14)
    assert set(np.argsort(heat.ravel())[-6:]) == set(range(30, 36))
    assert heat.ravel()[30:36].min() > 0.0


def test_its_p_value_is_that_of_the_cross_conformal_rule() -> None:
    rng = np.random.default_rng(6)
    groups, (new,) = pictures(rng, 9), pictures(rng, 1)[0]
    memory = finished(fit_bank(groups), groups)
    result = memory.score(new)
    assert memory.good_p(result) == jackknife_p(result[1:].astype(float), memory.group_scores)
    assert memory.good_p(memory.score(new * 50)) == pytest.approx(0.1)


def test_with_good_groups_to_spare_the_p_value_is_the_plain_rank_among_them() -> None:
    groups = pictures(np.random.default_rng(7), 4)
    memory = replace(fit_bank(groups), reference=np.array([1.0, 2.0, 3.0]))
    assert memory.good_p(np.array([2.5, 0, 0, 0, 0], np.float32)) == 0.5


def test_good_groups_of_one_distribution_are_called_out_no_more_often_than_bounded() -> None:
    rng, alpha, called = np.random.default_rng(8), 0.2, 0
    for _ in range(150):
        *groups, new = pictures(rng, 10, 16)
        memory = finished(fit_bank(groups), groups)
        called += memory.good_p(memory.score(new[0])) <= alpha
    # 99.99 % quantile of 150 draws at 0.2.
    assert called <= 49


def test_log_odds_rise_with_the_score_and_are_zero_at_the_middle_good_group() -> None:
    memory = replace(
        fit_bank(pictures(np.random.default_rng(9), 4)), group_scores=np.array([1.0, 2, 3, 4])
    )
    scores = [memory.log_odds(s) for s in (1.0, 2.5, 4.0, 400.0)]
    assert scores[1] == 0.0
    assert scores == sorted(scores)


def test_as_an_expert_it_gives_the_sides_their_odds_and_tells_no_classes_apart() -> None:
    scores = class_scores(1.5, (True, False, True))
    chance = np.exp(scores) / np.exp(scores).sum()
    assert chance[0] == chance[2]
    assert chance[[0, 2]].sum() == pytest.approx(1 / (1 + np.exp(-1.5)))


def test_what_cannot_be_a_memory_is_refused() -> None:
    groups = pictures(np.random.default_rng(10), 3)
    with pytest.raises(ValueError, match="2 to"):
        fit_bank(groups[:1])
    with pytest.raises(ValueError, match="patches"):
        fit_bank(groups).score(np.zeros((49, CHANNELS + 1), np.float32))


def finished(memory: Bank, groups: list[list[np.ndarray]]) -> Bank:
    held_out = [memory.score(group[0])[1 + i] for i, group in enumerate(groups)]
    return replace(memory, group_scores=np.array(held_out, np.float64))
